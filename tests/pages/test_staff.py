"""The pages of the developer's staff, in a real browser: who sees them, what they show, what they do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from sluicegate.control.pages import PAGES
from sluicegate.pages import manager
from tests.control.conftest import Plane
from tests.pages import offices
from tests.pages.conftest import HOSTILE, LONG, RTL
from tests.pages.signing_in import named, sign_in
from tests.waiting import BOUND_S

STAFF = [page for page in PAGES if page.roles == manager.STAFF]
RELEASE, STAGE = "gpt-5.6", "trusted-partners"


@pytest.fixture(scope="module")
def asked(site: Plane) -> str:
    """A case in which an organization with hostile texts applies."""
    said = {"name": HOSTILE[:60], "registeredIn": "US", "intendedUse": f"{HOSTILE} {RTL} {LONG}"}
    body = {"release": RELEASE, "stage": STAGE, "surface": "api", "organization": json.dumps(said)}
    with site.client(site.token("applicant")) as applicant:
        answer = applicant.post("/api/v1/applications", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["application"])


@pytest.fixture(scope="module", autouse=True)
def _ordered(site: Plane) -> None:
    """A directive with hostile texts is in force."""
    offices.ordered(site)


@pytest.fixture
def page(browser: Browser, site: Plane) -> Iterator[Page]:
    with browser.new_context(base_url=named(site)) as context:
        context.set_default_timeout(BOUND_S * 1_000)
        yield context.new_page()


def paths(case: str) -> list[str]:
    """A path of each page of staff."""
    places = {"release": RELEASE, "case": case, "directive": offices.ORDER}
    others = ["/board/hostile", "/plan/hostile", "/cases?state=submitted", "/to-sign"]
    found = [each.path.format(**places) for each in STAFF] + others
    return [f"{each}?of={RELEASE}" if each == "/early-access" else each for each in found]


@pytest.mark.parametrize("role", ["agency", "applicant"])
def test_no_one_else_sees_a_page_of_staff(page: Page, site: Plane, asked: str, role: str) -> None:
    sign_in(page, site, role, f"other-{role}", "ostp" if role == "agency" else None)
    for path in paths(asked):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 403, path
        assert RELEASE not in page.locator("main").inner_text()
    page.context.clear_cookies()
    page.goto("/board")
    page.wait_for_url("**/sign-in?next=/board")


def test_what_people_wrote_is_text_on_every_page(page: Page, site: Plane, asked: str) -> None:
    said = list[str]()
    page.on("dialog", lambda each: said.append(each.message))
    sign_in(page, site, "developer", "hostile-texts")
    for path in paths(asked):
        page.goto(path)
        assert page.locator("main script, main img").count() == 0, path
        assert "49" not in page.locator("h1").inner_text()
    page.goto(f"/cases/{asked}")
    expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
    assert said == []


def test_a_case_is_found_and_returned_by_keyboard_alone_without_javascript(
    browser: Browser, site: Plane, asked: str
) -> None:
    del asked
    with browser.new_context(base_url=named(site), java_script_enabled=False) as context:
        opened = context.new_page()
        sign_in(opened, site, "developer", "no-scripts")
        opened.goto("/cases")
        opened.get_by_label("Part of the organization").fill("script")
        opened.keyboard.press("Enter")
        opened.get_by_role("rowheader").get_by_role("link").focus()
        opened.keyboard.press("Enter")
        opened.locator("summary", has_text="Return it").focus()
        opened.keyboard.press("Enter")
        opened.get_by_role("textbox", name="Text").fill("no one can be reached there")
        opened.keyboard.press("Tab")
        opened.keyboard.press("Enter")
        expect(opened.get_by_role("status")).to_have_text(
            re.compile("^Done: return a deficient application without a decision")
        )
        expect(opened.locator(".lead")).to_contain_text("returned")


def test_a_plan_is_changed_from_its_text_to_in_force_without_javascript(
    browser: Browser, site: Plane
) -> None:
    with browser.new_context(base_url=named(site), java_script_enabled=False) as context:
        opened = context.new_page()
        sign_in(opened, site, "developer", "planning")
        opened.goto("/plan/hostile")
        text = opened.get_by_role("textbox", name="Text")
        written = text.input_value()
        text.fill(written.replace("requestsPerMinute: 600", "requestsPerMinute: many"))
        opened.get_by_role("button", name="Show what it changes").click()
        alert = opened.get_by_role("alert")
        expect(alert).to_contain_text("Line ")
        expect(alert.locator("pre")).to_have_text("      requestsPerMinute: many")
        text.fill(written.replace("requestsPerMinute: 600", "requestsPerMinute: 900"))
        opened.get_by_role("button", name="Show what it changes").click()
        main = opened.locator("main")
        expect(main.locator("del")).to_have_text("600")
        expect(main.locator("ins")).to_have_text("900")
        expect(main.locator(".effects")).to_contain_text("oncd")
        opened.get_by_role("button", name="Put this plan in force").click()
        opened.wait_for_url("**/board/hostile?done=plan.apply~*")
        opened.goto("/plan/hostile")
        assert opened.get_by_role("textbox", name="Text").input_value() == written.replace(": 600", ": 900")
