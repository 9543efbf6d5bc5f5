"""An officer's journey with a gateway that follows the log: letter, in force everywhere, licence, lift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.cast import OFFICER, Cast, Customer, Place
from demo.moved import ANSWERED, FollowingGateway, MovedSite
from demo.paperwork import Paperwork
from sluicegate.acts import licences
from sluicegate.acts.licences import LicenceRequest
from tests.pages.keyboard import CALM, choose, follow, give, press, reach, skip, write
from tests.pages.officers import clear, passkey_of, trusted
from tests.waiting import BOUND_S
from tests.worlds import digest, plan_value, stage

NAME, MODEL = "by-letter", "gpt-5.6"
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

    def asked(self) -> str:
        """What the organization gets at the gateway, once that has followed the log."""
        return self.gateway.asked(self.key, MODEL)


def _plan() -> dict[str, Any]:
    agencies = {"oncd": {"name": "ONCD", "directs": [MODEL]}, "ostp": {"name": "OSTP"}}
    return plan_value(MODEL, models=(MODEL,), stages=[stage()], agencies=agencies)


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
    write(page.get_by_label("On which day"), "2026-06-24")
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
