"""What follows from the positions of a case by its rule: nothing yet, a waitlist, or a determination.

Rules:
- A function of the case and the state alone: the same for a position, a silence, a screening, a proceeding.
- No seat, no grant. The case names what prevents a decision (`blocked_by`), and never ignores it.
- A denial says why, until when the applicant may reply, and until when an appeal is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sluicegate.core.lifecycle import blocks, designations, eligibility, stages
from sluicegate.core.lifecycle.blocks import stage_of
from sluicegate.core.lifecycle.organizations import described_anew
from sluicegate.core.lifecycle.resting import resting_on
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.case import Case
from sluicegate_record.entries import Draft, seen
from sluicegate_record.entries.cases import CaseDetermined, CaseResumed, CaseWaitlisted
from sluicegate_record.entries.directives import DirectiveLifted
from sluicegate_record.entries.grants import GrantAmended, GrantApproved, GrantEnded, GrantReinstated
from sluicegate_record.entries.licences import LicenceGranted
from sluicegate_record.form import replace
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.programmes import HeldProgramme, among
from sluicegate_record.terms.rule import Rule


def conclude(state: State, case: Case, now_ms: int, entropy: Entropy) -> list[Draft]:
    """The entries that follow from the present state of a case; none if nothing follows yet.

    `case` may be one that is only tried.
    """
    case = blocks.as_heard(state.record, case)
    rule = case.left
    if rule is None:
        return [outcome(case, "returned", now_ms, code="recused")]
    if _fails(case, rule, now_ms):
        return [outcome(case, "denied", now_ms, code=_why_denied(case))]
    is_listed = case.state in kinds.LISTED
    if not blocks.is_agreed(case):
        return [Draft(case.id, CaseResumed(case=case.id))] if is_listed else []
    if is_listed or blocks.blocked_by(state.record, case, now_ms):
        return []
    if case.kind == kinds.ADMISSION and not has_seat(state, case):
        return [waitlisted(case)]
    return approved(state, case, now_ms, entropy)


def approved(state: State, case: Case, now_ms: int, entropy: Entropy) -> list[Draft]:
    """The entries of an approval and its consequences. Requires: nothing blocks it, and a seat is free."""
    case = blocks.as_heard(state.record, case)
    with_conditions = any(said.conditions for said in case.positions.values())
    word = "approved-with-conditions" if with_conditions else "approved"
    return [outcome(case, word, now_ms), *_CONSEQUENCES[case.kind](state, case, now_ms, entropy)]


def superseded(state: State, grant: str, how: str, *, but: str = "") -> Iterator[Draft]:
    """The entries that end all open cases about a grant that ends, except the case `but`."""
    found = state.grants[grant]
    for name in (found.amendment, found.removal):
        if name is not None and name != but:
            yield supersedes(name, f"grant_{how}")


def superseded_with(state: State, directive: str, code: str, *, but: str = "") -> Iterator[Draft]:
    """The entries that end all open cases about a directive that ends or changes, except the case `but`."""
    for name in (*state.directives[directive].lifts, *state.record.licensed.get(directive, ())):
        if name != but and state.cases[name].state != kinds.DETERMINED:
            yield supersedes(name, code)


def supersedes(case: str, code: str | None = None) -> Draft:
    """The entry that ends a case because the thing that it is about has changed."""
    return Draft(case, CaseDetermined(case=case, outcome="superseded", reason_code=code))


def outcome(case: Case, word: str, now_ms: int, *, code: str | None = None) -> Draft:
    """The entry that determines a case."""
    return Draft(case.id, outcome_body(case, word, now_ms, code=code))


def outcome_body(case: Case, word: str, now_ms: int, *, code: str | None = None) -> CaseDetermined:
    """The body that determines a case: a denial says why, until when a reply is possible,
    and until when an appeal.
    """
    body = CaseDetermined(case=case.id, outcome=word, reason_code=code)
    if word == "denied" and case.organization is not None:
        body = replace(body, because=tuple(sorted(case.against)))
        if case.replied_ms is None and case.kind in kinds.ADMITS:
            body = replace(body, reply_by_ms=now_ms + case.procedure.reply_ms)
    if kinds.allows("appeal", case.kind, kinds.DETERMINED) and _can_be_appealed(case, word):
        body = replace(body, appeal_by_ms=now_ms + case.procedure.appeal_ms)
    return body


def waitlisted(case: Case) -> Draft:
    """The entry that puts a case on its stage's waitlist."""
    return Draft(case.id, CaseWaitlisted(case=case.id))


def has_seat(state: State, case: Case) -> bool:
    """Whether the case's organization holds a seat, or a seat is free for it and its people."""
    release, stage = stage_of(case)
    seats, seated = state.seats_of(release, stage), state.seated(release, stage)
    if case.organization in seated:
        return True
    left = state.people_left(release, stage)
    has_room = left is None or state.people_of([case.organization or ""]) <= left
    return has_room and (seats is None or len(seated) < seats)


def _fails(case: Case, rule: Rule, now_ms: int) -> bool:
    against = case.against
    if case.kind != kinds.REMOVAL and case.replied_seq is not None and now_ms < (case.reply_by_ms or 0):
        replied_seq = case.replied_seq  # what was said before the reply is being reviewed
        against = frozenset(
            party for party in against if party in case.positions and case.positions[party].seq > replied_seq
        )
    if case.is_notified:
        return bool(against)
    return not quorum.reachable(rule, against)


