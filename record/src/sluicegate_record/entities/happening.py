"""What changes an entity: an entry of the log, or a body that is only tried."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sluicegate_record.entries import Body

CLOCK = "clock"
"""Who sends what happens because a time has come: the `by` of its entries."""


class Happening(Protocol):
    """A body at a place in the log. Units: `at_ms` milliseconds since 1970 UTC."""

    @property
    def body(self) -> Body:
        """What it says."""

    @property
    def seq(self) -> int:
        """Its place in the log."""

    @property
    def at_ms(self) -> int:
        """Its time."""

    @property
    def by(self) -> str:
        """Who sent the command, by pseudonym."""

    @property
    def leaf(self) -> bytes:
        """Its leaf; empty if it has none yet."""


class Trial(NamedTuple):
    """A body that is tried as if it were in the log: it shows what a command would lead to."""

    body: Body
    seq: int
    at_ms: int
    by: str = ""
    leaf: bytes = b""
