"""In force everywhere: the entry that says so, and its proof.

Rules:
- It is written once for each version of a directive, and never for a version that has been lifted.
- Every row has acknowledged at least the directive's size, or was counted out. Every declared point on its
  surfaces has said that it enforces the directive.
- The time in the entry is never earlier than the moment when this became true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sluicegate.acts.act import Done
from sluicegate.core.lifecycle import points
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entries import Draft
from sluicegate_record.entries.directives import AtGateway, AtPoint, DirectiveInForce
from sluicegate_record.form import form
from sluicegate_record.log import canonical, times
from sluicegate_record.log.leaf import Entropy

ACKNOWLEDGED, COUNTED_OUT, WAITING = "acknowledged", "counted_out", "waiting"
PART_BYTES = 60_000
"""How many bytes of a leaf rows may take. Further rows go to further entries."""


@form
class InForceReceipt(Done):
    """A directive that is noted to be in force everywhere."""

    directive: str


@dataclass(frozen=True, slots=True)
class NoteInForce(Command):
    """Put on the record that a directive is in force everywhere.

    `size` is that of the directive's newest document; `gateways` has one row for each known run.
    """

    directive: str
    size: int
    gateways: Sequence[AtGateway]


def note_in_force(state: State, command: NoteInForce, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `NoteInForce`. If it was noted before, nothing changes."""
    found = state.directives.get(command.directive)
    if found is None:
        return Refusal("unknown", "directive_unknown", f"no directive {command.directive[:80]!r}")
    refusal = _not_in_force(state, found, command, now_ms)
    if refusal is not None:
        return refusal
    drafts = [] if found.in_force_ms is not None else list(_drafts(state, found, command.gateways, now_ms))
    return Acceptance(drafts, InForceReceipt(directive=found.name))


def _not_in_force(state: State, found: Directive, command: NoteInForce, now_ms: int) -> Refusal | None:
    """Why a directive is not in force everywhere; None if it is."""
    if found.ended is not None:
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


def _waiting(state: State, found: Directive, rows: Sequence[AtGateway]) -> Iterator[str]:
    for row in rows:
        acknowledged = row.state == ACKNOWLEDGED and row.size >= found.size and row.at_ms is not None
        if not acknowledged and row.state != COUNTED_OUT:
            yield row.gateway
    yield from (point.name for point in points.asked(state, found) if points.enforcing(point, found) is None)


def _drafts(state: State, found: Directive, rows: Sequence[AtGateway], now_ms: int) -> Iterator[Draft]:
    stated = list(_stated(state, found))
    at_ms = _since_ms(found, rows, stated, now_ms)
    parts = list(_parts([*rows, *stated]))
    body = DirectiveInForce(
        directive=found.name,
        size=found.size,
        at_ms=at_ms,
        time_to_zero_ms=at_ms - found.at_ms,
        acknowledged=sum(row.state == ACKNOWLEDGED for row in rows),
        counted_out=sum(row.state == COUNTED_OUT for row in rows),
        stated=len(stated),
        streams_cut=min(sum(row.streams_cut for row in rows), canonical.MAX_INTEGER),
        part=1,
        of=len(parts),
        gateways=(),
    )
    for number, part in enumerate(parts, 1):
        gateways = tuple(row.to_json() for row in part if isinstance(row, AtGateway))
        at_points = tuple(row for row in part if isinstance(row, AtPoint))
        yield Draft(found.name, replace(body, part=number, gateways=gateways, points=at_points))


def _since_ms(found: Directive, rows: Sequence[AtGateway], stated: Sequence[AtPoint], now_ms: int) -> int:
    """When it became true everywhere; now, if that time is not known for each row."""
    known_ms = [row.at_ms for row in rows if row.at_ms is not None]
    is_known = len(known_ms) == len(rows)
    known_ms += [each.at_ms for each in stated]
    latest_ms = max(known_ms, default=found.at_ms) if is_known else now_ms
    return min(max(latest_ms, found.holds_ms), now_ms)


def _stated(state: State, found: Directive) -> Iterator[AtPoint]:
    """The points, and the entries in which they have said that they enforce it."""
    for point in points.asked(state, found):
        stated = points.enforcing(point, found)
        if stated is not None:
            yield AtPoint(point=point.name, surface=point.surface, at_ms=stated.at_ms, seq=stated.seq)


def _parts(rows: Sequence[AtGateway | AtPoint]) -> Iterator[list[AtGateway | AtPoint]]:
    """The rows in parts that each fit into a leaf; one empty part if there are no rows."""
    part: list[AtGateway | AtPoint] = []
    left = PART_BYTES
    for row in rows:
        taken = len(canonical.dumps(row.to_json())) + 1
        if taken > left and part:
            yield part
            part, left = [], PART_BYTES
        part.append(row)
        left -= taken
    yield part
