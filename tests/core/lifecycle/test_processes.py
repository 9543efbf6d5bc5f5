"""Review processes that exist, written as plans and played day by day: what happened on which date.

Dates are counted by hand. Everything is done at noon UTC, and what was due at midnight is seen at noon:
so a time whose last day is the 5th is over on the 6th. Figures that their sources do not give, or that could
not be confirmed there, are values of the test's own plan and marked as such.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sluicegate.core.lifecycle.applications import Answer, Reply, Return
from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record.terms.quorum import parties_of
from tests.worlds import (
    DEVELOPER,
    OFFICER,
    Followed,
    World,
    application,
    pin,
    plan_value,
    position,
    receipt,
    signed,
    stage,
    start,
)

AGENCIES = ("commerce", "defense", "energy", "state")
DONE = {
    "case.escalated": lambda e: f"{e.public['agency'] or 'case'} to {e.public['to']}",
    "case.silent": lambda e: f"{e.public['agency']} silent: {e.public['meaning']}",
    "case.determined": lambda e: e.public["outcome"],
    "grant.ended": lambda e: f"grant {e.public['how']}",
}


def world_of(**admission: Any) -> World:
    """A stage open under these rules; `trade` speaks through two of its owners."""
    world = World(started=False)
    owners = [*(pin(agency) for agency in AGENCIES), pin("first", "trade"), pin("second", "trade")]
    world.must(start(pins=[pin(OFFICER, DEVELOPER), *owners]))
    asked = {"kind": "agreed", "askedBy": ["commerce"], "how": "a letter", "askedOn": "2026-06-01"}
    body = stage(basis=asked, admission={"mode": "approve", **admission}, conditions=None)
    world.apply(plan_value(agencies={name: {"name": name} for name in (*AGENCIES, "trade")}, stages=[body]))
    for case in list(world.cases()):
        for agency in sorted(parties_of(case.rule)):
            world.must(
                RecordPosition(position(case, agency, signer="first" if agency == "trade" else agency))
            )
    world.open()
    return world


def noon(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() * 1000)


def do(world: World, case: Followed, act: str) -> None:
    """`received by X`, `X approve`, `answered X`, `replied`, `returned`, `applies again`, `removal`."""
    match act.split():
        case ["received", "by", agency]:
            world.must(receipt(case, agency))
        case ["answered", agency]:
            world.must(Answer(case.id, agency, "so it is"))
        case ["replied"]:
            world.must(Reply(case.id, "but"))
        case ["returned"]:
            world.must(Return(case.id, "a form is missing"))
        case ["applies", "again"]:
            assert world.submit("org-1").id != case.id
        case ["removal"]:
            assert case.grant is not None
            world.must(OpenRemoval(case.grant, "misuse", "why"))
        case [agency, word]:
            world.must(RecordPosition(position(case, agency, word, reason="why")))
        case _:
            raise AssertionError(act)


@dataclass(frozen=True)
class Row:
    """One application: when it came, what was done on which dates, and what followed on which."""

    starts: str
    acts: dict[str, str] = field(default_factory=dict)
    follows: list[str] = field(default_factory=list)


def played(world: World, row: Row) -> list[str]:
    """What happened by itself or was decided, by date, to three weeks after the last that is expected."""
    first, acts = date.fromisoformat(row.starts), row.acts
    last = date.fromisoformat(row.follows[-1].split()[0]) if row.follows else first + timedelta(days=120)
    world.now_ms = noon(first)
    world.submit("org-1")
    size = world.state.size
    told: list[str] = []
    for day in (first + timedelta(days=number) for number in range((last - first).days + 21)):
        world.now_ms = noon(day)
        world.tick()
        for act in filter(None, acts.get(day.isoformat(), "").split(", ")):
            newest = list(world.cases())[-1]
            do(world, newest, act)
        told += [f"{day} {DONE[e.type](e)}" for e in world.entries[size:] if e.type in DONE]
        size = world.state.size
    return told


def ids(row: Row) -> str:
    return f"{row.starts}, {len(row.acts)} days with acts"


# 15 CFR 750.4: resolved or referred upward within 90 calendar days

NINETY = {
    "grant": {"allOf": ["commerce", "defense"]},
    "clock": {
        "within": 200,
        "unit": "days",
        "calendar": "us-federal",
        "silence": "escalate",
        "to": ["the President"],
        "overall": {"within": 90, "then": "escalate"},
    },
}


@pytest.mark.parametrize(
    "row",
    [
        # 30 days of July, 31 of August, 29 of September: the 90th is the 29th of September
        Row("2026-07-01", {}, ["2026-09-30 case to the President"]),
        # the 15 dates from the 20th of July to the 3rd of August do not count: 29 September + 15
        Row(
            "2026-07-01",
            {"2026-07-20": "commerce ask", "2026-08-03": "answered commerce"},
            ["2026-10-15 case to the President"],
        ),
        # 14 in November, 31, 31, and 14 in February; holidays count among calendar days
        Row("2026-11-16", {}, ["2027-02-15 case to the President"]),
        Row("2026-11-16", {"2027-02-14": "commerce approve, defense approve"}, ["2027-02-14 approved"]),
        # what is returned without action and applied for again is a new case with a time of its own:
        # from the 20th of July 11 + 31 + 30 + 18
        Row(
            "2026-07-01",
            {"2026-07-10": "returned", "2026-07-20": "applies again"},
            ["2026-07-10 returned", "2026-10-19 case to the President"],
        ),
    ],
    ids=ids,
)
def test_an_export_licence_is_resolved_or_referred_upward_within_90_days(row: Row) -> None:
    assert played(world_of(**NINETY), row) == row.follows


# Executive Order 12981 as amended. Of its figures only the chair's 14 days are confirmed; the 30 days of a
# position, the 5 + 11 days of each step after the chair and the 20 days to answer are this plan's own.

DEEMED = {
    "grant": {"allOf": ["commerce", "defense"]},
    "reply": "P20D",
    "clock": {"within": 30, "unit": "days", "calendar": "us-federal", "silence": "no-objection"},
}
LADDER = {
    **DEEMED,
    "clock": {
        "within": 30,
        "unit": "days",
        "calendar": "us-federal",
        "silence": "escalate",
        "then": "wait",
        "to": [
            {"name": "the chair", "within": 14},
            {"name": "the committee", "within": 16},
            {"name": "the board", "within": 16},
        ],
    },
}
RECEIVED = {"2026-07-06": "received by commerce", "2026-07-08": "received by defense"}


@pytest.mark.parametrize(
    ("plan", "row"),
    [
        # 25 days of July and 5 of August; 23 and 7
        (
            DEEMED,
            Row(
                "2026-07-06",
                RECEIVED,
                [
                    "2026-08-06 commerce silent: no-objection",
                    "2026-08-08 defense silent: no-objection",
                    "2026-08-08 approved",
                ],
            ),
        ),
        # the 11 dates of the question from the 10th to the 20th do not count: 5 August + 11
        (
            DEEMED,
            Row(
                "2026-07-06",
                RECEIVED
                | {"2026-07-10": "commerce ask", "2026-07-15": "defense approve"}
                | {"2026-07-20": "answered commerce"},
                ["2026-08-17 commerce silent: no-objection", "2026-08-17 approved"],
            ),
        ),
        # nobody is deemed to consent before the receipt
        (DEEMED, Row("2026-07-06", {"2026-07-06": "commerce approve"}, [])),
        # an intent to deny, answered on the 19th day; the objection stands 20 days after the answer
        (
            DEEMED,
            Row(
                "2026-07-06",
                {"2026-07-10": "defense object", "2026-07-29": "replied"},
                ["2026-07-10 denied", "2026-08-18 denied"],
            ),
        ),
        # up the ladder: 30 days from the receipt, then 14, 16 and 16 from the day each step was told
        (
            LADDER,
            Row(
                "2026-07-06",
                {"2026-07-06": "received by commerce", "2026-07-07": "defense approve"}
                | {"2026-09-30": "commerce approve"},
                [
                    "2026-08-06 commerce to the chair",
                    "2026-08-21 commerce to the committee",
                    "2026-09-07 commerce to the board",
                    "2026-09-24 commerce silent: wait",
                    "2026-09-30 approved",
                ],
            ),
        ),
        # the applicant answers while the chair has it: 7 dates from the 10th to the 16th of August
        (
            LADDER,
            Row(
                "2026-07-06",
                {"2026-07-06": "received by commerce", "2026-07-07": "defense approve"}
                | {"2026-08-10": "commerce ask", "2026-08-16": "answered commerce"}
                | {"2026-08-28": "commerce object"},
                [
                    "2026-08-06 commerce to the chair",
                    "2026-08-28 commerce to the committee",
                    "2026-08-28 denied",
                ],
            ),
        ),
    ],
    ids=lambda each: ids(each) if isinstance(each, Row) else each["clock"]["silence"],
)
def test_agencies_are_deemed_not_to_object_or_their_silence_is_taken_up_in_steps(
    plan: dict[str, Any], row: Row
) -> None:
    assert played(world_of(**plan), row) == row.follows


# 15 CFR 748.15 and its supplement 9: four agencies, unanimous to grant, a majority to remove, 30 days

VALIDATED = {
    "grant": {"allOf": list(AGENCIES)},
    "remove": {"majorityOf": list(AGENCIES)},
    "clock": {
        "within": 30,
        "unit": "days",
        "calendar": "us-federal",
        "silence": "escalate",
        "to": ["the committee"],
    },
}
THREE = "commerce approve, defense approve, energy approve"


@pytest.mark.parametrize(
    "row",
    [
        Row("2026-11-02", {"2026-11-10": THREE}, []),
        Row("2026-11-02", {"2026-11-10": f"{THREE}, state approve"}, ["2026-11-10 approved"]),
        Row("2026-11-02", {"2026-11-10": f"{THREE}, state object"}, ["2026-11-10 denied"]),
        # 28 days of November and 2 of December, and 15 dates of the question: the 17th of December
        Row(
            "2026-11-02",
            {"2026-11-02": "received by state", "2026-11-10": THREE, "2026-11-16": "state ask"}
            | {"2026-11-30": "answered state", "2026-12-21": "state approve"},
            ["2026-12-18 state to the committee", "2026-12-21 approved"],
        ),
        # three of four remove, at the end of the holder's ten days (the default of this software)
        Row(
            "2026-11-02",
            {"2026-11-10": f"{THREE}, state approve", "2027-01-04": "removal"}
            | {"2027-01-05": "commerce approve, defense approve", "2027-01-07": "energy approve"},
            ["2026-11-10 approved", "2027-01-14 approved", "2027-01-14 grant removed"],
        ),
        Row(
            "2026-11-02",
            {"2026-11-10": f"{THREE}, state approve", "2027-01-04": "removal"}
            | {"2027-01-05": "commerce approve, defense approve"},
            ["2026-11-10 approved"],
        ),
    ],
    ids=ids,
)
def test_a_validated_end_user_is_admitted_by_all_and_removed_by_a_majority(row: Row) -> None:
    assert played(world_of(**VALIDATED), row) == row.follows


# UK export licensing: targets of 20 and 60 working days, dates with an open query skipped


def target(days: int) -> dict[str, Any]:
    clock = {"within": days, "unit": "business-days", "calendar": "uk-england"}
    return {
        "grant": {"allOf": ["state"]},
        "clock": {**clock, "silence": "escalate", "to": ["the head of the team"]},
    }


@pytest.mark.parametrize(
    ("days", "row"),
    [
        # 8 to Christmas Eve; then the 25th, the 28th (for the 26th) and the 1st are holidays: 3, and 9 more
        (
            20,
            Row(
                "2026-12-14",
                {"2026-12-14": "received by state"},
                ["2027-01-15 state to the head of the team"],
            ),
        ),
        # of the query's dates 8 were working days: 8 more, to the 26th of January
        (
            20,
            Row(
                "2026-12-14",
                {"2026-12-14": "received by state", "2026-12-17": "state ask"}
                | {"2026-12-30": "answered state"},
                ["2027-01-27 state to the head of the team"],
            ),
        ),
        # 18 to Good Friday's eve, 2 after Easter Monday, 22 in April, 18 in May but for the 3rd
        (
            60,
            Row(
                "2027-03-01",
                {"2027-03-01": "received by state"},
                ["2027-05-28 state to the head of the team"],
            ),
        ),
    ],
)
def test_targets_in_working_days_skip_bank_holidays_and_open_queries(days: int, row: Row) -> None:
    assert played(world_of(**target(days)), row) == row.follows


def test_a_decision_takes_the_second_countersignature() -> None:
    world = world_of(grant={"allOf": ["trade"]}, countersign=["trade"])
    case = world.case(world.must(application("org-1"))["application"])
    once = position(case, "trade", signer="first")
    assert world.refused(RecordPosition(once)) == "countersignature_missing"
    world.must(RecordPosition(signed(once.payload, "first", "second")))
    assert case.outcome == "approved"
