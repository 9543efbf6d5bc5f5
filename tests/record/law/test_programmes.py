"""Each check of the law of programmes by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.record import Record
from sluicegate_record.terms.programmes import HeldProgramme
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, finds, first, says
from tests.record.law.test_law import stored
from tests.vectors.themes.programmes import BLUE, GUARDED

ASKED = first("case.opened", kind="admission", release=GUARDED)
APPEALED = first("case.opened", kind="appeal", release=GUARDED)
GRANTED, HALTED, RESUMED = (
    first("grant.approved", release=GUARDED),
    first("grant.suspended", programmes=["cyber: black", "cyber: blue"]),
    first("grant.resumed", programmes=["cyber: black"]),
)


def amended() -> Entry:
    """The amendment that added a programme."""
    return first(
        "grant.amended", case=first("case.opened", kind="amendment", release=GUARDED)().public["case"]
    )()


def after_removal() -> Entry:
    """The appeal against a removal."""
    removal = first("case.opened", kind="removal", release=GUARDED)().public["case"]
    appeals = (each for each in stored() if each.type == "case.opened" and each.public["kind"] == "appeal")
    return next(each for each in appeals if each.public["question"]["against"] == removal)


def asks_for(*held: dict[str, Any]) -> Tell:
    """Its question asks for other programmes."""

    def tell(record: Record, entry: Entry) -> Entry:
        return told(entry, {"question": {**entry.public["question"], "programmes": list(held)}})

    return tell


def grant_has(*held: HeldProgramme, halted: frozenset[str] = frozenset()) -> Tell:
    """Its grant has other programmes."""

    def tell(record: Record, entry: Entry) -> Entry:
        name = entry.public.get("grant") or record.cases[entry.public["question"]["against"]].question.grant
        record.put(replace(record.grants[name], programmes=held, halted=halted))
        return entry

    return tell


def named(name: str, *holders: str, concern: str = "cyber") -> dict[str, Any]:
    return {"concern": concern, "name": name, **({"holders": list(holders)} if holders else {})}


STATED, OF_GRANT = "is_about_what_there_is", "a grant with other programmes than were agreed to"
HOLDERS = "a programme with holders that it cannot have, or without those that it needs"
LACKED = "programmes that the grant does not have, or not in that state"
NOT_STATED = "a case about a programme that its terms do not state"

PROGRAMMES: dict[str, Untrue] = {
    "a programme that no plan states": Untrue(ASKED, asks_for(named("none")), STATED, NOT_STATED),
    "a programme of another concern": Untrue(
        ASKED, asks_for(named("blue", concern="bio")), STATED, NOT_STATED
    ),
    "a programme twice": Untrue(
        ASKED,
        asks_for(named("b", "1"), named("b", "2")),
        STATED,
        "a case that asks for a programme twice",
    ),
    "the standard programme": Untrue(
        ASKED, asks_for(named("standard")), STATED, "a case about a programme that everyone has"
    ),
    "holders of what asks for no person": Untrue(ASKED, asks_for(named("blue", "mem_1")), STATED, HOLDERS),
    "no profile of what travels in one": Untrue(ASKED, asks_for(named("b")), STATED, HOLDERS),
    "an appeal about others": Untrue(
        APPEALED, asks_for(named("red")), STATED, "an appeal about other programmes"
    ),
    "an appeal about others than were removed": Untrue(
        after_removal, grant_has(BLUE), STATED, "an appeal about other programmes"
    ),
    "the suspension of what is suspended": Untrue(
        HALTED, grant_has(BLUE, halted=frozenset({BLUE.label})), "has_a_reason", LACKED
    ),
    "what is not suspended goes on": Untrue(RESUMED, says(programmes=["cyber: b"]), "is_suspended", LACKED),
}


@pytest.mark.parametrize("untrue", PROGRAMMES.values(), ids=PROGRAMMES)
def test_what_is_untrue_is_found_for_its_reason(untrue: Untrue) -> None:
    finds(untrue)
