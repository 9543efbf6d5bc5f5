"""What of a change of a directive is provably narrower: it lets nobody through whom it stopped before.

Rules:
- A field is narrower only by a reason written here; whatever else changes is not provable.
- Names are compared by their commitments: lists under fresh salts are not provably the same.
- Who lifts it, and on what basis it binds, are not the issuer's alone to make easier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sluicegate.core.people.persons import Assurance
from sluicegate_record.terms import conditions, durations, quorum
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.rule import Rule

Json = Mapping[str, Any]


def widened(new: Json, old: Json) -> list[str]:
    """The fields in which a signed directive is not provably at least as narrow as another; sorted.

    Empty: whatever the old one stops, the new one stops.
    """
    return sorted(
        name
        for name in (new["spec"].keys() | old["spec"].keys()) - _FREE
        if not _FIELDS.get(name, _same)(new["spec"], old["spec"], name)
    )


def _same(new: Json, old: Json, name: str) -> bool:
    return bool(new.get(name) == old.get(name))


def _more_models(new: Json, old: Json, name: str) -> bool:
    return set(old[name]) <= set(new[name])


def _more_surfaces(new: Json, old: Json, name: str) -> bool:
    return new[name] == "all" or (old[name] != "all" and set(old[name]) <= set(new[name]))


def _stricter_action(new: Json, old: Json, name: str) -> bool:
    return bool(new[name] == "suspend" or old[name] == "restrict")


def _stricter_conditions(new: Json, old: Json, name: str) -> bool:
    after, before = (Conditions.from_json(each.get(name, {})) for each in (new, old))
    return new["action"] == "suspend" or conditions.is_tighter(after, before)


def _earlier(new: Json, old: Json, name: str) -> bool:
    after, before = new.get(name, _NOW), old.get(name, _NOW)
    return bool(after in {_NOW, before} or (before != _NOW and after <= before))


def _longer(new: Json, old: Json, name: str) -> bool:
    if name not in new:
        return True
    return name in old and new[name] >= old[name]


def _shorter_drain(new: Json, old: Json, name: str) -> bool:
    """A grace that counts from the change itself is one more, however short, for streams that had theirs.

    What restricts gives none, so whatever suspends in its place may give none either.
    """
    after, before = (durations.milliseconds(each.get(name, "PT0S")) for each in (new, old))
    if after == 0 or new.get("action") == old.get("action") == "restrict":
        return True
    return old.get("action") != "restrict" and after <= before and new.get("effective", _NOW) != _NOW


def _lifted_no_easier(new: Json, old: Json, name: str) -> bool:
    return quorum.implies(Rule.from_json(new[name]), Rule.from_json(old[name]))


def _covers_more(new: Json, old: Json, name: str) -> bool:
    after, before = new[name], old[name]
    if after == "everyone" or before == "everyone":
        return bool(after == "everyone")
    if "persons" in before and "persons" in after:
        after, before = ({**each, "persons": {**_COVERED, **each["persons"]}} for each in (after, before))
    return all(part in after and _holds(part, after[part], before[part], new, old) for part in before)


def _excepts_less(new: Json, old: Json, name: str) -> bool:
    after, before = new.get(name, {}), old.get(name, {})
    return all(part in before and _holds(part, before[part], after[part], old, new) for part in after)


def _holds(part: str, one: Any, other: Any, of_one: Json, of_other: Json) -> bool:
    """Whether one part of a selector names everybody whom another names."""
    if part == "registeredIn":
        return set(other) <= set(one)
    if part == "annexes":
        both = (of_one.get("annexes", {}), of_other.get("annexes", {}))
        return set(other) <= set(one) and all(both[0][name] == both[1][name] for name in other)
    if part == "persons" and "statuses" in one and "statuses" in other:
        return _holds_persons(one, other)
    return bool(one == other)


def _holds_persons(one: Json, other: Json) -> bool:
    """Of those not known well enough both say the same, or one says covered; so it is of how well that is."""
    if not set(other["statuses"]) <= set(one["statuses"]):
        return False
    mine, theirs = (each.get("unknown", "spared") == "covered" for each in (one, other))
    if theirs and not mine:
        return False
    levels = [Assurance.of(each.get("assurance", Assurance.SELF_ASSERTED.word)) for each in (one, other)]
    return levels[0] >= levels[1] if mine else levels[0] <= levels[1]


_COVERED = {"unknown": "covered"}
"""What a directive says of those not known well enough, where it does not say."""
_NOW = "immediately"
_FREE = frozenset({"reasons", "annexes"})
"""What may change freely: reasons; annexes, because those that are used are compared where they are."""
_FIELDS: dict[str, Callable[[Json, Json, str], bool]] = {
    "models": _more_models,
    "surfaces": _more_surfaces,
    "action": _stricter_action,
    "conditions": _stricter_conditions,
    "effective": _earlier,
    "expires": _longer,
    "drain": _shorter_drain,
    "liftedBy": _lifted_no_easier,
    "covers": _covers_more,
    "except": _excepts_less,
}
