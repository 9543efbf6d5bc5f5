"""The law of grants that go on as part of another stage, by its agreed terms: whose, and under what.

Rules:
- Those who agreed to the terms of a stage agreed to whose grants go on as part of it: those of the stages
  that the terms name, if their holders are those who the stage is for. So their positions carry an admission.
- In a stage for everyone nothing is moved: it has no rule of admission that a position could satisfy.
- A grant gets wider by nothing: it keeps its time, the programmes that the terms still have, and the stricter
  of its own conditions and those of the terms.
- A grant about which a case is open stays where the case is about.
"""

from __future__ import annotations

from sluicegate_record.entities.grant import Grant, place_of
from sluicegate_record.entries import Body, grants
from sluicegate_record.law.agreement import (
    answering,
    carried,
    conditions_of,
    conditions_under,
    rests_on_its_case,
)
from sluicegate_record.law.rule import At, LawRule, require
from sluicegate_record.terms import conditions, kinds
from sluicegate_record.terms.audience import PROGRAMME
from sluicegate_record.terms.plan import Plan, Stage
from sluicegate_record.terms.programmes import among


def takes(plan: Plan, stage: Stage, grant: Grant) -> bool:
    """Whether grants of its stage go on as part of another one, and it has the programme that this is for.

    If the stage is for those on a list, the holder has to be one of them, too.
    """
    is_held = stage.audience.kind != PROGRAMME or plan.programme_of(stage) in grant.active
    return grant.stage in stage.grants and is_held


def goes_on_as_agreed(at: At, body: grants.GrantMoved) -> None:
    """A grant goes on as part of an open stage whose agreed terms say so, of a holder that it is for."""
    grant, case = at.grant(body.grant), at.case(body.case, kinds.TERMS)
    same_release = (grant.release, body.stage) == (body.release, case.question.stage)
    require(same_release and case.question.release == body.release, "terms of something else than the grant")
    current = answering(at, body.release, body.stage, case.question.terms)
    require(body.terms == current, "moved to other terms than those in force")
    plan, stage = at.terms(current).plan, at.terms(current).body
    require(at.record.opened.get(current) is not None, "a grant that goes on in a stage that is not open")
    require(takes(plan, stage, grant), "a grant that the terms do not take over")
    require(grant.surface in plan.spec.surfaces, "a grant on a surface that is not offered")
    carried(at, case, stage.admission.grant)
    named = plan.listed(stage)
    require(body.party in named if stage.audience.is_listed else body.party is None,
            "a grant of a holder that no list names")  # fmt: skip


def is_the_only_bearer(at: At, body: grants.GrantMoved) -> None:
    """A name on a list takes over the grants of one organization."""
    grant = at.grant(body.grant)
    before = at.record.listed.get(place_of(body.release, body.party or ""), ())
    is_same = all(at.grant(name).organization == grant.organization for name in before)
    require(is_same, "a grant of another organization than the one that had this name")


def is_free_to_go_on(at: At, body: grants.GrantMoved) -> None:
    """A grant that goes on has not ended, and no case about it is open."""
    grant = at.grant(body.grant)
    is_over = grant.valid_until_ms is not None and grant.valid_until_ms <= at.at_ms
    require(grant.is_live and not is_over, "a grant goes on that has ended")
    require(grant.amendment is None and grant.removal is None, "a grant goes on that a case is open about")


def is_no_wider(at: At, body: grants.GrantMoved) -> None:
    """A grant that goes on allows no more than before, and no more than the terms do."""
    grant, case = at.grant(body.grant), at.case(body.case, kinds.TERMS)
    own = conditions_under(at, grant.terms, grant.conditions)
    require(conditions.is_tighter(body.conditions, own), "conditions looser than those of the grant")
    asked = conditions_of(at, case, body.terms)
    require(conditions.is_tighter(body.conditions, asked), "conditions looser than those agreed to")
    kept = among(grant.programmes, at.terms(body.terms).plan.spec.programmes)
    require(body.programmes == kept, "a grant that goes on with other programmes")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    grants.GrantMoved: (
        goes_on_as_agreed,
        is_the_only_bearer,
        is_free_to_go_on,
        is_no_wider,
        rests_on_its_case,
    ),
}
