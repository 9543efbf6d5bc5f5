"""Members of a ZIP archive, within bounds: stored, deflated, or compressed with Zstandard.

Rules:
- An archive has one directory, and at most ENTRIES_MAX members. What is read of it is there once: a run of
  Inspect that was interrupted may have samples twice, which are not read here.
- A member is decompressed slice by slice, and is refused as soon as it is longer than allowed.

Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4.5.
"""

from __future__ import annotations

import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Protocol

from sluicegate.errors import InvalidInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ENTRIES_MAX = 65_534
"""How many members an archive may have; more need another form of the directory."""
DIRECTORY_MAX = 16 * 1024 * 1024
MEMBER_MAX = 64 * 1024 * 1024
"""How many bytes a member may have when it is decompressed."""
SLICE = 256 * 1024
_END, _END_SIZE, _COMMENT_MAX = b"PK\x05\x06", 22, 65_535
_MORE, _MORE_SIZE = b"PK\x06\x07", 20
"""What says, just before the end, that another directory is to be read in place of the one at the end."""
_LOCAL = struct.Struct("<4s5HIIIHH")
_STORED, _DEFLATED, _ZSTANDARD = 0, 8, 93


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class Archive:
    """The directory of an archive, and its members. Raises: InvalidInput: no archive, or beyond a bound."""

    def __init__(self, file: IO[bytes]) -> None:
        _check_directory(file)
        try:
            with zipfile.ZipFile(file) as read:
                self._members = read.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise InvalidInput(f"an archive whose directory cannot be read: {error}") from error
        self._file = file
        self.names = frozenset(each.filename for each in self._members)

    def read(self, name: str) -> bytes:
        """The bytes of a member. Raises: InvalidInput: it is not there once, damaged, encrypted, too long."""
        named = [each for each in self._members if each.filename == name]
        if len(named) != 1:
            how = f"with two members of the name {name[:80]!r}" if named else f"without {name!r}"
            raise InvalidInput(f"an archive {how}")
        (found,) = named
        if found.flag_bits & 1 or found.file_size > MEMBER_MAX:
            raise InvalidInput(f"{name!r} is encrypted, or longer than {MEMBER_MAX:,} bytes")
        data = b"".join(self._slices(found))
        if len(data) != found.file_size or zlib.crc32(data) != found.CRC:
            raise InvalidInput(f"{name!r} is damaged")
        return data

    def _slices(self, found: zipfile.ZipInfo) -> Iterator[bytes]:
        if found.header_offset < 0:
            raise InvalidInput(f"{found.filename!r} is damaged")
        self._file.seek(found.header_offset)
        head = self._file.read(_LOCAL.size)
        try:
            signature, *_, names, extra = _LOCAL.unpack(head)
        except struct.error as error:
            raise InvalidInput(f"{found.filename!r} is damaged") from error
        if signature != b"PK\x03\x04":
            raise InvalidInput(f"{found.filename!r} is damaged")
        self._file.seek(names + extra, 1)
        packed = self._file.read(min(found.compress_size, MEMBER_MAX))
        if found.compress_type == _STORED:
            yield packed
            return
        try:
            yield from _unpacked(packed, _decompressor(found), found.filename)
        except (zlib.error, zstd.ZstdError, EOFError) as error:
            raise InvalidInput(f"{found.filename!r} is damaged") from error


def _check_directory(file: IO[bytes]) -> None:
    """Check how long the directory says it is, before it is read. Raises: InvalidInput."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_SIZE - _COMMENT_MAX))
    tail = file.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_SIZE:
        raise InvalidInput("no ZIP archive, or one that was cut off")
    file.seek(max(0, size - len(tail) + place - _MORE_SIZE))
    if file.read(len(_MORE)) == _MORE:
        raise InvalidInput("an archive with a second directory, of the form for more members")
    entries, directory = struct.unpack_from("<HI", tail, place + 10)
    if entries > ENTRIES_MAX or directory > DIRECTORY_MAX:
        raise InvalidInput(f"an archive with more than {ENTRIES_MAX:,} members")


def _decompressor(found: zipfile.ZipInfo) -> _Decompressor:
    if found.compress_type == _DEFLATED:
        return _Deflate()
    if found.compress_type == _ZSTANDARD:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 27})
    raise InvalidInput(f"{found.filename!r} is compressed in a way that is not read here")


class _Deflate:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(-15)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    def decompress(self, data: bytes, max_length: int = 0) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)


def _unpacked(packed: bytes, stream: _Decompressor, name: str) -> Iterator[bytes]:
    total, data = 0, packed
    while not stream.eof:
        out = stream.decompress(data, SLICE)
        data = b""
        if not out and not stream.eof:
            raise InvalidInput(f"{name!r} is damaged")
        total += len(out)
        if total > MEMBER_MAX:
            raise InvalidInput(f"{name!r} is longer than {MEMBER_MAX:,} bytes")
        yield out
