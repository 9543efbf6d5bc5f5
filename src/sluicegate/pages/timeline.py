"""A release's time line as a picture: where its marks are, in thousandths of its width.

Rules:
- What the picture shows is in a table beside it, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sluicegate.acts.outlook import StageCourse

WIDTH = 1_000
SAID: Mapping[str, str] = {
    "asked": "agencies are asked about its terms",
    "agreed": "its terms are agreed",
    "opened": "it opens",
    "closed": "it closes",
    "opens": "it opens by itself, if nothing more happens",
    "expected": "it is expected to open, by the forecast",
    "until": "the last day of its basis",
}


class Bar(NamedTuple):
    """A stretch of time."""

    x: int
    width: int


class Mark(NamedTuple):
    """A moment. `what` is the word for it."""

    x: int
    what: str
    comes: bool


class StageRow(NamedTuple):
    """A stage: when it was open, and what happens to it."""

    stage: str
    state: str
    open: tuple[Bar, ...]
    marks: tuple[Mark, ...]


class Timeline(NamedTuple):
    """All stages, on one scale. Units: milliseconds since 1970 UTC; `now` as a place."""

    first_ms: int
    last_ms: int
    now: int
    rows: tuple[StageRow, ...]


def timeline(stages: Sequence[StageCourse], now_ms: int) -> Timeline:
    """The time line of a release."""
    moments = [each.shown_ms for stage in stages for each in stage.events] + [now_ms]
    first, last = min(moments), max(moments)

    def place(at_ms: int) -> int:
        return (at_ms - first) * WIDTH // max(1, last - first)

    rows = (
        StageRow(
            each.stage,
            each.state,
            tuple(Bar(place(begin), max(1, place(end) - place(begin))) for begin, end in _open(each, now_ms)),
            tuple(Mark(place(event.shown_ms), event.what, event.comes) for event in each.events),
        )
        for each in stages
    )
    return Timeline(first, last, place(now_ms), tuple(rows))


def _open(stage: StageCourse, now_ms: int) -> Iterator[tuple[int, int]]:
    """From when to when a stage was open: until it closed, or other terms were asked about."""
    begin: int | None = None
    end: int | None = None
    for event in stage.events:
        if event.what == "opened":
            begin, end = (event.at_ms if begin is None else begin), None
        elif event.what == "asked":
            end = event.at_ms if begin is not None and end is None else end
        elif event.what == "closed" and begin is not None:
            yield begin, event.at_ms
            begin = end = None
    last = now_ms if stage.state in {"open", "halted"} else end
    if begin is not None and last is not None:
        yield begin, last
