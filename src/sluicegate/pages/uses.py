"""The requests of keys by day as pictures: where their bars are.

Rules:
- What the pictures show is in a table beside them, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from sluicegate.acts.credentials import GrantUsage, KeyUsage

WIDTH, HEIGHT, GAP = 1_000, 60, 6


class UseBar(NamedTuple):
    """The requests of a day: where the bar is, how high its two parts are, what was refused above."""

    x: int
    width: int
    passed: int
    refused: int


class KeyChart(NamedTuple):
    """A key that was used, and its bars; all keys are on one scale."""

    key: KeyUsage
    passed: int
    refused: int
    bars: tuple[UseBar, ...]


def charts(found: GrantUsage) -> Sequence[KeyChart]:
    """The keys that were used, each with its picture."""
    first = date.fromisoformat(found.since)
    step = WIDTH // ((date.fromisoformat(found.until) - first).days + 1)
    most = max((each.passed + each.refused for key in found.keys for each in key.days), default=1)

    def bars(key: KeyUsage) -> Iterator[UseBar]:
        for each in key.days:
            x = (date.fromisoformat(each.day) - first).days * step
            yield UseBar(x, step - GAP, _height(each.passed, most), _height(each.refused, most))

    return [
        KeyChart(
            key,
            sum(each.passed for each in key.days),
            sum(each.refused for each in key.days),
            tuple(bars(key)),
        )
        for key in found.keys
        if key.days
    ]


def _height(count: int, most: int) -> int:
    """How high a bar is: nothing only for no request."""
    return max(1, count * (HEIGHT - 2) // max(1, most)) if count else 0
