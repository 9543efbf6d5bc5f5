"""Conditions of a grant: combined by the strictest, and compared.

Rules:
- A number of requests and a validity have an order: the smaller is the stricter. A declared condition has
  none, so two different values of one contradict each other, and somebody must settle it.
- Whatever is added is stricter than nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sluicegate_record.terms import durations

Conditions = Mapping[str, Any]


def strictest(stated: Iterable[tuple[str, Conditions]]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Combine conditions: what holds, and the contradictions, `{condition: {who: value}}`.

    `stated` is who states what, such as `("oncd", {"requestsPerMinute": 60})`.
    """
    by_name: dict[str, dict[str, Any]] = {}
    for who, conditions in stated:
        for name, value in conditions.items():
            by_name.setdefault(name, {})[who] = value
    combined: dict[str, Any] = {}
    contradictions: dict[str, dict[str, Any]] = {}
    for name, values in sorted(by_name.items()):
        distinct = list(values.values())
        if name in _ORDERED:
            combined[name] = min(distinct, key=_ORDERED[name])
        elif all(value == distinct[0] for value in distinct):
            combined[name] = distinct[0]
        else:
            contradictions[name] = values
    return combined, contradictions


def is_tighter(new: Conditions, old: Conditions) -> bool:
    """Whether everything `old` asks for, `new` asks for at least as strictly."""
    return all(name in new and _at_least(name, new[name], old[name]) for name in old)


def _at_least(name: str, new: Any, old: Any) -> bool:
    order = _ORDERED.get(name)
    return bool(new == old if order is None else order(new) <= order(old))


_ORDERED: dict[str, Any] = {"requestsPerMinute": int, "validFor": durations.milliseconds}
