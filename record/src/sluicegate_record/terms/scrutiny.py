"""What a scrutiny level makes of a plan: another plan, whose stages ask for more.

So its terms have digests of their own, and every rule that is about terms in force holds for them.

Rules:
- Added agencies join the rule of admission and that of the opening, all of them. They join no removal, which
  would be harder then, and no appeal, which others decide.
- A level's clock replaces that of admission. Of two numbers of seats the smaller holds. What it requires is
  required beside what the stage requires; a stage that an officer opens stays one.
- Where several levels hold, all that they add is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sluicegate_record.form import Json, Misread
from sluicegate_record.terms import quorum
from sluicegate_record.terms.plan import Plan, Scrutiny, Stage
from sluicegate_record.terms.requirements import AgreedBy, Group, Node
from sluicegate_record.terms.rule import Rule

COMPARABLE = "comparable-to"
CLASSES = ("covered-frontier-model", COMPARABLE)
"""The classes of models. `comparable-to` names another model."""


def under(plan: Plan, levels: Iterable[str]) -> Plan:
    """A plan as some of its levels amend it.

    Raises: Misread: its rules are too deep to be joined, or a level adds what this build does not know.
    """
    found = [plan.spec.scrutiny[name] for name in sorted(set(levels))]
    if not found:
        return plan
    for name in (name for each in found for name in each.unknown):
        raise Misread("a level that this build knows", repr(name), ("spec", "scrutiny"))
    stages = [_amended(stage, found) for stage in plan.spec.stages]
    return Plan.from_json({**plan.source, "spec": {**plan.source["spec"], "stages": stages}})


def raised(plan: Plan, levels: Iterable[str]) -> dict[str, str]:
    """The digests of the terms that some levels change, by stage. Raises: Misread: as `under`."""
    own = plan.terms
    return {stage: digest for stage, digest in under(plan, levels).terms.items() if digest != own[stage]}


def _amended(stage: Stage, levels: Sequence[Scrutiny]) -> dict[str, Json]:
    """The JSON of a stage with what the levels add; what they do not change is as it was written."""
    added = sorted(frozenset[str]().union(*(each.add_agencies for each in levels)))
    changed: dict[str, Json] = {}
    if not stage.is_for_everyone:
        stated = (stage.seats, *(each.seats for each in levels))
        seats = min((each for each in stated if each is not None), default=None)
        changed = {"admission": _admission(stage, levels, added)}
        changed |= {} if seats is None else {"seats": seats}
    if stage.opens_when is not None:
        asked = [each.requires for each in levels if each.requires is not None]
        opens_when = _all_of(_joined(stage.opens_when, added), asked)
        changed |= {} if opens_when == stage.opens_when else {"opensWhen": opens_when.to_json()}
    return {**stage.source, **changed}


def _admission(stage: Stage, levels: Sequence[Scrutiny], added: Sequence[str]) -> Json:
    given: Json = stage.source["admission"]
    grant = with_agencies(stage.admission.grant, added)
    clock = next((each.clock for each in levels if each.clock is not None), stage.admission.clock)
    changed: dict[str, Json] = {} if grant == stage.admission.grant else {"grant": grant.to_json()}
    if clock is not None and clock != stage.admission.clock:
        changed["clock"] = clock.to_json()
    return {**given, **changed}


def with_agencies(rule: Rule, added: Iterable[str]) -> Rule:
    """A rule for which all the added agencies must agree, too."""
    more = tuple(each for each in added if not needs(rule, each))
    if not more:
        return rule
    return Rule("allOf", (*(rule.members if rule.operator == "allOf" else (rule,)), *more))


def needs(rule: Rule, agency: str) -> bool:
    """Whether a rule never holds without an agency."""
    return not quorum.satisfied(rule, quorum.parties_of(rule) - {agency})


def _joined(group: Group, added: Sequence[str]) -> Group:
    """Requirements in which the added agencies must agree to the opening, if any agency must."""
    return Group(group.operator, tuple(_node(each, added) for each in group.members), group.n, group.unread)


def _node(each: Node, added: Sequence[str]) -> Node:
    if isinstance(each, Group):
        return _joined(each, added)
    if isinstance(each, AgreedBy):
        return AgreedBy(agreed_by=with_agencies(each.agreed_by, added), when_lost=each.when_lost)
    return each


def _all_of(group: Group, more: Sequence[Group]) -> Group:
    """All requirements of several groups."""
    if not more:
        return group
    members: list[Node] = []
    for each in (group, *more):
        members += each.members if each.operator == "allOf" and each.unread is None else [each]
    return Group("allOf", tuple(members))
