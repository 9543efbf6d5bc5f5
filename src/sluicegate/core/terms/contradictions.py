"""What contradicts itself in a stage: each field is right by itself, and together no one can meet them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sluicegate.core.terms.document import Fault, reached, shown
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms import durations


def faults(stage: Any, path: JsonPath) -> Iterator[Fault]:
    """What no one can meet in a stage."""
    if not isinstance(stage, Mapping):
        return
    yield from _repeated(stage.get("eligibility"), (*path, "eligibility"))
    yield from _crowded(stage, path)
    yield from _too_early(stage, path)
    yield from _warned_at_once(reached(stage.get("admission"), "clock"), (*path, "admission", "clock"))


def _repeated(eligibility: Any, path: JsonPath) -> Iterator[Fault]:
    for name, what in (("registeredIn", "country"), ("onwardAccess", "kind of access")):
        listed = reached(eligibility, name)
        for i, each in enumerate(listed if isinstance(listed, list) else ()):
            if each in listed[:i]:
                yield Fault((*path, name, i), f"each {what} once", shown(each))


def _crowded(stage: Mapping[str, Any], path: JsonPath) -> Iterator[Fault]:
    """More seats than the organizations that the stage is meant to let in: the last ones stay empty."""
    seats, stated = stage.get("seats"), reached(stage.get("exposure"), "organizations")
    most = reached(stated, "value") if isinstance(stated, Mapping) else stated
    if type(seats) is int and type(most) is int and seats > most:
        expected = f"at most {most:,} seats, as 'exposure' has organizations"
        yield Fault((*path, "seats"), expected, shown(seats))


def _too_early(stage: Mapping[str, Any], path: JsonPath) -> Iterator[Fault]:
    """A target that time breaks, since the stage cannot open by then."""
    target, asked = stage.get("target"), reached(stage.get("opensWhen"), "allOf")
    for each in asked if isinstance(asked, list) else ():
        day = reached(each, "date")
        if isinstance(target, str) and isinstance(day, str) and target < day[:10]:
            expected = f"a day from {day[:10]} on, before which 'opensWhen' lets it open on no day"
            yield Fault((*path, "target"), expected, shown(target))


def _warned_at_once(clock: Any, path: JsonPath) -> Iterator[Fault]:
    """A reminder that is due before an agency is asked."""
    within, warn_ms = reached(clock, "within"), _milliseconds(reached(clock, "warn"))
    if type(within) is not int or warn_ms is None or reached(clock, "unit") == "business-days":
        return
    if warn_ms >= within * DAY_MS:
        yield Fault(
            (*path, "warn"), f"less than the {within} days that an agency has", shown(reached(clock, "warn"))
        )


def _milliseconds(text: Any) -> int | None:
    try:
        return durations.milliseconds(text) if isinstance(text, str) else None
    except ValueError:
        return None
