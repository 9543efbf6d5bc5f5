"""Bounds of a share: as scipy has them, and never more than what the counts prove."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate_record.terms import binomial

TABLE = json.loads(Path(__file__).with_name("binomial.json").read_text())["rows"]
"""Hits, trials, level, and the two bounds, by the quantiles of the beta distribution in scipy."""
NEAR, PLACES = Decimal("1e-9"), Decimal("1e-6")


LEVELS = ["0.6", "0.9", "0.95", "0.99", "0.999"]


def kind(row: list[str | int]) -> tuple[object, ...]:
    """Rows of one kind are computed in one way: by the level, the size, and if the hits are at an end."""
    hits, trials, level = int(row[0]), int(row[1]), row[2]
    return level, trials <= 100, hits == 0, hits == trials


@pytest.mark.parametrize("level", LEVELS)
def test_the_bounds_are_those_of_scipy_in_a_row_of_each_kind(level: str) -> None:
    rows = {kind(each): each for each in reversed(TABLE) if each[2] == level and each[1] <= 1_000}
    assert len(rows) >= 6
    as_scipy_has_them(list(rows.values()), level)


@pytest.mark.long
@pytest.mark.parametrize("level", LEVELS)
def test_the_bounds_are_those_of_scipy(level: str) -> None:
    rows = [
        each
        for each in TABLE
        if each[2] == level and (each[1] <= 1_000 or (level == "0.95" and each[0] < 300))
    ]
    assert len(rows) > 50
    as_scipy_has_them(rows, level)


def as_scipy_has_them(rows: list[list[str | int]], level: str) -> None:
    for row in rows:
        hits, trials, lower, upper = int(row[0]), int(row[1]), row[3], row[4]
        least, most = (
            binomial.lower(hits, trials, Decimal(level)),
            binomial.upper(hits, trials, Decimal(level)),
        )
        assert Decimal(upper) - NEAR <= most < Decimal(upper) + PLACES + NEAR
        assert Decimal(lower) - PLACES - NEAR < least <= Decimal(lower) + NEAR


SOME = list({kind(each): each for each in reversed(TABLE) if each[1] <= 1_000}.values())
MORE = [each for each in TABLE[::7] if each not in SOME]


@pytest.mark.parametrize(
    "row", [*SOME, *(pytest.param(each, marks=pytest.mark.long) for each in MORE)], ids=str
)
def test_a_threshold_is_met_from_its_bound_on(row: list[str | int]) -> None:
    hits, trials, level = int(row[0]), int(row[1]), Decimal(row[2])
    lower, upper, step = Decimal(row[3]), Decimal(row[4]), Decimal("0.00000001")
    if hits < trials:
        assert binomial.is_at_most(hits, trials, upper + step, level)
        assert not binomial.is_at_most(hits, trials, upper - step, level)
    if hits:
        assert binomial.is_at_least(hits, trials, lower - step, level)
        assert not binomial.is_at_least(hits, trials, lower + step, level)


shares = st.integers(1, 999).map(lambda number: Decimal(number).scaleb(-3))
counted = st.integers(1, 80).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))
levels = st.integers(501, 999).map(lambda number: Decimal(number).scaleb(-3))


@given(counted, shares, levels)
def test_it_is_met_exactly_where_the_exact_probability_is_small_enough(
    hits_of: tuple[int, int], share: Decimal, level: Decimal
) -> None:
    hits, trials = hits_of
    p = Fraction(share)
    chance = sum(comb(trials, i) * p**i * (1 - p) ** (trials - i) for i in range(hits + 1))
    left = 1 - Fraction(level)
    if abs(chance - left) > Fraction(1, 10**40):
        assert binomial.is_at_most(hits, trials, share, level) == (chance <= left)
    if chance > left:
        assert not binomial.is_at_most(hits, trials, share, level)
        assert not binomial.is_below(hits, trials, share, level)


@given(counted, shares, levels)
def test_more_hits_never_prove_less(hits_of: tuple[int, int], share: Decimal, level: Decimal) -> None:
    hits, trials = hits_of
    if hits < trials and binomial.is_at_most(hits + 1, trials, share, level):
        assert binomial.is_at_most(hits, trials, share, level)
    if hits and binomial.is_at_least(hits - 1, trials, share, level):
        assert binomial.is_at_least(hits, trials, share, level)


def test_the_ends_of_the_scale() -> None:
    level = Decimal("0.95")
    assert binomial.is_at_most(5, 5, Decimal(1), level)
    assert not binomial.is_at_most(0, 5, Decimal(0), level)
    assert binomial.is_at_least(0, 5, Decimal(0), level)
    assert not binomial.is_at_least(5, 5, Decimal(1), level)
    assert [binomial.lower(0, 5, level), binomial.upper(5, 5, level)] == [Decimal(0), Decimal(1)]


def test_at_the_bound_itself_at_most_is_met_and_below_is_not() -> None:
    """No hit in one trial: the bound is exactly the level."""
    share = level = Decimal("0.95")
    assert binomial.is_at_most(0, 1, share, level)
    assert not binomial.is_below(0, 1, share, level)


def test_the_answer_does_not_depend_on_the_decimals_of_who_asks() -> None:
    binomial._chance_of_so_few.cache_clear()
    with localcontext() as context:
        context.prec = 3
        coarse = binomial.upper(3, 197, Decimal("0.95"))
    binomial._chance_of_so_few.cache_clear()
    assert coarse == binomial.upper(3, 197, Decimal("0.95"))


def test_most_trials_are_computed_without_underflow() -> None:
    assert binomial.is_at_most(0, binomial.TRIALS_MAX, Decimal("0.000000001").scaleb(5), Decimal("0.95"))
    assert not binomial.is_at_most(0, binomial.TRIALS_MAX, Decimal("0.000000001"), Decimal("0.95"))
    assert binomial.is_at_most(1, binomial.TRIALS_MAX, Decimal("0.999999999"), Decimal("0.95"))
