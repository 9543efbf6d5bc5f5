"""A desk beside a developer's control plane, both on real sockets, with a stage that is open."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from demo.fleet import in_a_thread, served
from sluicegate import bootstrap
from sluicegate.client import signing
from sluicegate.desk import people
from sluicegate.desk.instances import Instance, Instances
from sluicegate.settings import DeskSettings, HttpSettings
from tests import worlds
from tests.control.conftest import Plane
from tests.pages.conftest import HOSTILE, RTL
from tests.pages.signing_in import authenticator
from tests.waiting import eventually
from tests.worlds import RELEASE, STAGE, private_key

WHO = "ostp.anna"
TWO = "by-two"
"""A release for which two owners must sign."""
DAYS = {"within": 5, "unit": "business-days"}


def holder(organization: str) -> str:
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
        self._opened(plan)

    def asked_for_two(self) -> str:
        """An application in which a position of the agency needs two of its owners."""
        admission = {"mode": "approve", "grant": {"anyOf": ["ostp"]}, "countersign": ["ostp"]}
        self._opened(worlds.plan_value(TWO, models=(TWO,), stages=[worlds.stage(admission=admission)]))
        return self.submitted("Example Pair", TWO)

    def _opened(self, plan: Mapping[str, Any]) -> None:
        release = plan["metadata"]["name"]
        for case in self.ask("/api/v1/releases", {"text": json.dumps(plan)})["cases"]:
            for agency in ("oncd", "ostp"):
                self.say(case, agency)
        with self.plane.ledger.reading() as state:
            envelope = worlds.opening(state, release, STAGE)
        self.ask("/api/v1/releases/openings", {"envelope": envelope.to_json()})

    def say(self, case: str, agency: str, word: str = "approve", **said: Any) -> None:
        with self.plane.ledger.reading() as state:
            envelope = worlds.position(state.cases[case], agency, word, **said)
        self.ask("/api/v1/positions", {"envelope": envelope.to_json()})

    def submitted(self, name: str = "Example Utility", release: str = RELEASE) -> str:
        organization = json.dumps({"name": name, "registeredIn": "US", "intendedUse": HOSTILE[:60]})
        asked = {"release": release, "stage": STAGE, "surface": "api", "organization": organization}
        case: str = self.ask("/api/v1/applications", asked, "applicant", name=holder(name))["application"]
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

    def follow_now(self) -> None:
        """Have the desk read the log to its end."""
        self.wired.site.followings["openai"].follow()

    def known(self, case: str) -> None:
        """Wait until the desk has read a case."""
        following = self.wired.site.followings["openai"]

        def is_known() -> bool | None:
            with following.lock:
                return following.known(case) is not None or None

        eventually(is_known)


@contextmanager
def running(folder: Path) -> Iterator[Office]:
    """A desk and a control plane that it follows, both served."""
    made = Office(folder)
    with served(made.plane.wired) as made.plane.url:
        made.opened()
        with in_a_thread(partial(bootstrap.serve_desk, made.follow())) as url:
            made.url = url.replace("127.0.0.1", "desk.localhost")
            yield made


def come_in(page: Page, office: Office, who: str) -> None:
    """Come in by a link."""
    memory, sign_ins = office.wired.site.memory, office.wired.site.door.store
    page.goto(people.let_in(memory, sign_ins, who, bootstrap.wall_ms()))
    page.get_by_role("button", name=f"Sign in as {who}").click()


def enter(page: Page, office: Office, who: str = WHO) -> None:
    """Come in by a link, with a passkey that the agency has pinned."""
    ask_for_pin(page, office, who)
    expect(page.locator("main")).to_contain_text("1 owner of ostp must sign it still")
    page.goto("/account")
    page.get_by_role("link", name="The statement that pins it").click()
    countersigned(page, office)


def ask_for_pin(page: Page, office: Office, who: str) -> None:
    """Come in by a link, make a passkey, and with it sign the statement that pins it."""
    authenticator(page)
    come_in(page, office, who)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("What to call it").fill("laptop")
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("button", name="Make the statement that pins it").last.click()
    expect(page.locator(".statement")).to_contain_text(f"{who} signs for ostp with a new key")
    expect(page.locator(".statement")).to_contain_text(re.compile(rf"it is the passkey .* of {who}\."))
    page.get_by_role("button", name="Sign with your passkey").click()


def countersigned(page: Page, office: Office) -> None:
    """An owner with a key file signs what is to be signed, at a command line."""
    page.get_by_text("Sign with a key file").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="The file with what was signed").click()
    given = json.loads(download.value.path().read_text())
    office.ask("/api/v1/keys", {"envelope": signing.countersigned(given, private_key("ostp"))})
    office.follow_now()
    page.reload()
    expect(page.locator("main")).to_contain_text("It does not fit any more: this key is pinned already.")
    taken_back(page)


def taken_back(page: Page) -> None:
    """Take a statement back, once it is said whose it is."""
    page.get_by_role("link", name="Take it back").click()
    page.get_by_role("button", name="Take back the statement of").click()
    page.wait_for_url("**/statements")
