"""Referrals and remits: an agency has another one asked, and names the concern of its objection.

Rules:
- Only an agency that is asked, and that the plan lets refer, refers a case; to one of the roster, once each.
- What a referral does follows from the terms alone: whether it binds, and which time it gives.
- An objection outside the concern of the stage is recorded as such, and does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.releases import HeardView
from sluicegate.acts.review import StatementReceipt
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import signer_for
from sluicegate.core.lifecycle.state import State
from sluicegate.core.lifecycle.steps import placed
from sluicegate.core.terms import clocks
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import CaseReferred
from sluicegate_record.law.referrals import depth_of, heard_before, is_outside
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from sluicegate_record.statements import cases as statements
from sluicegate_record.statements.cases import Word
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import Stage
from sluicegate_record.terms.referrals import Referrals

DEFAULT_CALENDAR = "weekends"


@dataclass(frozen=True, slots=True)
class Refer(SignedCommand):
    """Put an agency's signed referral of a case on the record."""


def refer(state: State, command: Refer, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Refer`. The same referral again changes nothing."""
    stated = statements.Referral.read(command.envelope)
    case = placed(state, stated.question, "refer")
    if isinstance(case, Refusal):
        return case
    key = signer_for(state, command.envelope, stated.agency)
    if isinstance(key, Refusal):
        return key
    digest = command.envelope.digest
    result = StatementReceipt(case=case.id, agency=stated.agency, digest=digest, referred=stated.to)
    known = case.referrals.get(stated.to)
    if known is not None and known.digest == digest:
        return Acceptance([], result)
    given = state.record.terms[case.question.terms].plan.spec.referrals
    refusal = not_to_refer(state.record, case, given, stated.agency, stated.to)
    if refusal is not None:
        return refusal
    assert given is not None
    due_ms = _due_ms(case, given, now_ms)
    body = CaseReferred(
        case=case.id,
        agency=stated.agency,
        to=stated.to,
        owner=key.owner,
        reason=stated.reason,
        binds=given.binding,
        due_ms=due_ms,
        silence=given.silence if due_ms is not None else None,
        digest=digest,
        envelope=command.envelope,
    )
    return Acceptance([Draft(case.id, body)], result)


def not_to_refer(record: Record, case: Case, given: Referrals | None, agency: str, to: str) -> Refusal | None:
    """Why an agency may not refer a case to another by the referrals of its terms; None if it may."""
    if given is None or agency not in given.from_ or agency not in case.parties:
        allowed = ", ".join(given.from_) if given is not None else "no agency"
        said = f"{agency!r} may not refer this case; the terms let {allowed} do so"
        return Refusal("forbidden", "not_to_refer", said, "'sluicegate status' shows the plan's referrals")
    if to not in given.to:
        said = f"no referral to {to[:64]!r}, expected one of {', '.join(given.to)}"
        return Refusal("unknown", "not_on_the_roster", said)
    if to in case.parties:
        return Refusal("conflict", "asked_already", f"{to!r} is asked in this case already")
    if depth_of(case, agency) > given.depth:
        said = f"a referral of a referral: the terms allow {given.depth} in a row"
        return Refusal(
            "forbidden", "too_deep", said, "ask an agency that was asked from the start to refer it"
        )
    if all(key.party != to for key in record.keys.values()):
        said = f"the agency {to!r} has no pinned key"
        return Refusal("unknown", "agency_unknown", said, "add its key to the trust file, and restart")
    return None


def _due_ms(case: Case, given: Referrals, now_ms: int) -> int | None:
    """When the time of an agency that is asked now is over; None if the terms give it no end."""
    if given.within is None:
        return None
    clock = case.procedure.clock
    calendar = DEFAULT_CALENDAR if clock is None else clock.calendar
    return clocks.due_ms(now_ms, given.within, given.unit, calendar)


def outside(state: State, case: Case, word: Word) -> bool:
    """Whether a position is an objection that does not count for its concern."""
    if word.position != "object" or case.kind not in kinds.CONCERNED:
        return False
    terms = state.record.terms[case.question.terms]
    return is_outside(terms.plan, terms.body, word.agency, word.concern)


def without_concern(state: State, case: Case, word: Word) -> Refusal | None:
    """The refusal of an objection that names no concern where its stage serves one; None if it may be."""
    if word.position != "object" or case.kind not in kinds.CONCERNED or word.concern is not None:
        return None
    concern = state.record.terms[case.question.terms].body.concern
    if concern is None:
        return None
    said = f"an objection without a concern; this gate is there for {concern!r}"
    return Refusal("conflict", "concern_missing", said, "sign it with --concern")


# Who was heard


def view(state: State, release: Release, stage: Stage) -> HeardView | None:
    """Who is heard about a stage, as it is shown; with the newest case about its opening, if there is one."""
    terms = release.terms[stage.name]
    openings = state.docket.newest(lambda each: (each.kind, each.release) == (kinds.OPENING, release.name))
    newest = next((case for case in openings if case.question.terms == terms), None)
    found = heard_before(state.record, release, stage.name, newest)
    if found is None or stage.concern is None:
        return None
    return HeardView(
        concern=stage.concern,
        asked=found.asked,
        referred={each.to: each.by for each in found.referred},
        declined=found.declined,
        never_asked=found.never_asked,
    )
