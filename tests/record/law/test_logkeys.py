"""The law of the log's own key: each check by itself, and what readers make of a log after a handover."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sluicegate_record.audit import Audit, audit
from sluicegate_record.entities.logkey import KnownLog, LogKey, LogKeys, follow
from sluicegate_record.entries import Entry
from sluicegate_record.errors import BadCheckpoint, InvalidInput, VerificationFailed
from sluicegate_record.form import replace
from sluicegate_record.log import checkpoint
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.record import Record
from sluicegate_record.since import KeptHead
from sluicegate_record.statements.handovers import Handover
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, finds, first, says
from tests.worlds import (
    LOG,
    LOG_2,
    LOG_3,
    OFFICER,
    ORIGIN,
    OTHER_OFFICER,
    World,
    handover,
    head_of,
    log_vkey,
    private_key,
    signed,
)

BY_KEY, BY_OFFICERS = (
    first("log.key_replaced", key=log_vkey(LOG_2)),
    first("log.key_replaced", key=log_vkey(LOG_3)),
)
REPLACES, HANDED, AFTER = "replaces_the_key_that_signs", "is_handed_over", "follows_the_last_head"
OTHERWISE = "a key of the log that was replaced otherwise"
UNSIGNED = "a key of the log that neither the one before nor two officers signed"


def signs(*signers: str, **said: Any) -> Tell:
    """Something else was signed, or by others, and the entry says that."""

    def tell(record: Record, entry: Entry) -> Entry:
        stated = replace(Handover.read(Envelope.from_json(entry.public["envelope"])), **said)
        envelope = signed(stated.payload(), *signers)
        shown = {name: stated.to_json()[name] for name in ("replaces", "key", "reason")}
        return told(entry, {**shown, "digest": envelope.digest, "envelope": envelope.to_json()})

    return tell


def after(size: int, key: str = LOG_2) -> Tell:
    """The head that the key before signed has another size, or is by another key."""
    return says(head=checkpoint.sign(ORIGIN, size, bytes(32), private_key(key)))


def comes_back(record: Record, entry: Entry) -> Entry:
    """The new key was the log's before the one that signs now."""
    keys = (LOG, log_vkey("other"), log_vkey(LOG_2))
    record.log_keys = LogKeys(tuple(LogKey(vkey=each) for each in keys))
    return signs(LOG_2, "other", key=keys[1])(record, entry)


LOG_KEYS = {
    **{
        f"a key of the log with another {name}": Untrue(BY_KEY, says(**{name: value}), REPLACES, OTHERWISE)
        for name, value in (
            ("replaces", log_vkey("other")),
            ("key", log_vkey("other")),
            ("reason", "another"),
        )
    },
    "a key of another log": Untrue(
        BY_KEY, signs("log", LOG_2, log=log_vkey("other")), REPLACES, "a key of another log that was replaced"
    ),
    "a key that was replaced before": Untrue(
        BY_OFFICERS,
        signs("log", "other", replaces=LOG, key=log_vkey("other")),
        REPLACES,
        "a key that does not sign the log now",
    ),
    "a key that the log had before": Untrue(
        BY_OFFICERS, comes_back, REPLACES, "a key that the log had before"
    ),
    "a key of the log that did not sign": Untrue(
        BY_KEY, signs("log"), HANDED, "a key of the log that did not sign itself"
    ),
    "a key of the log that took its place alone": Untrue(BY_KEY, signs(LOG_2), HANDED, UNSIGNED),
    "a key of the log by one officer": Untrue(BY_OFFICERS, signs(LOG_3, OFFICER), HANDED, UNSIGNED),
    "a key of the log by an officer and an agency": Untrue(
        BY_OFFICERS, signs(LOG_3, OFFICER, "oncd"), HANDED, UNSIGNED
    ),
    "a key of the log by other officers than it says": Untrue(
        BY_OFFICERS,
        says(officers=[OFFICER]),
        HANDED,
        "a key of the log under other officers than signed it",
    ),
    "officers where the key before has signed": Untrue(
        BY_KEY, says(officers=[OFFICER]), HANDED, "officers where the key before has signed"
    ),
    "a key of the log after another head": Untrue(
        BY_OFFICERS, after(7), AFTER, "a key of the log that is replaced after another head"
    ),
    "a key of the log after a head by another": Untrue(BY_OFFICERS, after(7, LOG_3), AFTER, ""),
}


@pytest.mark.parametrize("row", LOG_KEYS.values(), ids=LOG_KEYS)
def test_each_check_finds_its_lie(row: Untrue) -> None:
    finds(row)


def world_of(*commands: str) -> World:
    """A log whose key was replaced: by `key`, as the one before signed, or by `officers`."""
    world, names = World.opened(), ["log", LOG_2, LOG_3]
    for at, by in enumerate(commands):
        signers = (names[at],) if by == "key" else (OFFICER, OTHER_OFFICER)
        world.must(handover(world.entries, names[at + 1], names[at + 1], *signers, before=names[at]))
    return world


def note_of(entries: Sequence[Entry], *keys: str) -> str:
    head = head_of(entries)
    return checkpoint.sign(ORIGIN, head.size, head.root, *map(private_key, keys))


