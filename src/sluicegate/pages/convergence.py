"""How a directive comes into force across the fleet, as a picture: how many gateways and points, by when.

Rules:
- What the picture shows is in a table beside it, too.
- A run that was counted out has no time of its own: it counts from when the directive is in force everywhere.
"""

from __future__ import annotations

from typing import NamedTuple

from sluicegate.acts.directives import DirectiveStatus, StateAtGateway, StateAtPoint

WIDTH, HEIGHT = 1_000, 100
_DONE = frozenset({"acknowledged", "counted_out", "stated"})


class Curve(NamedTuple):
    """A curve of steps. `points` are places as SVG writes them; `took_ms` from the issue to the last step.

    `done` of `all` have acknowledged it, or cannot serve any more.
    """

    points: str
    done: int
    all: int
    took_ms: int


def curve(issued_ms: int, status: DirectiveStatus) -> Curve:
    """The curve of a directive."""
    everyone: tuple[StateAtGateway | StateAtPoint, ...] = (*status.gateways, *status.points)
    known = [each.at_ms for each in everyone if each.state in _DONE and each.at_ms is not None]
    done = sum(each.state in _DONE for each in everyone)
    last_ms = max([*known, status.in_force_since_ms or 0, issued_ms])
    times = sorted(max(0, at_ms - issued_ms) for at_ms in known)
    times += [last_ms - issued_ms] * (done - len(known))
    took_ms, total = last_ms - issued_ms, len(everyone)

    def place(count: int, at_ms: int) -> str:
        return f"{at_ms * WIDTH // max(1, took_ms)},{HEIGHT - HEIGHT * count // max(1, total)}"

    steps = [place(0, 0)]
    for count, at_ms in enumerate(times):
        steps += [place(count, at_ms), place(count + 1, at_ms)]
    return Curve(
        " ".join([*steps, f"{WIDTH},{HEIGHT - HEIGHT * done // max(1, total)}"]), done, total, took_ms
    )
