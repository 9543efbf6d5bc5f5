"""What follows from the positions of a case."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record.log import times
from sluicegate_record.log.times import DAY_MS
from tests.worlds import Followed, World, position, stage


def world_of(rule: dict[str, Any], **changes: Any) -> World:
    return World.opened(stages=[stage(admission={"mode": "approve", "grant": rule}, **changes)])


BOTH = {"allOf": ["oncd", "ostp"]}
MOST = {"majorityOf": ["caisi", "oncd", "ostp"]}
TWO = {"atLeast": {"n": 2, "of": ["caisi", "oncd", "ostp"]}}


@pytest.mark.parametrize(
    ("rule", "said", "outcome", "code"),
    [
        (BOTH, ["oncd approve", "ostp recuse"], "approved", None),
        (BOTH, ["oncd recuse", "ostp recuse"], "returned", "recused"),
        (BOTH, ["oncd recuse", "ostp object"], "denied", "objection"),
        (BOTH, ["oncd recuse", "oncd approve", "ostp abstain"], None, None),
        (BOTH, ["oncd abstain", "ostp approve"], None, None),
        (BOTH, ["oncd no-objection", "ostp no-objection"], "approved", None),
        (BOTH, ["oncd ask", "ostp approve"], None, None),
        (MOST, ["oncd recuse", "ostp approve"], None, None),
        (MOST, ["oncd recuse", "ostp approve", "caisi approve"], "approved", None),
        (MOST, ["oncd recuse", "ostp object"], "denied", "objection"),
        (MOST, ["oncd recuse", "ostp recuse", "caisi approve"], "approved", None),
        (TWO, ["oncd recuse", "ostp approve"], None, None),
        (TWO, ["oncd recuse", "ostp approve", "caisi approve"], "approved", None),
        (TWO, ["oncd recuse", "ostp recuse"], "denied", "recused"),  # two of one is nobody
        ({"anyOf": ["oncd", "ostp"]}, ["oncd abstain", "ostp recuse"], None, None),
    ],
)
def test_the_outcome_of_what_was_said(
    rule: dict[str, Any], said: list[str], outcome: str | None, code: str | None
) -> None:
    world = world_of(rule)
    case = world.submit()
    world.all_say(case, *said)
    assert (case.outcome, case.reason_code) == (outcome, code)
    assert (case.grant is not None) is (outcome == "approved")


def test_a_recusal_takes_back_what_was_said_before() -> None:
    world = world_of(TWO)
    case = world.submit()
    world.all_say(case, "oncd approve", "oncd recuse", "ostp approve")
    assert case.grant is None
    world.all_say(case, "caisi approve")
    assert case.grant is not None


def conditional(case: Followed, agency: str, **conditions: Any) -> RecordPosition:
    return RecordPosition(position(case, agency, "approve-with-conditions", conditions=conditions))


def declared(value: Any) -> dict[str, Any]:
    return {"value": value, "declared": True}


def test_the_strictest_conditions_are_those_of_the_grant() -> None:
    world = world_of(BOTH)
    case = world.submit()
    world.must(conditional(case, "oncd", requestsPerMinute=60, logs=declared(30)))
    world.must(conditional(case, "ostp", requestsPerMinute=6_000, validFor="P10D", logs=declared(30)))
    assert case.outcome == "approved-with-conditions"
    grant = world.state.table.grants_by_id[case.grant or ""]
    assert grant.requests_per_minute == 60
    assert grant.valid_until_ms == world.now_ms + 10 * DAY_MS
    assert world.entries[-1].public["conditions"]["logs"] == declared(30)


def test_contradictory_conditions_wait_until_somebody_gives_way() -> None:
    world = world_of(BOTH)
    case = world.submit()
    world.must(conditional(case, "oncd", logs=declared(30)))
    world.must(conditional(case, "ostp", logs=declared(90)))
    assert (case.state, case.grant) == ("in_review", None)
    world.must(conditional(case, "ostp", logs=declared(30)))
    assert case.grant is not None


def test_what_contradicts_the_terms_waits_too() -> None:
    world = world_of(BOTH, conditions={"logs": declared(30)})
    case = world.submit()
    world.must(conditional(case, "oncd", logs=declared(90)))
    world.say(case, "ostp")
    assert case.grant is None


def test_a_denial_says_who_denies_and_until_when_to_reply_and_to_appeal() -> None:
    world = world_of(BOTH)
    case = world.submit()
    world.all_say(case, "ostp object")
    public = world.entries[-1].public
    assert public["because"] == ["ostp"]
    day = DAY_MS
    assert times.parse_time(public["replyBy"]) == world.now_ms + 10 * day
    assert times.parse_time(public["appealBy"]) == world.now_ms + 30 * day


def test_the_determination_rests_on_named_positions() -> None:
    world = world_of(BOTH)
    case = world.submit()
    world.all_say(case, "oncd no-objection", "ostp recuse")
    granted = world.entries[-1].public
    assert [said["agency"] for said in granted["positions"]] == ["oncd"]
