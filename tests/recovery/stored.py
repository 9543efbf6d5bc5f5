"""State folders with the log of a world, as a control plane leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sluicegate.gate.kept import Memory, TrustedHead
from sluicegate.store import keyfile
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record.entries import Entry
from sluicegate_record.log import checkpoint, merkle
from sluicegate_record.log.merkle import Frontier
from tests.worlds import ORIGIN, head_of, private_key


def note_of(entries: Sequence[Entry]) -> str:
    """The signed head of a log of these entries."""
    head = head_of(entries)
    return checkpoint.sign(ORIGIN, head.size, head.root, private_key("log"))


def state_of(folder: Path, entries: Sequence[Entry]) -> Path:
    """A control plane's state folder."""
    folder.mkdir(mode=0o700)
    grown = Frontier()
    nodes = [node for entry in entries for node in grown.append(merkle.leaf_hash(entry.leaf))]
    with closing(SqliteStore(folder / "ledger.db")) as store, store.write() as ports:
        ports.log.append(entries, nodes, note_of(entries))
    keyfile.save_private(folder / "log.key", private_key("log"))
    return folder


def gateway_of(folder: Path, entries: Sequence[Entry], note: str | None = None) -> Path:
    """The state folder of a gateway that has seen these entries."""
    head = head_of(entries)
    said = note_of(entries) if note is None else note
    Memory(folder).save(TrustedHead(head.size, head.root), entries, said)
    return folder
