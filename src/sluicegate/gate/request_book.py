"""The request book: under what each request ran that was let through, found by its id alone.

Rules:
- It has no content, no key, no name of a person, and no id of a request.
- An id is there as a keyed digest. What is beside it is sealed with the same secret, which is a file of
  its own: who has the book alone reads neither ids nor whose they were, and who has both still needs an id.
- A thread writes it, in segments of an hour. One writer a segment: each start begins a new one.
- A segment goes when all in it is older than the book keeps, or when the book is larger than it may be, the
  oldest first. What is older than the book keeps is not shown either.
- What cannot be written is dropped and counted. No request waits for the book, and none fails by it.

A segment is a sequence of chunks. A chunk has the length of its sealed part and how many lines that has, two
digests for each line, a nonce, and the sealed lines. Whatever follows the last whole chunk is ignored: a
process that ends while it writes leaves it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sluicegate.errors import InvalidInput
from sluicegate.gate.lines import LineWriter
from sluicegate_record.form import Exact, Time, form

FOLDER, KEY = "requests", "requests.key"
"""Where a gateway keeps its book and its secret, in its state folder."""
SEGMENT_MS = 3_600_000
"""For how long one segment is written, and so how much longer than stated a line may lie on the disk."""
SEGMENTS_MIN = 16
"""Into how many segments at least a book is divided that is as large as it may be."""

_HEAD = struct.Struct(">II")
_DIGEST_BYTES, _NONCE_BYTES, _SECRET_BYTES = 16, 12, 32
_IDS_OF_LINE = 2
_CHUNK_MAX = 64 * 1024 * 1024
_NAME = re.compile(r"(\d{14})-[0-9a-f]{16}")
_log = logging.getLogger(__name__)


@form
class PassedRequest(Exact):
    """A request that was let through, as its gateway has it in its book.

    `size` is that of the log at the decision, and `at_ms` when the request was over, by the gateway's clock.
    `programmes` are those that it asked for. `outcome` is how it ended, as in the request log.
    """

    credential: str
    grant: str
    model: str
    surface: str
    programmes: tuple[str, ...]
    size: int
    at_ms: Time
    outcome: str


class Secret:
    """The secret of a book: it makes digests of ids, and seals lines. Requires: 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._index = _derived(secret, b"index", 32)
        self._sealer = ChaCha20Poly1305(_derived(secret, b"seal", 32))

    def digest(self, request_id: bytes) -> bytes:
        """The digest of an id, 16 bytes."""
        return _derived(self._index, request_id, _DIGEST_BYTES)

    def chunk(self, lines: Sequence[bytes]) -> bytes:
        """The chunk with some lines of `trace.passed_line`: digests of their two ids, and the rest sealed."""
        digests, sealed = [], []
        for line in lines:
            own, other, rest = line.split(b" ", _IDS_OF_LINE)
            digests += [self.digest(own), self.digest(other) if other else os.urandom(_DIGEST_BYTES)]
            sealed.append(rest)
        index, nonce = b"".join(digests), os.urandom(_NONCE_BYTES)
        body = self._sealer.encrypt(nonce, b"".join(sealed), index)
        return b"".join([_HEAD.pack(len(body), len(lines)), index, nonce, body])

    def opened(self, chunk: _Chunk) -> list[bytes]:
        """The lines of a chunk; none of one that was sealed with another secret, or changed."""
        try:
            return self._sealer.decrypt(chunk.nonce, chunk.body, chunk.digests).splitlines()
        except InvalidTag:
            return []


def _derived(secret: bytes, said: bytes, size: int) -> bytes:
    """BLAKE2b with a key. Source: RFC 7693."""
    return blake2b(said, key=secret, digest_size=size).digest()


class _Chunk(NamedTuple):
    digests: bytes
    nonce: bytes
    body: bytes


class RequestBook(LineWriter):
    """The book of one gateway, which it writes to. `wall_ms` is its clock.

    The secret is in the file `key`; it is made if it is missing.
    """

    def __init__(
        self, folder: Path, key: Path, keep_ms: int, max_bytes: int, wall_ms: Callable[[], int]
    ) -> None:
        super().__init__(_Segments(folder, key, keep_ms, max_bytes, wall_ms), "request-book")
        self._look()

    def _look(self) -> None:
        """Have the thread look now and then whether something is too old, also while no one asks."""
        self._batches.put([])
        self._looking = self._loop.call_later(SEGMENT_MS / 1000, self._look)

    async def close(self) -> None:
        """Write what waits, unless that takes too long."""
        self._looking.cancel()
        await super().close()


