"""How much a count of hits proves about a share: exact one-sided bounds (Clopper and Pearson).

Rules:
- There is no float: every machine gets the same. Each step is a decimal of 60 digits, rounded up, so what
  comes out is never less than the true probability, and more by less than one part in 10**50. So a bound that
  is in doubt is not met.
- Shares are decimals from 0 to 1 with at most 9 places, as a plan writes them.
- A bound holds at a level, such as 0.95, above one half.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, Context, Decimal
from functools import lru_cache

TRIALS_MAX = 100_000
"""How many trials a count may have."""
SHOWN_PLACES = 6
_UP = Context(prec=60, rounding=ROUND_CEILING, Emin=MIN_EMIN, Emax=MAX_EMAX)
_ONE = Decimal(1)


def is_at_most(hits: int, trials: int, share: Decimal, level: Decimal) -> bool:
    """Whether `hits` of `trials` prove, at a level, that the true share is at most `share`.

    Requires: 0 <= hits <= trials <= TRIALS_MAX; 0 <= share <= 1; 0.5 < level < 1.
    """
    return share == _ONE or _chance_of_so_few(hits, trials, share) <= less(_ONE, level)


def is_below(hits: int, trials: int, share: Decimal, level: Decimal) -> bool:
    """Whether they prove that it is less than `share`. Requires: as `is_at_most`."""
    return _chance_of_so_few(hits, trials, share) < less(_ONE, level)


def is_at_least(hits: int, trials: int, share: Decimal, level: Decimal) -> bool:
    """Whether they prove that it is at least `share`. Requires: as `is_at_most`."""
    return is_at_most(trials - hits, trials, less(_ONE, share), level)


def upper(hits: int, trials: int, level: Decimal) -> Decimal:
    """The least share of 6 places that the true one is at most. Requires: as `is_at_most`."""
    return _least(lambda share: is_at_most(hits, trials, share, level))


def lower(hits: int, trials: int, level: Decimal) -> Decimal:
    """The greatest share of 6 places that the true one is at least. Requires: as `is_at_most`."""
    return less(_ONE, upper(trials - hits, trials, level))


def less(share: Decimal, other: Decimal) -> Decimal:
    """A share less another. Requires: at most 9 places; then it is exact."""
    return _UP.subtract(share, other)


def _least(holds: Callable[[Decimal], bool]) -> Decimal:
    below, found = 0, 10**SHOWN_PLACES
    while below < found:
        middle = (below + found) // 2
        if holds(_UP.scaleb(Decimal(middle), -SHOWN_PLACES)):
            found = middle
        else:
            below = middle + 1
    return _UP.scaleb(Decimal(found), -SHOWN_PLACES)


@lru_cache(maxsize=4_096)
def _chance_of_so_few(hits: int, trials: int, share: Decimal) -> Decimal:
    """The probability of at most so many hits if each trial hits with this share, rounded up.

    It is 1 where so many hits are no fewer than expected: then it is at least one half, and proves nothing.
    """
    if hits >= _UP.multiply(Decimal(trials), share):
        return _ONE
    miss = less(_ONE, share)
    term = _power(miss, trials - hits)
    for i in range(hits):
        term = _UP.divide(_UP.multiply(term, _UP.multiply(share, Decimal(trials - i))), Decimal(i + 1))
    total = term
    for i in range(hits, 0, -1):
        term = _UP.divide(
            _UP.multiply(term, _UP.multiply(miss, Decimal(i))), _UP.multiply(share, Decimal(trials - i + 1))
        )
        total = _UP.add(total, term)
        if _UP.scaleb(term, 60) < total:  # fewer than `i` terms are left, and none of them is greater
            return _UP.add(total, _UP.multiply(term, Decimal(i)))
    return total


def _power(base: Decimal, exponent: int) -> Decimal:
    """A power, rounded up."""
    result = _ONE
    while exponent:
        if exponent & 1:
            result = _UP.multiply(result, base)
        base, exponent = _UP.multiply(base, base), exponent >> 1
    return result
