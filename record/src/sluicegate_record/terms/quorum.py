"""Rules over parties: `allOf`, `anyOf`, `atLeast`, `majorityOf`, nested.

Rules:
- `faults` says what is wrong with JSON that should be a rule. Every other function takes a `Rule`.
- An empty rule is invalid. A threshold is invalid if no set of parties, or every set of parties, would meet
  it.
- A party is in a rule only once. So fewer than n parties never meet a threshold of n.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import combinations, islice
from typing import Any

from sluicegate_record.form import replace
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms.rule import DEPTH_MAX, OPERATORS, Rule

SETS_MAX = 20
_TRIED_MAX = 20_000
_PROVEN_MAX = 8

SCHEMA: dict[str, Any] = {
    "description": "a rule: exactly one of allOf, anyOf, atLeast, majorityOf, nested, never empty",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "allOf": {"$ref": "#/$defs/RuleMembers"},
        "anyOf": {"$ref": "#/$defs/RuleMembers"},
        "majorityOf": {"$ref": "#/$defs/RuleMembers"},
        "atLeast": {
            "type": "object",
            "required": ["n", "of"],
            "additionalProperties": False,
            "properties": {"n": {"type": "integer", "minimum": 1}, "of": {"$ref": "#/$defs/RuleMembers"}},
        },
    },
}
MEMBERS_SCHEMA: dict[str, Any] = {
    "description": "agencies, each by its name, and rules",
    "type": "array",
    "minItems": 1,
    "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Rule"}]},
}


def faults(rule: Any, parties: AbstractSet[str], path: JsonPath = ()) -> Iterator[tuple[JsonPath, str, str]]:
    """Everything wrong with a rule: (path, expected, found)."""
    yield from _rule_faults(rule, parties, path, 1)
    seen: set[str] = set()
    for at, party in _named(rule, path, 1):
        if party in seen:
            yield at, "each agency once", _shown(party)
        seen.add(party)


def _named(rule: Any, path: JsonPath, depth: int) -> Iterator[tuple[JsonPath, str]]:
    """Every party that a rule names, and the place of its name, as far as the JSON is a rule."""
    if isinstance(rule, str):
        yield path, rule
    elif depth <= DEPTH_MAX and isinstance(rule, dict):
        for operator, body in rule.items():
            in_body = operator == "atLeast" and isinstance(body, dict)
            members = body.get("of") if in_body else body
            at = (*path, operator, "of") if in_body else (*path, operator)
            for i, member in enumerate(members) if isinstance(members, list) else ():
                yield from _named(member, (*at, i), depth + 1)


def _rule_faults(
    rule: Any, parties: AbstractSet[str], path: JsonPath, depth: int
) -> Iterator[tuple[JsonPath, str, str]]:
    if depth > DEPTH_MAX:
        yield path, f"at most {DEPTH_MAX} levels of rules", "more"
        return
    if not isinstance(rule, dict) or len(rule) != 1 or next(iter(rule)) not in OPERATORS:
        yield path, "one of " + ", ".join(OPERATORS), _shown(rule)
        return
    operator, body = next(iter(rule.items()))
    members, members_path = body, (*path, operator)
    if operator == "atLeast":
        if not isinstance(body, dict) or set(body) != {"n", "of"}:
            yield members_path, "{n: …, of: […]}", _shown(body)
            return
        members, members_path = body["of"], (*members_path, "of")
        yield from _threshold_faults(body["n"], members, (*path, operator, "n"))
    yield from _member_faults(members, parties, members_path, depth)


def _threshold_faults(n: Any, members: Any, path: JsonPath) -> Iterator[tuple[JsonPath, str, str]]:
    most = len(members) if isinstance(members, list) else 1
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= max(1, most):
        yield path, f"a whole number from 1 to {max(1, most)}", _shown(n)


def _member_faults(
    members: Any, parties: AbstractSet[str], path: JsonPath, depth: int
) -> Iterator[tuple[JsonPath, str, str]]:
    if not isinstance(members, list) or not members:
        yield path, "a list of at least one agency or rule", _shown(members)
        return
    for i, member in enumerate(members):
        if not isinstance(member, str):
            yield from _rule_faults(member, parties, (*path, i), depth + 1)
        elif member not in parties:
            yield (
                (*path, i),
                "one of " + (", ".join(sorted(parties)) or "no agency (none is declared)"),
                _shown(member),
            )


def _shown(value: Any) -> str:
    return repr(value)[:80]


@lru_cache(maxsize=1_024)
def is_sound(rule: Rule) -> bool:
    """Whether a rule has no fault."""
    return not any(faults(rule.to_json(), parties_of(rule)))


@lru_cache(maxsize=1_024)
def parties_of(rule: Rule) -> frozenset[str]:
    """Every party a rule names."""
    named: set[str] = set()
    for member in rule.members:
        named |= {member} if isinstance(member, str) else parties_of(member)
    return frozenset(named)


def satisfied(rule: Rule, holds: AbstractSet[str]) -> bool:
    """Whether the rule holds when exactly the parties in `holds` say yes.

    Monotone: more parties never turn yes into no.
    """
    return sum(_member_holds(member, holds) for member in rule.members) >= rule.threshold


def reachable(rule: Rule, against: AbstractSet[str]) -> bool:
    """Whether the rule could still hold if every party except those in `against` said yes."""
    return satisfied(rule, parties_of(rule) - against)


def without(rule: Rule, recused: AbstractSet[str]) -> Rule | None:
    """The rule for the parties that are left when some recuse themselves; None if no party is left.

    A threshold `atLeast` does not change. `allOf` and `majorityOf` then count only the parties that are left.
    """
    if not recused:
        return rule
    left = [kept for member in rule.members if (kept := _left_of(member, recused)) is not None]
    return replace(rule, members=tuple(left)) if left else None


def _left_of(member: str | Rule, recused: AbstractSet[str]) -> str | Rule | None:
    if isinstance(member, str):
        return None if member in recused else member
    return without(member, recused)


def smallest(rule: Rule, holds: AbstractSet[str], against: AbstractSet[str]) -> list[list[str]]:
    """The smallest sets of parties that have not decided yet and whose yes would make the rule hold; sorted.

    One empty set if it holds already; no set if it cannot hold any more. At most `SETS_MAX` sets.
    """
    if satisfied(rule, holds):
        return [[]]
    undecided = sorted(parties_of(rule) - holds - against)
    if not satisfied(rule, holds | set(undecided)):
        return []
    for size in range(1, len(undecided) + 1):
        tried = islice(combinations(undecided, size), _TRIED_MAX)
        found = islice((list(chosen) for chosen in tried if satisfied(rule, holds | set(chosen))), SETS_MAX)
        if sets := list(found):
            return sets
    return [undecided]


def implies(one: Rule, other: Rule) -> bool:
    """Whether every set of parties that satisfies `one` satisfies `other`, also after recusals, as far as
    this can prove.

    Exact for up to `_PROVEN_MAX` parties in both. With more parties, only equal rules imply each other.
    """
    if one == other:
        return True
    parties = parties_of(one) | parties_of(other)
    if len(parties) > _PROVEN_MAX:
        return False
    return all(
        _implies(without(one, recused), without(other, recused), parties - recused)
        for recused in _subsets(parties)
    )


def _implies(one: Rule | None, other: Rule | None, parties: AbstractSet[str]) -> bool:
    if one is None:
        return True
    return all(
        other is not None and satisfied(other, holds) for holds in _subsets(parties) if satisfied(one, holds)
    )


def _subsets(parties: AbstractSet[str]) -> Iterator[frozenset[str]]:
    for n in range(len(parties) + 1):
        yield from (frozenset(chosen) for chosen in combinations(sorted(parties), n))


def _member_holds(member: str | Rule, holds: AbstractSet[str]) -> bool:
    return member in holds if isinstance(member, str) else satisfied(member, holds)
