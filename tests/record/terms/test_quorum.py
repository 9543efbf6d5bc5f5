from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from itertools import chain, combinations
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate_record.strict import JsonPath
from sluicegate_record.terms import quorum
from sluicegate_record.terms.quorum import faults, parties_of, reachable, satisfied
from sluicegate_record.terms.rule import DEPTH_MAX, OPERATORS, Rule
from tests.core.reference_model import rule_holds

PARTIES = ("a", "b", "c", "d")
Json = dict[str, Any]
"""A rule as it is written."""
read = Rule.from_json


def _rules_over(member: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    members = st.lists(member, min_size=1, max_size=4, unique_by=repr)
    simple = st.builds(
        lambda name, of: {name: of}, st.sampled_from(["allOf", "anyOf", "majorityOf"]), members
    )
    at_least = members.flatmap(
        lambda of: st.integers(1, len(of)).map(lambda n: {"atLeast": {"n": n, "of": of}})
    )
    return simple | at_least


rules = st.recursive(
    _rules_over(st.sampled_from(PARTIES)),
    lambda inner: _rules_over(st.one_of(st.sampled_from(PARTIES), inner)),
    max_leaves=6,
)


def _each_once(rule: Any, count: Iterator[int]) -> Any:
    """The same rule with another party in every place."""
    if isinstance(rule, str):
        return f"p{next(count)}"
    ((operator, body),) = rule.items()
    if operator == "atLeast":
        return {operator: {**body, "of": [_each_once(member, count) for member in body["of"]]}}
    return {operator: [_each_once(member, count) for member in body]}


valid_rules = rules.map(lambda rule: _each_once(rule, itertools.count()))
subsets = st.frozensets(st.sampled_from(PARTIES))


def _all_subsets(of: Iterable[str]) -> Iterable[frozenset[str]]:
    members = sorted(of)
    chosen = (combinations(members, n) for n in range(len(members) + 1))
    return map(frozenset, chain.from_iterable(chosen))


@given(rules, subsets)
def test_satisfied_is_the_literal_definition(rule: Json, holds: frozenset[str]) -> None:
    assert satisfied(read(rule), holds) is rule_holds(rule, holds)


@given(rules, subsets, subsets)
def test_more_parties_never_turn_yes_into_no(rule: Json, some: frozenset[str], more: frozenset[str]) -> None:
    assert satisfied(read(rule), some | more) or not satisfied(read(rule), some)


@given(rules, subsets)
def test_reachable_is_that_some_superset_would_do(rule: Json, against: frozenset[str]) -> None:
    others = _all_subsets(frozenset(PARTIES) - against)
    assert reachable(read(rule), against) is any(rule_holds(rule, holds) for holds in others)


@given(valid_rules)
def test_a_valid_rule_asks_somebody_and_can_be_met(rule: Json) -> None:
    assert list(faults(rule, parties_of(read(rule)))) == []
    assert not satisfied(read(rule), frozenset())
    assert satisfied(read(rule), parties_of(read(rule)))


@given(st.lists(valid_rules, min_size=1, max_size=4), st.data())
def test_a_threshold_is_never_met_by_fewer_parties(members: list[Json], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(members)))
    rule = _each_once({"atLeast": {"n": n, "of": members}}, itertools.count())
    assert list(faults(rule, parties_of(read(rule)))) == []
    holds = data.draw(st.frozensets(st.sampled_from(sorted(parties_of(read(rule))))))
    assert len(holds) >= n or not satisfied(read(rule), holds)


def _places(rule: Any) -> list[str]:
    if isinstance(rule, str):
        return [rule]
    (body,) = rule.values()
    return [party for member in (body["of"] if isinstance(body, dict) else body) for party in _places(member)]


@given(rules)
def test_a_party_stands_once_in_a_whole_rule(rule: Json) -> None:
    found = list(faults(rule, frozenset(PARTIES)))
    places = _places(rule)
    assert [expected for _, expected, _ in found] == ["each agency once"] * (len(places) - len(set(places)))


@given(rules, subsets, subsets)
def test_who_is_not_named_does_not_count(rule: Json, holds: frozenset[str], others: frozenset[str]) -> None:
    unnamed = others - parties_of(read(rule))
    assert satisfied(read(rule), holds) is satisfied(read(rule), holds | unnamed | {"nobody"})


@given(rules)
def test_the_schema_takes_every_valid_rule(rule: Json) -> None:
    defs = {"Rule": quorum.SCHEMA, "RuleMembers": quorum.MEMBERS_SCHEMA}
    jsonschema.Draft202012Validator({"$ref": "#/$defs/Rule", "$defs": defs}).validate(rule)


