from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate_record.terms import durations
from sluicegate_record.terms.conditions import is_tighter, strictest

conditions = st.fixed_dictionaries(
    {},
    optional={
        "requestsPerMinute": st.integers(1, 9),
        "validFor": st.sampled_from(["PT1H", "P1D", "PT24H", "P9D", "P10D"]),
        "logs": st.sampled_from([1, 2]).map(lambda days: {"value": days, "declared": True}),
    },
)


def test_the_smaller_number_and_the_shorter_time_hold() -> None:
    combined, contradictions = strictest(
        [
            ("a", {"requestsPerMinute": 60, "validFor": "P9D"}),
            ("b", {"requestsPerMinute": 7, "validFor": "P10D"}),
        ]
    )
    assert (combined, contradictions) == ({"requestsPerMinute": 7, "validFor": "P9D"}, {})


def test_what_contradicts_is_named_with_who_says_it() -> None:
    combined, contradictions = strictest([("a", {"logs": 1, "mfa": True}), ("b", {"logs": 2, "mfa": True})])
    assert (combined, contradictions) == ({"mfa": True}, {"logs": {"a": 1, "b": 2}})


@given(st.lists(conditions, max_size=4))
def test_the_strictest_is_at_least_as_tight_as_each(stated: list[dict[str, Any]]) -> None:
    combined, contradictions = strictest((str(i), each) for i, each in enumerate(stated))
    assert combined.keys() | contradictions.keys() == set().union(*stated)
    assert not combined.keys() & contradictions.keys()
    for each in stated:
        assert is_tighter(combined, {name: each[name] for name in each if name not in contradictions})
    for name in combined:
        assert combined[name] in [each.get(name) for each in stated]


@given(conditions, conditions)
def test_tighter_is_nothing_allowed_that_was_not(new: dict[str, Any], old: dict[str, Any]) -> None:
    minutes, lasts = "requestsPerMinute", "validFor"
    allows = [
        old.get(minutes, 99) >= new.get(minutes, 99),
        durations.milliseconds(old.get(lasts, "P999D")) >= durations.milliseconds(new.get(lasts, "P999D")),
        "logs" not in old or new.get("logs") == old["logs"],
    ]
    assert is_tighter(new, old) is all(allows)


@pytest.mark.parametrize("given_", [{}, {"requestsPerMinute": 5}])
def test_nothing_added_is_as_tight(given_: dict[str, Any]) -> None:
    assert is_tighter(given_, given_)
    assert is_tighter(given_, {})
