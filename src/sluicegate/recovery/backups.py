"""Backups: made beside a running control plane, verified by replay, restored into a folder that is at rest.

`completion.py` takes back what a restored log lacks; `epochs.py` lets it go on without that.

Rules:
- A copy is made by SQLite's own backup, so it is of one moment. It has no private key: these are listed.
- What is restored was replayed: the log's key signed its head, each entry is lawful, the tree fits.
- Nothing is deleted: the database that a restore replaces is moved aside.
- A restored log that is older than what a gateway has seen is not served before that is settled.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sluicegate import __version__
from sluicegate.core.explanations.narration import narrated
from sluicegate.errors import (
    InvalidInput,
    SluicegateError,
    StoreUnavailable,
    StoreUnusable,
    VerificationFailed,
)
from sluicegate.gate.kept import Memory
from sluicegate.service.follower import Follower
from sluicegate.store import lock, logkeys, schema, unsettled
from sluicegate.store.sqlite import SqliteStore
from sluicegate.store.unsettled import Restored
from sluicegate_record import law
from sluicegate_record.audit import Judge
from sluicegate_record.entries import Entry, Unknown
from sluicegate_record.entries.directives import DirectiveIssued, DirectiveLifted
from sluicegate_record.entries.releases import LogKeyReplaced, LogStarted
from sluicegate_record.log import merkle, publickey
from sluicegate_record.log.checkpoint import Verifier
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.record import Record
from sluicegate_record.statements.epochs import TreeHead
from sluicegate_record.terms.text import counted

DATABASE, LISTING = "ledger.db", "backup.json"
CHUNK = 1_000


@dataclass(slots=True)
class Replay:
    """A log that was read from its beginning: its head, its record, and when its last entry was made."""

    vkey: str = ""
    at_ms: int = 0
    note: str = ""
    frontier: Frontier = field(default_factory=Frontier)
    record: Record = field(default_factory=Record)

    @property
    def head(self) -> TreeHead:
        """The head that it has."""
        return TreeHead(size=self.frontier.size, root=self.frontier.root())

    @property
    def signer(self) -> Verifier:
        """What verifies its head: the key that signs it now."""
        return self.record.log_keys.current.verifier


def make(state: Path, folder: Path, now_ms: int) -> dict[str, Any]:
    """Copy the database of a control plane, which may run meanwhile, into a new folder; and list beside it
    what else the control plane needs.

    Raises: InvalidInput: the folder exists. StoreUnavailable, StoreUnusable: the database.
    """
    if folder.exists():
        raise InvalidInput(f"{folder} exists already", remedy="name a new folder")
    source = state / DATABASE
    if not source.is_file():
        raise StoreUnavailable(f"there is no database {source}", remedy="name the state folder with --state")
    folder.mkdir(parents=True, mode=0o700)
    target = folder / DATABASE
    target.touch(mode=0o600)
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as running,
            closing(sqlite3.connect(target)) as copied,
        ):
            running.backup(copied)
            copied.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(f"{source} could not be copied to {folder}: {error}") from error
    _sync(target)
    found = replay(target)
    listing = {
        "madeAt": now_ms,
        "build": __version__,
        "schema": schema.VERSION,
        "log": found.vkey,
        "size": found.head.size,
        "root": found.head.root.hex(),
        "elsewhere": list(_elsewhere(state)),
    }
    (folder / LISTING).write_text(json.dumps(listing, indent=1) + "\n")
    _sync(folder / LISTING)
    return listing


def _elsewhere(state: Path) -> Iterator[dict[str, Any]]:
    """What is not in a backup, and has to be kept elsewhere: keys, and files that only this machine has."""
    key = logkeys.of(state / logkeys.NOW)
    if key is not None:
        public = key.public_key().public_bytes_raw()
        yield {"file": "log.key", "what": "the log's signing key: without it the log cannot go on",
               "keyid": publickey.keyid(public)}  # fmt: skip
    yield {"file": "the trust file", "what": "the parties' public keys, named with --trust"}
    yield {"file": "tokens/", "what": "tokens that were not handed out yet: issue new ones instead"}
    yield {
        "file": "the command line",
        "what": "options and SLUICEGATE_ variables of 'sluicegate serve' or 'sluicegate up'",
    }


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def listed(backup: Path) -> dict[str, Any]:
    """What a backup says of itself. Raises: InvalidInput."""
    try:
        found: dict[str, Any] = json.loads((backup / LISTING).read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{backup} is not a backup: {LISTING}: {error}",
                           remedy="name a folder of 'sluicegate backup make'") from error  # fmt: skip
    return found


def verify(backup: Path, key: str = "") -> Replay:
    """Replay a backup. `key` is the log's verifier key; empty: the one that the log states.

    Raises: VerificationFailed, InvalidInput, StoreUnusable.
    """
    said = listed(backup)
    _check_whole(backup / DATABASE)
    with tempfile.TemporaryDirectory() as folder:  # a copy: one of an earlier build is brought up to date
        copied = Path(shutil.copy(backup / DATABASE, folder))
        SqliteStore(copied).close()
        found = replay(copied)
    if key and not found.record.log_keys.knows(key.strip()):
        raise VerificationFailed(f"{backup} is of another log: {found.vkey}")
    if (found.head.size, found.head.root.hex()) != (said.get("size"), said.get("root")):
        raise VerificationFailed(f"{backup} has another log than its {LISTING} says")
    return found


def replay(database: Path) -> Replay:
    """Read a database as a start does: hashes, signed head, the law for each entry, and the fold.

    Raises: VerificationFailed, StoreUnusable, StoreUnavailable.
    """
    _check_whole(database)
    with closing(SqliteStore(database, read_only=True)) as store:
        found, follower = Replay(), Follower()
        judge: Judge | None = None
        while entries := store.log.entries(found.frontier.size, CHUNK):
            for entry in entries:
                check_read(entry, found)
                if judge is None:
                    assert isinstance(entry.body, LogStarted)
                    found.vkey = entry.body.vkey
                    judge = Judge(found.vkey)
                judge.check_place(entry, found.frontier)
                judge.take(entry)
                found.frontier.append(merkle.leaf_hash(entry.leaf))
                found.at_ms = entry.at_ms
            unlawful = judge.judged().unlawful if judge is not None else ()
            if unlawful:
                raise VerificationFailed(f"{database}: {unlawful[0]}")
        if judge is None:
            raise VerificationFailed(f"{database} has no entries")
        follower.catch_up(store.log)
        found.record, found.note = follower.state.record, store.log.checkpoint()
        if merkle.root(found.head.size, store.log.nodes) != found.head.root:
            raise VerificationFailed(f"{database}: the stored tree is not that of the entries")
        signed = found.record.log_keys.open(found.note)
        if (signed.size, signed.root) != (found.head.size, found.head.root):
            raise VerificationFailed(f"{database}: the entries are not those of the signed head")
        return found


def _check_whole(database: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as opened:
            (said,) = opened.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        raise StoreUnusable(f"{database} cannot be read: {error}", remedy="use another backup") from error
    if said != "ok":
        raise StoreUnusable(f"{database} is damaged: {said}", remedy="use another backup")


def check_read(entry: Entry, found: Replay) -> None:
    """Check that an entry comes next in a log that is read, and that this build can read it.

    Raises: VerificationFailed.
    """
    if entry.seq != found.frontier.size:
        raise VerificationFailed(f"entry {found.frontier.size} is missing")
    if isinstance(entry.body, Unknown):
        raise VerificationFailed(
            f"entry {entry.seq} ({entry.type}): {entry.body.why}",
            remedy="use the build that wrote it, or a newer",
        )
    if found.frontier.size == 0 and not isinstance(entry.body, LogStarted):
        raise VerificationFailed("the log does not begin with its key")


@dataclass(frozen=True, slots=True)
class RestorePreview:
    """What a restore would do: what is restored, what is there now, and what was seen that is newer.

    `there` is the size of the database that is replaced; None without one that can be read.
    """

    restored: Replay
    there: int | None
    seen: Mapping[str, TreeHead]
    lost: Sequence[Entry]

    @property
    def newer(self) -> dict[str, TreeHead]:
        """The heads that are beyond what is restored."""
        return {name: head for name, head in self.seen.items() if head.size > self.restored.head.size}


def compare(backup: Path, state: Path, gateways: Sequence[Path]) -> RestorePreview:
    """What a restore would do. Raises: as `verify`; VerificationFailed: another log's key is there."""
    found = verify(backup)
    if (state / "gateway" / "seen.json").is_file():
        gateways = [state / "gateway", *gateways]
    seen = {str(folder): head_seen(folder) for folder in gateways}
    furthest = max(seen, key=lambda name: seen[name].size, default="")
    lost: list[Entry] = []
    if furthest and seen[furthest].size > found.head.size:
        try:
            lost = Memory(Path(furthest)).entries(found.head.size, seen[furthest].size)
        except VerificationFailed:
            lost = []
    _check_own(state, backup, found, lost)
    return RestorePreview(found, _size_of(state / DATABASE), seen, lost)


