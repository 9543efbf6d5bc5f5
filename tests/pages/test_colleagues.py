"""Two people of one customer, each in a browser of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.control.conftest import Plane
from tests.pages import offices
from tests.pages.applicants import applied, browsing, serving
from tests.pages.signing_in import authenticator, named, sign_in


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with serving(tmp_path_factory.mktemp("colleagues")) as made:
        yield made


def make_key(page: Page, grant: str, label: str) -> None:
    page.goto(f"/grants/{grant}")
    page.get_by_label("Label").fill(label)
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("#made-key")).to_have_text(re.compile("sg_.{49}"))
    page.reload()
    expect(page.locator("#keys ~ table")).to_contain_text(label)


def test_one_invites_another_both_make_keys_and_one_ends_the_other(browser: Browser, site: Plane) -> None:
    grant = offices.admit(site, applied(site, "acme", "Acme Works"))
    with browsing(browser, site) as boss, browsing(browser, site) as ana:
        sign_in(boss, site, "applicant", "acme")
        boss.get_by_role("link", name="People who sign in").click()
        boss.get_by_label("Their name").fill("Ana Álvarez")
        boss.get_by_role("button", name="Invite", exact=True).click()
        link = boss.get_by_text("/welcome/").inner_text()

        authenticator(ana)
        ana.goto(link)
        ana.get_by_role("button", name="Sign in as Ana Álvarez").click()
        ana.get_by_role("link", name="Add a passkey").click()
        ana.get_by_label("What to call it").fill("ana's laptop")
        ana.get_by_role("button", name="Make a passkey").click()
        expect(ana.get_by_role("rowheader", name="ana's laptop")).to_be_visible()
        make_key(ana, grant, "made by ana")
        make_key(boss, grant, "made by the boss")
        ana.reload()
        expect(ana.locator("#keys ~ table")).to_contain_text("made by the boss")

        boss.goto("/colleagues")
        boss.get_by_role("link", name="Ana").click()
        expect(boss.get_by_role("rowheader", name="ana's laptop")).to_be_visible()
        boss.go_back()
        change(boss, "Ana", "End access")
        expect(boss.get_by_role("row", name="Ana")).to_contain_text("access ended")

        ana.reload()
        ana.wait_for_url(re.compile(r"/sign-in\?next="))
        ana.get_by_role("button", name="Use a passkey").click()
        expect(ana.locator("main")).to_contain_text("the passkey is not known here")
        boss.goto(f"/grants/{grant}")
        expect(boss.locator("#keys ~ table")).to_contain_text("made by ana")


def change(page: Page, who: str, what: str) -> None:
    """Change something about a colleague: it takes a look first."""
    row = page.get_by_role("row", name=who)
    row.get_by_text("Change").click()
    row.get_by_role("button", name=what).click()


def test_administrators_say_who_comes_in_without_javascript(browser: Browser, site: Plane) -> None:
    plain: dict[str, Any] = {"base_url": named(site), "java_script_enabled": False}
    with browser.new_context(**plain) as first, browser.new_context(**plain) as second:
        boss, bo = first.new_page(), second.new_page()
        sign_in(boss, site, "applicant", "grid")
        boss.goto("/colleagues")
        expect(boss.get_by_role("button", name="End access")).to_have_count(0)
        expect(boss.get_by_role("row", name="grid")).to_contain_text("one administrator always stays")
        expect(boss.get_by_label("Their name")).to_have_attribute("required", "")
        boss.get_by_label("Their name").fill("Bo")
        boss.get_by_role("button", name="Invite", exact=True).click()
        bo.goto(boss.get_by_text("/welcome/").inner_text())
        bo.get_by_role("button", name="Sign in as Bo").click()
        bo.goto("/colleagues")
        expect(bo.get_by_role("row", name="Bo")).to_contain_text("colleague")
        expect(bo.get_by_role("button")).to_have_count(0)
        boss.goto("/colleagues")
        change(boss, "Bo", "Make administrator")
        expect(boss.get_by_role("row", name="Bo")).to_contain_text("administrator")
        bo.reload()
        change(bo, "grid", "No administrator any more")
        expect(bo.get_by_role("row", name="grid")).to_contain_text("colleague")
        boss.reload()
        expect(boss.get_by_role("button")).to_have_count(0)
