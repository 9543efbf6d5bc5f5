"""Pictures of the public pages, with the weeks of the demonstration: `python -m tools.screenshots FOLDER`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import sync_playwright

from demo.story_weeks import Weeks
from demo.telling import Page

WIDTHS = (1_280, 375)
HEIGHT = 900


class Picture(NamedTuple):
    """What is pictured, under which name."""

    name: str
    path: str


def pictures(size: int) -> Iterator[Picture]:
    """The pages of a log of `size` entries."""
    yield Picture("releases", "/releases")
    yield Picture("release", "/releases/gpt-5.6")
    yield Picture("record", "/record")
    yield Picture("entry", f"/record/{size - 1}")


def take(folder: Path) -> None:
    """Tell the weeks, and picture each page at each width. Raises: whatever keeps a page from being shown."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        weeks = Weeks(Path(scratch) / "weeks", stack)
        for part in (weeks.june, weeks.ordered, weeks.previewed, weeks.restored, weeks.general):
            part(Page())
        site = weeks.site
        playwright = stack.enter_context(sync_playwright())
        found = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for width in WIDTHS:
            context = browser.new_context(
                base_url=site.url, viewport={"width": width, "height": HEIGHT}, timezone_id="Etc/UTC"
            )
            opened = context.new_page()
            for each in pictures(site.ledger.size()):
                opened.goto(each.path, wait_until="networkidle")
                opened.screenshot(path=folder / f"{each.name}-{width}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
