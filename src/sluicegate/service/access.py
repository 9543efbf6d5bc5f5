"""Who acts, and what they may know.

Rules:
- Who acts comes from the token alone. The row of an act says which roles may do it.
- A signature, not a token, makes a position or a directive count; the token only says who carried it.
- An applicant sees its own cases, an agency the cases that ask it, the developer's staff all of them.
- Members of an organization are its applicant's alone, and a person's own word only the person's.
"""

from __future__ import annotations

from sluicegate.acts.act import AGENCY, DEVELOPER, AnyAct
from sluicegate.core.access import apikey
from sluicegate.core.lifecycle.docket import Heading
from sluicegate.core.lifecycle.state import State
from sluicegate.errors import Unauthorized
from sluicegate.ports import Principal, Principals
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.release import Release


def authenticate(principals: Principals, token: str | None) -> Principal:
    """Whose token this is.

    Raises: Unauthorized: none given, or not one of ours.
    """
    if token is None:
        raise Unauthorized(
            "no token was given",
            code="token_missing",
            remedy="send 'Authorization: Bearer sgt_…'; the command line takes it from SLUICEGATE_TOKEN",
        )
    is_token = apikey.is_well_formed(token, apikey.TOKEN_PREFIX)
    found = principals.by_token(apikey.digest(token)) if is_token else None
    if found is None:
        raise Unauthorized(
            "the token is not known here",
            code="token_unknown",
            remedy="it may have been revoked or replaced; ask the developer's staff for a new one",
        )
    return found


def authorize(principal: Principal, act: AnyAct) -> None:
    """Raise Unauthorized (code `forbidden`) unless the principal's role may do this."""
    if principal.role not in act.roles:
        allowed = ", ".join(sorted(act.roles))
        raise Unauthorized(
            f"a token of the role {principal.role!r} may not do {act.name!r}, expected one of {allowed}",
            code="forbidden",
            remedy="set SLUICEGATE_TOKEN to a token of that role; the developer's staff makes them",
        )


def knows(principal: Principal, state: State, release: Release) -> bool:
    """Whether the principal may know that a release exists.

    An unannounced one: the developer's staff, the agencies it names, and those who have a case in it.
    """
    if principal.role == DEVELOPER or release.plan.spec.announced:
        return True
    if principal.role == AGENCY:
        return principal.party in release.plan.spec.agencies
    own = (state.cases[name] for name in state.cases_of.get(principal.id, ()))
    return any(case.question.release == release.name for case in own)


def sees(principal: Principal, case: Case) -> bool:
    """Whether the principal may see a case."""
    if principal.role == DEVELOPER:
        return True
    if principal.role == AGENCY:
        return principal.party in case.parties
    return case.organization is not None and case.applicant == principal.id


def sees_some(principal: Principal, heading: Heading) -> bool:
    """Whether the principal may see cases with a heading: all of them, or, as an applicant, its own."""
    return principal.role != AGENCY or principal.party in heading.parties


def administers(principal: Principal, state: State, organization: str) -> bool:
    """Whether the principal is who applied for an organization: it alone looks after its members."""
    cases = (state.cases[name] for name in state.cases_of.get(organization, ()))
    return any(case.applicant == principal.id for case in cases)
