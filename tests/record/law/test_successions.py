"""Each check of the law of grants that go on elsewhere by itself: a lawful move, one thing of it untrue."""

from __future__ import annotations

import pytest

from sluicegate_record.entities.grant import Grant
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.record import Record
from sluicegate_record.terms.conditions import Conditions
from tests.forging import told
from tests.record.law.test_checks import Untrue, case_is, finds, first, grant_is, says
from tests.vectors.themes.successions import GOVERNMENT, HAS_RED, NEWER, RED, REST

BY_LIST, BY_PROGRAMME = first("grant.moved", stage=GOVERNMENT), first("grant.moved", stage=RED)
TO_REST = first("grant.moved", stage=REST)
RULE, FREE, NARROW = "goes_on_as_agreed", "is_free_to_go_on", "is_no_wider"


def held(record: Record, entry: Entry) -> Grant:
    return record.grants[entry.public["grant"]]


def gone(record: Record, entry: Entry) -> Entry:
    """The stage is closed."""
    record.opened[entry.public["terms"]] = None
    return entry


def by_another(record: Record, entry: Entry) -> Entry:
    """The case about the terms is of another release."""
    case = record.cases[entry.public["case"]]
    record.put(replace(case, question=replace(case.question, release="gpt-6")))
    return entry


def of_another(record: Record, entry: Entry) -> Entry:
    """The name had another organization before."""
    before = replace(held(record, entry), id="grant_before", holder="org-other", standing="expired")
    record.put(before)
    record.listed[f"{before.release} {entry.public['party']}"] = (before.id,)
    return entry


def without_the_programme(record: Record, entry: Entry) -> Entry:
    """The grant has no programme, and no one says that it has."""
    record.put(replace(held(record, entry), programmes=()))
    return told(entry, {"programmes": []})


def with_another(record: Record, entry: Entry) -> Entry:
    """The grant has a programme that the entry leaves out."""
    record.put(replace(held(record, entry), programmes=(HAS_RED,)))
    return entry


SUCCESSIONS = {
    "a grant of another release": Untrue(
        TO_REST, grant_is(release="gpt-6"), RULE, "terms of something else than the grant"
    ),
    "a move by the terms of another release": Untrue(
        TO_REST, by_another, RULE, "terms of something else than the grant"
    ),
    "a move into a stage that is closed": Untrue(
        TO_REST, gone, RULE, "a grant that goes on in a stage that is not open"
    ),
    "a move of a stage that the terms do not name": Untrue(
        TO_REST, grant_is(stage=NEWER), RULE, "a grant that the terms do not take over"
    ),
    "a move of who has not the programme": Untrue(
        BY_PROGRAMME, without_the_programme, RULE, "a grant that the terms do not take over"
    ),
    "a move of who has it suspended": Untrue(
        BY_PROGRAMME,
        grant_is(halted=frozenset({HAS_RED.label})),
        RULE,
        "a grant that the terms do not take over",
    ),
    "a move on a surface that is not offered": Untrue(
        TO_REST, grant_is(surface="cloud"), RULE, "a grant on a surface that is not offered"
    ),
    "a move that no position carries": Untrue(
        TO_REST, case_is(positions={}), RULE, "the signed positions do not satisfy the rule"
    ),
    "a second organization of a name": Untrue(
        BY_LIST, of_another, "is_the_only_bearer", "a grant of another organization than the one"
    ),
    "a move after the end": Untrue(
        TO_REST, grant_is(standing="surrendered"), FREE, "a grant goes on that has ended"
    ),
    "a move after its time": Untrue(
        TO_REST, grant_is(valid_until_ms=1), FREE, "a grant goes on that has ended"
    ),
    "a move during an amendment": Untrue(
        TO_REST, grant_is(amendment="case_open"), FREE, "a grant goes on that a case is open about"
    ),
    "a move during a removal": Untrue(
        TO_REST, grant_is(removal="case_open"), FREE, "a grant goes on that a case is open about"
    ),
    "a move to looser conditions than its own": Untrue(
        TO_REST,
        grant_is(conditions=Conditions(requests_per_minute=5, valid_for="P30D")),
        NARROW,
        "conditions looser than those of the grant",
    ),
    "a move to looser conditions than those agreed to": Untrue(
        TO_REST,
        says(conditions={"requestsPerMinute": 600, "validFor": "P30D"}),
        NARROW,
        "conditions looser than those agreed to",
    ),
    "a move without a programme": Untrue(
        TO_REST, with_another, NARROW, "a grant that goes on with other programmes"
    ),
}


@pytest.mark.parametrize("untrue", SUCCESSIONS.values(), ids=SUCCESSIONS)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)
