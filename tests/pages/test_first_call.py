"""From a link to an answer, with the processes of `demo run`: a key that is made in the browser works at the
gateway, in the code that the page shows.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.demo.commands import FREE_PORTS, Command, paste
from tests.waiting import BOUND_S

CLIENTS = Path(__file__).parents[2] / ".venv-clients" / "bin" / "python"
GATEWAY = "https://GATEWAY"
"""What stands for the address of a gateway whose address no one has said."""
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        context.set_default_timeout(BOUND_S * 1_000)
        yield context.new_page()


def code(page: Page, name: str) -> str:
    """The code that the page shows for a client."""
    shown = page.locator("details", has=page.locator("summary", has_text=re.compile(f"{name}$")))
    return shown.locator("pre").text_content() or ""


def test_a_key_made_on_a_page_is_answered_in_the_code_of_the_page(page: Page, tmp_path: Path) -> None:
    with Command(tmp_path, "run", "--state", "state", *FREE_PORTS) as demo:
        text = demo.says("begin again, delete")
        link = re.search(r"applicant +(http://control\.localhost:\S+)", text)
        gateway = re.search(r"gateway +(http://127\.0\.0\.1:\d+)", text)
        assert link is not None
        assert gateway is not None
        page.goto(link[1])
        page.get_by_role("button", name="Sign in as").click()
        page.wait_for_url("**/account")
        page.get_by_role("link", name="Your applications").click()
        page.locator("#grants + table").get_by_role("link", name="gpt-5.6").first.click()
        page.get_by_role("button", name="Make a key").click()
        expect(page.locator("#made-key")).to_have_text(re.compile("sg_.{49}"))
        variables = (page.locator("#code ~ pre").first.text_content() or "").replace(GATEWAY, gateway[1])
        for name, python in (("openai", "python"), ("anthropic", "python"), ("openai-agents", str(CLIENTS))):
            if name == "openai-agents" and not CLIENTS.is_file():
                continue
            said = paste(f"PATH={PATH}\n{variables}\n{python} - <<'END'\n{code(page, name)}\nEND")
            assert "You said: Hello" in said, name
        assert "You said: Hello" in paste(f"{variables}\n{code(page, 'curl')}")
