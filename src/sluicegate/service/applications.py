"""What applicants do: apply, amend, answer, accept, withdraw, reply, appeal. And who is nominated, or
invited.

Rules:
- Only the token that made an application acts for the applicant, whatever its role.
- Everything an applicant writes is sealed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

from sluicegate.acts import applications as acts
from sluicegate.acts.act import APPLICANT, DEVELOPER, Answered, Nothing
from sluicegate.acts.applications import (
    AgencyAnswer,
    Amendment,
    AnswerReceipt,
    CaseEnd,
    CaseText,
    NewAmendment,
    NewAppeal,
    NewApplication,
    NewNomination,
    Nominations,
    NominationText,
    NominationView,
    ProgrammeAsked,
    ReplyReceipt,
    SeatReceipt,
    Submission,
)
from sluicegate.acts.cases import CaseArgument
from sluicegate.core.lifecycle import Command, Refusal, State, releases
from sluicegate.core.lifecycle.applications import (
    Accept,
    Amend,
    Answer,
    Nominate,
    OpenAppeal,
    Reply,
    Return,
    SubmitApplication,
    Withdraw,
)
from sluicegate.core.lifecycle.rows import Nomination
from sluicegate.core.people import application, legal_names
from sluicegate.errors import wrong_field
from sluicegate.ports import Ports, Principal, Principals
from sluicegate.service import access, bearers
from sluicegate.service.cases import dossier_of, seen
from sluicegate.service.context import Context, does
from sluicegate.service.grants import grant_unknown
from sluicegate.service.ledger import Ledger
from sluicegate_record.terms import kinds
from sluicegate_record.terms.programmes import HeldProgramme

OPEN_MAX = 20
"""How many applications of one applicant may be open: each takes the time of several agencies."""


@does(acts.SUBMIT)
def submit(context: Context[NewApplication], asked: Submission) -> NewApplication | Refusal:
    """Apply for one stage on one surface. Raises: InvalidDocument."""
    organization = context.document()
    return context.execute(lambda ports: prepared(context, ports.principals, asked, organization))


def prepared(
    context: Context[NewApplication], known: Principals, asked: Submission, organization: dict[str, Any]
) -> SubmitApplication | Refusal:
    """The command of an application, its organization noted."""
    ledger, principal = context.ledger, context.principal
    with ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is None or not access.known(principal, state, ledger.directs)(release):
            return releases.stage_unknown(asked.release, asked.stage)
        refused = not_for_staff(principal, organization)
        if refused is not None:
            return refused
        if principal.role == APPLICANT and _open_of(state, principal) >= OPEN_MAX:
            said = f"{OPEN_MAX} of your applications are open"
            return Refusal("conflict", "too_many_open", said, "wait for one to end")
    pseudonym = pseudonym_of(ledger, known, principal.acts_for, organization)
    dossier = application.dossier(organization)
    described = bearers.described(ledger, pseudonym, organization)
    about = (asked.release, asked.stage, asked.surface)
    return SubmitApplication(*about, pseudonym, dossier, described, context.opener, _wanted(asked.programmes))


def _wanted(asked: Iterable[ProgrammeAsked]) -> tuple[HeldProgramme, ...]:
    return tuple(HeldProgramme(concern=each.concern, name=each.name, holders=each.holders) for each in asked)


def not_for_staff(principal: Principal, organization: dict[str, Any]) -> Refusal | None:
    """Why a party may not say that an organization is the developer's own people."""
    if organization.get("kind") != "staff" or principal.role == DEVELOPER:
        return None
    said = "only the developer says that an organization is its own people ('kind: staff')"
    return Refusal("forbidden", "not_staff", said, "leave 'kind' out")


@does(acts.AMEND)
def amend(context: Context[NewAmendment], asked: Amendment) -> NewAmendment | Refusal:
    """Ask for a grant of one's own to be renewed or changed. Raises: InvalidDocument."""
    ledger = context.ledger
    with ledger.reading() as state:
        found = state.grants.get(asked.grant)
        if found is None or state.holder_of(found) != context.principal.acts_for:
            return grant_unknown(asked.grant)
    changed, described = None, None
    if asked.organization is not None:
        organization = context.document()
        refused = not_for_staff(context.principal, organization)
        if refused is not None:
            return refused
        changed = application.dossier(organization)
        described = bearers.described(ledger, found.organization, organization)

    def command(_: Ports) -> Amend:
        with ledger.reading() as state:
            held = state.grants[asked.grant]
            agreed = dossier_of(ledger, state, state.cases[held.dossier], state.party_of(held.id))
        assert agreed is not None
        wanted = None if asked.programmes is None else _wanted(asked.programmes)
        return Amend(asked.grant, asked.renew, changed or agreed, described, context.opener, wanted)

    return context.execute(command)


@does(acts.ANSWER)
def answer(context: Context[AnswerReceipt], asked: AgencyAnswer) -> AnswerReceipt | Refusal:
    """Answer the question of an agency."""
    return _by_applicant(context, asked.case, Answer(asked.case, asked.agency, _text(asked)))


@does(acts.ACCEPT)
def accept(context: Context[SeatReceipt], asked: CaseArgument) -> SeatReceipt | Refusal:
    """Take the seat that is offered."""
    return _by_applicant(context, asked.case, Accept(asked.case))


