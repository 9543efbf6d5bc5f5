"""Each check of the law of lists by itself: a lawful grant, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record import law
from sluicegate_record.entities import grant as grant_
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.law import Breach, Support
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from tests.forging import openings, told
from tests.listing import party
from tests.record.law.test_checks import Tell, Untrue, case_is, finds, says
from tests.record.law.test_law import before, stored
from tests.worlds import LOG

TWO, FOUR = party("List Two"), party("List Four")
SECOND = "a second grant by the same name"


def named(name: str, surface: str = "api") -> Any:
    """The grant on a surface by a name on a list."""

    def find() -> Entry:
        found = (entry for entry in stored() if entry.type == "grant.approved")
        return next(
            each for each in found if (each.public["party"], each.public["surface"]) == (name, surface)
        )

    return find


def to_another(record: Record, entry: Entry) -> Entry:
    """It is said to be for another organization."""
    return told(entry, {}, openings({"organization": "org-1"}, Entropy(bytes(32))))


def had(**changes: Any) -> Tell:
    """The name has admitted its organization before, by another agreement, and that grant stands so."""

    def tell(record: Record, entry: Entry) -> Entry:
        record.apply(entry)
        first = record.grants[entry.public["grant"]]
        record.put(replace(first, **{"case": "case_before", "standing": "expired", **changes}))
        return told(entry, {"grant": "grant_again"})

    return tell


def put_out(record: Record, entry: Entry) -> Entry:
    """The organization was removed on this surface, from another stage."""
    body: Any = entry.body
    grant = replace(grant_.approved(body, body.case), id="grant_before", stage="other", standing="removed")
    record.put(grant)
    record.seats[grant_.seat_of(grant) or ""] = (grant.id,)
    return entry


def gone(record: Record, entry: Entry) -> Entry:
    """The stage is closed."""
    record.opened[entry.public["terms"]] = None
    return entry


LISTS = {
    "a second organization of a name": Untrue(
        named(TWO, "codex"), to_another, "is_the_applicants", "a grant to another organization than the one"
    ),
    "a second grant while the first goes on": Untrue(
        named(FOUR), had(standing=None), "is_the_applicants", SECOND
    ),
    "a second grant of who was removed": Untrue(
        named(FOUR),
        had(standing=grant_.REMOVED),
        "is_the_applicants",
        "a grant by a list to an organization that was removed",
    ),
    "a grant of who was removed from another stage": Untrue(
        named(FOUR), put_out, "is_the_applicants", "a grant by a list to an organization that was removed"
    ),
    "a grant that no position carries": Untrue(
        named(FOUR), case_is(positions={}), "is_carried", "the signed positions do not satisfy the rule"
    ),
    "a grant of a stage that is closed": Untrue(
        named(FOUR), gone, "is_carried", "a grant by the list of a stage that is not open"
    ),
    "a grant for longer": Untrue(
        named(FOUR),
        says(validUntil="2099-01-01T00:00:00.000Z"),
        "is_carried",
        "a grant that is valid for longer than agreed",
    ),
}


@pytest.mark.parametrize("untrue", LISTS.values(), ids=LISTS)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)


def _again(record: Record, entry: Entry, **changes: Any) -> Any:
    entry = had(**changes)(record, entry)
    return law.breach(record, entry, record.pinned(), LOG, Support.RECORD)


def test_who_lost_a_grant_gets_another_by_a_new_agreement_and_by_the_same_one_not() -> None:
    entry = named(FOUR)()
    assert _again(before(entry.seq), entry) is None
    found = _again(before(entry.seq), entry, case=entry.public["case"])
    assert isinstance(found, Breach)
    assert found.why == SECOND
