"""The requests of keys by day, and of all these keys by model, as pictures: where their bars are.

Rules:
- What the pictures show is in a table beside them, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sluicegate.acts.credentials import GrantUsage

WIDTH, HEIGHT, GAP = 1_000, 60, 6
WITHOUT = "without a model"
"""What is said of requests that are counted without one."""


class UseBar(NamedTuple):
    """The requests of a day: where the bar is, how high its two parts are, what was refused above."""

    x: int
    width: int
    passed: int
    refused: int


class DayLine(NamedTuple):
    """The requests of a day."""

    day: str
    passed: int
    refused: int


class UseChart(NamedTuple):
    """A key or a model that was used, its days, and their bars; all of one kind are on one scale."""

    called: str
    passed: int
    refused: int
    days: Sequence[DayLine]
    bars: tuple[UseBar, ...]


def by_key(found: GrantUsage) -> Sequence[UseChart]:
    """The keys that were used, each with its picture."""
    lines = {
        key.credential: [DayLine(each.day, each.passed, each.refused) for each in key.days]
        for key in found.keys
        if key.days
    }
    labels = {key.credential: key.label or key.credential for key in found.keys}
    return [chart._replace(called=labels[chart.called]) for chart in _charts(found, lines)]


def by_model(found: GrantUsage) -> Sequence[UseChart]:
    """The models that these keys asked for, each with its picture; what is counted without one is last."""
    counts = dict[tuple[bool, str], dict[str, DayLine]]()
    for line in (line for key in found.keys for line in key.days):
        for each in line.by_model:
            days = counts.setdefault((each.model is None, each.model or WITHOUT), {})
            before = days.get(line.day, DayLine(line.day, 0, 0))
            days[line.day] = DayLine(line.day, before.passed + each.passed, before.refused + each.refused)
    lines = {name: [days[day] for day in sorted(days)] for (_, name), days in sorted(counts.items())}
    return _charts(found, lines)


def _charts(found: GrantUsage, lines: Mapping[str, Sequence[DayLine]]) -> Sequence[UseChart]:
    first = date.fromisoformat(found.since)
    step = WIDTH // ((date.fromisoformat(found.until) - first).days + 1)
    most = max((each.passed + each.refused for days in lines.values() for each in days), default=1)

    def bars(days: Iterable[DayLine]) -> Iterator[UseBar]:
        for each in days:
            x = (date.fromisoformat(each.day) - first).days * step
            yield UseBar(x, step - GAP, _height(each.passed, most), _height(each.refused, most))

    return [
        UseChart(
            called,
            sum(each.passed for each in days),
            sum(each.refused for each in days),
            days,
            tuple(bars(days)),
        )
        for called, days in lines.items()
    ]


def _height(count: int, most: int) -> int:
    """How high a bar is: nothing only for no request."""
    return max(1, count * (HEIGHT - 2) // max(1, most)) if count else 0