def audited(entries: Sequence[Entry], known: str, *keys: str) -> Audit:
    """What someone finds who knows the key `known` of a log that `keys` signed."""
    verifier = checkpoint.parse_vkey(log_vkey(known))
    return audit(note_of(entries, *keys), verifier, [entry.leaf for entry in entries])


@pytest.mark.parametrize("known", ["log", LOG_2, LOG_3])
@pytest.mark.parametrize("by", ["key", "officers"])
def test_who_knows_any_key_of_a_log_verifies_it(known: str, by: str) -> None:
    world = world_of(by, by)
    found = audited(world.entries, known, LOG_3)
    assert (found.ok, found.log) == (True, ORIGIN)
    assert [key.vkey for key in found.keys.keys] == [LOG, log_vkey(LOG_2), log_vkey(LOG_3)]
    assert audited(world.entries, known, LOG_3, LOG_2).ok  # the key before may sign, too


def test_who_knows_none_of_its_keys_does_not() -> None:
    with pytest.raises(BadCheckpoint):
        audited(world_of("key").entries, "other", LOG_2)


@pytest.mark.parametrize("signers", [("log",), (LOG_2,), ("log", LOG_2)])
@pytest.mark.parametrize("known", ["log", LOG_2])
def test_a_replaced_key_signs_no_head_after_that(known: str, signers: tuple[str, ...]) -> None:
    with pytest.raises(BadCheckpoint, match="expected exactly one"):
        audited(world_of("key", "key").entries, known, *signers)


def test_a_fork_by_a_replaced_key_is_refused_by_who_kept_a_later_head(tmp_path: Path) -> None:
    """The thief leaves out the entry that replaced the key, and goes on with a log of their own."""
    world = world_of("key")
    fork = World.opened()
    fork.direct("d-1")
    fork.direct("d-2")
    kept = tmp_path / "kept"
    kept.write_text(note_of(world.entries, LOG_2))
    assert audited(fork.entries, "log", "log").ok  # so a reader who knows no more cannot tell
    with pytest.raises(BadCheckpoint):
        audited(fork.entries, LOG_2, "log")
    head = KeptHead(kept, checkpoint.parse_vkey(LOG))
    leaves = list(head.follow(entry.leaf for entry in fork.entries))
    assert len(leaves) == len(fork.entries)
    assert "rewritten" in head.problem


def test_a_kept_head_counts_by_the_key_whose_turn_it_was(tmp_path: Path) -> None:
    world = world_of("key")
    early, late = tmp_path / "early", tmp_path / "late"
    early.write_text(note_of(world.entries[:5], "log"))
    late.write_text(note_of(world.entries[:5], LOG_2))
    keys = audited(world.entries, "log", LOG_2).keys
    KeptHead(early, checkpoint.parse_vkey(log_vkey(LOG_2))).check_key(keys)
    with pytest.raises(InvalidInput, match="--since"):
        KeptHead(late, checkpoint.parse_vkey(LOG)).check_key(keys)


def test_no_one_makes_up_a_log_with_officers_who_hand_it_over() -> None:
    """Without the key of the log no one can sign the head that the handover is after."""
    *before, entry = world_of("officers").entries
    other = checkpoint.sign(ORIGIN, entry.seq, bytes(32), private_key("log"))
    found = audited([*before, told(entry, {"head": other})], "log", LOG_2)
    assert [each.rule for each in found.law.unlawful] == ["follows_the_last_head"]


def test_who_has_the_handovers_follows_from_any_key() -> None:
    envelopes = handovers(world_of("key", "key"))
    for known in (LOG, log_vkey(LOG_2), log_vkey(LOG_3)):
        assert follow(known, envelopes) == KnownLog(LOG, log_vkey(LOG_3))
    assert follow(log_vkey(LOG_2), envelopes[1:]) == KnownLog(LOG, log_vkey(LOG_3))
    assert follow(LOG, []) == KnownLog(LOG, LOG)
    for wrong in ([envelopes[1]], envelopes[::-1], [*envelopes, envelopes[0]]):
        with pytest.raises(VerificationFailed):
            follow(LOG, wrong)
    with pytest.raises(VerificationFailed, match="never had"):
        follow(log_vkey("other"), envelopes)


def test_a_handover_by_officers_is_followed_by_who_knows_them() -> None:
    envelopes = handovers(world_of("officers"))
    assert follow(LOG, envelopes, lambda _: 2).vkey == log_vkey(LOG_2)
    with pytest.raises(VerificationFailed, match="officers who are not known here") as found:
        follow(LOG, envelopes, lambda _: 1)
    assert log_vkey(LOG_2) in found.value.remedy
    with pytest.raises(VerificationFailed):
        follow(LOG, envelopes)
    assert follow(log_vkey(LOG_2), envelopes).name == LOG


def test_a_handover_that_the_new_key_did_not_sign_leads_nowhere() -> None:
    (envelope,) = handovers(world_of("key"))
    alone = signed(envelope.payload, "log")
    for known in (LOG, log_vkey(LOG_2)):
        with pytest.raises(VerificationFailed, match="did not sign"):
            follow(known, [alone])


def handovers(world: World) -> list[Envelope]:
    found = [entry for entry in world.entries if entry.type == "log.key_replaced"]
    return [Envelope.from_json(entry.public["envelope"]) for entry in found]