@does(acts.WITHDRAW)
def withdraw(context: Context[CaseEnd], asked: CaseArgument) -> CaseEnd | Refusal:
    """End one's own case."""
    return _by_applicant(context, asked.case, Withdraw(asked.case))


@does(acts.REPLY)
def reply(context: Context[ReplyReceipt], asked: CaseText) -> ReplyReceipt | Refusal:
    """Answer a denial, or a removal before it counts."""
    return _by_applicant(context, asked.case, Reply(asked.case, _text(asked)))


@does(acts.APPEAL)
def appeal(context: Context[NewAppeal], asked: CaseText) -> NewAppeal | Refusal:
    """Appeal a denial or a removal."""
    ledger, text = context.ledger, _text(asked)

    def command(_: Ports) -> OpenAppeal:
        with ledger.reading() as state:
            record, against = state.record, state.cases[asked.case]
            about, party = state.cases[record.dossier_of_appeal(against)], record.party_of_appeal(against)
            dossier = dossier_of(ledger, state, about, party)
            return OpenAppeal(asked.case, text, dossier, context.opener)

    return _by_applicant(context, asked.case, command)


@does(acts.RETURN)
def return_(context: Context[CaseEnd], asked: CaseText) -> CaseEnd | Refusal:
    """Return a deficient application without a decision."""
    command = Return(asked.case, _text(asked))
    with context.ledger.reading() as state:
        case = seen(state, context.principal, asked.case)
    return case if isinstance(case, Refusal) else context.execute(command)


@does(acts.NOMINATE)
def nominate(context: Context[NewNomination], asked: NominationText) -> NewNomination | Refusal:
    """Note that an organization is hoped for in a stage. Raises: InvalidDocument."""
    organization = context.document()

    def command(ports: Ports) -> Nominate | Refusal:
        if asked.invite is not None and not can_apply(ports.principals, asked.invite):
            said = f"no token of an applicant {asked.invite[:80]!r}"
            return Refusal(
                "unknown", "token_unknown", said, "'sluicegate token list' shows the ids of principals"
            )
        pseudonym = pseudonym_of(context.ledger, ports.principals, context.principal.acts_for, organization)
        dossier = application.dossier(organization)
        return Nominate(asked.release, asked.stage, pseudonym, dossier, asked.invite)

    return context.execute(command)


def can_apply(known: Principals, principal: str) -> bool:
    """Whether someone acts for an applicant whose token has not ended."""
    ended = known.ended()
    people = (each for each in known.all() if (each.acts_for, each.role) == (principal, APPLICANT))
    return any(each.id not in ended for each in people)


@does(acts.NOMINATIONS)
def nominations(context: Context[Nominations], _: Nothing) -> Nominations:
    """Every nomination, and whether its organization has applied, by name."""
    with context.ledger.reading() as state:
        return Nominations(
            size=state.size,
            nominations=tuple(_shown(context.ledger, state, each) for each in state.nominations.values()),
        )


def _shown(ledger: Ledger, state: State, known: Nomination) -> NominationView:
    return NominationView(
        nomination=known.nomination,
        release=known.release,
        stage=known.stage,
        organization=name_of(ledger, known.organization),
        applied=tuple(_applied(ledger, state, known)),
        invited=known.invited,
    )


def name_of(ledger: Ledger, organization: str) -> str | None:
    """The legal name behind a pseudonym, as `core.people.legal_names.name_key` spells it."""
    found = ledger.store.principals.registered(organization)
    return found.name if found is not None else None


def _applied(ledger: Ledger, state: State, known: Nomination) -> list[str]:
    return [
        name
        for organization in bearers.namesakes(ledger, known.organization)
        for name in state.cases_of.get(organization, ())
        if state.cases[name].kind == kinds.ADMISSION
        and state.cases[name].question.release == known.release
        and state.cases[name].question.stage == known.stage
    ]


def _text(asked: CaseText | AgencyAnswer) -> str:
    if not asked.text.strip():
        raise wrong_field("text", "a text", "nothing")
    return asked.text


def _by_applicant(
    context: Context[Answered], name: str, command: Command | Callable[[Ports], Command | Refusal]
) -> Answered | Refusal:
    """Do what only the applicant may do in a case."""
    with context.ledger.reading() as state:
        case = seen(state, context.principal, name)
    if isinstance(case, Refusal):
        return case
    if case.principal != context.principal.acts_for:
        said = f"only who applied may {context.act.name.removeprefix('case.')}"
        return Refusal("forbidden", "not_applicant", said, "use the token the application was made with")
    return context.execute(command)


def _open_of(state: State, principal: Principal) -> int:
    own = (state.cases[name] for name in state.cases_of.get(principal.acts_for, ()))
    return sum(case.kind == kinds.ADMISSION and case.state != kinds.DETERMINED for case in own)


def pseudonym_of(ledger: Ledger, known: Principals, principal: str, organization: dict[str, Any]) -> str:
    """The organization's pseudonym: the one this applicant named it by before, or a new one."""
    name, country = legal_names.name_key(organization["name"]), organization["registeredIn"]
    found = known.organization(principal, name, country)
    if found is None:
        found = "org_" + base64.b32encode(ledger.random(10)).decode().lower()
        known.add_organization(found, principal, name, country)
    return found
