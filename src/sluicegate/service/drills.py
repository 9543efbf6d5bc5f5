"""Drills: a directive that refuses nobody, acknowledged like any other; and the signed report of it.

Rules:
- A drill is issued, spreads and is acknowledged by the code that does it for a directive in earnest; gateways
  count what they would have cut.
- The report is signed by the log's key, put on the record once, and says who was counted out.
"""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.directives import EndDrill, ReportDrill
from sluicegate.ports import Principal
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.directive import Directive
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.directives import DrilledGateway, DrillReport


def end(ledger: Ledger, principal: Principal, command_id: str, name: str) -> dict[str, Any] | Refusal:
    """End a drill."""
    request = ["end drill", name]
    return ledger.execute(EndDrill(name), by=principal.id, command_id=command_id, request=request)


def report(ledger: Ledger, fleet: Fleet, name: str) -> dict[str, Any] | Refusal:
    """The signed report of a drill that has ended everywhere; made once, and then the same for good."""
    with ledger.reading() as state:
        found = state.directives.get(name)
        if found is None or not found.is_drill:
            return Refusal("unknown", "drill_unknown", f"no drill {name[:80]!r}")
        if found.report is not None:
            return _shown(found.report)
    made = _made(ledger, fleet, found)
    if isinstance(made, Refusal):
        return made
    envelope = dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, made.payload(), ledger.key)
    command = ReportDrill(name, envelope)
    noted = ledger.execute(command, by="fleet", command_id=f"report {name}", request=["report", name])
    return noted if isinstance(noted, Refusal) else _shown(Envelope.from_json(noted["envelope"]))


def _made(ledger: Ledger, fleet: Fleet, found: Directive) -> DrillReport | Refusal:
    if found.in_force_ms is None:
        return _running(found, "is not acknowledged everywhere yet", "'directive status' shows by whom")
    over = found.ended
    if over is None:
        return _running(found, "has not ended", "'drill end' ends it")
    began, ended = fleet.spread(found.name, found.size), fleet.spread(found.name, over.seq + 1)
    waiting = [row.gateway for row in ended if row.state == "waiting"]
    if waiting:
        return _running(found, f"is not over at {', '.join(waiting)[:200]}", "ask again in a moment")
    restored_at = [row.at_ms for row in ended if row.at_ms is not None]
    restored_ms = max([*restored_at, over.at_ms])
    restored = {(row.gateway, row.incarnation): row.at_ms for row in ended}
    return DrillReport(
        log=ledger.vkey(),
        drill=found.name,
        started_at_ms=found.at_ms,
        zero_at_ms=found.in_force_ms,
        time_to_zero_ms=found.in_force_ms - found.at_ms,
        ended_at_ms=over.at_ms,
        restored_at_ms=restored_ms,
        time_to_restore_ms=restored_ms - over.at_ms,
        gateways=tuple(
            DrilledGateway(
                gateway=row.gateway,
                surface=row.surface,
                state=row.state,
                at_ms=row.at_ms,
                restored_at_ms=restored.get((row.gateway, row.incarnation)),
                would_cut=row.streams_cut,
            )
            for row in began
        ),
    )


def _running(found: Directive, what: str, remedy: str) -> Refusal:
    return Refusal("conflict", "drill_running", f"the drill {found.name!r} {what}", remedy)


def _shown(envelope: Envelope) -> dict[str, Any]:
    return {**DrillReport.read(envelope).to_json(), "envelope": envelope.to_json()}
