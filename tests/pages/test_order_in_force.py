"""An officer's journey with a gateway that follows the log: letter, in force everywhere, licence, lift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.cast import DEVELOPER, OFFICER, Cast, Customer, Place
from demo.moved import ANSWERED, FollowingGateway, MovedSite
from demo.paperwork import Paperwork
from sluicegate.acts import licences
from sluicegate.acts.licences import LicenceRequest
from tests.pages.keyboard import CALM, choose, follow, give, press, reach, skip, write
from tests.pages.officers import clear, passkey_of, trusted
from tests.waiting import BOUND_S
from tests.worlds import digest, plan_value, stage

NAME, MODEL, SMALL = "by-letter", "gpt-5.6", "gpt-5.6-small"
UTILITY = Customer("Example Utility", "utility", Place(MODEL, "trusted-partners", "api"))
REFUSED = "directive_in_force"
LETTER = b"No one may use gpt-5.6."
ORDER = f"""apiVersion: sluicegate/v1
kind: Directive
metadata: {{name: {NAME}}}
spec:
  issuer: oncd
  basis: {{kind: order, authority: "a letter"}}
  action: suspend
  models: [{MODEL}]
  surfaces: all
  covers: everyone
  reasons: {{form: verbal, summary: "by telephone"}}
"""


class Scene:
    """A model that one organization uses through a gateway, and two officers at their browsers."""

    def __init__(self, folder: Path, browser: Browser, stack: ExitStack) -> None:
        folder.mkdir()
        self.site = MovedSite(folder, Cast(folder, ("oncd", "ostp"), (OFFICER,)), "2026-06-24T15:00")
        self.papers: Paperwork = stack.enter_context(self.site.open())
        plan = folder / "plan.yaml"
        plan.write_text(json.dumps(_plan()))
        for case in self.papers.apply_plan(plan).cases:
            self.papers.decide(case)
        self.papers.open_stage(MODEL, UTILITY.place.stage)
        (folder / "utility.yaml").write_text(json.dumps({"name": UTILITY.name, "registeredIn": "US"}))
        self.grant = self.papers.decide(self.papers.submit(UTILITY)).grant
        assert self.grant is not None
        self.key = self.papers.issue(UTILITY, self.grant.grant).key
        self.gateway = FollowingGateway(self.site, "gateway-1", "api")
        url = self.site.url.replace("127.0.0.1", "control.localhost")
        self.pages = [
            stack.enter_context(browser.new_context(base_url=url, **CALM)).new_page()
            for _ in ("first", "second")
        ]
        for number, page in enumerate(self.pages):
            page.set_default_timeout(BOUND_S * 1_000)
            trusted(self.site.ledger, passkey_of(self.site.ledger, page, url, f"officer-{number}"))

    def asked(self, model: str = MODEL) -> str:
        """What the organization gets at the gateway, once that has followed the log."""
        return self.gateway.asked(self.key, model)


def _plan() -> dict[str, Any]:
    agencies = {"oncd": {"name": "ONCD", "directs": [MODEL, SMALL]}, "ostp": {"name": "OSTP"}}
    return plan_value(MODEL, models=(MODEL, SMALL), stages=[stage()], agencies=agencies)


@pytest.fixture
def scene(tmp_path: Path, browser: Browser) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(tmp_path / "scene", browser, stack)


def test_an_order_from_letter_to_lift_by_keyboard_alone(scene: Scene) -> None:
    first, second = scene.pages
    assert scene.asked() == ANSWERED
    said = _written_down(first)
    clear(first)
    follow(first.get_by_role("button", name="Sign with your passkey"))
    expect(first.locator("main")).to_contain_text("It lacks 1 signature")
    assert scene.asked() == ANSWERED
    second.goto("/board")
    skip(second)
    follow(second.get_by_role("link", name="To sign"))
    follow(second.get_by_role("link", name=f"You put the directive {NAME}"))
    assert second.locator(".card").inner_text() == said
    follow(second.get_by_role("button", name="Sign with your passkey"))
    expect(second.locator("main")).to_contain_text("written down by officers")
    verdict = second.locator(".live .verdict")
    expect(verdict).to_have_text("0 of 1 so far.")
    assert scene.asked() == REFUSED
    assert scene.asked() == REFUSED  # its next question to the feed acknowledges what it has applied
    expect(verdict).to_contain_text("In force everywhere since")
    expect(second.get_by_role("row", name="gateway-1")).to_contain_text("acknowledged")
    clear(second)
    _excepted(scene, second)
    press(second.locator("summary", has_text="All of it"))
    follow(second.get_by_role("button", name="Open the case"))
    follow(second.get_by_role("link", name="There is one already"))
    scene.papers.decide(second.url.rpartition("/")[2])
    second.goto(f"/directives/{NAME}")
    expect(verdict).to_have_text("It is over.")
    assert scene.asked() == ANSWERED


def _written_down(page: Page) -> str:
    """An officer puts a letter beside the order, looks who it covers, changes it, and says how it came; what
    the officers sign, in words.
    """
    page.goto("/directives")
    skip(page)
    follow(page.get_by_role("link", name="Write down"))
    order = page.get_by_role("textbox", name="Text", exact=True)
    write(order, ORDER.replace("covers: everyone", "covers: {organizations: [Example Library]}"))
    write(page.get_by_role("textbox", name="The letter's text"), LETTER.decode())
    reach(page.get_by_role("button", name="Show who it covers"), back=True)
    follow(page.get_by_role("button", name="Show who it covers"))
    expect(page.get_by_role("textbox", name="The letter's text")).to_have_value(LETTER.decode())
    write(order, ORDER)
    follow(page.get_by_role("button", name="Show who it covers"))
    expect(page.get_by_role("rowheader", name=UTILITY.name)).to_be_visible()
    clear(page)
    choose(page.get_by_label("How", exact=True), "letter")
    reach(page.get_by_label("On which day"))
    page.keyboard.type("06242026")
    expect(page.get_by_label("On which day")).to_have_value("2026-06-24")
    give(
        page.get_by_label("The letter", exact=True),
        {"name": "letter.txt", "mimeType": "text/plain", "buffer": LETTER},
    )
    expect(page.get_by_label("Digest of the letter")).to_have_value(digest(LETTER.decode()))
    follow(page.get_by_role("button", name="Show what I sign"))
    said = page.locator(".card").inner_text()
    assert f"You put the directive {NAME} in force: oncd suspends {MODEL}." in said
    assert "It covers everyone, on all surfaces." in said
    return said


def _excepted(scene: Scene, page: Page) -> None:
    """A licence, which the officer sees, and ends at once."""
    asked = scene.papers.customer(UTILITY).do(licences.REQUEST, LicenceRequest(directive=NAME))
    page.goto("/cases?kind=licence")
    follow(page.get_by_role("rowheader").get_by_role("link"))
    scene.papers.decide(asked.case)
    assert scene.asked() == ANSWERED
    page.goto(f"/directives/{NAME}")
    press(page.get_by_role("region", name="Licences").locator("summary"))
    write(page.get_by_role("textbox", name="Reason"), "it was a test")
    follow(page.get_by_role("button", name="End it at once"))
    assert scene.asked() == REFUSED


BOTH = ORDER.replace(f"[{MODEL}]", f"[{MODEL}, {SMALL}]").replace(
    "  covers:", f"  licensedBy: {{allOf: [{DEVELOPER}]}}\n  covers:"
)


def _sign(page: Page) -> None:
    page.get_by_role("button", name="Sign with your passkey").focus()
    page.keyboard.press("Enter")


def _in_force(first: Page, second: Page, order: str) -> None:
    """Two officers put an order in force that came by telephone."""
    first.goto("/order")
    first.get_by_role("textbox", name="Text", exact=True).fill(order)
    first.get_by_role("button", name="Show who it covers").click()
    first.get_by_label("How", exact=True).select_option("call")
    first.get_by_label("On which day").fill("2026-06-24")
    first.get_by_label("Or what was said").fill("no one may use it")
    first.get_by_role("button", name="Show what I sign").click()
    path = first.url
    _sign(first)
    expect(first.locator("main")).to_contain_text("It lacks 1 signature")
    second.goto(path)
    _sign(second)
    second.wait_for_url(f"**/directives/{NAME}?done=directive.issue~*")


def test_officers_grant_a_licence_and_lift_a_part_of_an_order(scene: Scene) -> None:
    first, second = scene.pages
    _in_force(first, second, BOTH)
    assert scene.asked() == REFUSED
    asked = scene.papers.customer(UTILITY).do(licences.REQUEST, LicenceRequest(directive=NAME))
    second.goto(f"/directives/{NAME}")
    clear(second)
    second.get_by_role("link", name=f"Decide about an exception for {UTILITY.name}").click()
    clear(second)
    second.get_by_role("link", name="Say what the developer says in a case").click()
    second.get_by_label("Position").select_option("approve-with-conditions")
    second.get_by_label("Requests per minute").fill("60")
    second.get_by_role("button", name="Show what I sign").click()
    card = second.locator(".card")
    expect(card).to_contain_text(f"{DEVELOPER} says in the case {asked.case} of \u201c{UTILITY.name}\u201d")
    expect(card).to_contain_text("On the condition: requests per minute 60")
    clear(second)
    _sign(second)
    second.wait_for_url(f"**/cases/{asked.case}?done=position.import~*")
    assert scene.asked() == ANSWERED
    second.goto(f"/directives/{NAME}")
    second.get_by_role("region", name="Licences").locator("summary").click()
    second.get_by_role("textbox", name="Reason").fill("it was a test")
    second.get_by_role("button", name="End it at once").click()
    second.wait_for_url(f"**/directives/{NAME}?done=licence.end~*")
    assert scene.asked(SMALL) == REFUSED
    second.get_by_text(f"Only for {SMALL}").click()
    second.get_by_role("button", name="Open the case").click()
    second.wait_for_url(f"**/directives/{NAME}?done=directive.lift~*")
    second.get_by_role("link", name="write it down").click()
    second.get_by_label("Position").select_option("approve")
    second.get_by_label("How", exact=True).select_option("letter")
    second.get_by_label("On", exact=True).fill("2026-06-24")
    second.get_by_label("Note").fill("the small one may be used again")
    second.get_by_role("button", name="Show what I sign").click()
    expect(card).to_contain_text("You write down, as two officers, that oncd agrees to what the case")
    expect(card).to_contain_text(f"Scope, models: {SMALL}")
    said = card.inner_text()
    _sign(second)
    expect(second.locator("main")).to_contain_text("It lacks 1 signature")
    assert scene.asked(SMALL) == REFUSED
    first.goto("/to-sign")
    first.get_by_role("link", name="You write down, as two officers").click()
    assert card_of(first) == said
    _sign(first)
    first.wait_for_url("**/cases/*?done=position.import~*")
    assert (scene.asked(SMALL), scene.asked()) == (ANSWERED, REFUSED)


def card_of(page: Page) -> str:
    """What a page of a statement says in words."""
    return page.locator(".card").inner_text()


def test_a_directive_is_tried_out_as_a_drill_from_its_page(scene: Scene) -> None:
    first, second = scene.pages
    _in_force(first, second, ORDER)
    second.get_by_role("button", name="Try it out as a drill").click()
    expect(second.get_by_role("heading", name="Who this order covers")).to_be_visible()
    expect(second.get_by_label("As a drill, which refuses no request")).to_have_value("yes")
    second.get_by_role("button", name="Show what I sign").click()
    expect(second.locator(".card .lead")).to_contain_text(
        f"You put the drill, which refuses no request, {NAME}-again-drill-"
    )
    expect(second.locator(".card")).to_contain_text("You write down what came as a call of 2026-06-24")
    expect(second.locator(".card")).to_contain_text("no one may use it")
