"""In force everywhere: the entry that says so, with what proves it.

Rules:
- It is written once for each version of a directive, and never for one that has been lifted.
- Every row has acknowledged at least the directive's size or was counted out, and every declared point on its
  surfaces has said that it enforces it.
- The time it gives is never earlier than when it came to hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sluicegate.core.lifecycle import points
from sluicegate.core.lifecycle.answer import Decided, Refusal
from sluicegate.core.lifecycle.state import Issued, State
from sluicegate_record.log import canonical, events, times
from sluicegate_record.log.events import Draft, Entropy

ACKNOWLEDGED, COUNTED_OUT, WAITING = "acknowledged", "counted_out", "waiting"
PART_BYTES = 60_000
"""How much of a leaf rows may take; more go on in further entries."""


@dataclass(frozen=True, slots=True)
class NoteInForce:
    """Put on the record that a directive is in force everywhere.

    `size` is that of the directive's newest document; `gateways` are rows `{gateway, incarnation, surface,
    state, size, at, streamsCut, signed, drifted, key, ask, sig}`, one for each known run: `at` when it
    acknowledged, or when the lease ended by which it was counted out, None where no such lease is known.
    """

    directive: str
    size: int
    gateways: Sequence[dict[str, Any]]


def note_in_force(state: State, command: NoteInForce, now_ms: int, entropy: Entropy) -> Decided | Refusal:
    """Decide `NoteInForce`. Noted before, it changes nothing."""
    found = state.directives.get(command.directive)
    if found is None:
        return Refusal("unknown", "directive_unknown", f"no directive {command.directive[:80]!r}")
    refusal = _not_in_force(state, found, command, now_ms)
    if refusal is not None:
        return refusal
    drafts = [] if found.in_force_ms is not None else _drafts(state, found, command.gateways, now_ms)
    return Decided(drafts, {"directive": found.name})


def _not_in_force(state: State, found: Issued, command: NoteInForce, now_ms: int) -> Refusal | None:
    """Why a directive is not in force everywhere, if it is not."""
    if found.lifted:
        return Refusal("conflict", "directive_lifted", f"the directive {found.name!r} has been lifted")
    if found.size != command.size:
        said = f"the directive {found.name!r} is of size {found.size}, not {command.size}"
        return Refusal("conflict", "directive_changed", said)
    if found.holds_ms > now_ms:
        said = f"the directive {found.name!r} holds from {times.format_time(found.holds_ms)}"
        return Refusal("conflict", "not_begun", said)
    waiting = [] if found.in_force_ms is not None else list(_waiting(state, found, command.gateways))
    if not waiting:
        return None
    said = f"the directive {found.name!r} waits for {', '.join(waiting)[:200]}"
    return Refusal("conflict", "not_everywhere", said)


def _waiting(state: State, found: Issued, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        acknowledged = row["state"] == ACKNOWLEDGED and row["size"] >= found.size and row["at"] is not None
        if not acknowledged and row["state"] != COUNTED_OUT:
            yield row["gateway"]
    yield from (point.name for point in points.asked(state, found) if points.enforcing(point, found) is None)


def _drafts(state: State, found: Issued, rows: Sequence[dict[str, Any]], now_ms: int) -> list[Draft]:
    stated = list(_stated(state, found))
    known_at = [row["at"] for row in (*rows, *stated)]
    latest_ms = now_ms if None in known_at else max(map(times.parse_time, known_at), default=found.at_ms)
    at_ms = min(max(latest_ms, found.holds_ms), now_ms)
    common = {
        "directive": found.name,
        "size": found.size,
        "at": times.format_time(at_ms),
        "timeToZeroMs": at_ms - found.at_ms,
        "acknowledged": sum(row["state"] == ACKNOWLEDGED for row in rows),
        "countedOut": sum(row["state"] == COUNTED_OUT for row in rows),
        "stated": len(stated),
        "streamsCut": min(sum(row["streamsCut"] for row in rows), canonical.MAX_INTEGER),
    }
    parts = list(_parts([("gateways", row) for row in rows] + [("points", row) for row in stated]))
    return [
        Draft(events.DIRECTIVE_IN_FORCE, found.name, {**common, "part": i, "of": len(parts), **part})
        for i, part in enumerate(parts, 1)
    ]


def _stated(state: State, found: Issued) -> Iterator[dict[str, Any]]:
    """The points and the entries in which they have said that they enforce it."""
    for point in points.asked(state, found):
        stated = points.enforcing(point, found)
        if stated is not None:
            at = times.format_time(stated.at_ms)
            yield {"point": point.name, "surface": point.surface, "at": at, "seq": stated.seq}


def _parts(rows: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """The rows in parts that each fit into a leaf; one without rows where there are none."""
    part: dict[str, list[dict[str, Any]]] = {"gateways": [], "points": []}
    left = PART_BYTES
    for where, row in rows:
        taken = len(canonical.dumps(row)) + 1
        if taken > left and left < PART_BYTES:
            yield part
            part, left = {"gateways": [], "points": []}, PART_BYTES
        part[where].append(row)
        left -= taken
    yield part
