"""A reviewer's journey on a real Chromium with an authenticator in software: from the list to a position that
the record verifies and that a gateway with a trust file honours.
"""

from __future__ import annotations

import hashlib
from typing import Any

from playwright.sync_api import Page, expect

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.terms.trust import Floor, Releases
from sluicegate_record.terms.rule import Rule
from sluicegate_record.verify import verify
from tests import worlds
from tests.desk.office import WHO, Office, enter, holder
from tests.worlds import PINS, RELEASE


def test_from_the_list_to_a_position_that_a_gateway_honours(page: Page, office: Office) -> None:
    enter(page, office)
    case = office.submitted()
    office.say(case, "oncd", reason="We know them.")
    office.known(case)
    page.goto("/")
    row = page.get_by_role("row").filter(has_text="Example Utility")
    expect(row).to_contain_text("waits for you")
    row.get_by_role("link", name="Example Utility").click()
    main = page.locator("main")
    expect(main).to_contain_text("May this organization use the models of this stage on this surface?")
    expect(main).to_contain_text("We know them.")
    expect(main).to_contain_text("It runs a grid.")
    page.get_by_role("link", name="Confirm receipt").click()
    expect(main).to_contain_text("5 business days, by the calendar us-federal")
    page.get_by_role("button", name="Go on to what you sign").click()
    page.get_by_role("button", name="Sign with your passkey").click()
    expect(main).to_contain_text("your time is over at the end of")
    page.get_by_role("link", name="Approve", exact=True).click()
    expect(main).to_contain_text("Then enough agencies have said yes, and the case is decided.")
    page.get_by_label("Your reason").fill("They keep the lights on.")
    page.get_by_role("button", name="Go on to what you sign").click()
    said = page.locator(".statement")
    expect(said).to_contain_text("You approve “Example Utility” for gpt-5.6 on the surface api until ")
    expect(said).to_contain_text("Your reason will be public: “They keep the lights on.”")
    page.get_by_role("button", name="Sign with your passkey").click()
    expect(page.get_by_role("status").first).to_contain_text("as this desk has verified it")
    expect(main).to_contain_text("Decided: approved")

    audit = verify(office.plane.url, office.plane.ledger.vkey())
    assert audit.ok, audit
    with office.plane.ledger.reading() as state:
        [said_by] = [each for each in state.cases[case].history if each.agency == "ostp"]
        grant = state.cases[case].grant
    assert said_by.owners == (WHO,)
    assert grant is not None
    assert isinstance(_asked(office, grant), Allow)


def _asked(office: Office, grant: str) -> Any:
    """What a gateway decides that counts only what its trust file vouches for: it names no passkey."""
    key = hashlib.sha256(b"a key").digest()
    path = f"/api/v1/grants/{grant}/credentials"
    office.ask(path, {"digest": key.hex()}, "applicant", name=holder("Example Utility"))
    ledger = office.plane.ledger
    floor = Floor(Rule("allOf", ("oncd", "ostp")), {worlds.MODEL: "demo"})
    table = VouchedTable(Releases(worlds.DEVELOPER, ledger.vkey(), PINS, {RELEASE: floor}))
    for entry in ledger.entries(0, ledger.size()):
        table.apply(entry)
    now_ms = ledger.now_ms()
    return decision.decide(Ask(key, worlds.MODEL, "api"), table, Instant(now_ms, now_ms))
