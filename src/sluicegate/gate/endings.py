"""How a stream of each dialect ends, and what is said in its silence.

Rules:
- A stream is complete when its dialect's last event has come, or when its last event is an error of the
  upstream. A stream that merely stops is not.
- Events are looked at as bytes. In JSON, a quote or line end inside a text is escaped, so what looks like a
  field or a line is one.

Source: OpenAI's API reference (chat/completions, responses: streaming events), Anthropic's (messages:
streaming), and the types in their SDKs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sluicegate.gate.dialects import Dialect

LAST_BYTES = 16 * 1024
"""How much of the last events is kept."""
HEAD_BYTES = 1024
"""How much of their beginning, if they are larger."""
SEARCHED_BYTES = 512 * 1024
"""How much of the newest events is searched: more than comes from a socket at once. Only the first of them
can be larger than that; its beginning is searched too.
"""

_LAST: Mapping[Dialect, tuple[tuple[bytes, ...], re.Pattern[bytes]]] = {
    Dialect.OPENAI: ((b"[DONE]",), re.compile(rb"(?:\A|[\r\n])data: ?\[DONE\]")),
    Dialect.RESPONSES: (
        (b"response.completed", b"response.incomplete", b"response.failed"),
        re.compile(
            rb"(?:\A|[\r\n])event: ?response\.(?:completed|incomplete|failed)[\r\n]"
            rb'|"type"\s*:\s*"response\.(?:completed|incomplete|failed)"'
        ),
    ),
    Dialect.ANTHROPIC: (
        (b"message_stop",),
        re.compile(rb'(?:\A|[\r\n])event: ?message_stop[\r\n]|"type"\s*:\s*"message_stop"'),
    ),
}
"""The last events: bytes of which each has some, and what it looks like."""

_ERROR = re.compile(
    rb"(?:\A|[\r\n])(?:event: ?error[\r\n]"
    rb'|data: ?\{\s*(?:"error"\s*:\s*[{"]|"type"\s*:\s*"error"))'
)
_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})\b')

IN_SILENCE: Mapping[Dialect, bytes] = {
    Dialect.OPENAI: b": keep-alive\n\n",
    Dialect.RESPONSES: b": keep-alive\n\n",
    Dialect.ANTHROPIC: b'event: ping\ndata: {"type": "ping"}\n\n',
}
"""What keeps a connection alive between two events: a comment, or the dialect's own ping."""


class StreamEnd:
    """What a stream's events say about its end. Call `saw` with all of them, in order and whole."""

    __slots__ = ("_last", "_marks", "_pattern", "_said")

    def __init__(self, dialect: Dialect) -> None:
        self._marks, self._pattern = _LAST[dialect]
        self._said = False
        self._last = b""

    def saw(self, events: bytes) -> None:
        """Note some events. Requires: `events` is not empty."""
        if len(events) > SEARCHED_BYTES:
            searched = events[:HEAD_BYTES] + b"\n" + events[-SEARCHED_BYTES:]
        else:
            searched = events
        for mark in self._marks:
            if mark in searched and self._pattern.search(searched):
                self._said = True
        if len(events) <= LAST_BYTES:
            self._last = events
        else:
            self._last = events[:HEAD_BYTES] + b"\n" + events[-LAST_BYTES:]

    def is_said(self) -> bool:
        """Whether the stream may end here."""
        return self._said or _ERROR.search(self._last) is not None

    def next_number(self) -> int:
        """The number of the event that would come next, where events are numbered."""
        found = _NUMBER.findall(self._last)
        return int(found[-1]) + 1 if found else 0
