"""Pictures of the pages, with the weeks of the demonstration: `python -m tools.screenshots FOLDER`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import sync_playwright

from demo.story_weeks import PARTNERS, UTILITY, Weeks
from demo.telling import Page
from sluicegate.acts import grants
from sluicegate.acts.grants import GrantFilter, GrantSummary

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


def of_applicant(held: Sequence[GrantSummary]) -> Iterator[Picture]:
    """The pages of an applicant who holds grants."""
    yield Picture("applications", "/applications")
    yield Picture("application", f"/applications/{held[0].case}")
    yield Picture("grant", f"/grants/{held[0].grant}")
    yield Picture("apply", f"/apply/{PARTNERS.release}/{PARTNERS.stage}")


STAFF = (
    Picture("board", "/board"),
    Picture("board-release", "/board/gpt-5.6"),
    Picture("cases", "/cases"),
    Picture("plan", "/plan/gpt-5.6"),
    Picture("directive", "/directives/bis-2026-06-12"),
    Picture("order", "/order"),
)
"""The pages of the developer's staff."""


def take(folder: Path) -> None:
    """Tell the weeks, and picture each page at each width. Raises: whatever keeps a page from being shown."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        weeks = Weeks(Path(scratch) / "weeks", stack)
        for part in (weeks.june, weeks.ordered, weeks.previewed, weeks.restored, weeks.general):
            part(Page())
        site = weeks.site
        held = weeks.paperwork.customer(UTILITY).do(grants.LIST, GrantFilter()).grants
        playwright = stack.enter_context(sync_playwright())
        found = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for width in WIDTHS:
            own = weeks.paperwork.link(weeks.paperwork.customer(UTILITY))
            context = browser.new_context(
                base_url=own.partition("/welcome")[0],
                viewport={"width": width, "height": HEIGHT},
                timezone_id="Etc/UTC",
            )
            opened = context.new_page()
            _pictured(opened, pictures(site.ledger.size()), folder, width)
            for link, wanted in (
                (own, of_applicant(held)),
                (weeks.paperwork.link(weeks.paperwork.staff()), STAFF),
            ):
                opened.goto(link)
                opened.get_by_role("button").click()
                opened.wait_for_url("**/account")
                _pictured(opened, wanted, folder, width)
            context.close()
        browser.close()


def _pictured(opened: BrowserPage, wanted: Iterable[Picture], folder: Path, width: int) -> None:
    for each in wanted:
        opened.goto(each.path, wait_until="networkidle")
        opened.screenshot(path=folder / f"{each.name}-{width}.png")


if __name__ == "__main__":
    take(Path(sys.argv[1]))
