"""What is called tighter lets in nobody, and lets nobody do, more than before; read literally."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import chain, combinations, product
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sluicegate.core.people import application
from sluicegate_record.terms import quorum, tightness
from sluicegate_record.terms.plan import Plan, Stage
from sluicegate_record.terms.rule import Rule
from tests.core.reference_model import among, named, rule_holds
from tests.worlds import API, CODEX, plan_value, read_plan, stage

AGENCIES = ("caisi", "oncd", "ostp")


def subsets(of: Any) -> Iterator[frozenset[str]]:
    of = sorted(of)
    yield from map(frozenset, chain.from_iterable(combinations(of, n) for n in range(len(of) + 1)))


@st.composite
def rules(draw: st.DrawFn, parties: tuple[str, ...] = AGENCIES) -> dict[str, Any]:
    """A rule in which each party stands at most once, nested at most once."""
    chosen = list(draw(st.permutations(parties)))[: draw(st.integers(1, len(parties)))]
    cut = draw(st.integers(0, len(chosen) - 1))
    members: list[Any] = [*chosen[:cut], draw(operators(chosen[cut:]))] if cut else list(chosen)
    return draw(operators(members))


def operators(members: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    counted = st.integers(1, len(members)).map(lambda n: {"atLeast": {"n": n, "of": members}})
    return st.sampled_from(["allOf", "anyOf", "majorityOf"]).map(lambda name: {name: members}) | counted


DECLARED = st.sampled_from([None, {"value": 30, "declared": True}, {"value": 90, "declared": True}])
eligibilities = st.fixed_dictionaries(
    {"registeredIn": st.sampled_from([["US"], ["US", "NO"], ["NO"]])},
    optional={
        "owners": st.sampled_from([{"above": 5}, {"above": 25}]),
        "screening": st.just("clear"),
        "onwardAccess": st.sampled_from([["none"], ["none", "resale"]]),
        "criteria": st.sampled_from([["careful"], ["careful", "known"]]),
    },
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "seats": st.sampled_from([None, 1, 2, 3]),
    "grant": rules(),
    "validFor": st.sampled_from([None, "P1D", "PT24H", "P30D"]),
    "requestsPerMinute": st.sampled_from([None, 5, 600]),
    "logs": DECLARED,
    "eligibility": st.none() | eligibilities,
    "opensWhen": st.sampled_from(
        [None, {"allOf": [{"terms": "agreed"}]}, {"allOf": [{"agreedBy": {"anyOf": ["oncd"]}}]}]
    ),
    "offer": st.sampled_from([None, "P1D", "P7D", "P9D"]),
    "countersign": st.sampled_from([None, ["oncd"], ["oncd", "ostp"]]),
    "surfaces": st.sampled_from([[API], [API, CODEX], [CODEX]]),
    "models": st.sampled_from([["m1"], ["m1", "m2"]]),
    "leaseMs": st.sampled_from([500, 5_000]),
    "mode": st.sampled_from(["approve", "approve", "notify"]),
    "directs": st.sampled_from([None, [], ["m1"], ["m2"], ["m1", "m2"]]),
}
given_fields = st.fixed_dictionaries(FIELDS)


def plan_of(fields: dict[str, Any]) -> Plan:
    stated = ("validFor", "requestsPerMinute", "logs")
    conditions = {name: fields[name] for name in stated if fields[name] is not None}
    admission = {
        "mode": fields["mode"],
        "grant": fields["grant"],
        "clock": {"within": 5, "silence": "no-objection"},
    }
    admission |= {name: fields[name] for name in ("offer", "countersign") if fields[name] is not None}
    one = stage(
        seats=fields["seats"],
        admission=admission,
        conditions=conditions or None,
        eligibility=fields["eligibility"],
        opensWhen=fields["opensWhen"],
    )
    shared = {name: fields[name] for name in ("models", "surfaces", "leaseMs")}
    shared["agencies"] = {name: {"name": name.upper()} for name in AGENCIES}
    if fields["directs"] is not None:
        shared["agencies"]["caisi"]["directs"] = fields["directs"]
    return read_plan(plan_value(stages=[one], **shared))


NAMED: list[dict[str, Any]] = [{}, {"owners": []}]
ORGANIZATIONS = [
    {"registeredIn": country, **owners, "onwardAccess": onward}
    for country, owners, onward in product(["US", "NO", "GB"], NAMED, ["none", "resale"])
]


def eligible(plan: Plan) -> list[dict[str, Any]]:
    stated = plan.spec.stages[0].eligibility
    return [each for each in ORGANIZATIONS if not list(application.ineligible(each, stated))]


def admitting(plan: Plan) -> set[tuple[frozenset[str], frozenset[str]]]:
    """Who consents and who recuses, wherever it admits; where agencies are notified, who does not object."""
    admission = plan.spec.stages[0].admission.to_json()
    found = set()
    for recused, rest in ((out, set(AGENCIES) - out) for out in subsets(AGENCIES)):
        left = among(admission["grant"], recused)
        for said in subsets(rest):
            if left is None:
                continue
            unopposed = admission["mode"] == "notify" and not named(left) - said
            if rule_holds(left, said) or unopposed:
                found.add((said, recused))
    return found


@settings(max_examples=400)
@given(given_fields, st.data())
def test_what_is_called_tighter_admits_and_allows_no_more(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    changed = copy.deepcopy(fields)
    for name in data.draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=3)):
        changed[name] = data.draw(FIELDS[name])
    old, new = plan_of(fields), plan_of(changed)
    ((before, old_spec), (after, new_spec)) = (
        (each.spec.stages[0], each.to_json()["spec"]) for each in (old, new)
    )
    found = tightness.loosened(new, after, old, before)
    event(f"loosened: {bool(found)}, changed: {old != new}")
    if found:
        assert old != new
        return
    assert admitting(new) <= admitting(old)
    assert all(each in eligible(old) for each in eligible(new))
    for name in ("models", "surfaces"):
        assert all(each in old_spec[name] for each in new_spec[name])
    assert new.spec.lease_ms <= old.spec.lease_ms
    assert (after.seats or 99) <= (before.seats or 99)
    stated, asked = after.conditions.to_json(), before.conditions.to_json()
    assert stated.get("requestsPerMinute", 10**9) <= asked.get("requestsPerMinute", 10**9)
    lasts = {"P1D": 1, "PT24H": 1, "P30D": 30, None: 99}
    assert lasts[stated.get("validFor")] <= lasts[asked.get("validFor")]
    assert "logs" not in asked or stated["logs"] == asked["logs"]
    directed = [fields["directs"], changed["directs"]]
    if directed != [None, None]:
        can, could = (
            each["models"] if each["directs"] is None else each["directs"] for each in (changed, fields)
        )
        assert set(could) <= set(can)
    screened = [each.eligibility.screening for each in (before, after)]
    assert screened != ["clear", None]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, []),
        ({"title": "Another"}, []),
        ({"seats": 4}, []),
        ({"seats": 6}, ["seats"]),
        ({"seats": None}, ["seats"]),
        ({"conditions": {"requestsPerMinute": 5, "validFor": "P30D"}}, []),
        ({"conditions": {"requestsPerMinute": 600}}, ["conditions"]),
        ({"conditions": None}, ["conditions"]),
        ({"eligibility": {"registeredIn": ["US"]}}, []),
        ({"opensWhen": {"allOf": [{"agreedBy": {"allOf": ["caisi"]}}]}}, []),
        ({"basis": {**stage()["basis"], "kind": "agreed"}}, ["basis"]),
        ({"basis": {**stage()["basis"], "until": "2026-09-01", "afterUntil": "stay"}}, ["basis"]),
        ({"admission": {"mode": "approve", "grant": {"anyOf": ["oncd", "ostp"]}}}, ["admission"]),
        ({"admission": {"mode": "approve", "grant": {"allOf": ["ostp", "oncd"]}}}, []),
        ({"admission": {**stage()["admission"], "offer": "P1D"}}, []),
        ({"admission": {**stage()["admission"], "offer": "P8D"}}, ["admission"]),
        ({"admission": {**stage()["admission"], "reply": "P1D"}}, ["admission"]),
        ({"admission": {**stage()["admission"], "remove": {"anyOf": ["oncd"]}}}, ["admission"]),
        ({"admission": {**stage()["admission"], "countersign": ["oncd"]}}, []),
        ({"admission": {**stage()["admission"], "clock": {"within": 5, "silence": "deny"}}}, ["admission"]),
    ],
    ids=str,
)
def test_why_a_change_is_not_provably_tighter(change: dict[str, Any], fields: list[str]) -> None:
    old, new = (read_plan(plan_value(stages=[stage(**{"seats": 5, **given})])) for given in ({}, change))
    assert tightness.loosened(new, new.spec.stages[0], old, old.spec.stages[0]) == fields


BOTH = ["m1", "m2"]


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({}, {}, []),
        ({}, {"caisi": BOTH}, []),
        ({}, {"caisi": [*BOTH, "m3"]}, []),
        ({}, {"caisi": ["m1"]}, ["directs"]),
        ({}, {"caisi": []}, ["directs"]),
        ({"caisi": ["m1"]}, {"caisi": BOTH}, []),
        ({"caisi": ["m1"]}, {}, []),
        ({"caisi": BOTH}, {"caisi": ["m1"]}, ["directs"]),
        ({"caisi": ["m3"]}, {}, ["directs"]),
        ({"caisi": ["m1"]}, {"caisi": None}, ["directs"]),
        ({"caisi": []}, {"caisi": None}, []),
        ({}, {"caisi": None}, []),
        ({"oncd": BOTH, "caisi": ["m1"]}, {"oncd": ["m2"], "caisi": BOTH}, ["directs"]),
    ],
    ids=str,
)
def test_an_agency_that_directs_more_is_tighter_and_one_that_directs_less_is_not(
    before: dict[str, list[str]], after: dict[str, list[str] | None], fields: list[str]
) -> None:
    """`None`: the plan does not name the agency any more."""
    old, new = (_directing(given) for given in (before, after))
    assert tightness.loosened(new, new.spec.stages[0], old, old.spec.stages[0]) == fields
    assert (old.terms == new.terms) is (old.spec.directs == new.spec.directs)


def _directing(given: dict[str, Any]) -> Plan:
    named = {name: given.get(name, ...) for name in AGENCIES}
    agencies = {
        name: {"name": name.upper(), **({} if models is ... else {"directs": models})}
        for name, models in named.items()
        if models is not None
    }
    admission = {**stage()["admission"], "appeal": {"decide": {"anyOf": ["oncd"]}}}
    return read_plan(plan_value(models=BOTH, agencies=agencies, stages=[stage(admission=admission)]))


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ((), "later"),
        (("eligibility",), "eligibility"),
        (("opensWhen",), "opensWhen"),
        (("admission",), "admission"),
        (("admission", "clock"), "admission"),
        (("basis",), "basis"),
    ],
    ids=repr,
)
def test_what_this_build_does_not_know_it_cannot_call_tighter(path: tuple[str, ...], field: str) -> None:
    body = stage(
        eligibility={"registeredIn": ["US"]},
        opensWhen={"allOf": [{"terms": "agreed"}]},
        admission={**stage()["admission"], "clock": {"within": 5, "silence": "deny"}},
    )
    plan = read_plan(plan_value(stages=[body]))
    old = plan.spec.stages[0]
    changed = copy.deepcopy(old.to_json())
    at = changed
    for step in path:
        at = at[step]
    at["later"] = 1
    new = Stage.from_json(changed)
    expected = [] if field == "conditions" else [field]  # a condition added is one more
    assert tightness.loosened(plan, new, plan, old) == expected
    assert tightness.loosened(plan, old, plan, new) == [field]


# Rules against brute force


@given(rules(), rules())
def test_one_rule_implies_another_if_whoever_recuses_nobody_meets_it_alone(one: Any, other: Any) -> None:
    expected = True
    for recused in subsets(AGENCIES):
        first, second = among(one, recused), among(other, recused)
        for holds in subsets(set(AGENCIES) - recused):
            if first is not None and rule_holds(first, holds):
                expected &= second is not None and rule_holds(second, holds)
    assert quorum.implies(Rule.from_json(one), Rule.from_json(other)) is expected


@given(rules(), st.sets(st.sampled_from(AGENCIES)))
def test_a_rule_without_some_is_the_rule_among_the_others(rule: Any, recused: set[str]) -> None:
    left, expected = quorum.without(Rule.from_json(rule), recused), among(rule, recused)
    assert (left is None) is (expected is None)
    if left is None:
        return
    assert not quorum.parties_of(left) & recused
    for holds in subsets(AGENCIES):
        assert quorum.satisfied(left, holds) is rule_holds(expected, holds - recused)


@given(rules(), st.sets(st.sampled_from(AGENCIES)), st.sets(st.sampled_from(AGENCIES)))
def test_the_smallest_sets_that_would_do(rule: Any, holds: set[str], against: set[str]) -> None:
    against -= holds
    open_ = named(rule) - holds - against
    enough = [each for each in subsets(open_) if rule_holds(rule, holds | each)]
    size = min(map(len, enough), default=0)
    expected = sorted(sorted(each) for each in enough if len(each) == size)
    assert sorted(quorum.smallest(Rule.from_json(rule), holds, against)) == expected


def test_of_many_parties_only_the_same_rule_is_proven() -> None:
    many = tuple(f"a{i}" for i in range(9))
    assert quorum.implies(Rule("allOf", many), Rule("allOf", many))
    assert not quorum.implies(Rule("allOf", many), Rule("anyOf", many))


@pytest.mark.parametrize(
    ("new", "old", "is_tighter"),
    [
        ({"people": 5}, None, True),
        ({"people": 5}, {"people": 6}, True),
        ({"people": 6}, {"people": 5}, False),
        (None, {"people": 5}, False),
        ({"organizations": 1}, {"people": 5}, False),
        ({"organizations": 1, "people": 5}, {"people": 5}, True),
        ({"people": {"value": 5, "enforced": True}}, {"people": 5}, True),
        ({"people": {"value": 5, "enforced": True}}, {"people": {"value": 5, "enforced": True}}, True),
        ({"people": {"value": 6, "enforced": True}}, {"people": 5}, False),
        ({"people": 5}, {"people": {"value": 5, "enforced": True}}, False),
        ({"people": 4}, {"people": {"value": 5, "enforced": True}}, False),
    ],
)
def test_less_exposure_is_tighter(new: Any, old: Any, is_tighter: bool) -> None:
    plans = [read_plan(plan_value(stages=[stage(exposure=each)])) for each in (new, old)]
    fields = tightness.loosened(plans[0], plans[0].spec.stages[0], plans[1], plans[1].spec.stages[0])
    assert (not fields) is is_tighter
