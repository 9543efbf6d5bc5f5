"""Declared enforcement points: declare, retire, state, list."""

from __future__ import annotations

from sluicegate.acts import points as acts
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.points import (
    EnforcementToSign,
    KnownEnforcement,
    KnownPoint,
    PointAndDirective,
    PointFilter,
    Points,
    PointSaying,
    PointView,
)
from sluicegate.core.lifecycle import Refusal, points
from sluicegate.core.lifecycle.points import SetPoint, StatePoint
from sluicegate.core.lifecycle.rows import Point
from sluicegate.service.context import Context, does
from sluicegate.service.paging import following, page
from sluicegate_record.log import publickey
from sluicegate_record.log.dsse import Envelope


@does(acts.PUT)
def put(context: Context[KnownPoint], asked: SignedStatement) -> KnownPoint | Refusal:
    """Declare or retire a point by an officer's signed statement. Raises: BadEnvelope."""
    return context.execute(SetPoint(Envelope.from_json(asked.envelope)))


@does(acts.STATE)
def state(context: Context[KnownEnforcement], asked: SignedStatement) -> KnownEnforcement | Refusal:
    """Put on the record what a point says of a directive, signed by the point. Raises: BadEnvelope."""
    return context.execute(StatePoint(Envelope.from_json(asked.envelope)))


@does(acts.TO_STATE)
def to_state(context: Context[EnforcementToSign], asked: PointAndDirective) -> EnforcementToSign | Refusal:
    """What a point signs of a directive, without what it says and when."""
    with context.ledger.reading() as known:
        placed = points.point_and_directive(known, asked.point, asked.directive)
        log = known.log
    if isinstance(placed, Refusal):
        return placed
    point, issued = placed
    digest = issued.document.digest
    return EnforcementToSign(log=log, point=point.name, directive=issued.name, document=digest)


@does(acts.LIST)
def listed(context: Context[Points], wanted: PointFilter) -> Points:
    """The points on the record, oldest first, and the newest word of each on each directive."""
    with context.ledger.reading() as known:
        asked = (each for each in known.points.values() if wanted.point in {None, each.name})
        shown, is_cut = page(following(asked, wanted.before, lambda each: each.name), wanted.limit)
        return Points(points=tuple(map(_shown, shown)), next=shown[-1].name if is_cut else None)


def _shown(point: Point) -> PointView:
    return PointView(
        point=point.name,
        surface=point.surface,
        state="retired" if point.retired else "declared",
        keyid=publickey.keyid(point.public),
        public_key=point.public,
        owner=point.owner,
        declared_at_ms=point.at_ms,
        stated=tuple(
            PointSaying(
                directive=directive,
                says=stated.says,
                size=stated.of,
                at_ms=stated.said_ms,
                seq=stated.seq,
            )
            for directive, stated in point.stated.items()
        ),
    )
