"""What a case keeps of its parties: their positions, their time, and the comparison with a list."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from sluicegate_record.entries import cases
from sluicegate_record.form import Form, Misread, Time, form, replace, shown
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.terms.conditions import Conditions

CONSENT = frozenset({"approve", "approve-with-conditions", "no-objection"})


class Span(NamedTuple):
    """A stretch of time, `[from_ms, until_ms)`. Units: milliseconds since 1970 UTC."""

    from_ms: int
    until_ms: int

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Two numbers. Raises: Misread."""
        if type(value) is not list or [type(each) for each in value] != [int, int]:
            raise Misread("two whole numbers", shown(value))
        return cls(*value)

    def to_json(self) -> list[int]:
        """Two numbers."""
        return list(self)


@form
class Opinion(Form):
    """A position on the record. `sealed` says that its reason is not public.

    `said` is what had been said in the case, as its signer saw it; None if the statement does not tell.
    """

    agency: str
    owners: tuple[str, ...]
    position: str
    reason: str
    digest: str
    seq: int
    at_ms: Time
    conditions: Conditions | None = None
    sealed: bool = False
    said: Discussion | None = None
    is_stale: bool = False
    concern: str | None = None
    is_outside: bool = False

    def is_like(self, body: cases.PositionRecorded) -> bool:
        """Whether a later position says the same in public. Sealed reasons cannot be compared."""
        is_open = not self.sealed and body.sealed_reason is None
        own = (self.position, self.reason, self.conditions)
        return is_open and own == (body.position, body.reason, body.conditions)


@form
class Timer(Form):
    """An agency's time in a case, from its receipt.

    `due_ms` is None while it is stopped, or over. `warned_ms` is the due time that the last warning was
    about. `rung` counts the steps of the ladder so far; `climbed_ms` is the time of the last step. `silence`
    is the meaning of its silence, once it has one.
    """

    started_ms: Time
    receipt: str | None
    due_ms: Time | None = None
    warned_ms: Time | None = None
    rung: int = 0
    climbed_ms: Time | None = None
    asked_ms: Time | None = None
    stops: tuple[Span, ...] = ()
    silence: str | None = None
    ended_ms: Time | None = None

    @property
    def step_ms(self) -> int:
        """When the time of its present step began."""
        return self.started_ms if self.climbed_ms is None else self.climbed_ms

    def said(self, position: str, at_ms: int) -> Timer:
        """The timer after its agency took a position. A question to the applicant stops it."""
        stops = self.stops if self.asked_ms is None else (*self.stops, Span(self.asked_ms, at_ms))
        asks = position == "ask"
        return replace(
            self,
            stops=stops,
            due_ms=None,
            silence=None,
            asked_ms=at_ms if asks else None,
            ended_ms=None if asks else at_ms,
        )

    def answered(self, due_ms: int | None, at_ms: int) -> Timer:
        """The timer after the applicant answered its agency's question."""
        stops = self.stops if self.asked_ms is None else (*self.stops, Span(self.asked_ms, at_ms))
        return replace(self, stops=stops, asked_ms=None, due_ms=due_ms)


@form
class ListComparison(Form):
    """The newest comparison with a list.

    `reopened_ms` is when another version of the list came into use after it.
    """

    name: str
    version: str
    decision: str
    reason: str
    owner: str
    digest: str
    at_ms: Time
    seq: int
    reopened_ms: Time | None = None

    @property
    def is_clear(self) -> bool:
        """Whether it clears its applicant, and no later version of the list has opened it again."""
        return self.decision == "clear" and self.reopened_ms is None

    def is_reopened_by(self, name: str, version: str) -> bool:
        """Whether this version of a list opens it again, or leaves it open."""
        return self.name == name and (self.version != version or self.reopened_ms is not None)
