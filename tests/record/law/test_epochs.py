"""Each check of the law of epochs by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sluicegate_record.audit import Judgement, audit
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log import checkpoint
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.record import Record
from sluicegate_record.since import KeptHead
from sluicegate_record.statements.epochs import Epoch, TreeHead
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, finds, first, says
from tests.worlds import LOG, OFFICER, ORIGIN, OTHER_OFFICER, World, epoch, head_of, private_key, signed

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


def audited(*abandoned: TreeHead, restored: TreeHead | None = None) -> tuple[World, Judgement]:
    """A log that goes on by an epoch, and what an auditor finds."""
    world = World.opened()
    here = head_of(world.entries)
    command = epoch(restored or here, *abandoned, at_ms=world.now_ms)
    if restored is None:
        world.must(command)
    else:
        stated = Epoch.read(command.envelope).to_json()
        shown = {name: stated[name] for name in ("restored", "abandoned", "reason")}
        signed_ = {"digest": command.envelope.digest, "envelope": command.envelope.to_json()}
        world.write("epoch.began", {**shown, "officers": [OFFICER, OTHER_OFFICER], **signed_})
    leaves, head = [entry.leaf for entry in world.entries], head_of(world.entries)
    note = checkpoint.sign(ORIGIN, head.size, head.root, private_key("log"))
    return world, audit(note, checkpoint.parse_vkey(LOG), leaves).law


LOST = TreeHead(size=1_000, root=bytes(32))


def test_an_auditor_finds_an_epoch_after_other_entries_than_it_says() -> None:
    _, found = audited(LOST)
    assert not found.unlawful
    world = World.opened()
    _, found = audited(LOST, restored=TreeHead(size=len(world.entries), root=bytes(32)))
    assert [each.rule for each in found.unlawful] == ["begins_where_it_says"]


def test_a_checkpoint_that_an_epoch_abandons_is_no_sign_of_a_rewritten_log(tmp_path: Path) -> None:
    lost = World.opened()
    lost.direct("d-lost")
    lost.direct("d-more")
    seen = head_of(lost.entries)
    kept = tmp_path / "checkpoint"
    kept.write_text(checkpoint.sign(ORIGIN, seen.size, seen.root, private_key("log")))
    for abandoned, begins in ((seen, ""), (LOST, "it has ")):
        world, _ = audited(abandoned)
        found = KeptHead(kept, checkpoint.parse_vkey(LOG))
        assert len(list(found.follow(entry.leaf for entry in world.entries))) == len(world.entries)
        assert found.problem.startswith(begins)
        assert bool(found.problem) == bool(begins)
