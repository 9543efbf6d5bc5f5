"""Drills: a directive that refuses nobody, acknowledged like any other; and the signed report of it.

Rules:
- A drill is issued, spreads and is acknowledged by the code that does it for a directive in earnest; gateways
  count what they would have cut.
- The report is signed by the log's key, put on the record once, and says who was counted out.
"""

from __future__ import annotations

from typing import Any

from sluicegate.core import statements
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.directives import EndDrill, ReportDrill
from sluicegate.core.lifecycle.state import Issued
from sluicegate.ports import Principal
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate_record.log import dsse, times
from sluicegate_record.log.dsse import Envelope


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
            return _shown(name, found.report)
    made = _made(ledger, fleet, found)
    if isinstance(made, Refusal):
        return made
    envelope = dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, statements.drill_payload(made), ledger.key)
    command = ReportDrill(name, envelope)
    noted = ledger.execute(command, by="fleet", command_id=f"report {name}", request=["report", name])
    return noted if isinstance(noted, Refusal) else _shown(name, noted["envelope"])


def _made(ledger: Ledger, fleet: Fleet, found: Issued) -> dict[str, Any] | Refusal:
    if found.in_force_ms is None:
        return _running(found, "is not acknowledged everywhere yet", "'directive status' shows by whom")
    if found.ended_ms is None or found.ended_seq is None:
        return _running(found, "has not ended", "'drill end' ends it")
    began, ended = fleet.spread(found.name, found.size), fleet.spread(found.name, found.ended_seq + 1)
    waiting = [row["gateway"] for row in ended if row["state"] == "waiting"]
    if waiting:
        return _running(found, f"is not over at {', '.join(waiting)[:200]}", "ask again in a moment")
    restored_at = [times.parse_time(row["at"]) for row in ended if row["at"] is not None]
    restored_ms = max([*restored_at, found.ended_ms])
    restored = {(row["gateway"], row["incarnation"]): row for row in ended}
    return {
        "log": ledger.vkey(),
        "drill": found.name,
        "startedAt": times.format_time(found.at_ms),
        "zeroAt": times.format_time(found.in_force_ms),
        "timeToZeroMs": found.in_force_ms - found.at_ms,
        "endedAt": times.format_time(found.ended_ms),
        "restoredAt": times.format_time(restored_ms),
        "timeToRestoreMs": restored_ms - found.ended_ms,
        "gateways": [
            {
                "gateway": row["gateway"],
                "surface": row["surface"],
                "state": row["state"],
                "at": row["at"],
                "restoredAt": restored.get((row["gateway"], row["incarnation"]), {}).get("at"),
                "wouldCut": row["streamsCut"],
            }
            for row in began
        ],
    }


def _running(found: Issued, what: str, remedy: str) -> Refusal:
    return Refusal("conflict", "drill_running", f"the drill {found.name!r} {what}", remedy)


def _shown(name: str, envelope: dict[str, Any]) -> dict[str, Any]:
    stated = dsse.parse_statement(Envelope.from_json(envelope), statements.DRILL).predicate
    return {**stated, "drill": name, "envelope": envelope}
