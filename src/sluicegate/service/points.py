"""Declared enforcement points: declare, retire, state, list."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle import Refusal, points
from sluicegate.core.lifecycle.points import SetPoint, StatePoint
from sluicegate.core.lifecycle.state import Point
from sluicegate.ports import Principal
from sluicegate.service.ledger import Ledger
from sluicegate_record.log import canonical, dsse, times
from sluicegate_record.log.dsse import Envelope


def put(
    ledger: Ledger, principal: Principal, command_id: str, envelope: dict[str, Any]
) -> dict[str, Any] | Refusal:
    """Declare or retire a point by an officer's signed statement. Raises: BadEnvelope."""
    command = SetPoint(Envelope.from_json(envelope))
    return ledger.execute(command, by=principal.id, command_id=command_id, request=["point", envelope])


def state(
    ledger: Ledger, principal: Principal, command_id: str, envelope: dict[str, Any]
) -> dict[str, Any] | Refusal:
    """Put on the record what a point says of a directive, signed by the point. Raises: BadEnvelope."""
    command = StatePoint(Envelope.from_json(envelope))
    return ledger.execute(command, by=principal.id, command_id=command_id, request=["stated", envelope])


def to_state(ledger: Ledger, point: str, directive: str) -> dict[str, Any] | Refusal:
    """What a point signs of a directive, but for what it says and when.

    It is `{log, point, directive, document}`.
    """
    with ledger.reading() as known:
        placed = points.point_and_directive(known, point, directive)
        if isinstance(placed, Refusal):
            return placed
        document = placed[1].document.digest
        return {"log": known.log, "point": point, "directive": directive, "document": document}


def listed(ledger: Ledger) -> dict[str, Any]:
    """Every point on the record, and its newest word on each directive."""
    with ledger.reading() as known:
        return {"points": [_shown(point) for point in known.points.values()]}


def _shown(point: Point) -> dict[str, Any]:
    return {
        "point": point.name,
        "surface": point.surface,
        "state": "retired" if point.retired else "declared",
        "keyid": dsse.keyid(point.public),
        "publicKey": canonical.b64(point.public),
        "owner": point.owner,
        "declaredAt": times.format_time(point.at_ms),
        "stated": [
            {
                "directive": directive,
                "says": stated.says,
                "size": stated.of,
                "at": times.format_time(stated.said_ms),
                "seq": stated.seq,
            }
            for directive, stated in point.stated.items()
        ],
    }
