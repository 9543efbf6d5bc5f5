"""A copy of a log: an exported folder, a database, or what a control plane serves.

Rules:
- Reading a copy does not mean that we trust it: `sluicegate_record.audit` checks it with only the log's key.
- A database is opened for reading only; a URL gives bytes, and its headers do not matter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TypeAlias
from urllib.error import HTTPError
from urllib.request import urlopen

from sluicegate_record.errors import InvalidInput, Unreachable, VerificationFailed
from sluicegate_record.log import checkpoint, tiles
from sluicegate_record.log.merkle import HASH_BYTES

Fetch: TypeAlias = Callable[[str], bytes]
"""Gives the file at a path of the C2SP layout, such as `checkpoint` or `tile/0/000`."""
TIMEOUT_S = 30
FILE_BYTES_MAX = 20 * 1024 * 1024
"""The largest file of the layout that we read. 256 leaves of 65,535 bytes are smaller."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The signed head of a copy, its leaves, and the leaf hashes beside them, if it has any."""

    note: bytes
    leaves: Iterator[bytes]
    hashes: Sequence[bytes] = ()


def open_copy(where: str, verifier: checkpoint.Verifier) -> Copy:
    """The copy at a URL, in a folder or in a database.

    Raises: InvalidInput: it is not one of these. Unreachable.
            VerificationFailed: its key did not sign its head, or a file is missing.
    """
    path = Path(where)
    if path.is_file():
        return _database(path)
    if path.is_dir():
        return of_files(_folder(path), verifier)
    if where.startswith(("http://", "https://")):
        return of_files(_server(where.rstrip("/")), verifier)
    raise InvalidInput(f"{where!r} is neither a file, nor a folder, nor a URL")


def of_files(fetch: Fetch, verifier: checkpoint.Verifier) -> Copy:
    """A copy in the C2SP layout. Raises as `fetch` does, and BadCheckpoint."""
    note = fetch("checkpoint")
    size = checkpoint.open_checkpoint(note, verifier).size
    return Copy(note, _leaves(fetch, size), _hashes(fetch, size))


def _folder(folder: Path) -> Fetch:
    def fetch(path: str) -> bytes:
        try:
            return (folder / path).read_bytes()
        except OSError as error:
            raise VerificationFailed(f"the copy lacks {path}: {error.strerror}") from error

    return fetch


def _server(url: str) -> Fetch:
    def fetch(path: str) -> bytes:
        try:
            with urlopen(f"{url}/log/{path}", timeout=TIMEOUT_S) as answer:  # noqa: S310 - http or https, checked
                data: bytes = answer.read(FILE_BYTES_MAX + 1)
        except HTTPError as error:
            raise VerificationFailed(f"the log at {url} lacks {path}: status {error.code}") from error
        except (OSError, HTTPException) as error:
            raise Unreachable(f"{url} did not answer: {error}", remedy="check the address") from error
        if len(data) > FILE_BYTES_MAX:
            raise VerificationFailed(
                f"{path} has over {FILE_BYTES_MAX} bytes, more than such a file can have"
            )
        return data

    return fetch


def _leaves(fetch: Fetch, size: int) -> Iterator[bytes]:
    for path in tiles.entries_paths(size):
        try:
            yield from tiles.decode_entries(fetch(path))
        except InvalidInput as error:
            raise VerificationFailed(f"{path}: {error.message}") from error


def _hashes(fetch: Fetch, size: int) -> list[bytes]:
    data = b"".join(fetch(path) for path in tiles.tile_paths(0, size))
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def _database(path: Path) -> Copy:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (note,) = connection.execute("SELECT checkpoint FROM head").fetchone()
            rows = connection.execute("SELECT CAST(leaf AS BLOB) FROM entries ORDER BY seq")
            leaves = [bytes(leaf) for (leaf,) in rows]
    except (sqlite3.DatabaseError, TypeError) as error:
        raise InvalidInput(f"{path} is not a Sluicegate database: {error}") from error
    return Copy(note.encode(), iter(leaves))