class _Segments:
    """The files of a book. Used by one thread."""

    def __init__(
        self, folder: Path, key: Path, keep_ms: int, max_bytes: int, wall_ms: Callable[[], int]
    ) -> None:
        self.dropped = 0
        self._folder, self._key, self._keep_ms, self._max_bytes = folder, key, keep_ms, max_bytes
        self._wall_ms = wall_ms
        self._secret: Secret | None = None
        self._file: int | None = None
        self._size = 0
        self._until_ms = 0
        self._trouble = ""

    def write(self, lines: list[bytes]) -> None:
        """Write lines; those that cannot be written are counted."""
        now_ms = self._wall_ms()
        try:
            if lines:
                self._append(lines, now_ms)
            else:
                self._tidy(now_ms)
        except (OSError, InvalidInput) as error:
            self.dropped += len(lines)
            self._tell(error)
        else:
            self._trouble = ""

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, lines: list[bytes], now_ms: int) -> None:
        """Write a chunk, whole or not at all. Raises: OSError, InvalidInput."""
        if self._secret is None:
            self._secret = _made(self._key)
        chunk = self._secret.chunk(lines)
        is_full = self._size + len(chunk) > self._max_bytes // SEGMENTS_MIN
        if self._file is None or now_ms >= self._until_ms or is_full:
            self._begin(now_ms)
        assert self._file is not None
        at = 0
        try:
            while at < len(chunk):
                at += os.write(self._file, chunk[at:])
        except OSError:
            self._take_back()
            raise
        self._size += len(chunk)

    def _take_back(self) -> None:
        """Remove half a chunk: nothing is written behind one."""
        assert self._file is not None
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self.close()  # the next chunk begins a segment

    def _begin(self, now_ms: int) -> None:
        """Begin a segment, and delete those that are too old or too many. Raises: OSError."""
        self.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tidy(now_ms)
        path = self._folder / f"{now_ms:014d}-{secrets.token_hex(8)}"
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._size, self._until_ms = 0, now_ms + SEGMENT_MS

    def _tidy(self, now_ms: int) -> None:
        """Delete what is too old or too much. Raises: OSError."""
        if self._file is not None and now_ms >= self._until_ms:
            self.close()
        found = [(path, began_ms, path.stat().st_size) for path, began_ms in _segments(self._folder)]
        total = sum(size for _, _, size in found)
        room = self._max_bytes - self._max_bytes // SEGMENTS_MIN
        for path, began_ms, size in found:
            if began_ms + SEGMENT_MS + self._keep_ms > now_ms and total <= room:
                break
            path.unlink(missing_ok=True)
            total -= size

    def _tell(self, error: Exception) -> None:
        """Say what is wrong, once for each change."""
        trouble = getattr(error, "strerror", None) or str(error)
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("requests are not kept in the book %s: %s", self._folder, trouble)


def find(folder: Path, key: Path, request_id: str, after_ms: int) -> list[PassedRequest]:
    """The requests of an id that were over after a moment, oldest first; as a rule it is one at most.

    An id that a model's server gave may be of several. Raises: InvalidInput: the book or its secret cannot be
    read.
    """
    secret = _read(key)
    digest, found = secret.digest(request_id.encode()), []
    if not folder.is_dir():
        raise InvalidInput(f"no request book at {folder}", remedy="name the state folder of a gateway")
    for path, _ in _segments(folder):
        with suppress(FileNotFoundError):  # its time came while we looked
            found += [_passed(line) for line in _lines(path, secret, digest)]
    return sorted((each for each in found if each.at_ms > after_ms), key=lambda each: each.at_ms)


def began_ms(folder: Path) -> int | None:
    """When the oldest segment of a book began; None without one."""
    return next((at_ms for _, at_ms in _segments(folder)), None)


def _lines(path: Path, secret: Secret, digest: bytes) -> Iterator[bytes]:
    """The lines of a segment that a digest is of. Raises: InvalidInput: it cannot be read."""
    try:
        data = path.read_bytes()
    except PermissionError as error:
        raise InvalidInput(f"the request book {path} cannot be read: {error.strerror}") from error
    for chunk in _chunks(data) if digest in data else ():
        index = [chunk.digests[at : at + _DIGEST_BYTES] for at in range(0, len(chunk.digests), _DIGEST_BYTES)]
        places = sorted({at // _IDS_OF_LINE for at, each in enumerate(index) if each == digest})
        lines = secret.opened(chunk) if places else []
        yield from (lines[at] for at in places if at < len(lines))


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """The whole chunks of a segment, in their order."""
    at = 0
    while at + _HEAD.size <= len(data):
        length, lines = _HEAD.unpack_from(data, at)
        index = at + _HEAD.size + lines * _IDS_OF_LINE * _DIGEST_BYTES
        end = index + _NONCE_BYTES + length
        if end > len(data) or length > _CHUNK_MAX:
            return
        yield _Chunk(
            data[at + _HEAD.size : index],
            data[index : index + _NONCE_BYTES],
            data[index + _NONCE_BYTES : end],
        )
        at = end


def _passed(line: bytes) -> PassedRequest:
    credential, grant, model, surface, programmes, size, at_ms, outcome = json.loads(line)
    return PassedRequest(
        credential=credential,
        grant=grant,
        model=model,
        surface=surface,
        programmes=tuple(programmes),
        size=size,
        at_ms=at_ms,
        outcome=outcome,
    )


def _segments(folder: Path) -> list[tuple[Path, int]]:
    """The segments of a book with when they began, oldest first."""
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    return [(path, int(found[1])) for path in paths if (found := _NAME.fullmatch(path.name))]


def _made(key: Path) -> Secret:
    """The secret of a book, a new one if there is no file. Raises: OSError, InvalidInput."""
    if not key.exists():
        key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(_SECRET_BYTES) + "\n")
    return _read(key)


def _read(key: Path) -> Secret:
    """The secret in a file. Raises: InvalidInput: no such file, readable by others, or something else."""
    try:
        mode, text = key.stat().st_mode, key.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        said = f"the secret of the request book, {key}, cannot be read: {why}"
        raise InvalidInput(said, remedy="name the gateway's own: --request-key") from error
    if mode & 0o077:
        said = f"the secret of the request book, {key}, can be read by others"
        raise InvalidInput(said, remedy=f"chmod 600 {key}")
    if not re.fullmatch(rf"[0-9a-f]{{{2 * _SECRET_BYTES}}}", text, re.ASCII):
        raise InvalidInput(f"{key} is no secret of a request book: {2 * _SECRET_BYTES} hex digits expected")
    return Secret(bytes.fromhex(text))
