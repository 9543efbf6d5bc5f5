"""How a stream of each dialect ends, and what is said in its silence.

Rules:
- A stream is complete when its dialect's last event has come, or an error of the upstream, after which no
  client takes it for a success. A stream that merely stops is not.
- What says that an event is the last one is its own type. A caller's metadata comes back in events, and may
  have the same words.
- Events are looked at as bytes. In JSON, a quote or line end inside a text is escaped, so what looks like a
  field or a line is one.

Source: OpenAI's API reference (chat/completions, responses: streaming events), Anthropic's (messages:
streaming), and the types in their SDKs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from sluicegate.gate import sse
from sluicegate.gate.dialects import Dialect
from sluicegate.gate.levels import at_top

LAST_BYTES = 16 * 1024
"""How much of the last events is kept."""
HEAD_BYTES = 1024
"""How much of their beginning, if they are larger."""
SEARCHED_BYTES = 512 * 1024
"""How much of the newest events is searched: more than comes from a socket at once. Only the first of them
can be larger than that; its beginning is searched too.
"""


class _LastEvents(NamedTuple):
    """The events that end streams of a dialect: bytes of which each has some, the line that begins one, and
    the key that says its type, if one has a type. `numbered` says that all events of the dialect are.
    """

    marks: tuple[bytes, ...]
    line: re.Pattern[bytes]
    key: re.Pattern[bytes] | None = None
    numbered: bool = False

    def include(self, event: bytes) -> bool:
        """Whether an event is one by its own type. What it holds may have the same words."""
        if not any(mark in event for mark in self.marks):
            return False
        return self.line.search(event) is not None or (self.key is not None and any(at_top(event, self.key)))


_LAST: Mapping[Dialect, _LastEvents] = {
    Dialect.OPENAI: _LastEvents((b"[DONE]",), re.compile(rb"(?:\A|[\r\n])data: ?\[DONE\]")),
    Dialect.RESPONSES: _LastEvents(
        (b"response.completed", b"response.incomplete", b"response.failed"),
        re.compile(rb"(?:\A|[\r\n])event: ?response\.(?:completed|incomplete|failed)[\r\n]"),
        re.compile(rb'"type"(?<!\\"type")\s*:\s*"response\.(?:completed|incomplete|failed)"'),
        numbered=True,
    ),
    Dialect.ANTHROPIC: _LastEvents(
        (b"message_stop",),
        re.compile(rb"(?:\A|[\r\n])event: ?message_stop[\r\n]"),
        re.compile(rb'"type"(?<!\\"type")\s*:\s*"message_stop"'),
    ),
}
_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})\b')

IN_SILENCE: Mapping[Dialect, bytes] = {
    Dialect.OPENAI: b": keep-alive\n\n",
    Dialect.RESPONSES: b": keep-alive\n\n",
    Dialect.ANTHROPIC: b'event: ping\ndata: {"type": "ping"}\n\n',
}
"""What keeps a connection alive between two events: a comment, or the dialect's own ping."""


class StreamEnd:
    """What a stream's events say about its end. Call `saw` with all of them, in order and whole."""

    __slots__ = ("_kind", "_last", "is_said")

    def __init__(self, dialect: Dialect) -> None:
        self._kind = _LAST[dialect]
        self._last = b""
        self.is_said = False
        """Whether the stream may end here."""

    def saw(self, events: bytes) -> None:
        """Note some events. Requires: `events` is not empty."""
        for mark in self._kind.marks:
            if events.find(mark) >= 0 and not self.is_said:
                self.is_said = any(map(self._kind.include, sse.events(_ends_of(events, SEARCHED_BYTES))))
        if self._kind.numbered:
            self._last = _ends_of(events, LAST_BYTES)

    def failed(self) -> None:
        """Note an error of the upstream."""
        self.is_said = True

    def next_number(self) -> int:
        """The number of the event that would come next, where events are numbered."""
        found = _NUMBER.findall(self._last)
        return int(found[-1]) + 1 if found else 0


def _ends_of(events: bytes, most: int) -> bytes:
    """Events, or the beginning of the first one and the newest bytes, if they are more than `most`."""
    return events if len(events) <= most else events[:HEAD_BYTES] + b"\n" + events[-most:]
