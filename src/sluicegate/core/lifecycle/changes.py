"""What a plan changes: field by field, and in groups as people think of a release.

Rules:
- A field's group follows from its place in the plan, by two tables. A field that neither table has is in the
  group `rules` of its stage, or in the group `release`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sluicegate.acts.changes import ChangeGroup, PlanChange
from sluicegate_record.terms.audience import ORGANIZATIONS
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.text import counted

RELEASE_PARTS = {
    "models": "models",
    "surfaces": "surfaces",
    "agencies": "agencies",
    "evaluators": "agencies",
    "referrals": "agencies",
    "designations": "agencies",
}
"""The group of a field of `spec`."""
STAGE_PARTS = {
    "seats": "seats",
    "audience": "seats",
    "ramp": "seats",
    "conditions": "conditions",
    "opensWhen": "requirements",
    "exposure": "exposure",
    "grants": "grants",
}
"""The group of a field of a stage."""
_ORDER = ("models", "surfaces", "agencies", "release", "seats", "rules", "conditions", "requirements")
_STAGE = re.compile(r"spec\.stages\[([^\]]*)\]\.?(\w*)")
_FIELD = re.compile(r"spec\.(\w+)")


def changes(before: Plan | None, given: Plan) -> tuple[PlanChange, ...]:
    """What a plan changes of another, field by field: nothing only if they are the same."""
    old = dict(_leaves(before.to_json(), "")) if before is not None else {}
    new = dict(_leaves(given.to_json(), ""))
    return tuple(
        _list_change(field, old.get(field), new.get(field))
        if field.endswith(_LIST)
        else PlanChange(field=field, before=old.get(field), after=new.get(field))
        for field in [*new, *(field for field in old if field not in new)]
        if old.get(field) != new.get(field)
    )


def groups(found: tuple[PlanChange, ...]) -> tuple[ChangeGroup, ...]:
    """The changes by what they are about: those of the release first, then stage by stage."""
    by: dict[tuple[str | None, str], list[PlanChange]] = {}
    for each in found:
        by.setdefault(group_of(each.field), []).append(each)
    stages = list(dict.fromkeys(stage for stage, _ in by if stage is not None))
    places = sorted(by, key=lambda key: (-1 if key[0] is None else stages.index(key[0]), _place(key[1])))
    return tuple(
        ChangeGroup(stage=stage, part=part, changes=tuple(by[stage, part])) for stage, part in places
    )


def group_of(field: str) -> tuple[str | None, str]:
    """The stage that a field is about, or None, and its part of that."""
    stage = _STAGE.match(field)
    if stage is not None:
        return stage[1], STAGE_PARTS.get(stage[2], "rules")
    found = _FIELD.match(field)
    return None, RELEASE_PARTS.get(found[1] if found is not None else "", "release")


def _place(part: str) -> int:
    return _ORDER.index(part) if part in _ORDER else len(_ORDER)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The fields of a value. What is empty is one, and so is the order in which a list names its members."""
    if value == {}:
        yield path, value
    elif isinstance(value, Mapping):
        for name, child in value.items():
            yield from _leaves(child, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and path.endswith(_LIST):
        yield path, value
    elif isinstance(value, list):
        labels = [_label(child, i) for i, child in enumerate(value)]
        if labels != list(range(len(value))) or not value:
            yield path, labels
        for label, child in zip(labels, value, strict=True):
            yield from _leaves(child, f"{path}[{label}]")
    else:
        yield path, value


_LIST = f".audience.{ORGANIZATIONS}"
"""Where a stage has a list. It is one field: its commitments would tell a reader nothing."""


def _list_change(field: str, before: Any, after: Any) -> PlanChange:
    """How a list changes: how many names it had and has, how many are new and how many are gone."""
    old, new = before or (), after or ()
    fresh, gone = len(set(new) - set(old)), len(set(old) - set(new))
    told = f"{counted(len(new), 'organization')}: {fresh} new, {gone} gone"
    return PlanChange(field=field, before=counted(len(old), "organization"), after=told)


def _label(child: Any, i: int) -> Any:
    """What a member of a list is called: by its name, its id, or its place."""
    return child.get("name", child.get("id", i)) if isinstance(child, Mapping) else i
