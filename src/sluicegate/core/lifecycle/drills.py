"""Drills: directives that nothing enforces. One ends, and then its signed report goes on the record."""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.act import Done
from sluicegate.acts.drills import DrillEnd
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entries import Draft
from sluicegate_record.entries import directives as entries
from sluicegate_record.form import form
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.directives import DrillReport
from sluicegate_record.statements.handovers import is_signed_by_log


@dataclass(frozen=True, slots=True)
class EndDrill(Command):
    """End a drill."""

    directive: str


@form
class DrillNoted(Done):
    """A drill, and its signed report."""

    drill: str
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class ReportDrill(Command):
    """Put the signed report of a drill that has ended on the record."""

    directive: str
    envelope: Envelope


def end_drill(state: State, command: EndDrill, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `EndDrill`. Ending it again changes nothing."""
    found = state.directives.get(command.directive)
    if found is None or not found.is_drill:
        return Refusal("unknown", "drill_unknown", f"no drill {command.directive[:80]!r}")
    result = DrillEnd(directive=found.name)
    if found.ended is not None:
        return Acceptance([], result)
    body = entries.DirectiveLifted(directive=found.name, case=None)
    return Acceptance([Draft.of(found.name, body, entropy)], result)


def report_drill(state: State, command: ReportDrill, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `ReportDrill`. A drill has only one report."""
    found = state.directives.get(command.directive)
    if found is None or not found.is_drill:
        return Refusal("unknown", "drill_unknown", f"no drill {command.directive[:80]!r}")
    if found.ended is None:
        said = f"the drill {found.name!r} has not ended"
        return Refusal("conflict", "drill_running", said, "'sluicegate drill end NAME' ends it")
    if found.report is not None:
        return Acceptance([], DrillNoted(drill=found.name, envelope=found.report))
    report = command.envelope
    refusal = _unreported(state, found, report)
    if refusal is not None:
        return refusal
    body = entries.DrillReported(directive=found.name, digest=report.digest, envelope=report)
    return Acceptance([Draft.of(found.name, body, entropy)], DrillNoted(drill=found.name, envelope=report))


def _unreported(state: State, found: Directive, report: Envelope) -> Refusal | None:
    """Why an envelope is not the report of a drill; None if it is."""
    stated = dsse.parse_statement(report, DrillReport.TYPE).predicate
    if (stated.get("log"), stated.get("drill")) != (state.log, found.name):
        said = f"a report of another drill than {found.name!r}, or for another log"
        return Refusal("conflict", "other_drill", said)
    if not is_signed_by_log(report, state.record.log_keys.current.vkey):
        said = f"the report of the drill {found.name!r} is not signed with the log's key"
        return Refusal("unverified", "signature_invalid", said)
    return None
