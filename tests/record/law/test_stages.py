"""Each check of the law of closings and of what stages lack: a lawful entry, with one thing made untrue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sluicegate_record.entities.closing import SOUND
from sluicegate_record.entries import Entry
from sluicegate_record.record import Record
from sluicegate_record.statements.releases import StageClosing, StageOpening
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, both, finds, first, requires, says, signs, stands
from tests.record.law.test_law import before, stored
from tests.vectors.themes.closings import BRIEF, GENERAL, PREVIEW
from tests.worlds import OFFICER


def closes(*, by_hand: bool, stage: str = GENERAL) -> Callable[[], Entry]:
    """The first closing of a stage of this kind."""
    found = (each for each in stored() if each.type == "stage.closed" and each.public["stage"] == stage)
    return lambda: next(each for each in found if ("officer" in each.public) is by_hand)


def kept(how: Callable[[], Entry]) -> Callable[[], Entry]:
    entry = how()
    return lambda: entry


BY_HAND, BY_ITSELF = kept(closes(by_hand=True, stage=PREVIEW)), kept(closes(by_hand=False))
LACKS = first("stage.lacking", release=BRIEF)
REOPENS = kept(
    lambda: next(
        each
        for each in stored()
        if each.type == "stage.opened"
        and (each.public["release"], each.public["stage"]) == (BRIEF, PREVIEW)
        and each.seq > BY_HAND().seq
    )
)
GIVES = first("grant.approved", release=BRIEF)


def entered(record: Record, entry: Entry) -> Entry:
    """It was entered before."""
    record.apply(entry)
    return told(entry, {"terms": []})


closing_is = stands("closings", lambda _, entry: f"{entry.public['release']}/{entry.public['stage']}")


def nothing_open(record: Record, entry: Entry) -> Entry:
    """None of its terms is open."""
    for terms in entry.public["terms"]:
        record.opened[terms] = None
    return entry


def requiring(*asked: Any) -> Tell:
    """Its stage requires something else, by the terms in force."""

    def tell(record: Record, entry: Entry) -> Entry:
        given = record.releases[entry.public["release"]].terms[entry.public["stage"]]
        requires(*asked)(record, told(entry, {"terms": given}))
        return entry

    return tell


NOT_LOST = "a closing of a stage that has lost nothing"
SIGNED_OTHERWISE = "a closing that was signed otherwise"
STAGES = {
    "a closing that no one signed": Untrue(
        BY_HAND,
        says(envelope=None, officer=None, digest=None, reason=None),
        "is_closed_by_an_officer",
        "a closing that no officer",
    ),
    **{
        f"a closing of another {field}": Untrue(
            BY_HAND,
            signs(StageClosing, OFFICER, **{field: "other"}),
            "is_closed_by_an_officer",
            "a closing signed for another stage or reason",
        )
        for field in ("release", "stage", "reason")
    },
    "a closing for another log": Untrue(
        BY_HAND,
        both(signs(StageClosing, OFFICER, log="other"), says(log="other")),
        "is_closed_by_an_officer",
        "a closing that no officer signed for this log",
    ),
    "a closing that an agency signed": Untrue(
        BY_HAND, signs(StageClosing, "oncd"), "is_closed_by_an_officer", "a closing that no officer signed"
    ),
    "a closing under another digest": Untrue(
        BY_HAND, says(digest="sha256:00"), "is_closed_by_an_officer", SIGNED_OTHERWISE
    ),
    "a signed closing that says a loss": Untrue(
        BY_HAND, says(lost=["x"]), "is_closed_by_an_officer", SIGNED_OTHERWISE
    ),
    "a closing twice": Untrue(
        BY_HAND, entered, "is_closed_by_an_officer", "a closing that was entered before"
    ),
    "a closing of what is not open": Untrue(
        BY_HAND, nothing_open, "closes_what_is_open", "a closing of what is not open"
    ),
    "a closing of nothing": Untrue(
        BY_HAND, says(terms=[]), "closes_what_is_open", "a closing that leaves the stage open"
    ),
    "a closing without a loss": Untrue(
        BY_ITSELF, requiring({"date": "2026-01-01"}), "closes_what_is_open", NOT_LOST
    ),
    "a closing for a lesser loss": Untrue(
        BY_ITSELF, requiring({"soak": "P1D", "of": PREVIEW}), "closes_what_is_open", NOT_LOST
    ),
    "a closing for another loss": Untrue(BY_ITSELF, says(lost=["x"]), "closes_what_is_open", NOT_LOST),
    "an opening that undoes no closing": Untrue(
        REOPENS,
        signs(StageOpening, OFFICER, closing=None),
        "undoes_what_closed_it",
        "an opening that undoes another closing",
    ),
    "an opening of what was closed again": Untrue(
        REOPENS,
        closing_is(digest="sha256:00"),
        "undoes_what_closed_it",
        "an opening that undoes another closing",
    ),
    "an opening by itself of what an officer closed": Untrue(
        REOPENS,
        both(requires({"date": "2026-01-01"}), says(envelope=None, officer=None)),
        "undoes_what_closed_it",
        "an opening by itself of what an officer closed",
    ),
    "a grant while the stage lacks something": Untrue(
        GIVES,
        requiring({"date": "2099-01-01"}),
        "is_not_halted",
        "a grant while the stage lacks what it requires",
    ),
}


@pytest.mark.parametrize("untrue", STAGES.values(), ids=STAGES)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)


def test_a_stage_that_has_lost_nothing_lacks_nothing() -> None:
    assert before(LACKS().seq).lacking.get(LACKS().public["terms"], SOUND) == SOUND
