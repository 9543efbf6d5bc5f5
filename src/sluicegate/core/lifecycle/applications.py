"""Applications: an organization applies, is asked, answers, accepts, withdraws, replies, appeals.

Rules:
- The rules on who may apply are checked before agencies spend time on a case. They are those of the terms in
  force at that time, and are the same for an application, an amendment and an appeal. Applicants can see them
  before they apply.
- An organization has one open application and one grant for each release and surface. To renew or change a
  grant, it asks for an amendment. Until that is decided, the grant allows what it allowed before.
- A nomination is not an admission: it says only that the developer hopes for an application. An invitation
  is a nomination that also lets an applicant know of the release.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sluicegate.acts.applications import (
    AnswerReceipt,
    CaseEnd,
    NewAmendment,
    NewAppeal,
    NewApplication,
    NewNomination,
    ReplyReceipt,
    SeatReceipt,
)
from sluicegate.core.lifecycle import blocks, determination, programmes, signers, timing
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.eligibility import unfit
from sluicegate.core.lifecycle.organizations import describe, renamed
from sluicegate.core.lifecycle.positions import grant_moved, moved, outcome_of
from sluicegate.core.lifecycle.releases import (
    asking,
    release_closed,
    stage_unknown,
    terms_changed,
    terms_not_agreed,
)
from sluicegate.core.lifecycle.state import Ahead, State
from sluicegate.core.lifecycle.steps import found
from sluicegate_record.entities import case as of_case
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.happening import Trial
from sluicegate_record.entities.proceedings import Span
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import CaseAnswered, CaseOpened, CaseReplied, Description
from sluicegate_record.entries.grants import GrantApproved
from sluicegate_record.entries.releases import OrganizationNominated
from sluicegate_record.form import ABSENT
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log import times
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.record import Record
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds
from sluicegate_record.terms.audience import APPLICANTS, PROGRAMME, Audience
from sluicegate_record.terms.programmes import HeldProgramme, among


@dataclass(frozen=True, slots=True)
class SubmitApplication(Command):
    """Apply for one stage on one surface.

    `organization` is the applicant's pseudonym; `dossier` is the sealed part: `{organization: {name,
    registeredIn, …}, …}`. `opener` is who acts for the applicant, if the entry's `by` does not say it.
    """

    release: str
    stage: str
    surface: str
    organization: str
    dossier: dict[str, Any]
    described: Description | None = None
    opener: str | None = None
    programmes: tuple[HeldProgramme, ...] = ()


@dataclass(frozen=True, slots=True)
class Amend(Command):
    """Ask for a grant to be renewed, or to go on with another dossier or other programmes.

    `dossier` is a new one, or opens the commitment to the one that was agreed to. `programmes` are all that
    it is to have from then on; None: those that it has.
    """

    grant: str
    renew: bool
    dossier: dict[str, Any] | Opening
    described: Description | None = None
    opener: str | None = None
    programmes: tuple[HeldProgramme, ...] | None = None


@dataclass(frozen=True, slots=True)
class Answer(Command):
    """Answer the question of an agency; `agency` is "" if only one agency asks. `text` is sealed."""

    case: str
    agency: str
    text: str


@dataclass(frozen=True, slots=True)
class Accept(Command):
    """Take the seat that is offered."""

    case: str


@dataclass(frozen=True, slots=True)
class Withdraw(Command):
    """End one's own case."""

    case: str


@dataclass(frozen=True, slots=True)
class Return(Command):
    """Return a deficient application without a decision. The reason is sealed in the case."""

    case: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reply(Command):
    """Answer a denial, or a removal before it counts. `text` is sealed."""

    case: str
    text: str


@dataclass(frozen=True, slots=True)
class OpenAppeal(Command):
    """Appeal a denial or a removal. `text` is sealed.

    `dossier` opens the commitment to the dossier of the appealed case, if it has one.
    """

    case: str
    text: str
    dossier: Opening | None
    opener: str | None = None


@dataclass(frozen=True, slots=True)
class Nominate(Command):
    """Note that the developer hopes for an organization in a stage.

    `organization` is a pseudonym, `dossier` sealed. `invited` is the principal who may know of the release
    from now on, and apply.
    """

    release: str
    stage: str
    organization: str
    dossier: dict[str, Any]
    invited: str | None = None


def submit_application(
    state: State, command: SubmitApplication, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `SubmitApplication`."""
    release = state.releases.get(command.release)
    if release is None or command.stage not in release.terms:
        return stage_unknown(command.release, command.stage)
    if command.release in state.record.closures:
        return release_closed(command.release)
    audience = release.plan.stages[command.stage].audience
    if audience.kind != APPLICANTS:
        return _no_application(command.stage, audience)
    case = entropy.name("case")
    sealed = leaves.opening(command.dossier, entropy)
    question = replace(
        about_stage(state, command.stage, release.terms[command.stage], case, kinds.ADMISSION),
        surface=command.surface,
        party=sealed.commitment("sealed", "application"),
        programmes=command.programmes,
    )
    refusal = (
        surface_unknown(release, command.surface)
        or programmes.unfit(state, question.terms, command.organization, question.programmes)
        or unfit(state.record, question, sealed)
        or _already(state, command)
        or renamed(state, command.described)
    )
    if refusal is not None:
        return refusal
    body = opened(state, question, command.organization, now_ms, sealed={"application": sealed})
    draft = Draft.of(case, replace(body, opener=command.opener), entropy)
    described = [] if command.described is None else [command.described]
    drafts = [*describe(state, described, entropy), draft]
    return Acceptance(drafts, NewApplication(application=case, state=kinds.SUBMITTED))


def _no_application(stage: str, audience: Audience) -> Refusal:
    if audience.is_listed:
        said = f"stage {stage!r} is for those whom its terms name: they need an account, and no application"
        remedy = (
            "ask the developer for an account if you are one of them; 'sluicegate status' shows other stages"
        )
        return Refusal("conflict", "no_application_needed", said, remedy)
    if audience.kind == PROGRAMME:
        said = f"stage {stage!r} takes over the grants that have the programme {audience.programme!r}"
        remedy = (
            "'sluicegate application amend GRANT --programme PROGRAMME' asks for it; "
            "'sluicegate status' shows other stages"
        )
        return Refusal("conflict", "no_application_needed", said, remedy)
    said = f"stage {stage!r} is for everyone: an organization with an account needs no application"
    return Refusal("conflict", "no_application_needed", said, "ask the developer for an account")


def amend(state: State, command: Amend, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Amend`. Meanwhile the grant does not change."""
    grant = state.grants.get(command.grant)
    if grant is None:
        return Refusal("unknown", "grant_unknown", f"no grant {command.grant[:80]!r}")
    refusal = _not_to_amend(state, command, grant)
    if refusal is not None:
        return refusal
    release = state.releases[grant.release]
    case = entropy.name("case")
    party, dossier, sealed = state.party_of(grant.id), command.dossier, {}
    if not isinstance(dossier, Opening):
        dossier = leaves.opening(dossier, entropy)
        party, sealed = dossier.commitment("sealed", "application"), {"application": dossier}
    question = replace(
        about_stage(state, grant.stage, release.terms[grant.stage], case, kinds.AMENDMENT),
        surface=grant.surface,
        party=party,
        grant=grant.id,
        renew=command.renew,
        programmes=_asked_again(command, grant, release),
    )
    refusal = programmes.unfit(state, question.terms, grant.organization, command.programmes or ()) or unfit(
        state.record, question, dossier
    )
    if refusal is not None:
        return refusal
    body = opened(state, question, grant.organization, now_ms, sealed=sealed)
    draft = Draft.of(case, replace(body, described=command.described, opener=command.opener), entropy)
    result = NewAmendment(application=case, state=kinds.SUBMITTED, grant=grant.id)
    return Acceptance([draft], result)


def _asked_again(command: Amend, grant: Grant, release: Release) -> tuple[HeldProgramme, ...]:
    """The programmes that an amendment asks for: those that it names, or those that the grant has."""
    if command.programmes is not None:
        return command.programmes
    return among(grant.programmes, release.plan.spec.programmes)


def _not_to_amend(state: State, command: Amend, grant: Grant) -> Refusal | None:
    if not grant.is_live:
        said = f"grant {grant.id!r} has ended: {grant.standing}"
        return Refusal("conflict", "grant_ended", said, "apply again")
    if grant.amendment is not None:
        said = f"an amendment of this grant is open: {grant.amendment!r}"
        return Refusal("conflict", "already_applied", said, "wait for it, or withdraw it")
    release = state.releases[grant.release]
    if grant.stage not in release.terms:
        return stage_unknown(grant.release, grant.stage)
    changes = command.programmes not in {None, grant.programmes}
    if command.renew or changes or not isinstance(command.dossier, Opening):
        return None
    said = "nothing to amend: no renewal, no other organization file, no other programmes"
    return Refusal("conflict", "nothing_to_amend", said, "say --renew, or name what has changed")


def answer(state: State, command: Answer, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Answer`: the clock of the agency that asked runs again."""
    case = found(state, command.case, "answer")
    if isinstance(case, Refusal):
        return case
    asking = case.asking
    agency = command.agency or (next(iter(asking)) if len(asking) == 1 else "")
    if agency not in asking:
        listed = ", ".join(sorted(asking))
        said = f"no open question of {agency!r}" if agency else "several agencies ask"
        if not asking:
            said = "no question is open in this case: it is answered, or none was asked"
        return Refusal("conflict", "nothing_asked", said, f"name one of {listed}" if listed else "")
    timer, clock = case.clocks[agency], case.agency_clock
    assert timer.asked_ms is not None
    due_ms = None
    if clock is not None:
        stops = [*timer.stops, Span(timer.asked_ms, now_ms)]
        due_ms = timing.due(case, timer.step_ms, clock.within_at(timer.rung), stops)
    closes = len(asking) == 1 and case.whole_clock is not None
    body = CaseAnswered(
        case=case.id,
        agency=agency,
        question=asking[agency].digest,
        due_ms=due_ms,
        whole_due_ms=timing.whole_due(case, now_ms) if closes else ABSENT,
        answer=leaves.opening(command.text, entropy),
    )
    draft = Draft.of(case.id, body, entropy)
    return Acceptance([draft], AnswerReceipt(case=case.id, agency=agency, due_ms=due_ms))


