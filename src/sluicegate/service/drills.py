"""Drills: a directive that refuses no request, acknowledged like any other; and the signed report of it.

Rules:
- A drill is issued, spreads and is acknowledged by the code that does it for a directive in earnest; gateways
  count what they would have cut.
- The report is signed by the log's key, put on the record once, and says who was counted out.
"""

from __future__ import annotations

from sluicegate.acts import drills as acts
from sluicegate.acts.drills import DrillArgument, DrillEnd, SignedDrillReport
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.drills import EndDrill, ReportDrill
from sluicegate.service.context import Context, does
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.directive import Directive
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.directives import DrilledGateway, DrillReport


@does(acts.END)
def end(context: Context[DrillEnd], asked: DrillArgument) -> DrillEnd | Refusal:
    """End a drill."""
    return context.execute(EndDrill(asked.drill))


@does(acts.REPORT)
def report(context: Context[SignedDrillReport], asked: DrillArgument) -> SignedDrillReport | Refusal:
    """The signed report of a drill that has ended everywhere. It is made once, and never changes."""
    ledger, name = context.ledger, asked.drill
    found = _drill(ledger, name)
    if isinstance(found, Directive) and found.report is None:
        noted = _note(ledger, context.services.fleet, found)
        found = noted if isinstance(noted, Refusal) else _drill(ledger, name)
    if isinstance(found, Refusal):
        return found
    assert found.report is not None
    return _shown(found.report)


def _drill(ledger: Ledger, name: str) -> Directive | Refusal:
    with ledger.reading() as state:
        found = state.directives.get(name)
    if found is None or not found.is_drill:
        said = f"no drill {name[:80]!r}"
        return Refusal("unknown", "drill_unknown", said, "'sluicegate directive list' shows drills, too")
    return found


def _note(ledger: Ledger, fleet: Fleet, found: Directive) -> Refusal | None:
    """Put the report of a drill on the record, signed by the log's key."""
    made = _made(ledger, fleet, found)
    if isinstance(made, Refusal):
        return made
    command = ReportDrill(found.name, dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, made.payload(), ledger.key))
    request = ["report", found.name]
    noted = ledger.execute(command, by="fleet", command_id=f"report {found.name}", request=request)
    return noted if isinstance(noted, Refusal) else None


def _made(ledger: Ledger, fleet: Fleet, found: Directive) -> DrillReport | Refusal:
    if found.in_force_ms is None:
        return _running(
            found, "is not acknowledged everywhere yet", "'sluicegate directive status' shows who has not"
        )
    over = found.ended
    if over is None:
        return _running(found, "has not ended", "'sluicegate drill end NAME' ends it")
    began = fleet.spread(found.name, found.size, is_noted=True)
    ended = fleet.spread(found.name, over.seq + 1)
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


def _shown(envelope: Envelope) -> SignedDrillReport:
    report = DrillReport.read(envelope).to_json()
    return SignedDrillReport.from_json({**report, "envelope": envelope.to_json()})
