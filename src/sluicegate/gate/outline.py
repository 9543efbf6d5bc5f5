"""A body without its pictures: what there is to read in it, at the cost of one look at each byte.

Rules:
- A picture, a sound or a file in JSON is a long run of base64. All of a run but its first block becomes one
  mark. Everything else stays byte for byte.
- The mark is a character that occurs in no name: a name, an identifier or a number that was shortened matches
  no other one, and a number with the mark in it is not JSON. Keys of more than a block are not compared with
  each other exactly; keys that matter are short.
- Work is done in steps of less than a millisecond. Who runs them lets others run in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

BLOCK_BYTES = 2_048
STEP_BLOCKS = 128
MARK = "\N{HORIZONTAL ELLIPSIS}".encode()
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_"


@dataclass(slots=True)
class Outline:
    """A body, and, once `steps` are done, its outline."""

    body: bytes
    text: bytes = b""
    _pieces: list[bytes] = field(default_factory=list)
    _gaps: list[tuple[int, int]] = field(default_factory=list)
    """Where in the outline each mark ends, and how much longer the body is up to there."""
    _size: int = 0
    _left: int = 0

    def steps(self) -> Iterator[None]:
        """Make the outline, a step at each turn."""
        body, kept, run = self.body, 0, 0
        for at in range(0, len(body), BLOCK_BYTES):
            block = body[at : at + BLOCK_BYTES]
            if len(block) == BLOCK_BYTES and not block.translate(None, _BASE64):
                run += 1
            else:
                kept, run = self._skip(kept, at, run), 0
            if at // BLOCK_BYTES % STEP_BLOCKS == STEP_BLOCKS - 1:
                yield
        self._skip(kept, len(body) - len(body) % BLOCK_BYTES, run)
        kept = self._size + self._left
        self._pieces.append(body[kept:])
        self.text = b"".join(self._pieces)
        self._pieces = []

    def place(self, at: int) -> int:
        """Where in the body a place of the outline is. Requires: `at` is not in a mark."""
        return at + max((left for end, left in self._gaps if end <= at), default=0)

    def _skip(self, kept: int, end: int, run: int) -> int:
        """Leave out what a run that ends at `end` has beyond its first block; return what is done."""
        if run < 2:
            return kept
        start = end - (run - 1) * BLOCK_BYTES
        self._pieces += [self.body[kept:start], MARK]
        self._size += start - kept + len(MARK)
        self._left += end - start - len(MARK)
        self._gaps.append((self._size, self._left))
        return end
