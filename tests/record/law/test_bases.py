"""Each check of the law of bases by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

import pytest

from sluicegate_record import law
from sluicegate_record.entries import Entry
from sluicegate_record.law import Breach, Support
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.record import Record
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, at_case, finds, first, release_is, says, stands
from tests.record.law.test_law import before
from tests.worlds import LOG

LAPSED = first("basis.ended", stage="lapsing")
REVIEWED = first("basis.ended", stage="reviewed")
UNDECIDED = first("basis.ended", stage="undecided")
REMINDED = first("basis.reminded", stage="lapsing")
OPENED = first("case.opened", kind="review", stage="reviewed")
ALONE = first("case.proceeded", lapsed=True)
OTHER_END = "another end of a basis than its terms and its review give"
NOT_IN_FORCE = "a basis of terms that are not in force and agreed to"
NOT_AGREED = "a review of what was not agreed, or a second one"
NOT_GIVEN = "a review that the terms do not give"


def earlier(days: float) -> Tell:
    """It comes earlier."""
    return lambda record, entry: told(entry, {}, at_ms=entry.at_ms - round(days * DAY_MS))


review_is = stands("cases", lambda record, entry: record.reviews[entry.public["terms"]])


def unreviewed(record: Record, entry: Entry) -> Entry:
    """It has no review."""
    del record.reviews[entry.public["terms"]]
    return told(entry, {"case": None})


def reviewed_before(record: Record, entry: Entry) -> Entry:
    """Its terms have a review."""
    record.reviews[entry.public["question"]["terms"]] = next(iter(record.cases))
    return entry


def of_another_stage(record: Record, entry: Entry) -> Entry:
    """It is about terms that give no review."""
    terms = LAPSED().public["terms"]
    return told(entry, {"question": {**entry.public["question"], "terms": terms}})


def unlapsed(record: Record, entry: Entry) -> Entry:
    """The rules bind."""
    record.bases.clear()
    return entry


BASES = {
    "a lapse before its date": Untrue(LAPSED, earlier(10), "ends_as_agreed", "the end of a basis before"),
    "a lapse of terms that are not in force": Untrue(
        LAPSED, release_is(terms={}), "ends_as_agreed", NOT_IN_FORCE
    ),
    "a lapse of terms that were not agreed to": Untrue(
        LAPSED, release_is(agreed=frozenset()), "ends_as_agreed", NOT_IN_FORCE
    ),
    "an end before its review is due": Untrue(
        UNDECIDED, review_is(due_ms=4_000_000_000_000), "ends_as_agreed", "the end of a basis before its date"
    ),
    "an end without its review": Untrue(
        REVIEWED, unreviewed, "ends_as_agreed", "the end of a basis without its review"
    ),
    "a stay that a review has denied": Untrue(REVIEWED, review_is(positions={}), "ends_as_agreed", OTHER_END),
    "a reminder too early": Untrue(REMINDED, earlier(3), "reminds_in_time", "a reminder before its time"),
    "a review too early": Untrue(OPENED, earlier(20), "reviews_in_time", "a review before its time"),
    "a review with less time": Untrue(
        OPENED, says(due="2027-01-01T00:00:00.000Z"), "reviews_in_time", "a review that has another time"
    ),
    "a review twice": Untrue(OPENED, reviewed_before, "reviews_in_time", NOT_AGREED),
    "a review that no terms give": Untrue(OPENED, of_another_stage, "asks_by_its_rule", NOT_GIVEN),
    "a review that no terms give, by signatures": Untrue(
        OPENED, of_another_stage, "reviews_in_time", NOT_GIVEN, Support.SIGNATURES
    ),
    "a review of what was not agreed": Untrue(
        OPENED, release_is(agreed=frozenset()), "reviews_in_time", NOT_AGREED
    ),
    "an officer alone where rules bind": Untrue(
        ALONE, unlapsed, "is_advice", "a decision of an officer alone where the rules bind"
    ),
    "an officer alone in an appeal": Untrue(
        ALONE,
        at_case(lambda case: {"kind": "appeal"}),
        "is_advice",
        "a decision of an officer alone where the rules bind",
    ),
}


@pytest.mark.parametrize("untrue", BASES.values(), ids=BASES)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)


def test_who_counts_signatures_alone_finds_them_too() -> None:
    for untrue in (each for each in BASES.values() if each.rule in {"ends_as_agreed", "reviews_in_time"}):
        entry = untrue.find()
        record = before(entry.seq)
        lied = untrue.tell(record, entry)
        found = law.breach(record, lied, record.pinned(), LOG, Support.SIGNATURES)
        assert isinstance(found, Breach)
        assert law.effect(record, lied, found, record.pinned(), LOG) is None
