"""The end of a release: an officer closes it, with a report that parties sign or dissent from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sluicegate.acts.closures import ClosingReceipt
from sluicegate.acts.releases import ReportSaid
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import signer_here
from sluicegate.core.lifecycle.releases import release_closed, stage_unknown
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.clearing import key_of
from sluicegate_record.entities.closure import Closure
from sluicegate_record.entries import Draft
from sluicegate_record.entries.closures import ReleaseClosed
from sluicegate_record.law.closures import report_of, undone
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from sluicegate_record.statements.releases import ReleaseClosing
from sluicegate_record.terms import kinds
from sluicegate_record.terms.clearances import REPORT


@dataclass(frozen=True, slots=True)
class CloseRelease(SignedCommand):
    """Close a release by an officer's signed word on its report."""


def close_release(state: State, command: CloseRelease, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `CloseRelease`. The same statement again changes nothing."""
    said, digest = ReleaseClosing.read(command.envelope), command.envelope.digest
    key = signer_here(state, command.envelope, state.developer, said.log)
    if isinstance(key, Refusal):
        return key
    result = ClosingReceipt(release=said.release, report=said.report)
    known = state.record.closures.get(said.release)
    if known is not None and known.digest == digest:
        return Acceptance([], result)
    why = not_to_close(state, said.release, now_ms)
    if why is not None:
        return why
    report = report_of(state.record, said.release)
    if report.digest != said.report:
        text = "the report has changed since it was signed"
        return Refusal("conflict", "report_changed", text, "look at it again, and sign it")
    body = ReleaseClosed(
        log=said.log,
        release=said.release,
        report=report,
        officer=key.owner,
        digest=digest,
        envelope=command.envelope,
    )
    return Acceptance([Draft(said.release, body)], result)


def not_to_close(state: State, name: str, now_ms: int) -> Refusal | None:
    """Why a release cannot be closed now; None if it can."""
    release = state.releases.get(name)
    if release is None:
        return stage_unknown(name, "")
    if name in state.record.closures:
        return release_closed(name)
    why = undone(state.record, release, now_ms)
    waiting = [case.id for case in state.docket.open_cases(name) if case.kind == kinds.ADMISSION]
    if not why and waiting:
        why = f"{len(waiting)} applications are open, such as {min(waiting)}"
    if why:
        remedy = "'sluicegate status' and 'sluicegate case list' show what is left"
        return Refusal("conflict", "release_not_done", f"the release {name!r} is not done: {why}", remedy)
    return None


def said_of(record: Record, closure: Closure) -> Iterator[ReportSaid]:
    """What parties have said of a report, each its newest word, in the order of their names."""
    parties = sorted({record.developer, *(key.party for key in record.keys.values())})
    for party in parties:
        found = record.clearances.get(key_of(closure.release, REPORT, closure.report.digest, party))
        if found is not None:
            yield ReportSaid(party=party, says=found.says, reason=found.reason)
