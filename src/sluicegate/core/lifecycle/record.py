"""Notes that either side puts on the record beside positions, and the screening lists in use."""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.review import ListReceipt, StatementReceipt
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import other_log, signer_for
from sluicegate.core.lifecycle.releases import stage_unknown
from sluicegate.core.lifecycle.state import State
from sluicegate.core.lifecycle.steps import case_unknown
from sluicegate_record.entities.case import Case
from sluicegate_record.entries import Draft
from sluicegate_record.entries.releases import ListChanged, RecordAdded
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.notes import NoteStatement
from sluicegate_record.terms import kinds


@dataclass(frozen=True, slots=True)
class AddNote(SignedCommand):
    """Put a signed note on the record: a request, a call, a meeting, a dissent, a statement."""


@dataclass(frozen=True, slots=True)
class UseList(Command):
    """Say which version of a screening list is in use. Records made with another version are open again."""

    name: str
    version: str


def add_note(state: State, command: AddNote, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `AddNote`. The same note again changes nothing."""
    note = NoteStatement.read(command.envelope)
    key = signer_for(state, command.envelope, note.party)
    if isinstance(key, Refusal):
        return key
    refusal = other_log() if note.log != state.log else _about_nothing(state, note)
    if refusal is not None:
        return refusal
    digest = command.envelope.digest
    result = StatementReceipt(party=note.party, digest=digest, about=note.about)
    if digest in state.notes:
        return Acceptance([], result)
    body = RecordAdded(
        about=note.about,
        kind=note.kind,
        on=note.on,
        text=note.text,
        party=note.party,
        owner=key.owner,
        digest=digest,
        envelope=command.envelope,
        case=note.about.case,
    )
    return Acceptance([Draft("record", body)], result)


def use_list(state: State, command: UseList, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `UseList`."""
    again = tuple(reopened(state, command))
    result = ListReceipt(list=command.name, version=command.version, reopened=again)
    if state.lists.get(command.name) == command.version:
        return Acceptance([], result)
    return Acceptance([Draft("lists", ListChanged(name=command.name, version=command.version))], result)


def reopened(state: State, command: UseList) -> list[str]:
    """The cases whose screening record this opens again, or leaves open: open cases,
    and cases of live grants.
    """
    screened = sorted(map(state.cases.__getitem__, state.record.screened), key=lambda case: case.seq)
    return [
        case.id
        for case in screened
        if case.screening is not None
        and case.screening.is_reopened_by(command.name, command.version)
        and _counts(state, case)
    ]


def _counts(state: State, case: Case) -> bool:
    """Whether a case is open, or belongs to a live grant."""
    if case.state != kinds.DETERMINED:
        return True
    return case.grant is not None and state.grants[case.grant].is_live


def _about_nothing(state: State, note: NoteStatement) -> Refusal | None:
    about = note.about
    if about.case is not None:
        return None if about.case in state.cases else case_unknown(about.case)
    if about.directive is not None:
        known = about.directive in state.directives
        said = f"no directive {about.directive[:80]!r}"
        return None if known else Refusal("unknown", "directive_unknown", said)
    name, stage = about.release or "", about.stage or ""
    release = state.releases.get(name)
    return None if release is not None and stage in release.terms else stage_unknown(name, stage)
