"""Each check of the law of ramps by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.entities.closing import key_of
from sluicegate_record.entities.release import Terms
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log import times
from sluicegate_record.record import Record
from sluicegate_record.statements.ramps import RampMove
from sluicegate_record.terms.audience import Ramp
from sluicegate_record.terms.plan import Plan
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, both, finds, first, says, signs, stands
from tests.vectors.themes.ramps import EVERYONE, FORESEEN, RAMPED
from tests.worlds import DAY_MS, OFFICER, signed

TYPE, COURSE = "stage.ramped", key_of(RAMPED, EVERYONE)
PAUSES, CONTINUES, RETURNS = (first(TYPE, says=word) for word in ("pauses", "continues", "returns"))
OPENS_AGAIN = first("stage.opened", release=RAMPED, ramp={"places": 5_000, "paused": True})
OTHERWISE, BY_NONE = "a ramp that was moved otherwise than signed", "a move of a ramp that no officer signed"


course_is = stands("courses", lambda _, __: COURSE)


def ramp_is(**changes: Any) -> Tell:
    """Its ramp stands otherwise."""

    def tell(record: Record, entry: Entry) -> Entry:
        course = record.courses[COURSE]
        record.courses[COURSE] = replace(course, ramp=replace(course.ramp, **changes))
        return entry

    return tell


def signed_again(**changes: Any) -> Tell:
    """Its officer signed something else, and it says that."""

    def tell(record: Record, entry: Entry) -> Entry:
        body: Any = entry.body
        said = replace(RampMove.read(body.envelope), **changes)
        envelope = signed(said.payload(), OFFICER)
        return told(entry, {**changes, "digest": envelope.digest, "envelope": envelope.to_json()})

    return tell


def no_course(record: Record, entry: Entry) -> Entry:
    """Its stage never opened."""
    del record.courses[COURSE]
    return entry


def closed(record: Record, entry: Entry) -> Entry:
    """Its stage is closed."""
    record.opened[record.courses[COURSE].terms] = None
    return entry


def for_applicants(record: Record, entry: Entry) -> Entry:
    """Its course is that of a stage to which one applies."""
    other = next(digest for digest, each in record.terms.items() if not each.body.is_for_everyone)
    return course_is(terms=other)(record, entry)


def over(record: Record, entry: Entry) -> Entry:
    """Everyone is in."""
    return ramp_is(over_ms=30 * DAY_MS)(record, entry)


FORESEES = first("stage.foreseen", release=FORESEEN)


def foreseen_is(**changes: Any) -> Tell:
    """What it is about stands otherwise."""

    def tell(record: Record, entry: Entry) -> Entry:
        terms = entry.public["terms"]
        if "opened" in changes:
            record.opened[terms] = 0
        if "foreseen" in changes:
            record.foreseen[terms] = times.parse_time(entry.public["opens"])
        return entry

    return tell


def for_no_one(record: Record, entry: Entry) -> Entry:
    """No grants go on as part of its stage."""
    known = record.terms[entry.public["terms"]]
    value: Any = known.plan.to_json()
    stages = [{k: v for k, v in each.items() if k != "grants"} for each in value["spec"]["stages"]]
    given = Plan.from_json({**value, "spec": {**value["spec"], "stages": stages}})
    record.terms[entry.public["terms"]] = Terms(stage=EVERYONE, given=given)
    return entry


RAMPS = {
    "foreseen under other terms": Untrue(
        FORESEES, says(terms="other"), "foresees_what_comes", "an opening foreseen under terms"
    ),
    "foreseen of what is open": Untrue(
        FORESEES, foreseen_is(opened=True), "foresees_what_comes", "an opening foreseen of what is open"
    ),
    "foreseen for no one": Untrue(
        FORESEES, for_no_one, "foresees_what_comes", "an opening foreseen for no one"
    ),
    "foreseen for another moment": Untrue(
        FORESEES,
        says(opens="2099-01-01T00:00:00.000Z"),
        "foresees_what_comes",
        "an opening foreseen for another moment",
    ),
    "foreseen too early": Untrue(
        FORESEES,
        lambda record, entry: told(entry, {}, at_ms=entry.at_ms - 1),
        "foresees_what_comes",
        "an opening foreseen too early",
    ),
    "foreseen when it is due": Untrue(
        FORESEES,
        lambda record, entry: told(entry, {}, at_ms=entry.at_ms + DAY_MS),
        "foresees_what_comes",
        "an opening foreseen too early",
    ),
    "foreseen twice": Untrue(
        FORESEES, foreseen_is(foreseen=True), "foresees_what_comes", "an opening foreseen twice"
    ),
    **{
        f"a move of another {field}": Untrue(
            PAUSES, says(**{field: "other"}), "is_moved_by_an_officer", OTHERWISE
        )
        for field in ("log", "release", "stage", "says", "reason")
    },
    "a move in another log": Untrue(
        PAUSES,
        both(says(log="other"), signs(RampMove, OFFICER, log="other")),
        "is_moved_by_an_officer",
        BY_NONE,
    ),
    "a move by no officer": Untrue(PAUSES, signs(RampMove, "oncd"), "is_moved_by_an_officer", BY_NONE),
    "a move under another digest": Untrue(
        PAUSES, says(digest="sha256:00"), "is_moved_by_an_officer", "a move of a ramp under another digest"
    ),
    "a move that follows another": Untrue(
        PAUSES,
        course_is(digest="sha256:00"),
        "is_moved_by_an_officer",
        "a move of a ramp that does not follow",
    ),
    "a move of no ramp": Untrue(PAUSES, no_course, "is_moved_by_an_officer", "no ramp of"),
    "a move of a stage with applicants": Untrue(
        PAUSES, for_applicants, "is_moved_by_an_officer", "a ramp of a stage that is not for everyone"
    ),
    "a move of a closed stage": Untrue(
        PAUSES, closed, "moves_what_is_open", "a move of a ramp of a stage that is not open"
    ),
    "back to more": Untrue(
        RETURNS,
        ramp_is(over_ms=0),
        "moves_what_is_open",
        "a ramp that is taken back to a share that is not less",
    ),
    "a second pause": Untrue(
        PAUSES, ramp_is(is_paused=True), "moves_what_is_open", "a paused ramp that is paused"
    ),
    "going on twice": Untrue(
        CONTINUES, ramp_is(is_paused=False), "moves_what_is_open", "a paused ramp that is paused"
    ),
    "a pause of what is over": Untrue(PAUSES, over, "moves_what_is_open", "a ramp that is over"),
    "back to a share that is none": Untrue(
        RETURNS,
        signed_again(share=7),
        "stands_where_it_says",
        "a ramp that returns to a share that is none of its steps",
    ),
    "an opening with the share of a stage that an officer closed": Untrue(
        OPENS_AGAIN, course_is(ramp=Ramp(at_ms=0)), "takes_over_its_ramp", "another share than was in before"
    ),
}


@pytest.mark.parametrize("untrue", RAMPS.values(), ids=RAMPS)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)