def _why_denied(case: Case) -> str:
    if not case.against:
        return "recused"
    return "silence" if case.against - case.saying("object") else "objection"


def _can_be_appealed(case: Case, word: str) -> bool:
    return word in (kinds.GRANTED if case.kind == kinds.REMOVAL else {"denied"})


# Consequences, by kind


def _terms(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    yield from ()


def _admission(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    question, asked = case.question, eligibility.question_of(state.record, case)
    agreed, _ = blocks.granted_conditions(state.record, case)
    assert case.organization is not None
    body = GrantApproved(
        grant=entropy.name("grant"),
        case=case.id,
        release=question.release,
        stage=question.stage,
        surface=question.surface,
        terms=state.releases[question.release].terms[question.stage],
        conditions=agreed,
        party=asked.party,
        valid_from_ms=now_ms,
        valid_until_ms=_valid_until_ms(agreed, now_ms),
        programmes=_programmes(state, asked),
        organization=case.organization,
    )
    yield Draft.of(case.id, resting_on(body, case), entropy)


def _amendment(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    question = case.question
    agreed, _ = blocks.granted_conditions(state.record, case)
    grant = state.grants[question.grant]
    body = GrantAmended(
        grant=grant.id,
        case=case.id,
        terms=state.releases[question.release].terms[question.stage],
        conditions=agreed,
        party=question.party,
        valid_until_ms=_valid_until_ms(agreed, now_ms) if question.renew else grant.valid_until_ms,
        programmes=_programmes(state, question),
    )
    yield Draft(case.id, resting_on(body, case))
    described = seen(case.described)
    if described is not None:
        yield described_anew(described, entropy)


def _programmes(state: State, asked: Question) -> tuple[HeldProgramme, ...]:
    """The programmes that a question asks for, as far as the plan in force has them."""
    return among(asked.programmes, state.releases[asked.release].plan.spec.programmes)


def _opening(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    """The stage opens, unless it waits for something else."""
    yield from stages.opened(state.record, case.question.release, case.question.stage, now_ms, case)


def _removal(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    body = GrantEnded(grant=case.question.grant, case=case.id, how="removed")
    yield Draft(case.id, resting_on(body, case))
    yield from superseded(state, case.question.grant, "removed", but=case.id)


def _lift(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    name, scope = case.question.directive, case.question.scope
    body = DirectiveLifted(directive=name, case=case.id, scope=scope, named=case.named)
    yield Draft.of(name, body, entropy)
    found = state.directives[name]
    if scope is None or found.leaves_nothing(scope):
        yield from superseded_with(state, name, "directive_lifted", but=case.id)


def _licence(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    question = case.question
    agreed, _ = blocks.granted_conditions(state.record, case)
    body = LicenceGranted(
        licence=entropy.name("licence"),
        directive=question.directive,
        case=case.id,
        grant=question.grant,
        conditions=agreed,
        valid_until_ms=_valid_until_ms(agreed, now_ms),
        member=question.member or None,
        organization=case.organization or "",
    )
    yield Draft.of(question.directive, resting_on(body, case), entropy)


def _reconsideration(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    yield from designations.ended(state, case, now_ms)


def _appeal(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    """What the appealed case would have given, or took away; if no seat is free, a place on the waitlist."""
    if eligibility.is_for_the_record(state.record, case):
        return
    first = state.cases[case.question.against]
    if first.kind == kinds.AMENDMENT:
        if state.grants[first.question.grant].is_live:
            yield from _amendment(state, blocks.instead_of(first, case), now_ms, entropy)
        return
    key = (case.organization or "", case.question.release, case.question.surface)
    newer = state.table.grants.get(key)
    if newer is not None and state.grants[newer.id].is_live:
        return  # it has been granted again meanwhile: one grant a surface
    if key in state.open_applications:
        yield supersedes(state.open_applications[key], "appeal_allowed")
    root = state.cases[first.root]  # where a list admitted, there is no application that could wait
    if root.kind == kinds.ADMISSION and not has_seat(state, case):
        yield waitlisted(root)
    elif first.kind == kinds.ADMISSION:
        yield from _admission(state, blocks.instead_of(first, case), now_ms, entropy)
    else:
        body = GrantReinstated(grant=first.question.grant, case=case.id)
        yield Draft(case.id, resting_on(body, case))


def _valid_until_ms(agreed: Conditions, now_ms: int) -> int | None:
    lasts_ms = agreed.valid_for_ms
    return None if lasts_ms is None else now_ms + lasts_ms


_CONSEQUENCES: dict[str, Callable[[State, Case, int, Entropy], Iterator[Draft]]] = {
    kinds.TERMS: _terms,
    kinds.ADMISSION: _admission,
    kinds.AMENDMENT: _amendment,
    kinds.OPENING: _opening,
    kinds.REMOVAL: _removal,
    kinds.LIFT: _lift,
    kinds.REVIEW: _terms,
    kinds.LICENCE: _licence,
    kinds.RECONSIDER: _reconsideration,
    kinds.APPEAL: _appeal,
}
