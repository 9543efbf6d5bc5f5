"""Each check of the law of epochs by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.record import Record
from sluicegate_record.statements.epochs import Epoch, TreeHead
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, finds, first, says
from tests.worlds import OFFICER, OTHER_OFFICER, signed

BEGAN = first("epoch.began")
TWO, WHERE, ONCE = "is_begun_by_two_officers", "begins_where_it_says", "abandons_each_head_once"
NOT_TWO = "an epoch that two officers did not sign"
OTHERWISE = "an epoch that was signed otherwise"


def signs(signers: Sequence[str] = (OFFICER, OTHER_OFFICER), **said: Any) -> Tell:
    """Something else was signed, or by others, and the entry says that."""

    def tell(record: Record, entry: Entry) -> Entry:
        stated = replace(Epoch.read(Envelope.from_json(entry.public["envelope"])), **said)
        envelope = signed(stated.payload(), *signers)
        shown = {name: stated.to_json()[name] for name in ("restored", "abandoned", "reason")}
        return told(entry, {**shown, "digest": envelope.digest, "envelope": envelope.to_json()})

    return tell


def abandoned_before(record: Record, entry: Entry) -> Entry:
    """An earlier epoch has abandoned the same."""
    stated = Epoch.read(Envelope.from_json(entry.public["envelope"]))
    record.abandoned = frozenset(stated.abandoned)
    return entry


EPOCHS = {
    **{
        f"an epoch with another {name}": Untrue(BEGAN, says(**{name: value}), TWO, OTHERWISE)
        for name, value in (
            ("restored", {"size": 7, "root": "00" * 32}),
            ("abandoned", [{"size": 1_000_001, "root": "00" * 32}]),
            ("reason", "another"),
        )
    },
    "an epoch for another log": Untrue(BEGAN, signs(log="other"), TWO, "an epoch for another log"),
    "an epoch of one officer": Untrue(BEGAN, signs((OFFICER,)), TWO, NOT_TWO),
    "an epoch of an officer and an agency": Untrue(BEGAN, signs((OFFICER, "oncd")), TWO, NOT_TWO),
    "an epoch of other officers than it says": Untrue(
        BEGAN, says(officers=[OFFICER]), TWO, "an epoch of other officers than signed it"
    ),
    "an epoch that begins elsewhere": Untrue(
        BEGAN, signs(restored=TreeHead(size=7, root=bytes(32))), WHERE, "an epoch that begins elsewhere"
    ),
    "a second epoch for the same fork": Untrue(
        BEGAN, abandoned_before, ONCE, "an epoch that abandons what was abandoned before"
    ),
}


@pytest.mark.parametrize("row", EPOCHS.values(), ids=EPOCHS)
def test_each_check_finds_its_lie(row: Untrue) -> None:
    finds(row)
