"""Bodies that come compressed: gzip, deflate and zstd, read within bounds.

Rules:
- One coding, one stream, one frame: what follows its end, a second member or a second coding could be read by
  one server and ignored by another, and is refused. `deflate` is the zlib format, as RFC 9110 says.
- What comes out is bounded in size, and, beyond the first mebibyte, by what went in; the work is bounded in
  time. The window of zstd is at most 8 MiB, as RFC 9659 says. A bomb is found after one slice.
- A body is sent on as it came. What is read here is only for the decision.

Sources: RFC 9110 section 8.4.1, RFC 1950, RFC 1952, RFC 8878, RFC 9659.
"""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

from sluicegate.errors import InvalidInput, TooLarge

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

RATIO_MAX = 100
"""How many times its own size a body may become, once it is over `FREE_BYTES`."""
FREE_BYTES = 1024 * 1024
SLICE_BYTES = 256 * 1024
TIME_MAX_S = 2.0
WINDOW_LOG_MAX = 23


class Decompressor(Protocol):
    """One stream of a coding: what `zlib` and `zstd` both have."""

    @property
    def eof(self) -> bool:
        """Whether the stream is complete."""

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""

    def more(self, data: bytes, most: int) -> bytes:
        """At most so many bytes. Raises: zlib.error, zstd.ZstdError."""

    @property
    def waiting(self) -> bytes:
        """What to give again with the next call."""


class _Zlib:
    def __init__(self, window: int) -> None:
        self._stream = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    @property
    def waiting(self) -> bytes:
        return self._stream.unconsumed_tail

    def more(self, data: bytes, most: int) -> bytes:
        return self._stream.decompress(data, most)


class _Zstd:
    """It keeps by itself what it has not read yet."""

    waiting = b""

    def __init__(self) -> None:
        options = {int(zstd.DecompressionParameter.window_log_max): WINDOW_LOG_MAX}
        self._stream = zstd.ZstdDecompressor(options=options)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def more(self, data: bytes, most: int) -> bytes:
        return self._stream.decompress(data, max_length=most)


CODINGS: Mapping[bytes, Callable[[], Decompressor]] = {
    b"gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    b"x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    b"deflate": lambda: _Zlib(zlib.MAX_WBITS),
    b"zstd": _Zstd,
}
_BROKEN = (zlib.error, zstd.ZstdError)


def decoded(
    body: bytes, coding: bytes, size_max: int, clock: Callable[[], float] = time.thread_time
) -> bytes:
    """What a body says.

    Requires: `coding` is one of CODINGS. It may run in a thread: the libraries let others run meanwhile.
    Units:    `clock` counts seconds of this thread's own work.
    Raises:   InvalidInput: broken, cut short, more than one stream, or a bomb. TooLarge.
    """
    name, ends = coding.decode(), clock() + TIME_MAX_S
    stream, parts, size, data = CODINGS[coding](), [], 0, body
    while not stream.eof:
        try:
            part = stream.more(data, SLICE_BYTES)
        except _BROKEN:
            raise InvalidInput(f"the body is not {name}, as its content-encoding says") from None
        data = stream.waiting
        size += len(part)
        if not part and not data and not stream.eof:
            raise InvalidInput(f"the body ends within its {name}, expected all of it")
        if size > size_max:
            raise TooLarge(f"a body larger than {size_max:,} bytes when it is read, expected at most that")
        if size > max(FREE_BYTES, RATIO_MAX * len(body)):
            raise InvalidInput(f"the body becomes more than {RATIO_MAX} times its size, expected less")
        if clock() > ends:
            raise InvalidInput(f"the body takes more than {TIME_MAX_S:.0f} s to read, expected less")
        parts.append(part)
    if stream.unused_data:
        raise InvalidInput(f"more after the end of the body's {name}, expected one stream")
    return b"".join(parts)
