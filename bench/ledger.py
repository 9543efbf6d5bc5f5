"""The ledger: commands compared with the disk's own speed, replaying, auditing, proving.

Commands are whole: decided, hashed, signed, committed, followed; on a database on the project's own disk.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, cast

from sluicegate.acts import credentials
from sluicegate.core.lifecycle import State
from sluicegate.service.ledger import Ledger
from sluicegate.service.log import proof_of
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record import entries
from sluicegate_record.entries import Draft, Entry
from sluicegate_record.entries.credentials import CredentialIssued, CredentialRevoked
from sluicegate_record.log import canonical, merkle
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.log.merkle import Frontier
from tools.record import Example

ROUNDS = 9
COMMANDS = SYNCS = 200
PAGE_BYTES = 4_096
ENTRIES = 50_000
REVOKED_ONE_IN = 5
EVERY_ACT, REPLAYS = Path("tests/vectors/every_act"), 31
LEAVES, PROOFS, STORED_PROOFS, HASHES = 1_000_000, 1_000, 200, 20


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="build") as name:
        folder = Path(name)
        example = Example(folder, Path("examples"))
        values = {"ledger_command_ratio": _commands(example, folder / "sync")}
        values |= _reading(example.ledger)
        example.ledger.store.close()
    levels = _levels()
    values["proof_us"] = _proofs(levels)
    with tempfile.TemporaryDirectory(dir="build") as name:
        values |= _stored_proofs(Path(name) / "ledger.db", levels)
    return values


def _commands(example: Example, file: Path) -> float:
    """Commands a second, one by one, as a share of the disk's syncs a second, in turns."""
    with example.ledger.reading() as state:
        (grant,) = state.table.grants_by_id

    def command(number: int) -> None:
        digest = sha256(b"%d" % number).hexdigest()
        example.do(credentials.ISSUE, grant=grant, digest=digest)

    with file.open("wb", buffering=0) as written:

        def sync(_: int) -> None:
            written.write(bytes(PAGE_BYTES))
            os.fdatasync(written.fileno())

        ratios = []
        for turn in range(ROUNDS):
            commands_s = _per_s(command, range(turn * COMMANDS, (turn + 1) * COMMANDS))
            ratios.append(commands_s / _per_s(sync, range(SYNCS)))
    return median(ratios)


def _per_s(what: Callable[[int], None], numbers: range) -> float:
    began_s = time.perf_counter()
    for number in numbers:
        what(number)
    return len(numbers) / (time.perf_counter() - began_s)


class _Million:
    """A ledger of a million entries, of which only the tree and the leaves are stored."""

    def __init__(self, path: Path, levels: Sequence[Sequence[bytes]]) -> None:
        self.store = SqliteStore(path)
        with closing(sqlite3.connect(path)) as file, file:
            for level, hashes in enumerate(levels):
                rows = ((level, index, node) for index, node in enumerate(hashes))
                file.executemany("INSERT INTO nodes (level, idx, hash) VALUES (?, ?, ?)", rows)
            leaves = ((number, b"%d" % number) for number in range(LEAVES))
            file.executemany("INSERT INTO entries (seq, leaf) VALUES (?, ?)", leaves)
        self._root = merkle.root(LEAVES, self.store.log.nodes)

    def size(self) -> int:
        return LEAVES

    def root(self, _: int) -> bytes:
        return self._root


def _stored_proofs(path: Path, levels: Sequence[Sequence[bytes]]) -> dict[str, float]:
    """An inclusion proof as it is served, from the database, in turns with one query and twenty hashes."""
    ledger = _Million(path, levels)
    drawn = random.Random(0)
    indexes = [drawn.randrange(LEAVES) for _ in range(STORED_PROOFS)]
    proofs, floors = [], []
    with closing(sqlite3.connect(path)) as file:

        def floor(index: int) -> None:
            places = [(level, (index >> level) ^ 1) for level in range(HASHES)]
            found = file.execute(_NODES, [part for place in places for part in place]).fetchall()
            for (node,) in found:
                sha256(b"\x01" + node + node).digest()

        for _ in range(ROUNDS):
            proofs.append(_each_us(lambda index: proof_of(cast(Ledger, ledger), index), indexes))
            floors.append(_each_us(floor, indexes))
    ledger.store.close()
    ratio = median(proof / floor for proof, floor in zip(proofs, floors, strict=True))
    return {
        "proof_ratio": ratio,
        "proof_stored_us": median(proofs),
        "proof_floor_us": median(floors),
    }


_NODES = (
    f"WITH place (l, i) AS (VALUES {', '.join(['(?, ?)'] * HASHES)})"
    " SELECT hash FROM place CROSS JOIN nodes ON level = l AND idx = i"
)


