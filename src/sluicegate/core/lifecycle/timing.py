"""When the times of a case end: the clock of its stage, counted by calendars."""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate.core.terms import clocks
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.proceedings import Span


def due(case: Case, start_ms: int, within: int, stops: Sequence[Span]) -> int:
    """When a time of a case's clock ends: milliseconds since 1970 UTC. Requires: it has a clock."""
    clock = case.procedure.clock
    assert clock is not None
    return clocks.due_ms(start_ms, within, clock.unit, clock.calendar, stops)


def whole_due(case: Case, now_ms: int) -> int | None:
    """When the whole case is due, if its last question closes now; None if its time is already over."""
    if case.whole_clock is None or case.asked_ms is None or case.due_ms is None:
        return None
    stops = [*case.stops, Span(case.asked_ms, now_ms)]
    return due(case, case.at_ms, case.whole_clock[0], stops)


def first_due_ms(case: Case) -> int | None:
    """The earliest of an agency's time and that of the whole; None if none runs."""
    running = (timer.due_ms for timer in case.clocks.values())
    whole = None if case.asked_ms is not None else case.due_ms
    return min((at_ms for at_ms in (*running, whole) if at_ms is not None), default=None)
