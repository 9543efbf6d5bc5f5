"""What the lengths of several parts come to is what it is of all of them in one list."""

from __future__ import annotations

from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.lifecycle.lengths import Lengths, PooledLengths

SOME = st.lists(st.integers(-5, 5) | st.integers(0, 2**42))


def of(found: list[int]) -> Lengths:
    made = Lengths()
    for ms in found:
        made.add(ms)
    return made


@given(st.lists(SOME))
def test_parts_are_as_if_they_were_in_one(parts: list[list[int]]) -> None:
    every, pool = [ms for part in parts for ms in part], PooledLengths(map(of, parts))
    assert (len(pool), pool.total_ms) == (len(every), sum(every))
    if every:
        assert (pool.shortest_ms, pool.median_ms, pool.longest_ms) == (min(every), median(every), max(every))


@given(SOME, SOME)
def test_what_was_taken_out_does_not_count(kept: list[int], gone: list[int]) -> None:
    made = of([*kept, *gone])
    for ms in gone:
        made.remove(ms)
    assert (list(made), made.total_ms) == (sorted(kept), sum(kept))
