"""A copy of a log: an exported folder, a database, or what a control plane serves.

Rules:
- Reading a copy does not mean that we trust it: `sluicegate_record.audit` checks it with only the log's key.
- We read no more than a true copy can have: a file of the layout has the size that its path says, and a text
  or blob of a database has at most `VALUE_BYTES_MAX`. A URL and a database have a deadline.
- We read only regular files and tables. A database is opened for reading only, in one transaction.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeAlias
from urllib import request
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit

from sluicegate_record.entities import logkey
from sluicegate_record.errors import InvalidInput, SluicegateError, Unreachable, VerificationFailed
from sluicegate_record.log import checkpoint, merkle, tiles
from sluicegate_record.log.merkle import HASH_BYTES

Fetch: TypeAlias = Callable[[str, int], bytes]
"""Gives the file at a path of the C2SP layout, such as `checkpoint` or `tile/0/000`.

It reads at most one byte more than the number it is given: longer files are cut there.
"""
TIMEOUT_S = 30
"""How long a server may be silent."""
FILE_S, LOG_S = 300, 3_600
"""How long a file from a URL may take, and a whole log."""
WHERE_BYTES_MAX = 4_096
VALUE_BYTES_MAX = 4 * 1024 * 1024
"""How long a text, a blob or a row of a database may be."""
_SERVED = (
    request.ProxyHandler,
    request.UnknownHandler,
    request.HTTPHandler,
    request.HTTPSHandler,
    request.HTTPDefaultErrorHandler,
    request.HTTPErrorProcessor,
)
_NOT_FOUND, _MOVED = 404, {301, 302, 303, 307, 308}
_MOVES_MAX = 5
_BUSY, _BUSY_S, _BUSY_TIMES = {429, 503}, 1.0, 10
"""What a server says that wants to be asked again, after how long it is, and how often."""
_STEPS = 100_000
"""After how many steps of SQLite the deadline is looked at."""
_UNREADABLE = (OSError, ValueError, HTTPException, EOFError)
"""What reading a file or a server raises; UnicodeError is a ValueError."""


class _Lacking(VerificationFailed):
    """A copy without one of its files."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The signed head of a copy, its leaves, and the leaf hashes beside them, if it has any.

    Leaves and hashes are read one by one, and raise the errors of `open_copy`.
    """

    note: bytes
    leaves: Iterator[bytes]
    hashes: Iterator[bytes]


def open_copy(where: str, verifier: checkpoint.Verifier) -> Copy:
    """The copy at a URL, in a folder or in a database.

    Raises: InvalidInput: it is not one of these. Unreachable.
            VerificationFailed: no key of this name signed its head, or a file is missing.
    """
    if len(where.encode(errors="surrogatepass")) > WHERE_BYTES_MAX:
        raise InvalidInput(
            f"{where[:40]!r}… is longer than {WHERE_BYTES_MAX} bytes, expected a URL or a path"
        )
    if where.startswith(("http://", "https://")):
        return of_files(_server(_checked_url(where).rstrip("/"), LOG_S), verifier)
    path = Path(where)
    mode = _mode(path)
    if stat.S_ISREG(mode):
        return _database(path, verifier)
    if stat.S_ISDIR(mode):
        return of_files(_folder(path), verifier)
    raise InvalidInput(f"{where[:200]!r} is neither a file, nor a folder, nor a URL")


def of_files(fetch: Fetch, verifier: checkpoint.Verifier) -> Copy:
    """A copy in the C2SP layout. Raises as `fetch` does, and BadCheckpoint."""
    note = fetch("checkpoint", checkpoint.MAX_NOTE_BYTES)
    size = logkey.expected(note, verifier).size
    return Copy(note, _leaves(fetch, size), _hashes(fetch, size))


def files_of(where: str, within_s: float = LOG_S) -> Fetch:
    """What gives the files of a log at a URL, or in a folder. They are not checked.

    From a URL it gives them for `within_s` seconds.

    It raises: InvalidInput: there is no log. Unreachable. VerificationFailed: a file is missing.
    """
    if where.startswith(("http://", "https://")):
        return _server(_checked_url(where).rstrip("/"), within_s)
    if stat.S_ISDIR(_mode(Path(where))):
        return _folder(Path(where))
    raise InvalidInput(f"{where[:200]!r} is neither a folder nor a URL")


def bundle(fetch: Fetch, size: int, index: int) -> list[bytes]:
    """The leaves of a bundle of a log of `size`. Raises as `fetch` does, and VerificationFailed: damaged."""
    width = min(tiles.TILE_WIDTH, size - index * tiles.TILE_WIDTH)
    return _whole_or_part(_bundle, fetch, tiles.entries_path(index, width), width)


def read_file(path: Path, limit: int) -> bytes:
    """A regular file, cut after `limit` bytes and one. Raises: OSError, ValueError."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("not a regular file")
        return file.read(limit + 1)


