"""What an entity is moved by: an entry, or one that is only tried."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sluicegate_record.entries import Body


class Happening(Protocol):
    """A body at a place of the log. Units: `at_ms` milliseconds since 1970 UTC."""

    @property
    def body(self) -> Body:
        """What it says."""

    @property
    def seq(self) -> int:
        """Its place in the log."""

    @property
    def at_ms(self) -> int:
        """When it is."""

    @property
    def by(self) -> str:
        """Who sent the command, by pseudonym."""


class Trial(NamedTuple):
    """A body as if it stood in the log already: what a command would come to."""

    body: Body
    seq: int
    at_ms: int
    by: str = ""