def _check_own(state: Path, backup: Path, found: Replay, lost: Sequence[Entry]) -> None:
    """Check that the key in a folder is that of a backup, or one that it got after the backup was made.

    Raises: VerificationFailed.
    """
    own = logkeys.of(state / logkeys.NOW)
    after = {each.body.key for each in lost if isinstance(each.body, LogKeyReplaced)}
    signs = {found.record.log_keys.current.vkey, *after}
    if own is not None and logkeys.vkey(found.signer.name, own) not in signs:
        raise VerificationFailed(
            f"{state / logkeys.NOW} is not the key of the log in {backup}",
            remedy="put the log's own key back; one that it got later needs a gateway that has that entry",
        )


def head_seen(gateway: Path) -> TreeHead:
    """The newest head that a gateway trusted, by its state folder. Raises: InvalidInput."""
    if not (gateway / "seen.json").is_file():
        raise InvalidInput(f"{gateway} is not a gateway's state folder: it has no seen.json")
    found = Memory(gateway).load()
    return TreeHead(size=found.size, root=found.root)


def _size_of(database: Path) -> int | None:
    try:
        with closing(SqliteStore(database, read_only=True)) as store:
            return store.log.size()
    except SluicegateError:
        return None


def restore(backup: Path, state: Path, found: RestorePreview, now_ms: int) -> Path | None:
    """Put a backup in the place of the database of a state folder that is at rest.

    Returns: where the database is now that was there.
    Raises:  StoreUnavailable: the folder is in use.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    at_rest(state)
    if found.newer:
        unsettled.write(
            state, Restored(log=found.restored.vkey, restored=found.restored.head, seen=found.seen)
        )
    aside = _move_aside(state, now_ms)
    written = state / f"{DATABASE}.new"
    written.unlink(missing_ok=True)
    written.touch(mode=0o600)
    written.write_bytes((backup / DATABASE).read_bytes())
    _sync(written)
    written.replace(state / DATABASE)
    return aside


def at_rest(state: Path) -> None:
    """Hold a state folder until this process ends. Raises: StoreUnavailable: it is in use."""
    (state / "run").mkdir(exist_ok=True, mode=0o700)
    lock.hold(state / "run" / "supervisor", "backup", of=state)
    lock.hold(state / DATABASE, "backup")


def _move_aside(state: Path, now_ms: int) -> Path | None:
    if not (state / DATABASE).exists():
        return None
    aside = state / f"replaced-{now_ms}"
    aside.mkdir(mode=0o700)
    for suffix in ("", "-wal", "-shm"):
        path = state / f"{DATABASE}{suffix}"
        if path.exists():
            path.replace(aside / path.name)
    return aside


def lost_lines(entries: Sequence[Entry]) -> list[str]:
    """What is lost with some entries, in words: how many of each type, and what narrows."""
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.type] = counts.get(entry.type, 0) + 1
    lines = [f"{counted(count, 'entry', 'entries')} {name}" for name, count in sorted(counts.items())]
    return [*lines, *(f"narrows access: {line}" for line in narrowing_lines(entries))]


def narrowing_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """What some entries narrowed, in words."""
    bodies = [entry.body for entry in entries]
    lifted = {each.directive for each in bodies if isinstance(each, DirectiveLifted) and each.scope is None}
    for entry in entries:
        if law.carried(entry.body, entry.seq, ()) is not None:
            is_over = isinstance(entry.body, DirectiveIssued) and entry.body.directive in lifted
            since = ", lifted since" if is_over else ""
            yield f"entry {entry.seq}, {narrated(entry)}{since}"
