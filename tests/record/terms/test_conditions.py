"""Conditions: read if the plan language can express them, combined, compared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate_record.form import Misread
from sluicegate_record.terms import durations
from sluicegate_record.terms.conditions import Conditions, is_tighter, strictest

conditions = st.fixed_dictionaries(
    {},
    optional={
        "requestsPerMinute": st.integers(1, 9),
        "validFor": st.sampled_from(["PT1H", "P1D", "PT24H", "P9D", "P10D"]),
        "logs": st.sampled_from([1, 2]).map(lambda days: {"value": days, "declared": True}),
    },
)
read = Conditions.from_json
ONE, TWO = ({"value": value, "declared": True} for value in (1, 2))


# Reading


def test_what_is_not_enforced_is_declared() -> None:
    found = read({"requestsPerMinute": 5, "validFor": "PT1H", "logs": {"value": 1, "declared": True}})
    assert (found.requests_per_minute, found.valid_for, found.valid_for_ms) == (5, "PT1H", 3_600_000)
    assert found.declared == {"logs": {"value": 1, "declared": True}}


@given(conditions)
def test_conditions_are_written_as_they_were_read_sorted(given_: dict[str, Any]) -> None:
    assert list(read(given_).to_json().items()) == sorted(given_.items())


@pytest.mark.parametrize(
    "value",
    [None, [], "P1D", {"requestsPerMinute": "5"}, {"requestsPerMinute": 5.0}, {"validFor": 5}],
    ids=repr,
)
def test_what_are_no_conditions(value: Any) -> None:
    with pytest.raises(Misread):
        read(value)


def test_more_is_declared_beside_and_in_place_of_what_was() -> None:
    found = read({"validFor": "P1D", "logs": ONE, "mfa": ONE}).declaring({"logs": TWO, "audit": ONE})
    assert found.to_json() == {"validFor": "P1D", "logs": TWO, "mfa": ONE, "audit": ONE}


# Stating

UNDECLARED: list[Any] = [
    None,
    30,
    "30",
    [],
    {},
    {"value": 30},
    {"declared": True},
    {"value": 30, "declared": False},
    {"value": 30, "declared": 1},
    {"value": 30, "declared": "true"},
    {"value": 30.0, "declared": True},
    {"value": None, "declared": True},
    {"value": [30], "declared": True},
    {"value": {"days": 30}, "declared": True},
    {"value": 30, "declared": True, "unit": "days"},
]


@pytest.mark.parametrize(
    "value",
    [
        {"requestsPerMinute": 1},
        {"requestsPerMinute": 10_000_000},
        {"validFor": "PT1S"},
        {"validFor": "P99999DT999999H"},
        {"logs": {"value": "some", "declared": True}},
        {"logs": {"value": 0, "declared": True}},
        {"logs": {"value": False, "declared": True}},
        {"requestsPerMinute": 5, "validFor": "P1D", "logs": {"value": 1, "declared": True}},
    ],
    ids=repr,
)
def test_what_is_read(value: dict[str, Any]) -> None:
    assert read(value).to_json() == value


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (None, ()),
        ([], ()),
        ("requestsPerMinute: 5", ()),
        *(
            ({"requestsPerMinute": rate}, ("requestsPerMinute",))
            for rate in (True, 0, -1, 10_000_001, 5.0, "5", [5], {"value": 5, "declared": True})
        ),
        *(
            ({"validFor": lasts}, ("validFor",))
            for lasts in (
                *(5, ["P1D"]),
                *["", "P", "PT", "P0D", "PT0S", "P1M", "P1Y", "P1D ", "p1d", "P-1D", "P1D\n"],
            )
        ),
        *(({"logs": stated}, ("logs",)) for stated in UNDECLARED),
        ({"requestsPerMinute": 5, "validFor": "P1D", "logs": 30}, ("logs",)),
        ({"requestsperminute": 5}, ("requestsperminute",)),
    ],
    ids=repr,
)
def test_what_the_plan_language_cannot_express_is_not_read(value: Any, at: tuple[str, ...]) -> None:
    with pytest.raises(Misread) as caught:
        read(value)
    assert caught.value.path == at


# Combining


def test_the_smaller_number_and_the_shorter_time_hold() -> None:
    combined, contradictions = strictest(
        [
            ("a", read({"requestsPerMinute": 60, "validFor": "P9D"})),
            ("b", read({"requestsPerMinute": 7, "validFor": "P10D"})),
        ]
    )
    assert (combined.to_json(), contradictions) == ({"requestsPerMinute": 7, "validFor": "P9D"}, {})


def test_of_two_that_last_as_long_the_first_is_kept() -> None:
    stated = [("a", read({"validFor": "PT24H"})), ("b", read({"validFor": "P1D"}))]
    assert strictest(stated)[0].valid_for == "PT24H"
    assert strictest(reversed(stated))[0].valid_for == "P1D"


def test_what_contradicts_is_named_with_who_says_it() -> None:
    stated = [("a", read({"logs": ONE, "mfa": ONE})), ("b", read({"logs": TWO, "mfa": ONE}))]
    combined, contradictions = strictest(stated)
    assert (combined.to_json(), contradictions) == ({"mfa": ONE}, {"logs": {"a": ONE, "b": TWO}})


def test_nothing_stated_is_no_condition() -> None:
    assert strictest([]) == (Conditions(), {})


@given(st.lists(conditions, max_size=4))
def test_the_strictest_is_at_least_as_tight_as_each(stated: list[dict[str, Any]]) -> None:
    found, contradictions = strictest((str(i), read(each)) for i, each in enumerate(stated))
    combined = found.to_json()
    assert combined.keys() | contradictions.keys() == set().union(*stated)
    assert not combined.keys() & contradictions.keys()
    for each in stated:
        assert is_tighter(found, read({name: each[name] for name in each if name not in contradictions}))
    for name in combined:
        assert combined[name] in [each.get(name) for each in stated]


# Comparing


@given(conditions, conditions)
def test_tighter_is_nothing_allowed_that_was_not(new: dict[str, Any], old: dict[str, Any]) -> None:
    minutes, lasts = "requestsPerMinute", "validFor"
    allows = [
        old.get(minutes, 99) >= new.get(minutes, 99),
        durations.milliseconds(old.get(lasts, "P999D")) >= durations.milliseconds(new.get(lasts, "P999D")),
        "logs" not in old or new.get("logs") == old["logs"],
    ]
    assert is_tighter(read(new), read(old)) is all(allows)


@pytest.mark.parametrize("given_", [{}, {"requestsPerMinute": 5}])
def test_nothing_added_is_as_tight(given_: dict[str, Any]) -> None:
    assert is_tighter(read(given_), read(given_))
    assert is_tighter(read(given_), read({}))