@pytest.mark.parametrize(
    ("rule", "holds", "expected"),
    [
        ({"allOf": ["a", "b"]}, "a", False),
        ({"allOf": ["a", "b"]}, "ab", True),
        ({"anyOf": ["a", "b"]}, "", False),
        ({"anyOf": ["a", "b"]}, "b", True),
        ({"majorityOf": ["a", "b", "c", "d"]}, "ab", False),  # half is no majority
        ({"majorityOf": ["a", "b", "c", "d"]}, "abc", True),
        ({"majorityOf": ["a", "b", "c"]}, "ab", True),
        ({"atLeast": {"n": 2, "of": ["a", "b", "c"]}}, "c", False),
        ({"atLeast": {"n": 2, "of": ["a", "b", "c"]}}, "ac", True),
        ({"allOf": ["a", {"anyOf": ["b", "c"]}]}, "a", False),
        ({"allOf": ["a", {"anyOf": ["b", "c"]}]}, "ac", True),
    ],
)
def test_rules(rule: Json, holds: str, expected: bool) -> None:
    assert satisfied(read(rule), frozenset(holds)) is expected


@pytest.mark.parametrize(
    "rule",
    [
        None,
        "a",
        5,
        [],
        ["a"],
        {},
        {"allOf": ["a"], "anyOf": ["a"]},
        {"oneOf": ["a"]},
        {"allof": ["a"]},
        {"allOf": []},
        {"anyOf": []},
        {"majorityOf": []},
        {"allOf": "a"},
        {"allOf": None},
        {"allOf": {"a": "b"}},
        {"allOf": ["stranger"]},
        {"allOf": ["a", "a"]},
        {"allOf": ["a", {"anyOf": ["a", "b"]}]},
        {"allOf": [{"anyOf": ["a", "b"]}, "a"]},
        {"atLeast": {"n": 2, "of": [{"anyOf": ["a", "b"]}, {"anyOf": ["a", "c"]}]}},
        {"anyOf": [{"allOf": ["a", "b"]}, {"atLeast": {"n": 1, "of": ["c", {"allOf": ["a"]}]}}]},
        {"allOf": [None]},
        {"allOf": [5]},
        {"allOf": [["a"]]},
        {"allOf": ["a", {}]},
        {"allOf": ["a", {"anyOf": []}]},
        {"atLeast": ["a"]},
        {"atLeast": {"of": ["a"]}},
        {"atLeast": {"n": 1}},
        {"atLeast": {"n": 1, "of": []}},
        {"atLeast": {"n": 0, "of": ["a"]}},
        {"atLeast": {"n": -1, "of": ["a"]}},
        {"atLeast": {"n": 2, "of": ["a"]}},
        {"atLeast": {"n": True, "of": ["a"]}},
        {"atLeast": {"n": 1.0, "of": ["a"]}},
        {"atLeast": {"n": "1", "of": ["a"]}},
        {"atLeast": {"n": 1, "of": ["a"], "more": 1}},
        {"atLeast": {"n": 1, "of": "a"}},
    ],
    ids=repr,
)
def test_what_is_no_rule(rule: Any) -> None:
    assert list(faults(rule, frozenset(PARTIES)))


def test_every_fault_is_found_at_once_with_its_path() -> None:
    rule = {"allOf": ["x", {"anyOf": []}, {"atLeast": {"n": 9, "of": ["a", "a"]}}]}
    found = [(path, shown) for path, _, shown in faults(rule, frozenset(PARTIES), ("grant",))]
    assert found == [
        (("grant", "allOf", 0), "'x'"),
        (("grant", "allOf", 1, "anyOf"), "[]"),
        (("grant", "allOf", 2, "atLeast", "n"), "9"),
        (("grant", "allOf", 2, "atLeast", "of", 1), "'a'"),
    ]


def test_a_party_that_stands_twice_is_told_where() -> None:
    rule = {"allOf": ["a", {"atLeast": {"n": 1, "of": ["b", {"anyOf": ["c", "a"]}]}}]}
    assert list(faults(rule, frozenset(PARTIES), ("grant",))) == [
        (("grant", "allOf", 1, "atLeast", "of", 1, "anyOf", 1), "each agency once", "'a'")
    ]


def _nested(levels: int, operator: str) -> Json:
    rule: Json = {"allOf": ["a"]}
    for _ in range(levels - 1):
        rule = {operator: [rule]} if operator != "atLeast" else {operator: {"n": 1, "of": [rule]}}
    return rule


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("path", [(), ("spec", "stages", 0, "admission", "grant")])
def test_rules_nest_as_deep_as_is_said_and_no_deeper(operator: str, path: JsonPath) -> None:
    deepest, deeper = (_nested(DEPTH_MAX + more, operator) for more in (0, 1))
    assert list(faults(deepest, frozenset(PARTIES), path)) == []
    assert satisfied(read(deepest), {"a"})
    assert [expected for _, expected, _ in faults(deeper, frozenset(PARTIES), path)] == [
        "at most 8 levels of rules"
    ]


def test_a_rule_far_too_deep_is_refused_before_the_stack_ends() -> None:
    assert list(faults(_nested(100_000, "allOf"), frozenset(PARTIES)))


def test_the_parties_of_a_rule_are_those_it_names_anywhere() -> None:
    rule = {"allOf": ["a", {"atLeast": {"n": 1, "of": ["b", {"anyOf": ["c", "a"]}]}}]}
    assert parties_of(read(rule)) == {"a", "b", "c"}
