"""What those who act may know.

Rules:
- A signature, not a token, makes a position or a directive count; the token only says who carried it.
- An applicant sees its own cases, an agency the cases that ask it, the developer's staff all of them.
- Members of an organization are its applicant's alone, and a person's own word only the person's.
"""

from __future__ import annotations

from sluicegate.acts.act import AGENCY, DEVELOPER
from sluicegate.core.lifecycle.docket import Heading
from sluicegate.core.lifecycle.state import State
from sluicegate.ports import Principal
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.release import Release


def knows(principal: Principal, state: State, release: Release) -> bool:
    """Whether the principal may know that a release exists.

    An unannounced one: the developer's staff, the agencies it names, those who are invited to it, and those
    who have a case in it.
    """
    if principal.role == DEVELOPER or release.plan.spec.announced:
        return True
    if principal.role == AGENCY:
        return principal.party in release.plan.spec.agencies
    if principal.id in state.invited.get(release.name, ()):
        return True
    own = (state.cases[name] for name in state.cases_of.get(principal.id, ()))
    return any(case.question.release == release.name for case in own)


def sees(principal: Principal, case: Case) -> bool:
    """Whether the principal may see a case."""
    if principal.role == DEVELOPER:
        return True
    if principal.role == AGENCY:
        return principal.party in case.parties
    return case.organization is not None and case.principal == principal.id


def sees_some(principal: Principal, heading: Heading) -> bool:
    """Whether the principal may see cases with a heading: all of them, or, as an applicant, its own."""
    return principal.role != AGENCY or principal.party in heading.parties


def administers(principal: Principal, state: State, organization: str) -> bool:
    """Whether the principal is who applied for an organization: it alone looks after its members."""
    cases = (state.cases[name] for name in state.cases_of.get(organization, ()))
    return any(case.principal == principal.id for case in cases)
