"""What the state holds beside the record and the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sluicegate_record.directives.document import Arrived


class Nomination(NamedTuple):
    """An organization that the developer hopes for in a stage, by pseudonym; `invited` may apply for it."""

    nomination: str
    release: str
    stage: str
    organization: str
    invited: str | None = None


class Transcript(NamedTuple):
    """What two officers wrote down for an agency: who they are, and how it arrived."""

    officers: tuple[str, ...]
    arrived: Arrived


class PointStatement(NamedTuple):
    """What a point has said of a directive: `enforced` or `restored`, for its document of log size `of`.

    Units: `said_ms` by the point's own clock, `at_ms` by the log's, milliseconds since 1970 UTC.
    """

    says: str
    of: int
    said_ms: int
    seq: int
    at_ms: int


@dataclass(slots=True)
class Point:
    """A declared enforcement point: a surface that has none of our gateways. `stated` is its newest word."""

    name: str
    surface: str
    public: bytes
    owner: str
    at_ms: int
    retired: bool = False
    stated: dict[str, PointStatement] = field(default_factory=dict)
    """Its newest statement for each directive."""
