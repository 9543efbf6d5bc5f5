"""Server-sent events, split where an event ends, with bytes unchanged.

Rules
- A line ends with CR, LF or CR LF; an event ends with an empty line. What `feed` returns always ends so.
  After each piece, a forwarder can stop and add an event of its own.
- No byte is held back without need: a CR ends its line immediately; an LF after it goes with the next piece.
- The held bytes have a bound. The borders of chunks change neither the bytes nor what is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sluicegate.errors import InvalidInput

MAX_EVENT_BYTES = 32 << 20

_CR, _LF = b"\r", b"\n"
_PAIRS = (b"\n\n", b"\n\r", b"\r\r")
_USUAL_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
_BLANK = re.compile(rb"(?:\n\n|\n\r|\r\r)[\r\n]*")


class EventRoom:
    """How much of events all streams may hold together, because they are incomplete or not yet taken, and how
    much those of one organization.

    Units: bytes.
    """

    def __init__(self, most: int, share: int) -> None:
        self._most = most
        self._share = share
        self._of: Counter[str] = Counter()
        self.held = 0

    def change(self, organization: str, more: int) -> bool:
        """Hold so much more, or less. Returns: whether there is room for it."""
        self.held += more
        self._of[organization] += more
        if not self._of[organization]:
            del self._of[organization]
        return more <= 0 or (self.held <= self._most and self._of[organization] <= self._share)


@dataclass(frozen=True, slots=True)
class EventShare:
    """The part of the room that is for the streams of one organization."""

    room: EventRoom
    organization: str

    def change(self, more: int) -> bool:
        """See `EventRoom.change`."""
        return self.room.change(self.organization, more)


def events(text: bytes) -> Iterator[bytes]:
    """The events of a text one by one, each with its empty lines; the last one may be incomplete."""
    begin = 0
    for blank in _BLANK.finditer(text):
        yield text[begin : blank.end()]
        begin = blank.end()
    if begin < len(text):
        yield text[begin:]


class EventSplitter:
    """Splits one stream of events; feed it the chunks in order.

    Units: max_event_bytes counts an event up to the first byte of the line end that completes it.
    """

    __slots__ = ("_held", "_max_event_bytes", "is_empty")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        # INVARIANT: a line end, then what was received and not returned, which has no empty line. Thanks to
        # that first byte an empty line at the very start of an event looks like any other.
        self._held = bytearray(_LF)
        self.is_empty = True
        """Whether nothing is held."""

    def feed(self, chunk: bytes) -> bytes:
        """Take the next chunk; return all complete events since the last call.

        Raises: InvalidInput: an event larger than max_event_bytes; then the splitter cannot be used any more.
        Source: WHATWG HTML, server-sent events, parsing an event stream.
        """
        if self.is_empty and chunk.endswith(_USUAL_ENDS) and len(chunk) <= self._max_event_bytes:
            return chunk
        held = self._held
        last = len(held) - 1
        held += chunk
        end = _end_of_last_event(held, last)
        self._check_sizes(end)
        with memoryview(held) as whole:
            complete = bytes(whole[1:end])
        del held[1:end]
        self.is_empty = len(held) == 1
        return complete

    @property
    def held(self) -> int:
        """How many bytes were received and not returned: the beginning of an incomplete event."""
        return len(self._held) - 1

    def _check_sizes(self, end: int) -> None:
        """Refuse too large an event before `end`, or the beginning of one after it."""
        largest = len(self._held) - end
        if end - 1 > self._max_event_bytes:
            largest = max(largest, _largest_event(self._held, end))
        if largest > self._max_event_bytes:
            raise InvalidInput(f"event of {largest} bytes or more, expected at most {self._max_event_bytes}")


def _end_of_last_event(data: bytearray, start: int) -> int:
    """Where the last empty line after `start` ends. Without such a line: 1, right after the first byte."""
    end = max(data.rfind(pair, start) for pair in _PAIRS) + 2
    if data[end - 1 : end + 1] == _CR + _LF:
        end += 1
    return end


def _largest_event(data: bytearray, end: int) -> int:
    """The size of the largest event before `end`, not counting the first byte."""
    sizes, begin = [0], 1
    for blank in _BLANK.finditer(data, 0, end):
        sizes.append(blank.start() + 2 - begin)
        begin = blank.end()
    return max(sizes)
