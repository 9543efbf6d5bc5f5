"""Who hears that a stage opens: those whose grants go on as part of it, before and when it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import releases, subscriptions
from sluicegate_record.log import times
from sluicegate_record.statements.releases import StageClosing
from tests.plane import Plane, yes
from tests.worlds import AT_MS, DAY_MS, OFFICER, RELEASE, STAGE, opening, plan_value, signed, stage

GENERAL = "general"
BASIS = {"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"}
WHO = ("developer", "oncd", "applicant", "rival")


def plan(**grants: Any) -> dict[str, Any]:
    """A preview, and everyone ten days after it."""
    general = stage(
        GENERAL,
        basis=BASIS,
        audience="everyone",
        admission=None,
        conditions=None,
        opensWhen={"allOf": [{"soak": "P10D"}]},
        grants=grants or None,
    )
    return plan_value(stages=[stage(), general])


@pytest.fixture
def plane() -> Plane:
    """The preview is open, and one organization holds a grant of it, on two surfaces."""
    plane = Plane()
    plane.opened(plan(**{STAGE: {"become": GENERAL}}))
    plane.admit("applicant")
    return plane


def told(plane: Plane, subscription: str) -> list[tuple[str, str]]:
    """The topics about openings that wait for a subscription, each with the moment."""
    letters = sorted(plane.store.contents.waiting.values(), key=lambda each: each[0])
    bodies = [json.loads(letter.body) for _, letter in letters if letter.subscription == subscription]
    return [(each["type"], each["data"]["opens"]) for each in bodies if each["type"].startswith("stage.")]


def test_the_holders_of_those_grants_hear_of_it_before_and_when_it_opens(plane):
    heard = {
        name: yes(plane.do(name, subscriptions.ADD, kind="webhook", target=f"https://{name}.example/hook"))
        for name in WHO
    }
    for days in (2, 3, 10, 11):
        plane.wall.at_ms = AT_MS + days * DAY_MS
        plane.ledger.tick()
    opens = times.format_time(AT_MS + 10 * DAY_MS)
    both = [("stage.foreseen", opens), ("stage.opened", opens)]
    found = {name: told(plane, each.subscription) for name, each in heard.items()}
    assert found == {name: both if name == "applicant" else [] for name in WHO}


def test_the_status_says_how_many_they_are(plane):
    (release,) = plane.do("developer", releases.STATUS).releases
    assert [each.becoming for each in release.stages] == [None, 1]
    (release,) = plane.do("applicant", releases.STATUS).releases
    assert [each.becoming for each in release.stages] == [None, None]


def test_the_holders_of_a_stage_hear_that_it_closes_and_opens_again(plane):
    heard = {
        name: yes(plane.do(name, subscriptions.ADD, kind="webhook", target=f"https://{name}.example/hook"))
        for name in WHO
    }
    closing = StageClosing(log=plane.ledger.vkey(), release=RELEASE, stage=STAGE, reason="a jailbreak")
    yes(plane.do("developer", releases.CLOSE, envelope=signed(closing.payload(), OFFICER).to_json()))
    with plane.ledger.reading() as state:
        envelope = opening(state, RELEASE, STAGE)
    yes(plane.do("developer", releases.OPEN, envelope=envelope.to_json()))
    found = {name: topics(plane, each.subscription) for name, each in heard.items()}
    both = ["stage.closed", "stage.opened"]
    assert found == {name: both if name == "applicant" else [] for name in WHO}


def test_the_holder_of_a_grant_that_goes_on_elsewhere_hears_of_it(plane):
    heard = {
        name: yes(plane.do(name, subscriptions.ADD, kind="webhook", target=f"https://{name}.example/hook"))
        for name in ("applicant", "rival")
    }
    applied = plane.apply(plan_value(stages=[stage("partners", grants={STAGE: {"become": "partners"}})]))
    for asked in applied.to_agree:
        for agency in asked.awaiting:
            plane.say(asked.case, agency)
    with plane.ledger.reading() as state:
        envelope = opening(state, RELEASE, "partners")
    yes(plane.do("developer", releases.OPEN, envelope=envelope.to_json()))
    plane.ledger.tick()
    found = {name: topics(plane, each.subscription) for name, each in heard.items()}
    assert found == {"applicant": ["stage.opened", "grant.moved"], "rival": []}


def topics(plane: Plane, subscription: str) -> list[str]:
    """The topics about stages and grants that wait for a subscription."""
    letters = sorted(plane.store.contents.waiting.values(), key=lambda each: each[0])
    bodies = [json.loads(letter.body) for _, letter in letters if letter.subscription == subscription]
    return [each["type"] for each in bodies if each["type"].startswith(("stage.", "grant."))]
