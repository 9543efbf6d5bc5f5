"""The law of grants by a list: to those that agreed terms name, once, without a case of their own.

Rules:
- Those who agreed to the terms agreed to each name on the list. So their positions must carry an admission.
- Each name admits one organization, once for each surface and each agreement over the list. Who was removed
  is not admitted again by a name, also where it was a grant of another stage that was removed.
- A list asks for no programme: a grant by it has none until an amendment gives it one.
- That an organization has the name is the word of the log, as that of an applicant is.
"""

from __future__ import annotations

from sluicegate_record.entities import grant as grant_
from sluicegate_record.entries import grants, seen
from sluicegate_record.law.agreement import answering, carried, conditions_of, conditions_under
from sluicegate_record.law.rule import At, require
from sluicegate_record.terms import conditions, kinds


def is_by_list(at: At, body: grants.GrantApproved) -> bool:
    """Whether a grant rests on the case about the terms of its stage."""
    case = at.record.cases.get(body.case)
    return case is not None and case.kind == kinds.TERMS


def is_named(at: At, body: grants.GrantApproved) -> None:
    """Check that the terms in force name the organization, on a surface that they offer. Raises: Broken."""
    current = answering(at, body.release, body.stage, at.case(body.case, kinds.TERMS).question.terms)
    require(body.terms == current, "given under other terms than those in force")
    plan = at.terms(current).plan
    require(
        body.party in plan.listed(plan.stages[body.stage]), "a grant to an organization that no list names"
    )
    require(body.surface in plan.spec.surfaces, "a grant on a surface that is not offered")


def is_once(at: At, body: grants.GrantApproved) -> None:
    """Check that a name admits one organization, and this one once by this agreement; and none that was
    removed on this surface, by whichever name or stage. Raises: Broken.
    """
    seat = grant_.seat(body.release, body.surface, seen(body.organization))
    before = map(at.record.grants.__getitem__, at.record.seats.get(seat, ()))
    is_removed = any(each.standing == grant_.REMOVED for each in before)
    require(not is_removed, "a grant by a list to an organization that was removed")
    earlier = at.record.listed.get(grant_.place_of(body.release, body.party or ""), ())
    for grant in map(at.record.grants.__getitem__, earlier):
        is_same = grant.organization == seen(body.organization)
        require(is_same, "a grant to another organization than the one that had this name")
        if (grant.stage, grant.surface) == (body.stage, body.surface):
            is_new = body.case not in {grant.case, grant.moved}
            is_over = not grant.is_live and grant.standing != grant_.REMOVED and is_new
            require(is_over, "a second grant by the same name")


def is_carried_by_all(at: At, body: grants.GrantApproved) -> None:
    """Check that the positions on the terms carry a grant, no looser than they say. Raises: Broken."""
    case = at.case(body.case, kinds.TERMS)
    require(at.record.opened.get(body.terms) is not None, "a grant by the list of a stage that is not open")
    carried(at, case, at.terms(body.terms).body.admission.grant)
    asked, said = conditions_of(at, case, body.terms), conditions_under(at, body.terms, body.conditions)
    require(conditions.is_tighter(said, asked), "conditions looser than those agreed to")
    require(not body.programmes, "a grant by a list that has programmes")
    require(body.valid_from_ms == at.at_ms, "a grant that is not valid from its entry on")