def _mode(path: Path) -> int:
    """The mode of what is at a path; 0 where nothing is, or nothing can be."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _checked_url(url: str) -> str:
    """A URL that can be asked. Raises: InvalidInput."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        is_plain = url.isascii() and url.isprintable() and " " not in url
        is_whole = parts.scheme in {"http", "https"} and bool(host) and parts.port != 0 and is_plain
    except ValueError:
        is_whole = False
    if not is_whole:
        raise InvalidInput(f"{url[:200]!r} is not an address that can be asked, expected one as https://host")
    return url


def _folder(folder: Path) -> Fetch:
    def fetch(path: str, limit: int) -> bytes:
        try:
            return read_file(folder / path, limit)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            if path == "checkpoint":
                raise _no_log(folder, why) from error
            raise _Lacking(f"the copy lacks {path}: {why}") from error

    return fetch


def _no_log(folder: Path, why: str) -> InvalidInput:
    database = folder / "ledger.db"
    remedy = f"name {database}" if _mode(database) else "name a folder that `ledger export` has made"
    return InvalidInput(f"{folder} is not a copy of a log: checkpoint: {why}", remedy=remedy)


def _server(url: str, within_s: float) -> Fetch:
    end_s = time.monotonic() + within_s

    def fetch(path: str, limit: int) -> bytes:
        try:
            left_s = min(FILE_S, end_s - time.monotonic())
            return _within(left_s, lambda: _patiently(f"{url}/log/{path}", limit))
        except HTTPError as error:
            raise _lacking(url, path, error.code) from error
        except _UNREADABLE as error:
            raise Unreachable(
                f"{url} did not answer as a log does: {error}", remedy="check the address"
            ) from error

    return fetch


def _lacking(url: str, path: str, status: int) -> SluicegateError:
    if status != _NOT_FOUND:
        return Unreachable(
            f"{url} answered {path} with status {status}", remedy="check the address, or try later"
        )
    if path == "checkpoint":
        return InvalidInput(f"there is no log at {url}: status {status}", remedy="check the address")
    return _Lacking(f"the log at {url} lacks {path}: status {status}")


def _patiently(url: str, limit: int) -> bytes:
    """As `_get`; a server that is busy is asked again."""
    for _ in range(_BUSY_TIMES):
        try:
            return _get(url, limit)
        except HTTPError as error:
            if error.code not in _BUSY or not error.headers["Retry-After"]:
                raise
            time.sleep(_BUSY_S)
    return _get(url, limit)


def _get(url: str, limit: int) -> bytes:
    """What is at a URL, or where it has moved to, cut after `limit` bytes and one."""
    for _ in range(_MOVES_MAX):
        try:
            return _got(url, limit)
        except HTTPError as error:
            error.close()
            if error.code not in _MOVED:
                raise
            url = urljoin(url, error.headers["Location"] or "")
        try:
            _checked_url(url)
        except InvalidInput as error:
            raise ValueError(error.message) from error
    raise ValueError(f"it has moved over {_MOVES_MAX} times")


def _got(url: str, limit: int) -> bytes:
    """As `_get`, of this URL; the length of a chunk is not believed. Raises: HTTPError, and `_UNREADABLE`."""
    opener = request.OpenerDirector()
    for handler in _SERVED:
        opener.add_handler(handler())
    answer: Any
    with closing(opener.open(url, timeout=TIMEOUT_S)) as answer:
        data = bytearray()
        while len(data) <= limit and (more := answer.read1(limit + 1 - len(data))):
            data += more
        if len(data) <= limit and answer.length:
            raise IncompleteRead(bytes(data), answer.length)
    return bytes(data[: limit + 1])


def _within(seconds: float, work: Callable[[], bytes]) -> bytes:
    """What `work` gives. Raises: TimeoutError: it takes longer, and is left behind; what `work` raises."""
    answers: SimpleQueue[bytes | Exception] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(work())
        except Exception as error:  # noqa: BLE001 - raised again below
            answers.put(error)

    Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=max(seconds, 0))
    except Empty:
        raise TimeoutError("it takes too long") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _leaves(fetch: Fetch, size: int) -> Iterator[bytes]:
    for path, width in tiles.entries_paths(size):
        yield from _whole_or_part(_bundle, fetch, path, width)


