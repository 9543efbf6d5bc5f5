"""The holder of a grant that a list gave hears of it what a holder hears who applied for its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sluicegate.acts import accounts, grants, releases, subscriptions
from sluicegate_record.terms.quorum import parties_of
from tests.listing import FILE, LISTED
from tests.plane import Plane, yes
from tests.worlds import API, AT_MS, DAY_MS, RELEASE, STAGE, plan_value, stage

NAME = "Example Listed"
PARTNERS = "partners"
CONDITIONS = {"validFor": "P90D"}


@pytest.fixture
def plane() -> Plane:
    """Two stages are open: one for applicants, and one for those on a list."""
    plane = Plane()
    stages = [stage(conditions=CONDITIONS), stage(PARTNERS, audience=LISTED, conditions=CONDITIONS)]
    text, lists = json.dumps(plan_value(stages=stages, surfaces=[API])), {FILE: [NAME]}
    asked = plane.do("developer", releases.APPLY, text=text, file="plan.yaml", lists=lists)
    for case in yes(asked).cases:
        for agency in sorted(parties_of(plane.case(case).rule)):
            plane.say(case, agency)
    for each in (STAGE, PARTNERS):
        yes(plane.open(RELEASE, each))
    return plane


def heard(plane: Plane, subscription: str) -> list[str]:
    """The topics that wait for a subscription, oldest first."""
    letters = sorted(plane.store.contents.waiting.values(), key=lambda each: each[0])
    return [json.loads(each.body)["type"] for _, each in letters if each.subscription == subscription]


def listening(plane: Plane, who: str) -> str:
    added = yes(plane.do(who, subscriptions.ADD, kind="webhook", target=f"https://{who}.example/hook"))
    return str(added.subscription)


def listed(plane: Plane) -> str:
    """The organization on the list gets an account, with which `rival` issues keys; its grant."""
    text = json.dumps({"name": NAME, "registeredIn": "US"})
    yes(plane.do("developer", accounts.OPEN, organization=text, holder=plane.who["rival"].id))
    plane.ledger.tick()
    (grant,) = yes(plane.do("rival", grants.LIST)).grants
    return str(grant.grant)


def suspended(plane: Plane, grant: str, holder: str) -> None:
    yes(plane.do("developer", grants.SUSPEND, grant=grant, code="misuse"))
    yes(plane.do("developer", grants.RESUME, grant=grant))


def surrendered(plane: Plane, grant: str, holder: str) -> None:
    yes(plane.do(holder, grants.SURRENDER, grant=grant))


def expired(plane: Plane, grant: str, holder: str) -> None:
    plane.wall.at_ms = AT_MS + 91 * DAY_MS
    plane.ledger.tick()


def removed(plane: Plane, grant: str, holder: str) -> None:
    case = yes(plane.do("developer", grants.REMOVE, grant=grant, code="misuse", text="a notice")).case
    for agency in ("oncd", "ostp"):
        plane.say(case, agency)


@pytest.mark.parametrize("happens", [suspended, surrendered, expired, removed])
def test_it_hears_what_an_applicant_hears(plane: Plane, happens: Callable[[Plane, str, str], Any]) -> None:
    subscribed = {who: listening(plane, who) for who in ("applicant", "rival")}
    held = {"applicant": plane.admit("applicant", "Example Applicant"), "rival": listed(plane)}
    told = {who: heard(plane, each) for who, each in subscribed.items()}
    assert told["applicant"][-1] == told["rival"][-1] == "grant.approved"
    for who, grant in held.items():
        happens(plane, grant, who)
    after = {who: heard(plane, each)[len(told[who]) :] for who, each in subscribed.items()}
    assert after["rival"] == after["applicant"] != []
