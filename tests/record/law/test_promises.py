"""Each check of the law of promises by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.entries import Entry
from sluicegate_record.record import Record
from sluicegate_record.statements.promises import Promising
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, both, finds, first, says, signs, stands
from tests.vectors.themes.promises import TARGETED
from tests.worlds import OFFICER

MADE, KEPT = first("promise.made"), first("promise.kept")
CHANGED, BY_ACT = first("promise.changed"), first("promise.broken", how="act")
BY_TIME = first("promise.broken", how="time")
OURS = first("promise.made", owner=OFFICER)
MAKES, KEEPS = first("promise.made", owner="caisi"), first("promise.kept", owner="caisi")
CHANGES, BREAKS = first("promise.changed", owner="caisi"), first("promise.broken", owner="caisi")
TARGETS = first("release.applied", release=TARGETED)
MOVES = first("release.applied", release=TARGETED, reason="an evaluation takes longer")
SIGNED_OTHERWISE, UNSIGNED = "a promise that was signed otherwise", "a word on a promise that no one signed"
PAST, MADE_BEFORE = "2026-01-01T00:00:00.000Z", "a promise that was made before"
OVER = "a promise for a time that is over"
NEITHER = "a promise broken by neither its time nor its party"


promise_is = stands("promises", lambda _, entry: entry.public["promise"])


def about(**public: Any) -> Tell:
    """It is about something else."""
    return lambda record, entry: told(entry, {"about": public})


def unsigned(**also: Any) -> Tell:
    """No one signed it."""
    return lambda record, entry: told(entry, {"envelope": None, "digest": None, "owner": None, **also})


def signs_none(record: Record, entry: Entry) -> Entry:
    """No word was signed before."""
    record.signs_promises = False
    return entry


def targets_over(record: Record, entry: Entry) -> Entry:
    """It is entered when its target dates are over."""
    return told(entry, {}, at_ms=4_000_000_000_000)


PROMISES = {
    **{
        f"{what} without a signature": Untrue(find, unsigned(), "is_said_by_its_party", UNSIGNED)
        for what, find in (("made", OURS), ("kept", KEEPS), ("changed", CHANGES), ("broken", BREAKS))
    },
    **{
        f"an unsigned word with {field}": Untrue(
            MAKES,
            both(signs_none, unsigned(**{field: value})),
            "is_said_by_its_party",
            "a word that no one signed, under a signer's name",
        )
        for field, value in (("owner", "caisi"), ("digest", "sha256:00"))
    },
    **{
        f"{what} with another {field}": Untrue(
            find, says(**{field: value}), "is_said_by_its_party", SIGNED_OTHERWISE
        )
        for what, find, field, value in (
            ("made", MAKES, "party", "ostp"),
            ("made", MAKES, "text", "other"),
            ("made", MAKES, "due", "2099-01-01T00:00:00.000Z"),
            ("made", MAKES, "default", "other"),
            ("made", MAKES, "about", {"release": TARGETED}),
            ("kept", KEEPS, "party", "ostp"),
            ("kept", KEEPS, "promise", "other"),
            ("kept", KEEPS, "text", "other"),
            ("changed", CHANGES, "due", "2099-01-01T00:00:00.000Z"),
            ("changed", CHANGES, "reason", "other"),
            ("broken", BREAKS, "promise", "other"),
            ("broken", BREAKS, "reason", "other"),
        )
    },
    "a change said to be a breach": Untrue(
        BREAKS,
        signs(Promising, "caisi", says="changes", text="later", due_ms=4_000_000_000_000),
        "is_said_by_its_party",
        SIGNED_OTHERWISE,
    ),
    "a promise for another log": Untrue(
        MAKES, signs(Promising, "caisi", log="other"), "is_said_by_its_party", "a promise that was signed for"
    ),
    "a promise under another digest": Untrue(
        MAKES, says(digest="sha256:00"), "is_said_by_its_party", "a promise under another digest"
    ),
    "a promise that another party signed": Untrue(
        MAKES, signs(Promising, "ostp"), "is_said_by_its_party", "a promise that its party did not sign"
    ),
    "a promise under another name": Untrue(
        MAKES, says(promise="promise_x"), "is_a_new_promise", "a promise under another name"
    ),
    "a word on a target date": Untrue(
        KEEPS, promise_is(is_target=True), "is_of_its_party", "a word about a target date"
    ),
    "a word that follows another": Untrue(
        KEEPS, promise_is(digest="sha256:00"), "follows_the_last_of_its_party", "a word that does not follow"
    ),
    "a target date that is over": Untrue(
        TARGETS, targets_over, "moves_targets_openly", "a target date that is over"
    ),
    "a target date that moves without a reason": Untrue(
        MOVES, says(reason=None), "moves_targets_openly", "a target date that changes without a reason"
    ),
    "a promise of no party": Untrue(MADE, says(party="other"), "is_a_new_promise", "a promise of no party"),
    "a promise for the past": Untrue(MADE, says(due=PAST), "is_a_new_promise", OVER),
    "a promise about no case": Untrue(MADE, about(case="none"), "is_a_new_promise", "no case"),
    "a promise about no release": Untrue(MADE, about(release="none"), "is_a_new_promise", "no release"),
    "a promise about no stage": Untrue(
        MADE, about(release="gpt-5.6", stage="none"), "is_a_new_promise", "no stage"
    ),
    "a promise about no directive": Untrue(MADE, about(directive="none"), "is_a_new_promise", "no directive"),
    "a word about no promise": Untrue(KEPT, says(promise="none"), "is_of_its_party", "no promise 'none'"),
    "a promise kept twice": Untrue(
        KEPT, promise_is(state="kept"), "keeps_what_is_open", "a promise kept that was kept"
    ),
    "a void promise kept": Untrue(
        KEPT, promise_is(state="void"), "keeps_what_is_open", "a promise kept that was kept, or is void"
    ),
    "a change of a broken promise": Untrue(
        CHANGED, promise_is(state="broken"), "changes_what_is_open", "a change of a promise that is not open"
    ),
    "a change to the past": Untrue(CHANGED, says(due=PAST), "changes_what_is_open", OVER),
    "a kept promise broken": Untrue(
        BY_TIME, promise_is(state="kept"), "is_broken_in_time", "a broken promise that is not open"
    ),
    "a promise broken before its time": Untrue(
        BY_TIME, promise_is(due_ms=4_000_000_000_000), "is_broken_in_time", NEITHER
    ),
}


@pytest.mark.parametrize("untrue", PROMISES.values(), ids=PROMISES)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)
