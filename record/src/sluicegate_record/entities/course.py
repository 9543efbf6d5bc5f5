"""How far a stage has come: when it first opened, under which terms, and where its ramp stands."""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate_record.form import Form, Time, form
from sluicegate_record.terms.audience import Ramp


@form
class Course(Form):
    """The way of a stage since its first opening. `terms` are those of its newest opening.

    `digest` is that of the newest statement that moved its ramp; `closed_ms` since when it is closed.
    `admitted` and `removed` count grants.
    """

    first_ms: Time
    terms: str
    ramp: Ramp
    closed_ms: Time | None = None
    digest: str | None = None
    admitted: int = 0
    removed: int = 0

    def places(self, steps: Sequence[tuple[int, int]], now_ms: int) -> int:
        """How many places are in at a moment, or were when it closed; `steps` as `terms.audience.shares`."""
        return self.ramp.places(steps, now_ms if self.closed_ms is None else self.closed_ms)