def accept(state: State, command: Accept, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Accept`: give the grant, if nothing prevents it since the offer."""
    case = found(state, command.case, "accept")
    if isinstance(case, Refusal):
        return case
    refusal = moved(state, case)
    if refusal is not None:
        return refusal
    for block in blocks.blocked_by(state.record, case, now_ms):
        return Refusal("conflict", block.code, block.text)
    drafts = determination.approved(state, case, now_ms, entropy)
    grants = [draft.body.grant for draft in drafts if isinstance(draft.body, GrantApproved)]
    outcome = outcome_of(drafts)
    assert outcome is not None
    return Acceptance(drafts, SeatReceipt(case=case.id, determination=outcome, grant=grants[0]))


def withdraw(state: State, command: Withdraw, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Withdraw`."""
    case = found(state, command.case, "withdraw")
    if isinstance(case, Refusal):
        return case
    draft = determination.outcome(case, "withdrawn", now_ms)
    return Acceptance([draft], CaseEnd(case=case.id, determination="withdrawn"))


def is_returnable(case: Case) -> bool:
    """Whether no agency has said anything about the substance."""
    return all(said.position == "ask" for said in case.positions.values())


def return_case(state: State, command: Return, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Return`: only before an agency has said something about the substance."""
    case = found(state, command.case, "return")
    if isinstance(case, Refusal):
        return case
    if not is_returnable(case):
        said = "an agency has taken a position: the case is decided on its merits"
        return Refusal("conflict", "positions_taken", said, "await its determination")
    body = determination.outcome_body(case, "returned", now_ms, code="deficient")
    draft = Draft.of(case.id, replace(body, reason=leaves.opening(command.reason, entropy)), entropy)
    return Acceptance([draft], CaseEnd(case=case.id, determination="returned"))


def reply(state: State, command: Reply, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Reply`: a denial is reviewed again, once;
    a removal still waits until its time to reply is over.
    """
    case = found(state, command.case, "reply")
    if isinstance(case, Refusal):
        return case
    if case.replied_ms is not None:
        return Refusal(
            "conflict", "replied_already", "a reply is on the record of this case", "await the decision"
        )
    if case.reply_by_ms is None:
        return Refusal(
            "conflict", "nothing_to_reply_to", "the case is neither a denial nor a removal", "await it"
        )
    if now_ms >= case.reply_by_ms:
        said = f"the time to reply ended {times.format_time(case.reply_by_ms)}"
        return Refusal("conflict", "too_late", said, "an appeal may still be possible")
    again = _already_again if case.kind == kinds.ADMISSION else grant_moved
    refusal = _appealed(case) or moved(state, case) or again(state, case)
    if refusal is not None:
        return refusal
    until_ms = case.reply_by_ms
    if case.state == kinds.DETERMINED:
        until_ms = now_ms + case.procedure.reply_ms
    body = CaseReplied(case=case.id, reply_by_ms=until_ms, reply=leaves.opening(command.text, entropy))
    draft = Draft.of(case.id, body, entropy)
    return Acceptance([draft], ReplyReceipt(case=case.id, reviewed_until_ms=until_ms))


def open_appeal(state: State, command: OpenAppeal, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `OpenAppeal`: other parties decide, by the rule for appeals, under the terms in force."""
    case = found(state, command.case, "appeal")
    if isinstance(case, Refusal):
        return case
    refusal = _not_to_appeal(state.record, case, now_ms)
    if refusal is not None:
        return refusal
    name = entropy.name("case")
    question, no_grant = _appealing(state, case, name, command.dossier)
    if question is None:
        assert no_grant is not None
        return no_grant
    sealed = {"appeal": leaves.opening(command.text, entropy)}
    body = opened(state, question, case.organization or "", now_ms, sealed=sealed, against=case)
    draft = Draft.of(name, replace(body, opener=command.opener), entropy)
    why = None if no_grant is None else no_grant.message
    unheard = _unheard(Ahead.of(state, [draft], now_ms).record, name)
    answer = NewAppeal(
        case=name, against=case.id, state=kinds.SUBMITTED, no_grant=why, unheard=tuple(unheard)
    )
    return Acceptance([draft], answer)


def _unheard(record: Record, appeal: str) -> Iterator[str]:
    """Why agencies cannot decide an appeal, because of the keys that are pinned now."""
    case = record.cases[appeal]
    if signers.is_stuck(case, signers.unable(record, case)):
        yield from (why for _, why in signers.shortages(record, case))


def _appealing(
    state: State, case: Case, name: str, dossier: Opening | None
) -> tuple[Question | None, Refusal | None]:
    """The question of an appeal, and why it cannot lead to a grant.

    It binds the terms in force. If they let no grant come back, an appeal against a removal binds the terms
    by which the grant was held, and any other appeal has no question.
    """
    release, stage = state.releases[case.question.release], case.question.stage
    party = state.record.party_of_appeal(case)
    held = case.question.programmes
    if case.kind == kinds.REMOVAL:
        held = state.grants[case.question.grant].programmes

    def under(terms: str) -> Question:
        about = about_stage(state, stage, terms, name, kinds.APPEAL)
        return replace(about, surface=case.question.surface, party=party, against=case.id, programmes=held)

    why = _out_of_force(release, case)
    if why is None:
        question = under(release.terms[stage])
        why = unfit(state.record, question, dossier)
        if why is None:
            return question, None
    if case.kind != kinds.REMOVAL or why.code == "dossier_unproven":
        return None, why
    question = under(state.grants[case.question.grant].terms)
    unproven = unfit(state.record, question, dossier)
    return (question, why) if unproven is None else (None, unproven)


def nominate(state: State, command: Nominate, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Nominate`."""
    release = state.releases.get(command.release)
    if release is None or command.stage not in release.terms:
        return stage_unknown(command.release, command.stage)
    known = state.nominations.get((command.release, command.stage, command.organization))
    if known is not None and command.invited in {None, known.invited}:
        return Acceptance([], NewNomination(nomination=known.nomination))
    body = OrganizationNominated(
        nomination=entropy.name("nom") if known is None else known.nomination,
        release=command.release,
        stage=command.stage,
        organization=command.organization,
        invited=command.invited,
    )
    draft = Draft.of(command.release, body, entropy)
    dossier = leaves.opening(command.dossier, entropy)  # its salt is drawn last
    body = replace(body, dossier=dossier)
    draft = replace(draft, body=body, sealed=body.sealed())
    return Acceptance([draft], NewNomination(nomination=body.nomination))


def about_stage(state: State, stage: str, terms: str, case: str, kind: str) -> Question:
    """The fields that the question of every case about a stage binds."""
    given = state.record.terms[terms].plan
    return Question(
        log=state.log,
        case=case,
        kind=kind,
        release=given.metadata.name,
        stage=stage,
        terms=terms,
        models=given.model_digests,
    )


def opened(  # noqa: PLR0913 - one a part of the entry
    state: State,
    question: Question,
    organization: str,
    now_ms: int,
    *,
    sealed: Mapping[str, Opening] | None = None,
    against: Case | None = None,
) -> CaseOpened:
    """The body that opens a case about an organization."""
    terms = state.record.terms[question.terms]
    body = asking(question, terms.plan, against.kind if against else "")
    procedure = terms.body.admission.procedure
    body = replace(body, procedure=procedure, organization=organization, sealed_parts=sealed or {})
    if question.kind == kinds.REMOVAL:
        return replace(body, reply_by_ms=now_ms + procedure.reply_ms)
    case = of_case.opened(Trial(body, state.size, now_ms), body, "", "")
    whole = case.whole_clock
    return replace(body, due_ms=timing.due(case, now_ms, whole[0], [])) if whole else body


def surface_unknown(release: Release, surface: str) -> Refusal | None:
    """Why a surface cannot be applied for; None if the release has it."""
    surfaces = release.plan.spec.surfaces
    if surface in surfaces:
        return None
    return Refusal(
        "unknown", "surface_unknown", f"no surface {surface!r}, expected one of {', '.join(surfaces)}"
    )


def _already(state: State, command: SubmitApplication) -> Refusal | None:
    key = (command.organization, command.release, command.surface)
    if key in state.open_applications:
        case = state.open_applications[key]
        return Refusal("conflict", "already_applied", f"application {case!r} is still open", "wait for it")
    grant = state.table.grants.get(key)
    if grant is not None and state.grants[grant.id].is_live:
        said = f"grant {grant.id!r} is in force for this surface"
        return Refusal(
            "conflict", "already_granted", said, "'sluicegate application amend GRANT' renews or changes it"
        )
    return None


def _already_again(state: State, case: Case) -> Refusal | None:
    question = case.question
    return _already(
        state,
        SubmitApplication(question.release, question.stage, question.surface, case.organization or "", {}),
    )


def appeal_until_ms(case: Case) -> int | None:
    """Until when a first appeal against a case is possible; None if no appeal is possible."""
    wrong = kinds.GRANTED if case.kind == kinds.REMOVAL else {"denied"}
    if case.outcome not in wrong or case.determined_ms is None:
        return None
    if not kinds.allows("appeal", case.kind, case.state):
        return None
    return case.determined_ms + case.procedure.appeal_ms


def appeal_again_until_ms(record: Record, case: Case) -> int | None:
    """Until when an appeal, or another one, is possible; None if no appeal is possible.

    If an appeal ended without a decision, the time to appeal runs again from its end.
    """
    last = record.unheard_appeal(case)
    if last is None or last.determined_ms is None or appeal_until_ms(case) is None:
        return appeal_until_ms(case)
    return last.determined_ms + case.procedure.appeal_ms


def _not_to_appeal(record: Record, case: Case, now_ms: int) -> Refusal | None:
    until_ms = appeal_again_until_ms(record, case)
    if until_ms is None:
        said = f"a case of the kind {case.kind!r} that is {case.outcome or 'open'!r} cannot be appealed"
        return Refusal("conflict", "nothing_to_appeal", said, "a denial can, and so can a removal")
    grant = record.grants.get(case.question.grant)
    if case.kind == kinds.AMENDMENT and grant is not None and grant.stage != case.question.stage:
        said = f"the grant {grant.id!r} is part of stage {grant.stage!r} since then"
        return Refusal(
            "conflict",
            "terms_changed",
            said,
            "'sluicegate application amend GRANT' asks again, under its terms",
        )
    refusal = _appealed(case) if record.unheard_appeal(case) is None else None
    if refusal is None and now_ms >= until_ms:
        return Refusal("conflict", "too_late", f"the time to appeal ended {times.format_time(until_ms)}")
    return refusal


def _out_of_force(release: Release, case: Case) -> Refusal | None:
    """Why a case cannot be appealed under terms in force; None if it can."""
    stage = case.question.stage
    if case.kind == kinds.REMOVAL:
        return None if stage in release.terms else terms_changed(stage)
    if not release.answers(stage, case.question.terms):
        return terms_changed(stage)
    return None if release.terms[stage] in release.agreed else terms_not_agreed(stage)


def _appealed(case: Case) -> Refusal | None:
    if case.appeal is None:
        return None
    return Refusal("conflict", "appealed_already", f"the appeal is case {case.appeal!r}", "follow that one")