def _levels() -> list[list[bytes]]:
    """The complete nodes of a tree of a million leaves, level by level."""
    levels = [[merkle.leaf_hash(b"%d" % number) for number in range(LEAVES)]]
    while len(below := levels[-1]) > 1:
        levels.append([merkle.node_hash(below[i], below[i + 1]) for i in range(0, len(below) // 2 * 2, 2)])
    return levels


def _proofs(levels: Sequence[Sequence[bytes]]) -> float:
    """An inclusion proof in a log of a million, from stored levels in memory."""

    def read(places: Sequence[merkle.Place]) -> list[bytes]:
        return [levels[level][index] for level, index in places]

    drawn = random.Random(0)
    indexes = [drawn.randrange(LEAVES) for _ in range(PROOFS)]
    return median(
        _each_us(lambda index: merkle.inclusion_proof(index, LEAVES, read), indexes) for _ in range(ROUNDS)
    )


class _Stored(NamedTuple):
    """An entry in the form of the database."""

    leaf: bytes
    gate: dict[str, Opening]
    sealed: dict[str, Opening]


def _reading(ledger: Ledger) -> dict[str, float]:
    """Replaying and auditing a log, in turns.

    Replaying reads each entry, checks its parts against their commitments, and folds it; signatures are not
    checked. Auditing here is the cost of the root: every leaf's hash, and the tree over them.
    """
    stored = [_Stored(entry.leaf, dict(entry.gate), dict(entry.sealed)) for entry in _log(ledger)]
    replays, audits = [], []
    for _ in range(ROUNDS // 2):
        replays.append(_each_us(_Replay(), stored))
        audits.append(_each_us(_Audit(), stored))
    return {
        "replay_entries_s": 1e6 / median(replays),
        "replay_ratio": _replay_ratio(),
        "audit_entries_s": 1e6 / median(audits),
    }


def _replay_ratio() -> float:
    """Replaying a log with every act in it, as the control plane starts: a chunk is read, and then folded.

    As a share of the speed of `json.loads` and SHA-256 of the same leaves, in turns.
    """
    stored = list(_every_act())
    ratios = []
    for _ in range(REPLAYS):
        floor_us = _each_us(_parse_and_hash, stored)
        ratios.append(floor_us / (_each_us(_replay_whole, [stored]) / len(stored)))
    return median(ratios)


def _every_act() -> Iterator[_Stored]:
    for file in sorted(EVERY_ACT.glob("entries-*.jsonl")):
        for item in map(json.loads, file.read_bytes().splitlines()):
            gate, sealed = (
                {name: Opening(canonical.unb64(salt), body.encode()) for name, (salt, body) in part.items()}
                for part in (item["gate"], item["sealed"])
            )
            yield _Stored(item["leaf"].encode(), gate, sealed)


def _parse_and_hash(stored: _Stored) -> None:
    json.loads(stored.leaf)
    sha256(stored.leaf).digest()


def _replay_whole(stored: Sequence[_Stored]) -> None:
    state = State()
    for entry in [entries.read(each.leaf, each.gate, each.sealed) for each in stored]:
        state.apply(entry)
    state.settle()


class _Replay:
    def __init__(self) -> None:
        self._state = State()

    def __call__(self, stored: _Stored) -> None:
        self._state.apply(entries.read(stored.leaf, stored.gate, stored.sealed))


class _Audit:
    def __init__(self) -> None:
        self._frontier = Frontier()

    def __call__(self, stored: _Stored) -> None:
        self._frontier.append(merkle.leaf_hash(stored.leaf))


def _log(ledger: Ledger) -> list[Entry]:
    """The ledger's first entries, and then credentials issued and revoked."""
    entropy = Entropy(bytes(32))
    with ledger.reading() as state:
        (grant,) = state.table.grants_by_id
    found = list(ledger.store.log.entries(0, ENTRIES))
    at_ms = found[-1].at_ms
    issued = 0
    while len(found) < ENTRIES:
        issued += 1
        name = entropy.name("cred")
        found.append(_placed(_issued(name, grant, issued, entropy), len(found), at_ms))
        if issued % REVOKED_ONE_IN == 0:
            revoked = Draft(name, CredentialRevoked(credential=name))
            found.append(_placed(revoked, len(found), at_ms))
    return found


def _issued(name: str, grant: str, number: int, entropy: Entropy) -> Draft:
    digest = sha256(b"log %d" % number).digest()
    return Draft.of(name, CredentialIssued(credential=name, grant=grant, digest=digest), entropy)


def _placed(draft: Draft, seq: int, at_ms: int) -> Entry:
    return entries.place(draft, seq=seq, at_ms=at_ms, by="developer_bench", command=f"bench-{seq:08d}")


def _each_us(what: Callable[[Any], object], items: Iterable[Any]) -> float:
    began_ns, count = time.thread_time_ns(), 0
    for item in items:
        what(item)
        count += 1
    return (time.thread_time_ns() - began_ns) / count / 1_000
