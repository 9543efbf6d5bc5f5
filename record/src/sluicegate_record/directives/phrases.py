"""Who a directive covers, in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sluicegate_record.directives.document import EVERYONE, Persons, Selection
from sluicegate_record.directives.scope import CommittedNames
from sluicegate_record.strict import Unread
from sluicegate_record.terms.text import counted

UNREAD = "what only a newer build can read"


def covered(stated: str | Selection | Unread) -> str:
    """Who a directive covers or excepts, in a few words."""
    if isinstance(stated, Unread):
        return UNREAD
    if not isinstance(stated, Selection):
        return EVERYONE
    return listed(
        {
            "annexes": stated.annexes,
            "organizations": stated.organizations,
            "persons": stated.persons,
            "registeredIn": stated.registered_in,
        }
    )


def listed(stated: Mapping[str, Iterable[str] | CommittedNames | Persons | None]) -> str:
    """What is stated, by its kind, in a few words."""
    return "; ".join(_part(kind, value) for kind, value in stated.items() if value is not None)


def _part(kind: str, value: Iterable[str] | CommittedNames | Persons) -> str:
    if isinstance(value, Persons):
        return f"persons: {value.definition} ({', '.join(value.statuses)})"
    if isinstance(value, CommittedNames):
        return counted(value.count, kind.removesuffix("s"), kind)
    return f"{kind} {', '.join(value)}"
