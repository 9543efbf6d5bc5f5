"""Which changes of a directive are provably narrower: a request that the old one stopped,
the new one stops too.

Rules:
- A field is narrower only for a reason written here. No other change is provable.
- Names are compared by their commitments. Two lists with different salts are not provably the same.
- The issuer alone cannot make the directive easier to lift, or change the basis on which it binds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sluicegate_record.directives.document import EVERYONE, DirectiveSpec, Document, Persons, Selection
from sluicegate_record.directives.status import Assurance
from sluicegate_record.form import Json
from sluicegate_record.strict import Unread
from sluicegate_record.terms import quorum


def widened(new: Document, old: Document) -> list[str]:
    """The fields in which a signed directive is not provably as narrow as another; sorted.

    Empty: the new one stops every request that the old one stops.
    """
    after, before = new.spec, old.spec
    fields = [key for key, is_narrower in FIELDS.items() if not is_narrower(after, before)]
    others = after.unknown.keys() | before.unknown.keys()
    fields += [key for key in others if after.unknown.get(key) != before.unknown.get(key)]
    return sorted(fields)


def _more_models(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    return set(old.models) <= set(new.models)


def _more_surfaces(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    return new.surfaces == "all" or (old.surfaces != "all" and set(old.surfaces) <= set(new.surfaces))


def _stricter_action(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    return new.action in {"suspend", old.action}


def _stricter_conditions(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    if new.action == "suspend" or new.conditions == old.conditions:
        return True
    after, before = new.conditions, old.conditions
    if isinstance(after, Unread | None) or isinstance(before, Unread | None):
        return False
    return all(name in after and _is_stricter(name, after[name], each) for name, each in before.items())


def _is_stricter(name: str, new: Json, old: Json) -> bool:
    is_rate = name == "requestsPerMinute" and type(new) is type(old) is int
    return bool(0 < new <= old if is_rate else new == old)


def _earlier(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    after, before = new.effective_ms, old.effective_ms
    return after is None or (before is not None and after <= before)


def _longer(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    after, before = new.expires_ms, old.expires_ms
    return after is None or (before is not None and after >= before)


def _shorter_drain(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    """A grace that counts from the change itself is one more grace, even if it is short,
    for streams that had one.

    A directive that restricts gives no grace. So one that replaces it and suspends may give none either.
    """
    if new.drain_ms == 0 or new.action == old.action == "restrict":
        return True
    is_no_longer = new.drain_ms <= old.drain_ms and new.effective_ms is not None
    return old.action != "restrict" and is_no_longer


def _lifted_no_easier(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    return quorum.implies(new.lifted_by, old.lifted_by)


def _covers_more(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    after, before = new.covers, old.covers
    if after == EVERYONE:
        return True
    if before == EVERYONE:
        return False
    if isinstance(after, Unread) or isinstance(before, Unread):
        return after == before
    return _holds((after, new), (before, old), not_known="covered")


def _excepts_less(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    after, before = new.except_, old.except_
    if after is None:
        return True
    if isinstance(after, Unread) or isinstance(before, Unread | None):
        return after == before
    return _holds((before, old), (after, new), not_known="spared")


def _licensed_no_easier(new: DirectiveSpec, old: DirectiveSpec) -> bool:
    return quorum.implies(new.licensing, old.licensing)


Clause: TypeAlias = tuple[Selection, DirectiveSpec]
"""A selection of a specification (who it covers or excepts), and the specification, which has its annexes."""


def _holds(one: Clause, other: Clause, *, not_known: str) -> bool:
    """Whether one selection includes everyone that another selection includes, part by part.

    `not_known` applies where a selection does not say what holds for a status that is not known well enough.
    """
    (wide, _), (narrow, _) = one, other
    return (
        (narrow.organizations is None or narrow.organizations == wide.organizations)
        and _holds_all(wide.registered_in, narrow.registered_in)
        and _holds_annexes(one, other)
        and (narrow.persons is None or _holds_persons(wide.persons, narrow.persons, not_known))
        and _has_all(wide.unknown, narrow.unknown)
    )


def _has_all(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    return all(key in one and one[key] == value for key, value in other.items())


def _holds_all(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> bool:
    return other is None or (one is not None and set(other) <= set(one))


def _holds_annexes(one: Clause, other: Clause) -> bool:
    (wide, of_wide), (narrow, of_narrow) = one, other
    files = of_wide.annexes or {}, of_narrow.annexes or {}
    return _holds_all(wide.annexes, narrow.annexes) and all(
        files[0].get(name) == files[1].get(name) for name in narrow.annexes or ()
    )


def _holds_persons(one: object, other: object, not_known: str) -> bool:
    """Compare the persons of two selections: their statuses,
    and how each treats a status not known well enough.
    """
    if not isinstance(one, Persons) or not isinstance(other, Persons):
        return one == other
    if one.unknown != other.unknown or not set(other.statuses) <= set(one.statuses):
        return False
    mine, theirs = ((each.not_known or not_known) == "covered" for each in (one, other))
    if theirs and not mine:
        return False
    levels = [Assurance.of(each.assurance or Assurance.SELF_ASSERTED.word) for each in (one, other)]
    return levels[0] >= levels[1] if mine else levels[0] <= levels[1]


FIELDS: dict[str, Callable[[DirectiveSpec, DirectiveSpec], bool]] = {
    "issuer": lambda new, old: new.issuer == old.issuer,
    "basis": lambda new, old: new.basis == old.basis,
    "action": _stricter_action,
    "conditions": _stricter_conditions,
    "models": _more_models,
    "surfaces": _more_surfaces,
    "covers": _covers_more,
    "except": _excepts_less,
    "effective": _earlier,
    "expires": _longer,
    "drain": _shorter_drain,
    "liftedBy": _lifted_no_easier,
    "licensedBy": _licensed_no_easier,
    "reasons": lambda _, __: True,
    "annexes": lambda _, __: True,
}
"""By field. Reasons and annexes may change freely: the fields that use an annex compare it."""
