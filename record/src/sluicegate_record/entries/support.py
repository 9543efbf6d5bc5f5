"""What a consequence rests on: positions by digest, and what counted in place of a position."""

from __future__ import annotations

from sluicegate_record.entries.body import Body
from sluicegate_record.form import Form, form


@form
class PositionRef(Form):
    """A position that a consequence rests on, by the digest of its statement and its place in the log."""

    agency: str
    digest: str
    seq: int


@form
class SupportedBody(Body):
    """A body that says what it rests on. `positions` is None if no case has decided it.

    `silent` are agencies whose silence counted. `unopposed` says that agencies were only notified, and none
    objected in time. `proceeded` says that officers proceeded.
    """

    positions: tuple[PositionRef, ...] | None = None
    silent: tuple[str, ...] = ()
    unopposed: bool = False
    proceeded: bool = False
