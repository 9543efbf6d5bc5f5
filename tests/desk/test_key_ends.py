"""A key of an agency ends at its desk: one of its own, as pinning takes more where there are more owners."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.desk.office import Office, enter


def test_a_key_of_the_agency_is_retired_and_signs_no_more(page: Page, office: Office) -> None:
    enter(page, office, "ostp.ben")
    page.goto("/account")
    expect(page.locator("main")).to_contain_text("It signs for your agency at openai.")
    page.get_by_text("Retire or revoke ostp.ben").click()
    row = page.get_by_role("row").filter(has_text="ostp.ben").filter(has_text="counts")
    row.get_by_label("Why").fill("It was for a test.")
    row.get_by_role("button", name="Make the statement").click()
    expect(page.locator(".statement")).to_contain_text("ostp.ben of ostp signs no more with the key ")
    page.get_by_role("button", name="Sign with your passkey").click()
    page.wait_for_url("**/account")
    expect(page.locator("main")).to_contain_text("It does not sign for your agency anywhere yet.")
    with office.plane.ledger.reading() as state:
        [own] = [key for key in state.keys.values() if key.owner == "ostp.ben"]
    assert own.ended is not None
    assert own.ended.how == "retired"
