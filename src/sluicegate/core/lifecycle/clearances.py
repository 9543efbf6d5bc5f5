"""What parties sign about the requirements of stages: adoptions, attestations, evaluations, holds."""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.clearances import ClearanceReceipt
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import other_log, signer_for
from sluicegate.core.lifecycle.releases import stage_unknown
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.clearing import Clearing, key_of
from sluicegate_record.entries import Draft
from sluicegate_record.entries.clearances import ClearanceRecorded
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms.clearances import CLEARANCES, REPORT, STANDARDS


@dataclass(frozen=True, slots=True)
class RecordClearance(SignedCommand):
    """Put a party's signed word on a requirement on the record."""


def record_clearance(
    state: State, command: RecordClearance, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RecordClearance`. The newest word again changes nothing."""
    said = Clearance.read(command.envelope)
    key = signer_for(state, command.envelope, said.party)
    if isinstance(key, Refusal):
        return key
    digest = command.envelope.digest
    result = ClearanceReceipt(
        release=said.release, party=said.party, says=said.says, about=said.about, digest=digest
    )
    known = newest(state.record, said)
    if known is not None and known.digest == digest:
        return Acceptance([], result)
    refusal = _unfit(state, said, known)
    if refusal is not None:
        return refusal
    body = ClearanceRecorded(
        release=said.release,
        party=said.party,
        owner=key.owner,
        says=said.says,
        about=said.about,
        reason=said.reason,
        version=said.version,
        until_ms=said.until_ms,
        digest=digest,
        envelope=command.envelope,
    )
    return Acceptance([Draft(said.release, body)], result)


def newest(record: Record, said: Clearance) -> Clearing | None:
    """The newest word of the same party on the same thing."""
    kind = CLEARANCES[said.says].kind
    return record.clearances.get(key_of(said.release, kind, said.about, said.party))


def _is_there(state: State, kind: str, said: Clearance) -> bool:
    """Whether there is what a word is about: a standard, or a stage of the plan or of open earlier terms."""
    is_planned = kind in STANDARDS or said.about in state.releases[said.release].terms
    return is_planned or bool(state.record.open_terms(said.release, said.about))


def _unfit(state: State, said: Clearance, known: Clearing | None) -> Refusal | None:
    if said.log != state.log:
        return other_log()
    release, word = state.releases.get(said.release), CLEARANCES[said.says]
    if word.kind == REPORT:
        closure = state.record.closures.get(said.release)
        if closure is None or closure.report.digest != said.about:
            text = f"the release {said.release[:80]!r} has no such report"
            return Refusal(
                "conflict",
                "report_unknown",
                text,
                "'sluicegate release report RELEASE' shows what can be signed",
            )
    elif release is None or not _is_there(state, word.kind, said):
        return stage_unknown(said.release, said.about)
    if said.previous != (None if known is None else known.digest):
        text = "the statement does not follow the newest one of its party on this"
        return Refusal("conflict", "clearance_stale", text, "sign it again")
    before = "" if known is None else known.says
    if before not in word.after:
        text = f"{said.party} says {said.says!r} after {before or 'nothing'!r}"
        return Refusal(
            "conflict", "clearance_out_of_order", text, "'sluicegate status' shows where each party stands"
        )
    return None
