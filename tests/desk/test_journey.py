"""A reviewer's journey on a real Chromium with an authenticator in software: from the list to a position that
the record verifies and that a gateway with a trust file honours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from sluicegate import bootstrap
from sluicegate.client import signing
from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.terms.trust import Floor, Releases
from sluicegate.desk import people
from sluicegate.desk.instances import Instance, Instances
from sluicegate.settings import DeskSettings, HttpSettings
from sluicegate_record.terms.rule import Rule
from sluicegate_record.verify import verify
from tests import worlds
from tests.control.conftest import Plane, in_a_thread, served
from tests.pages.conftest import HOSTILE, RTL
from tests.pages.signing_in import authenticator
from tests.waiting import BOUND_S, eventually
from tests.worlds import PINS, RELEASE, STAGE, private_key

WHO = "ostp.anna"
DAYS = {"within": 5, "unit": "business-days"}


def _holder(organization: str) -> str:
    """What the holder of an applicant's token is called."""
    return hashlib.sha256(organization.encode()).hexdigest()[:12]


class Office:
    """An agency's desk, beside a developer's control plane with a stage that is open."""

    def __init__(self, folder: Path) -> None:
        (folder / "plane").mkdir()
        self.plane = Plane(folder / "plane", HttpSettings(burst=10_000))
        self.settings = DeskSettings(folder / "desk", port=0, http=HttpSettings(burst=10_000))
        self.url = ""
        self.path = ""

    def ask(self, path: str, body: Any, role: str = "developer", **who: Any) -> Any:
        with self.plane.client(self.plane.token(role, **who)) as client:
            answer = client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def opened(self) -> None:
        """A stage that is agreed to and open, with a criterion, a referral and a clock."""
        admission = {
            "mode": "approve",
            "grant": {"allOf": ["oncd", "ostp"]},
            "clock": {
                "within": 5,
                "unit": "business-days",
                "calendar": "us-federal",
                "silence": "no-objection",
            },
        }
        stage = worlds.stage(admission=admission, eligibility={"criteria": ["It runs a grid.", HOSTILE, RTL]})
        plan = worlds.plan_value(
            stages=[stage], referrals={"from": ["ostp"], "to": ["caisi"], "binding": True}
        )
        for case in self.ask("/api/v1/releases", {"text": json.dumps(plan)})["cases"]:
            for agency in ("oncd", "ostp"):
                self.say(case, agency)
        with self.plane.ledger.reading() as state:
            envelope = worlds.opening(state, RELEASE, STAGE)
        self.ask("/api/v1/releases/openings", {"envelope": envelope.to_json()})

    def say(self, case: str, agency: str, word: str = "approve", **said: Any) -> None:
        with self.plane.ledger.reading() as state:
            envelope = worlds.position(state.cases[case], agency, word, **said)
        self.ask("/api/v1/positions", {"envelope": envelope.to_json()})

    def submitted(self, name: str = "Example Utility") -> str:
        organization = json.dumps({"name": name, "registeredIn": "US", "intendedUse": HOSTILE[:60]})
        asked = {"release": RELEASE, "stage": STAGE, "surface": "api", "organization": organization}
        case: str = self.ask("/api/v1/applications", asked, "applicant", name=_holder(name))["application"]
        return case

    def follow(self) -> bootstrap.WiredDesk:
        """Wire the desk, with the control plane among its instances, and someone let in."""
        token = self.plane.token("agency", "ostp", "ostp")
        vkey = self.plane.ledger.vkey()
        instance = Instance(name="openai", url=self.plane.url, agency="ostp", token=token, vkey=vkey)
        Instances(self.settings.folder).put(instance)
        wired = bootstrap.desk(self.settings)
        self.path = people.let_in(wired.site.memory, wired.site.door.store, WHO, bootstrap.wall_ms())
        self.wired = wired
        return wired

    def known(self, case: str) -> None:
        """Wait until the desk has read a case."""
        following = self.wired.site.followings["openai"]

        def is_known() -> bool | None:
            with following.lock:
                return following.known(case) is not None or None

        eventually(is_known)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("office"))
    with served(made.plane.wired) as made.plane.url:
        made.opened()
        with in_a_thread(partial(bootstrap.serve_desk, made.follow())) as url:
            made.url = url.replace("127.0.0.1", "desk.localhost")
            yield made


@pytest.fixture
def page(browser: Browser, office: Office) -> Iterator[Page]:
    with browser.new_context(base_url=office.url) as context:
        context.set_default_timeout(BOUND_S * 1_000)
        yield context.new_page()


def _enter(page: Page, office: Office) -> None:
    """Come in by a link, with a passkey that the agency has pinned."""
    authenticator(page)
    memory, sign_ins = office.wired.site.memory, office.wired.site.door.store
    page.goto(people.let_in(memory, sign_ins, WHO, bootstrap.wall_ms()))
    page.get_by_role("button", name=f"Sign in as {WHO}").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("What to call it").fill("laptop")
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("button", name="Make the statement that pins it").last.click()
    expect(page.locator(".statement")).to_contain_text(f"From now on {WHO} signs for ostp")
    page.get_by_role("button", name="Sign with your passkey").click()
    expect(page.locator("main")).to_contain_text("1 owner of ostp must sign it still")
    _countersigned(page, office)


def _countersigned(page: Page, office: Office) -> None:
    """An owner with a key file signs what is to be signed, at a command line."""
    page.get_by_text("Sign with a key file").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="The file with what was signed").click()
    given = json.loads(download.value.path().read_text())
    office.ask("/api/v1/keys", {"envelope": signing.countersigned(given, private_key("ostp"))})
    page.get_by_role("button", name="Take it back").click()


def test_from_the_list_to_a_position_that_a_gateway_honours(page: Page, office: Office) -> None:
    _enter(page, office)
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
    expect(said).to_contain_text("You approve Example Utility for gpt-5.6 on the surface api until ")
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
    office.ask(path, {"digest": key.hex()}, "applicant", name=_holder("Example Utility"))
    ledger = office.plane.ledger
    floor = Floor(Rule("allOf", ("oncd", "ostp")), {worlds.MODEL: "demo"})
    table = VouchedTable(Releases(worlds.DEVELOPER, ledger.vkey(), PINS, {RELEASE: floor}))
    for entry in ledger.entries(0, ledger.size()):
        table.apply(entry)
    now_ms = ledger.now_ms()
    return decision.decide(Ask(key, worlds.MODEL, "api"), table, Instant(now_ms, now_ms))
