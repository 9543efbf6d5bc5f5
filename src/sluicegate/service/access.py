"""What those who act may know.

Rules:
- A signature, not a token, makes a position or a directive count; the token only says who carried it.
- What belongs to an applicant belongs to all its people: `Principal.acts_for` says whose something is.
- An applicant sees its own cases, an agency the cases that ask it, the developer's staff all of them.
- Members of an organization are its applicant's alone, and a person's own word only the person's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, AnyAct
from sluicegate.core.lifecycle import directives
from sluicegate.core.lifecycle.docket import Heading
from sluicegate.core.lifecycle.state import State
from sluicegate.errors import Unauthorized
from sluicegate.ports import Principal, Principals
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.release import Release


def still(known: Principals, principal: Principal, act: AnyAct) -> Principal:
    """Who asks for an act, by what the store says now; they were let in before. For what anyone may do, no
    one has to be known.

    Raises: Unauthorized: their access has ended, or they may not do it any more.
    """
    if not act.roles:
        return principal
    found = known.holder(principal.id)
    if found is None:
        remedy = "ask who invited you, or the developer's staff"
        raise Unauthorized("your access here has ended", code="token_unknown", remedy=remedy)
    act.check(found.role, administers=found.administers)
    return found


def party_of(principal: Principal, state: State) -> str:
    """The party that a principal acts for: the developer, or its agency; no party's name for others."""
    return state.developer if principal.role == DEVELOPER else principal.party or ""


def is_outside(principal: Principal) -> bool:
    """Whether the principal is neither the developer nor an agency.

    It sees no counts of a few, and of others nothing that only those may know.
    """
    return principal.role not in {DEVELOPER, AGENCY}


def known(
    principal: Principal, state: State, directs: Mapping[str, frozenset[str]]
) -> Callable[[Release], bool]:
    """Which releases the principal may know of: the only answer to that, for whatever is shown or refused.

    An unannounced one: the developer's staff, the agencies that it names or that direct one of its models,
    those who are invited to it, and those who have a case in it. `directs` is what the trust file says.
    """
    if principal.role == DEVELOPER:
        return lambda _: True
    if principal.role == AGENCY:
        return directives.known_to(state, principal.party or "", directs)
    own = (state.cases[name] for name in state.cases_of.get(principal.acts_for, ()))
    held = (state.grants[name].release for name in state.granted.of("applicant", principal.acts_for))
    joined = {case.question.release for case in own}.union(held)

    def knows(release: Release) -> bool:
        is_invited = principal.acts_for in state.invited.get(release.name, ())
        return release.plan.spec.announced or is_invited or release.name in joined

    return knows


def sees(principal: Principal, case: Case) -> bool:
    """Whether the principal may see a case."""
    if principal.role == DEVELOPER:
        return True
    if principal.role == AGENCY:
        return principal.party in case.parties
    return case.organization is not None and case.principal == principal.acts_for


def sees_any(principal: Principal, state: State, organizations: Iterable[str]) -> bool:
    """Whether the principal sees a case of one of some organizations."""
    cases = (state.cases[name] for each in organizations for name in state.cases_of.get(each, ()))
    return any(sees(principal, case) for case in cases)


def sees_grant(principal: Principal, state: State, grant: Grant) -> bool:
    """Whether the principal may see a grant: those who may see its case, and who acts for its holder."""
    if principal.role == APPLICANT:
        return principal.acts_for == state.holder_of(grant)
    return sees(principal, state.cases[grant.case])


def sees_holding(principal: Principal, state: State, holding: str) -> bool:
    """Whether the principal may see a grant or an account, and the keys under it."""
    account = state.record.accounts.get(holding)
    if account is not None:
        return principal.role == DEVELOPER or account.issuer == principal.acts_for
    grant = state.grants.get(holding)
    return grant is not None and sees_grant(principal, state, grant)


def sees_some(principal: Principal, heading: Heading) -> bool:
    """Whether the principal may see cases with a heading: all of them, or, as an applicant, its own."""
    return principal.role != AGENCY or principal.party in heading.parties


def looks_after(principal: Principal, state: State, organization: str) -> bool:
    """Whether the principal acts for who applied for an organization, or issues keys under its account: those
    alone look after its members.
    """
    cases = (state.cases[name] for name in state.cases_of.get(organization, ()))
    account = state.record.accounts.get(state.accounts.newest.get(organization, ""))
    is_issuer = account is not None and account.is_open and account.issuer == principal.acts_for
    return is_issuer or any(case.principal == principal.acts_for for case in cases)
