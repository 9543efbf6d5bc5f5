"""Which changes of terms are provably tighter: no organization gets in, or may do more, than before.

Rules:
- A field is tighter only for a reason written here. No other change is provable.
- Agencies agreed to the old terms. A change that is tighter in every field needs no new agreement.
- The developer cannot take away what agencies were promised: who decides, the clock, what silence means, the
  basis and the disclosure must be equal. An agency must still direct every model that it directed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sluicegate_record.form import replace, shape_of
from sluicegate_record.terms import conditions, deployments, exposure, quorum, requirements
from sluicegate_record.terms.audience import Audience
from sluicegate_record.terms.plan import Admission, Eligibility, Plan, PlanSpec, Stage
from sluicegate_record.terms.programmes import Programmes
from sluicegate_record.terms.requirements import Group


def loosened(new: Plan, new_stage: Stage, old: Plan, old_stage: Stage) -> list[str]:
    """The fields in which a stage's new terms are not provably as tight as the old ones; sorted.

    `new` and `old` are the whole plans. Empty: the change is provably tighter, or there is no change.
    """
    heard = new.judges(new_stage) == old.judges(old_stage)
    stages = (_ranked(new_stage, new), _ranked(old_stage, old))
    fields = {*_of_the_release(new, old), *_of_the_stage(*stages)}
    if not set(new.listed(new_stage)) <= set(old.listed(old_stage)):
        fields.add("audience")
    return sorted(fields if heard else fields | {"agencies"})


def _ranked(stage: Stage, plan: Plan) -> Stage:
    """A stage whose requirements about findings know the places of their levels in the plan."""
    if stage.opens_when is None:
        return stage
    return replace(stage, opens_when=requirements.ranked(stage.opens_when, plan.spec.scale.rank))


def _of_the_release(new: Plan, old: Plan) -> Iterator[str]:
    for name, key in (("name", "release"), ("developer", "developer")):
        if getattr(new.metadata, name) != getattr(old.metadata, name):
            yield key
    spec, before = new.spec, old.spec
    if any(model not in before.models for model in spec.models):
        yield "models"
    if not set(spec.surfaces) <= set(before.surfaces):
        yield "surfaces"
    for key, name, is_tighter in _TIGHTER:
        if not is_tighter(getattr(spec, name), getattr(before, name)):
            yield key
    for key, name in _SAME.items():
        if getattr(spec, name) != getattr(before, name):
            yield key
    yield from _of_who_acts(spec, before)


def _of_who_acts(spec: PlanSpec, before: PlanSpec) -> Iterator[str]:
    """Whether an agency directs less, or someone closes findings who could not."""
    if not spec.closers <= {*before.agencies, *before.evaluators}:
        yield "findings"
    if any(_directs_less(agency, spec, before) for agency in spec.directs.keys() | before.directs.keys()):
        yield "directs"


_SAME = {
    "concerns": "remits",
    "designations": "designations",
    "disclosure": "disclosure",
    "evaluations": "evaluations",
    "findings": "findings",
    "referrals": "referrals",
    "scrutiny": "scrutiny",
}
"""What agencies were promised about the release, by the name in a plan: it has to be equal."""


def _directs_less(agency: str, new: PlanSpec, old: PlanSpec) -> bool:
    """Whether an agency may no longer direct a model that it could. More is tighter: it can only narrow."""
    return not old.directed_by(agency) <= new.directed_by(agency)


def _has_no_other(new: Programmes, old: Programmes) -> bool:
    """Whether every programme is one that there was, unchanged. To take one out is tighter."""
    return all(
        old.get(concern, {}).get(name) == each
        for concern, programmes in new.items()
        for name, each in programmes.items()
    )


_TIGHTER: tuple[tuple[str, str, Callable[[Any, Any], bool]], ...] = (
    ("leaseMs", "lease_ms", conditions.at_most),
    ("programmes", "programmes", _has_no_other),
    ("deployments", "deployments", deployments.is_tighter),
)


def _of_the_stage(new: Stage, old: Stage) -> Iterator[str]:
    for key, name, *_ in shape_of(Stage).fields:
        is_tighter = _STAGE.get(name, _same)
        if not is_tighter(getattr(new, name), getattr(old, name)):
            yield key
    for key in new.unknown.keys() | old.unknown.keys():
        if new.unknown.get(key) != old.unknown.get(key):
            yield key


def _same(new: Any, old: Any) -> bool:
    return bool(new == old)


def _any(_new: Any, _old: Any) -> bool:
    return True


def _subset(new: tuple[str, ...] | None, old: tuple[str, ...] | None) -> bool:
    return old is None or (new is not None and set(new) <= set(old))


def _admission(new: Admission, old: Admission) -> bool:
    return (
        replace(new, grant=old.grant, offer=old.offer, countersign=old.countersign) == old
        and _asks_no_fewer(new, old)
        and quorum.implies(new.grant, old.grant)
        and set(new.countersign) >= set(old.countersign)
        and new.offer_ms <= old.offer_ms
    )


def _asks_no_fewer(new: Admission, old: Admission) -> bool:
    """Where silence admits, asking more agencies is not tighter:
    if all who are asked recuse themselves, the case ended.
    """
    asked, before = quorum.parties_of(new.grant), quorum.parties_of(old.grant)
    return asked == before if new.is_notified else asked >= before


def _eligibility(new: Eligibility, old: Eligibility) -> bool:
    above = [None if given.owners is None else given.owners.above for given in (new, old)]
    return (
        _subset(new.registered_in, old.registered_in)
        and conditions.at_most(*above)
        and old.screening in {None, new.screening}
        and set(new.onward_eligible) <= set(old.onward_eligible)
        and set(new.criteria) >= set(old.criteria)
        and new.unknown == old.unknown
    )


def _opens_when(new: Group | None, old: Group | None) -> bool:
    """A stage that only an officer opens stays one whose opening an officer has signed."""
    if new is None or old is None:
        return new is old or (new is not None and new.needs_an_officer)
    return requirements.is_within(new, old)


_STAGE: dict[str, Callable[[Any, Any], bool]] = {
    "title": _any,
    "audience": Audience.is_within,
    "exposure": exposure.is_tighter,
    "target": _any,
    "seats": conditions.at_most,
    "admission": _admission,
    "eligibility": _eligibility,
    "opens_when": _opens_when,
    "conditions": conditions.is_tighter,
}
