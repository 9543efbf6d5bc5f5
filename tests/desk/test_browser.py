"""The desk's pages in a real browser: no JavaScript, what is new, each step."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.desk.office import WHO, Office, come_in, enter, taken_back


@pytest.fixture(scope="module")
def cases(office: Office) -> list[str]:
    """Cases that wait for the agency."""
    found = [office.submitted(f"Example Office {number}") for number in range(3)]
    office.say(found[0], "oncd", "ask", reason="What is it for?")
    for each in found:
        office.known(each)
    return found


def test_a_reviewer_without_javascript_reads_all_and_is_told_the_command(
    browser: Browser, office: Office, cases: list[str]
) -> None:
    with browser.new_context(base_url=office.url, java_script_enabled=False) as context:
        opened = context.new_page()
        come_in(opened, office, "ostp.plain")
        opened.goto("/")
        opened.get_by_role("link", name="Example Office 1").click()
        opened.get_by_role("link", name="Object", exact=True).click()
        opened.get_by_label("Your reason").fill("It is too early.")
        opened.get_by_role("button", name="Go on to what you sign").click()
        said = opened.locator("main").inner_text()
        assert "You object to “Example Office 1” for gpt-5.6 on the surface api." in said
        assert "No passkey of yours signs for ostp here" in said
        taken_back(opened)
        assert "Nothing waits for a signature" in opened.locator("main").inner_text()


def test_what_is_new_since_one_last_looked_is_marked_for_that_one(
    page: Page, office: Office, cases: list[str]
) -> None:
    come_in(page, office, "ostp.reads")
    page.goto("/?state=all")
    row = page.get_by_role("row").filter(has_text="Example Office 1")
    expect(row).to_contain_text("new")
    row.get_by_role("link").click()
    page.goto("/?state=all")
    expect(row.locator(".state")).to_have_count(0)
    office.say(cases[1], "oncd", "no-objection")
    office.follow_now()
    office.known(cases[1])
    page.goto("/?state=all")
    expect(row).to_contain_text("1 new")
    row.get_by_role("link").click()
    expect(page.locator(".news")).to_contain_text("says: no objection")


def test_each_step_is_signed_with_a_passkey(page: Page, office: Office, cases: list[str]) -> None:
    enter(page, office)
    first, second, third = cases
    _step(page, first, "Ask the applicant", reason="What do you run?")
    expect(page.locator("main")).to_contain_text("Waits for the applicant's answer")
    _step(page, second, "Approve with conditions", rpm="60", declared="retentionDays: 30")
    expect(page.locator("main")).to_contain_text("On conditions: requests per minute 60; retention days 30")
    _step(page, third, "Refer it to another agency", reason="They know it.")
    expect(page.locator("main")).to_contain_text("refers it to caisi, which joins those who decide")
    _step(page, third, "Recuse your agency", reason="Our former employer.", sealed=True)
    main = page.locator("main")
    expect(main).to_contain_text("recuse")
    expect(main).to_contain_text("Our former employer.")
    with office.plane.ledger.reading() as state:
        last = {each: state.cases[each].history[-1] for each in cases}
    assert [last[each].owners for each in cases] == [(WHO,)] * 3
    assert last[third].reason == ""
    more = [office.submitted(f"Example Lab {number}") for number in range(2)]
    for each in more:
        office.known(each)
    page.goto("/?text=Example Lab")
    for each in more:
        page.locator(f"input[value='openai/{each}']").check()
    page.get_by_role("button", name="Say one thing in all that are chosen").click()
    page.get_by_label("No objection").check()
    page.get_by_role("button", name="Go on to what you sign").click()
    expect(page.locator(".statement")).to_contain_text(
        "You say this in 2 cases, in the order of their arrival:"
    )
    page.get_by_role("button", name="Sign with your passkey").click()
    page.wait_for_url("**/cases/**")
    with office.plane.ledger.reading() as state:
        assert {state.cases[each].history[-1].position for each in more} == {"no-objection"}


def _step(page: Page, case: str, name: str, **said: Any) -> None:
    """Take a step in a case, up to the record."""
    page.goto(f"/i/openai/cases/{case}")
    page.get_by_role("link", name=name, exact=True).click()
    for key, label in (("reason", "Your"), ("rpm", "Requests per minute"), ("declared", "Other conditions")):
        if key in said:
            page.get_by_label(label).first.fill(said[key])
    if said.get("sealed"):
        page.get_by_label("Seal the reason").check()
    page.get_by_role("button", name="Go on to what you sign").click()
    page.get_by_role("button", name="Sign with your passkey").click()
    page.wait_for_url("**/cases/**")


def test_who_neither_made_a_statement_nor_may_sign_it_does_not_take_it_back(
    browser: Browser, page: Page, office: Office, cases: list[str]
) -> None:
    come_in(page, office, "ostp.made")
    page.goto(f"/i/openai/cases/{cases[0]}/abstain")
    page.get_by_role("button", name="Go on to what you sign").click()
    page.wait_for_url("**/statements/*")
    path = page.url.removeprefix(office.url)
    with browser.new_context(base_url=office.url) as context:
        other = context.new_page()
        come_in(other, office, "ostp.other")
        other.goto(path)
        expect(other.locator("main")).to_contain_text("Made by ostp.made")
        expect(other.get_by_role("link", name="Take it back")).to_have_count(0)
        other.goto(f"{path}/forget")
        expect(other.locator("main")).to_contain_text("who made a statement, or may sign it, takes it back")
    page.get_by_role("link", name="Take it back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Take back what ostp.made has made")
    page.get_by_role("button", name="Take back the statement of ostp.made").click()
    page.wait_for_url("**/statements")
