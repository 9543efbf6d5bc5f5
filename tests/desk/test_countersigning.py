"""Two owners of an agency sign at its desk, each at a browser of their own, with a passkey of their own."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.desk.office import WHO, Office, ask_for_pin, countersigned, enter
from tests.waiting import BOUND_S

OTHER = "ostp.ben"
ONE_MORE = f"Signed by {WHO}. Not enough: 1 owner of ostp must sign it still"
SENT_AGAIN = """([path, fields]) =>
  fetch(path, { method: "POST", body: new URLSearchParams(fields) }).then((answer) => answer.text())"""


@pytest.fixture
def owners(browser: Browser, office: Office) -> Iterator[tuple[Page, Page]]:
    """Two people at two browsers."""
    with (
        browser.new_context(base_url=office.url) as first,
        browser.new_context(base_url=office.url) as second,
    ):
        for each in (first, second):
            each.set_default_timeout(BOUND_S * 1_000)
        yield first.new_page(), second.new_page()


def test_a_position_of_two_owners_is_on_the_record_once_both_have_signed_and_no_one_signs_twice(
    owners: tuple[Page, Page], office: Office
) -> None:
    anna, ben = owners
    enter(anna, office)
    _joins(ben, anna, office)
    case = office.asked_for_two()
    office.known(case)
    anna.goto(f"/i/openai/cases/{case}")
    anna.get_by_role("link", name="Approve", exact=True).click()
    expect(anna.locator("main")).to_contain_text("It counts once two owners of ostp have signed it.")
    anna.get_by_role("button", name="Go on to what you sign").click()
    said = anna.locator(".statement").inner_text()
    _signs_once(anna)
    with office.plane.ledger.reading() as state:
        assert state.cases[case].positions == {}

    ben.goto("/statements")
    ben.get_by_role("link", name="You approve").click()
    expect(ben.locator("main")).to_contain_text(
        f"Signed by {WHO}. Not enough: 1 owner of ostp must sign it still"
    )
    assert ben.locator(".statement").inner_text() == said
    ben.get_by_role("button", name="Sign with your passkey").click()
    ben.wait_for_url(f"**/cases/{case}?done=*")
    expect(ben.locator("main")).to_contain_text(f"Signed by {WHO} and {OTHER}.")
    with office.plane.ledger.reading() as state:
        assert state.cases[case].positions["ostp"].owners == (WHO, OTHER)
    anna.reload()
    expect(anna.locator("main")).to_contain_text("no such statement waits here")


def _joins(page: Page, owner: Page, office: Office) -> None:
    """Another owner: the agency has two already, and both sign, one of them at the desk."""
    ask_for_pin(page, office, OTHER)
    expect(page.locator("main")).to_contain_text("2 owners of ostp must sign it still")
    owner.goto("/statements")
    owner.get_by_role("link", name=f"{OTHER} signs for ostp with a new key").click()
    owner.get_by_role("button", name="Sign with your passkey").click()
    expect(owner.locator("main")).to_contain_text(f"Signed by {WHO}. Not enough: 1 owner")
    page.reload()
    countersigned(page, office)


def _signs_once(page: Page) -> None:
    """Someone signs, and cannot do so again: not by the page, and not by sending the same again."""
    with page.expect_request(lambda each: each.method == "POST") as sent:
        page.get_by_role("button", name="Sign with your passkey").click()
    main = page.locator("main")
    expect(main).to_contain_text(ONE_MORE)
    expect(main).to_contain_text("Another owner signs it next")
    expect(page.get_by_role("button", name="Sign with your passkey")).to_have_count(0)
    fields = parse_qsl(sent.value.post_data or "", keep_blank_values=True)
    assert "Not done" in page.evaluate(SENT_AGAIN, [sent.value.url, fields])
    assert "Not enough: 1 owner" in page.evaluate(SENT_AGAIN, [sent.value.url, [*fields[:1], ["answer", ""]]])
    page.reload()
    expect(main).to_contain_text(ONE_MORE)