def _hashes(fetch: Fetch, size: int) -> Iterator[bytes]:
    """The leaf hashes of the tiles of level 0; after the last one, every tile above is checked by them."""
    count, level, over = size, 0, list[bytes]()
    for path, width in tiles.tile_paths(0, size):
        hashes = _whole_or_part(_tile, fetch, path, width)
        yield from hashes
        over += _over(hashes)
    while count := count // tiles.TILE_WIDTH:
        level, expected, over = level + 1, over, []
        for at, (path, width) in enumerate(tiles.tile_paths(level, count)):
            hashes = _whole_or_part(_tile, fetch, path, width)
            if hashes != expected[at * tiles.TILE_WIDTH : at * tiles.TILE_WIDTH + width]:
                raise VerificationFailed(f"{path} has other hashes than those of the tiles below it")
            over += _over(hashes)


def _over(hashes: Sequence[bytes]) -> list[bytes]:
    """The hash over a full tile, as the tile above has it; none of one that is not full."""
    found = list(hashes) if len(hashes) == tiles.TILE_WIDTH else []
    while len(found) > 1:
        found = [merkle.node_hash(found[at], found[at + 1]) for at in range(0, len(found), 2)]
    return found


Read: TypeAlias = Callable[[Fetch, str, int], list[bytes]]
"""Reads the parts of a file, whose number is given."""


def _whole_or_part(read: Read, fetch: Fetch, path: str, width: int) -> list[bytes]:
    """The parts of a tile or bundle; where a partial one is gone, those of the full one.

    Who serves a log may delete a partial tile once the full one is there (C2SP tlog-tiles).
    """
    try:
        return read(fetch, path, width)
    except _Lacking:
        full = path.partition(".p/")[0]
        if full == path:
            raise
        try:
            return read(fetch, full, tiles.TILE_WIDTH)[:width]
        except _Lacking:
            pass
        raise


def _bundle(fetch: Fetch, path: str, width: int) -> list[bytes]:
    data = fetch(path, width * tiles.MAX_ENTRY_BYTES)
    try:
        leaves = tiles.decode_entries(data)
    except InvalidInput as error:
        raise VerificationFailed(f"{path}: {error.message}") from error
    if len(leaves) != width:
        raise VerificationFailed(f"{path} has {len(leaves)} entries, expected {width}")
    return leaves


def _tile(fetch: Fetch, path: str, width: int) -> list[bytes]:
    data = fetch(path, width * HASH_BYTES)
    if len(data) != width * HASH_BYTES:
        raise VerificationFailed(f"{path} does not have the {width} hashes that the size of the log says")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def _database(path: Path, verifier: checkpoint.Verifier) -> Copy:
    rows = _rows(path)
    note = next(rows)
    logkey.expected(note, verifier)
    return Copy(note, rows, iter(()))


def _rows(path: Path) -> Iterator[bytes]:
    """The signed head of a database, and then its leaves, all of one moment. Raises: InvalidInput."""
    try:
        with closing(_connection(path)) as connection:
            yield _bytes(connection.execute("SELECT CAST(checkpoint AS BLOB) FROM head").fetchone(), "head")
            for row in connection.execute("SELECT CAST(leaf AS BLOB) FROM entries ORDER BY seq"):
                yield _bytes(row, "entries")
    except (OSError, ValueError, sqlite3.Error) as error:
        raise InvalidInput(f"{path} is not a Sluicegate database: {error}") from error


def _connection(path: Path) -> sqlite3.Connection:
    """A connection in a transaction, to a database that has the tables. Raises: sqlite3.Error, ValueError."""
    end_s = time.monotonic() + LOG_S
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)
    connection.set_progress_handler(lambda: time.monotonic() > end_s, _STEPS)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("BEGIN")
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0"
    if not {"head", "entries"} <= {name for (name,) in connection.execute(query)}:
        connection.close()
        raise ValueError("it lacks the tables head and entries")
    return connection


def _bytes(row: tuple[object, ...] | None, table: str) -> bytes:
    value = row[0] if row else None
    if not isinstance(value, bytes):
        raise ValueError(f"a row of {table} is empty, expected text")  # noqa: TRY004 - of the data
    return value
