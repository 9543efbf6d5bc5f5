"""What must hold of a log, whatever happened to its process: checked from the disk, and over HTTP."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx2

from sluicegate_record import audit, entries
from sluicegate_record.log import canonical, checkpoint, merkle, proof, tiles
from sluicegate_record.log.checkpoint import Checkpoint
from sluicegate_record.log.merkle import Frontier
from tests.crash.customers import Acknowledged, Customers
from tests.waiting import BOUND_S

_POSITION = "position.recorded"
_DETERMINED = "case.determined"
ENTRIES: dict[str, list[list[str]]] = {
    "submit": [["case.opened"]],
    "position": [
        [_POSITION],
        [_POSITION, _DETERMINED, "grant.approved"],
        [_POSITION, _DETERMINED, "directive.lifted"],
    ],
    "issue": [["credential.issued"]],
    "revoke": [["credential.revoked"]],
    "suspend": [["directive.issued"]],
    "open lift": [["case.opened"]],
}
"""The entries that a command makes, done once."""


@dataclass(frozen=True)
class Head:
    """A checkpoint whose signature was verified."""

    size: int
    root: bytes


class Record:
    """The log as its clients know it. `seen` is the newest head anybody was shown."""

    def __init__(self, vkey: str) -> None:
        self._verifier = checkpoint.parse_vkey(vkey)
        self.seen = Head(0, merkle.EMPTY_ROOT)

    def see(self, url: str) -> Head:
        """Look at the head over HTTP; it never goes back."""
        self.look(url)
        return self.seen

    def look(self, url: str) -> str:
        """The same; the note itself."""
        with httpx2.Client(base_url=url, timeout=BOUND_S, trust_env=False, verify=False) as http:
            note = http.get("/log/checkpoint").text
        head = self._opened(note)
        assert head.size >= self.seen.size
        self.seen = Head(head.size, head.root)
        return note

    def types_after(self, url: str, size: int) -> set[str]:
        """The types of the entries after the first `size`: a log grows by itself where gateways poll."""
        with httpx2.Client(base_url=url, timeout=BOUND_S, trust_env=False, verify=False) as http:
            leaves = list(_fetched(http, self.see(url).size))
        return {entries.read(leaf).type for leaf in leaves[size:]}

    def check_disk(self, database: Path, customers: Iterable[Customers]) -> None:
        """The file holds a log that verifies, goes on from the head seen, and has all acknowledged."""
        note, leaves = _stored(database)
        found = audit.audit(note, self._verifier, leaves)
        assert found.ok, found
        assert _root_of(leaves[: self.seen.size]) == self.seen.root
        _check_in_force(leaves)
        made = {each.size: each for each in _made(leaves)}
        for each in customers:
            for acknowledged in each.acknowledged:
                _check_made(acknowledged, made[acknowledged.result["size"]])

    def check_http(self, url: str) -> None:
        """The same over HTTP: it verifies, and the head seen before is a prefix, as a proof shows."""
        before = self.seen
        note, head = self.look(url), self.seen
        with httpx2.Client(base_url=url, timeout=BOUND_S, trust_env=False, verify=False) as http:
            found = audit.audit(note, self._verifier, _fetched(http, head.size))
            assert found.ok, found
            query = {"first": before.size, "second": head.size}
            answer = http.get("/api/v1/log/consistency", params=query).json()
        proof = [canonical.unb64(node) for node in answer["proof"]]
        merkle.verify_consistency(before.size, head.size, proof, before.root, head.root)

    def _opened(self, note: str) -> Checkpoint:
        return checkpoint.open_checkpoint(note, self._verifier)


def _stored(database: Path) -> tuple[str, list[bytes]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")  # both as they were at one moment
        (note,) = connection.execute("SELECT checkpoint FROM head").fetchone()
        return note, [leaf for (leaf,) in connection.execute("SELECT leaf FROM entries ORDER BY seq")]


def _fetched(http: httpx2.Client, size: int) -> Iterator[bytes]:
    for start in range(0, size, tiles.TILE_WIDTH):
        path = tiles.entries_path(start // tiles.TILE_WIDTH, min(tiles.TILE_WIDTH, size - start))
        yield from tiles.decode_entries(http.get(f"/log/{path}").content)


def _root_of(leaves: Iterable[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(merkle.leaf_hash(leaf))
    return frontier.root()


def _check_in_force(leaves: list[bytes]) -> None:
    """What says that a directive is in force everywhere proves it, and is said once."""
    entries: list[dict[str, Any]] = [json.loads(leaf) for leaf in leaves]
    noted = [entry["public"] for entry in entries if entry["type"] == "directive.in_force"]
    for _, parts in groupby(sorted(noted, key=_version), key=_version):
        proof.in_force(list(parts), lambda size: _root_of(leaves[:size]))


def _version(public: dict[str, Any]) -> tuple[str, int]:
    return public["directive"], public["size"]


@dataclass(frozen=True)
class _Made:
    """What one command made: the log size after it, its entries' types, and what its first entry says.

    But for what describes an organization that is new.
    """

    size: int
    types: list[str]
    public: dict[str, Any]


def _made(leaves: Iterable[bytes]) -> Iterator[_Made]:
    """What each command made, in order; the entries of one stand together, and no id comes twice."""
    entries: list[dict[str, Any]] = [json.loads(leaf) for leaf in leaves]
    known = set()
    for command, group in groupby(entries, key=lambda entry: str(entry["id"])):
        assert command not in known, f"{command} was done twice"
        known.add(command)
        made = list(group)
        about = [entry for entry in made if entry["type"] != "organization.described"]
        yield _Made(made[-1]["seq"] + 1, [entry["type"] for entry in about], about[0]["public"])


def _check_made(acknowledged: Acknowledged, made: _Made) -> None:
    result = dict(acknowledged.result)
    if "application" in result:
        result["case"] = result.pop("application")
    told = {name: result[name] for name in ("case", "digest", "credential", "directive") if name in result}
    assert told
    assert told.items() <= made.public.items()
    assert made.types in ENTRIES[acknowledged.command.kind]
