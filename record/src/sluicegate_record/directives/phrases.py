"""Who a directive covers, and which part of it is lifted, in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sluicegate_record.directives.document import EVERYONE, Persons, Selection
from sluicegate_record.directives.scope import CommittedNames, Scope
from sluicegate_record.strict import Unread
from sluicegate_record.terms.text import counted

UNREAD = "what only a newer build can read"


def covered(stated: str | Selection | Unread) -> str:
    """Who a directive covers or excepts, in a few words."""
    if isinstance(stated, Unread):
        return UNREAD
    if not isinstance(stated, Selection):
        return EVERYONE
    return _listed(
        {
            "annexes": stated.annexes,
            "organizations": stated.organizations,
            "persons": stated.persons,
            "registeredIn": stated.registered_in,
        }
    )


def narrows(action: str, models: Iterable[str], covers: str | Selection | Unread) -> str:
    """What a directive does to which models, and who it covers: `suspend gpt-5.6 for everyone`."""
    return f"{action} {', '.join(models)} for {covered(covers)}"


def part(scope: Scope | None) -> str:
    """Which part of a directive is lifted, such as `for gpt-5.5 only`; empty if it is all of it."""
    if scope is None:
        return ""
    stated = [
        ("for", _all_of(scope.models)),
        ("on the surface", _all_of(scope.surfaces)),
        ("for the names in", _all_of(scope.annexes)),
        ("for", "" if scope.organizations is None else counted(scope.organizations.count, "organization")),
        ("for", UNREAD if scope.unknown else ""),
    ]
    said = ", ".join(f"{where} {what}" for where, what in stated if what)
    return f"{said} only" if said else ""


def asked(question: str, scope: Scope | None) -> str:
    """The question of a case, with the part of a directive that it is about, such as `for gpt-5.5 only`."""
    said = part(scope)
    return f"{question.removesuffix('?')} {said}?" if said else question


def in_part(directive: str, scope: Scope | None) -> str:
    """A directive, or the part of it that is lifted: `directive two-models for gpt-5.5 only`."""
    return " ".join(filter(None, ("directive", directive, part(scope))))


def _all_of(names: Iterable[str] | None) -> str:
    return " and ".join(names or ())


def _listed(stated: Mapping[str, Iterable[str] | CommittedNames | Persons | None]) -> str:
    """What is stated, by its kind, in a few words."""
    return "; ".join(_part(kind, value) for kind, value in stated.items() if value is not None)


def _part(kind: str, value: Iterable[str] | CommittedNames | Persons) -> str:
    if isinstance(value, Persons):
        return f"persons: {value.definition} ({', '.join(value.statuses)})"
    if isinstance(value, CommittedNames):
        return counted(value.count, kind.removesuffix("s"), kind)
    return f"{kind} {', '.join(value)}"
