"""Completing a restored log: what was appended after the backup is taken back from who still holds it.

Rules:
- Each entry is checked as a start checks it, and the log's key signed what they lead to.
- A log is settled when it has all that was seen of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sluicegate.errors import (
    VerificationFailed,
)
from sluicegate.gate.kept import Memory
from sluicegate.recovery.backups import DATABASE, Replay, at_rest, check_read, replay
from sluicegate.store import logkeys, unsettled
from sluicegate.store.sqlite import SqliteStore
from sluicegate.store.unsettled import Restored
from sluicegate_record import law
from sluicegate_record.copy import open_copy
from sluicegate_record.entries import Entry
from sluicegate_record.entries import read as read_entry
from sluicegate_record.law import Breach, Support
from sluicegate_record.log import checkpoint, leaf, merkle
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.statements.epochs import TreeHead


@dataclass(frozen=True, slots=True)
class HeldEntries:
    """Entries that someone still holds after what was restored, and the signed head that they lead to."""

    name: str
    note: str
    entries: Sequence[Entry]


def complete(state: Path, sources: Sequence[str]) -> tuple[int, int, int]:
    """Append what others still hold after what was restored: each entry is checked as a start checks it.

    Without their sealed parts: only the database had those.
    Returns: the size before, the size now, and how many entries lack a sealed part.
    Raises:  VerificationFailed: the log's key did not sign what a source leads to, or an entry is unlawful.
             InvalidInput: a source holds nothing that fits. StoreUnavailable: the folder is in use.
    """
    at_rest(state)
    found = replay(state / DATABASE)
    before, lacking = found.head.size, 0
    for name in sources:
        held = _held(name, found)
        taken = _fitting(held, found)
        lacking += sum(bool(leaf.read(each.leaf).sealed) and not each.sealed for each in taken)
        key = logkeys.current(state, found.record.log_keys)
        if key is None:
            raise logkeys.missing(state)
        note = checkpoint.sign(found.signer.name, found.head.size, found.head.root, key)
        with closing(SqliteStore(state / DATABASE)) as store:
            grown = Frontier.at(store.log.size(), store.log.nodes)
            nodes = [node for entry in taken for node in grown.append(merkle.leaf_hash(entry.leaf))]
            if taken:
                with store.write() as ports:
                    ports.log.append(taken, nodes, note)
    settle(state, found.head)
    return before, found.head.size, lacking


def _held(name: str, found: Replay) -> HeldEntries:
    """What a gateway's folder, another database, or a copy of the log holds after what was restored."""
    path, size, verifier = Path(name), found.head.size, found.signer
    if (path / "seen.json").is_file():
        memory = Memory(path)
        head, note = memory.load(), memory.note()
        if not note:
            raise VerificationFailed(f"{path} keeps no head that the log's key signed",
                                     remedy="take the entries from another gateway, or a copy")  # fmt: skip
        return HeldEntries(name, note, memory.entries(size, head.size) if head.size > size else [])
    database = path / DATABASE if (path / DATABASE).is_file() else path
    if database.is_file():
        with closing(SqliteStore(database, read_only=True)) as store:
            return HeldEntries(
                name, store.log.checkpoint(), store.log.entries(size, max(0, store.log.size() - size))
            )
    copied = open_copy(name, verifier)
    leaves = list(copied.leaves)
    return HeldEntries(name, copied.note.decode(), [read_entry(each) for each in leaves[size:]])


def _fitting(held: HeldEntries, found: Replay) -> list[Entry]:
    """The entries of a source, checked; `found` goes on with them.

    Of a copy without hidden parts only those are taken that have none, up to the first that has.
    """
    signed, ahead, record = checkpoint.stated(held.note), found.frontier.copy(), found.record
    for entry in held.entries:
        ahead.append(merkle.leaf_hash(entry.leaf))
    if (ahead.size, ahead.root()) != (signed.size, signed.root) and held.entries:
        raise VerificationFailed(
            f"{held.name} does not continue what was restored: the log has forked, or was altered",
            remedy="restore a backup from before the fork",
        )
    taken: list[Entry] = []
    for entry in held.entries:
        if leaf.read(entry.leaf).gate.keys() != entry.gate.keys():
            break
        check_read(entry, found)
        verdict = law.breach(record, entry, record.pinned(), found.vkey, Support.RECORD)
        if isinstance(verdict, Breach):
            raise VerificationFailed(f"{held.name}: entry {entry.seq} is not lawful: {verdict.why}")
        record.apply(entry)
        found.frontier.append(merkle.leaf_hash(entry.leaf))
        taken.append(entry)
    record.log_keys.open(held.note)  # nothing was written yet: it is the word of the key whose turn it was
    return taken


def settle(state: Path, head: TreeHead) -> None:
    """Note how far a restored log has come. It is settled when it has all that was seen."""
    found = unsettled.read(state)
    if found is None:
        return
    with closing(SqliteStore(state / DATABASE, read_only=True)) as store:
        left = {
            name: each
            for name, each in found.seen.items()
            if each.size > head.size or merkle.root(each.size, store.log.nodes) != each.root
        }
    unsettled.write(state, Restored(log=found.log, restored=head, seen=left) if left else None)
