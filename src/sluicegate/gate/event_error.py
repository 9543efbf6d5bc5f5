"""Errors that come as events of a stream: whose they are.

Rules:
- They are judged as an upstream's other errors are. One about our account there ends the stream, and is not
  passed on; another one goes on, marked as the upstream's, without names of accounts.
- All other events stay byte for byte, and cost a look at whether they have a word.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sluicegate.gate import sse
from sluicegate.gate.dialects import GatewayFault
from sluicegate.gate.upstream_error import ERROR_BYTES, UpstreamError

READ_BYTES = 8 * ERROR_BYTES
"""The largest event that is read: a response that failed comes back with all that it was asked with."""
_MAY_BE = re.compile(
    rb'"error"\s*:\s*[^\sn]|"type"\s*:\s*"(?:error|response\.failed)"|(?:\A|[\r\n])event: ?error[\r\n]'
)
"""What an error event has. Other events may have it too."""
_BEGINS = re.compile(
    rb"(?:\A|[\r\n])(?:event: ?(?:error|response\.failed)[\r\n]"
    rb'|data: ?\{\s*"(?:error"\s*:|type"\s*:\s*"(?:error|response\.failed)"))'
)
"""How one begins that is too large to be read."""
_BEGINNING_BYTES = 1024
_LINE = re.compile(rb"\r\n|\r|\n")


class Judged(NamedTuple):
    """Events as they may go on: all, or those before one in whose place the client gets `fault`. `failed`
    says that one is an error of the upstream.
    """

    events: bytes
    fault: GatewayFault | None = None
    failed: bool = False


def has_word(events: bytes) -> bool:
    """Whether events have a word that every error has. Bytes `in` bytes takes ten times as long as `find`."""
    return events.find(b"error") >= 0 or events.find(b"response.failed") >= 0


def judged(events: bytes) -> Judged:
    """Events without what an upstream's error may not say. Those that do not have the word have none."""
    if not _MAY_BE.search(events):
        return Judged(events)
    kept: list[bytes] = []
    failed = False
    for event in sse.events(events):
        error = _error(event)
        if error is None:
            kept.append(event)
        elif error.fault is not None:
            return Judged(b"".join(kept), error.fault)
        else:
            failed = True
            kept.append(_marked(event, error))
    return Judged(b"".join(kept), failed=failed)


def _error(event: bytes) -> UpstreamError | None:
    """The error that an event is, if it is one."""
    if len(event) > READ_BYTES:
        return UpstreamError(None) if _BEGINS.search(event[:_BEGINNING_BYTES]) else None
    if not _MAY_BE.search(event):
        return None
    error = UpstreamError(data_of(event))
    return error if error.is_one or _name(event) == b"error" else None


def _marked(event: bytes, error: UpstreamError) -> bytes:
    """An event with the data that may go on of its error."""
    lines = [line for line in _LINE.split(event) if line and not line.startswith(b"data")]
    return b"\n".join([*lines, *(b"data: " + line for line in _LINE.split(error.marked())), b"", b""])


def _name(event: bytes) -> bytes:
    """The last name that an event gives itself."""
    named = [line[6:].strip(b" ") for line in _LINE.split(event) if line.startswith(b"event:")]
    return named[-1] if named else b""


def data_of(event: bytes) -> bytes:
    """The data of an event, its lines joined."""
    lines = (line[5:] for line in _LINE.split(event) if line.startswith(b"data:"))
    return b"\n".join(line.removeprefix(b" ") for line in lines)
