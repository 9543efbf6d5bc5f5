"""A rate at one gateway: never more than its part in any minute, and a wait that is as long as it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.access.rate import CELLS, NOTHING, WHOLE, WINDOW_MS, RatePart
from sluicegate.gate.rate import PRUNED_AT, TOGETHER_MS, WAIT_S_MAX, Limit, PastRequest, Rates
from tests.feed.surface import Notes

GRANT = "grant-1"
PARTS = st.sets(st.integers(0, CELLS - 1)).map(lambda cells: RatePart.of(sorted(cells)))
RATES = st.sampled_from([1, 2, 5, 60, 100])
ROUNDED_MS = 1e-6
"""What sums of steps may be wrong by."""
STEPS_MS = st.one_of(st.floats(0, 500), st.floats(0, 70_000), st.sampled_from([0.0, 250.0, 60_000.0]))


@given(st.lists(st.sampled_from(range(4)), min_size=CELLS, max_size=CELLS), st.integers(0, 10_000_000), RATES)
def test_parts_without_a_cell_in_common_are_the_rate_in_sum(owners, shift, per_minute):
    """However it is cut, and whatever the grant."""
    parts = [RatePart.of([cell for cell in range(CELLS) if owners[cell] == each]) for each in range(4)]
    assert sum(part.requests(per_minute, shift % CELLS) for part in parts) == per_minute
    assert WHOLE.requests(per_minute, shift % CELLS) == per_minute
    assert NOTHING.requests(per_minute, shift % CELLS) == 0


@given(PARTS)
def test_a_part_is_read_as_it_is_written(part):
    assert RatePart.read(part.bounds) == part


@pytest.mark.parametrize(
    "bounds",
    [
        (0,),
        (0, 0),
        (1, 0),
        (0, CELLS + 1),
        (-1, 5),
        (0, 5, 5, 6),
        (0, 5, 4, 6),
        (0, 5, 7),
        (CELLS, CELLS + 1),
    ],
)
def test_what_is_no_part_is_not_read(bounds):
    with pytest.raises(ValueError, match="bounds"):
        RatePart.read(bounds)


@given(st.lists(st.tuples(STEPS_MS, PARTS, RATES, st.integers(1, 200)), max_size=30))
def test_no_minute_has_more_than_the_part_of_its_last_request(steps):
    rates, at_ms, through = Rates(), 0.0, list[float]()
    for step_ms, part, per_minute, tries in steps:
        at_ms += step_ms
        for _ in range(tries):
            wait_s = rates.take([Limit(GRANT, per_minute)], part, at_ms)
            if wait_s:
                break
            through.append(at_ms)
            shift = rates._windows[GRANT].shift
            within = sum(at_ms - WINDOW_MS + ROUNDED_MS < each for each in through)
            assert within <= part.requests(per_minute, shift)


@given(st.lists(st.tuples(st.floats(0, 20_000), st.integers(1, 80)), min_size=1, max_size=20), RATES, RATES)
def test_who_waits_as_long_as_was_said_is_let_through_and_no_one_waits_much_too_long(steps, before, after):
    rates, at_ms, through = Rates(), 0.0, list[float]()
    for step_ms, tries in steps:
        at_ms += step_ms
        for _ in range(tries):
            if not rates.take([Limit(GRANT, before)], WHOLE, at_ms):
                through.append(at_ms)
    wait_s = rates.take([Limit(GRANT, after)], WHOLE, at_ms)
    if not wait_s:
        return
    assert 1 <= wait_s <= WAIT_S_MAX
    soonest_ms = sorted(through)[-after] + WINDOW_MS - at_ms
    assert wait_s * 1000 <= soonest_ms + TOGETHER_MS + 1000
    assert not rates.take([Limit(GRANT, after)], WHOLE, at_ms + 1000 * wait_s)


def test_a_steady_customer_gets_nearly_all_of_the_rate_and_a_burst_exactly_all():
    rates, through = Rates(), 0
    for tenth in range(36_000):
        through += not rates.take([Limit(GRANT, 60)], WHOLE, 100.0 * tenth)
    assert 60 * 59.5 <= through <= 60 * 60
    assert [rates.take([Limit("other", 60)], WHOLE, 0.0) == 0 for _ in range(99)].count(True) == 60


def test_requests_that_come_together_count_as_long_as_the_last_of_them():
    rates = Rates()
    came = [rates.take([Limit(GRANT, 2)], WHOLE, at_ms) for at_ms in (0.0, 200.0, 60_199.0, 60_200.0)]
    assert came == [0, 0, 1, 0]


def test_a_request_that_one_limit_refuses_counts_against_none():
    rates = Rates()
    narrow = [Limit(GRANT, 5), Limit(f"{GRANT} 1", 1)]
    assert [rates.take(narrow, WHOLE, 0.0) == 0 for _ in range(3)] == [True, False, False]
    assert [rates.take([Limit(GRANT, 5)], WHOLE, 0.0) == 0 for _ in range(5)] == [True] * 4 + [False]


def test_a_run_goes_on_with_what_the_one_before_has_left():
    memory = Notes()
    first = Rates(memory)
    assert first.spender == memory.spender
    assert [first.take([Limit(GRANT, 5)], WHOLE, 1_000.0) for _ in range(3)] == [0, 0, 0]
    second = Rates(memory)
    assert [second.take([Limit(GRANT, 5)], WHOLE, 2_000.0) for _ in range(3)] == [0, 0, 59]
    assert memory.noted[0] == PastRequest(memory.noted[4].key, 1_000.0)


def test_windows_that_are_empty_are_forgotten_and_no_other():
    rates = Rates()
    for number in range(2 * PRUNED_AT):
        rates.take([Limit(f"grant {number}", 1)], WHOLE, 100.0 * number)
    at_ms = 200.0 * PRUNED_AT
    assert len(rates._windows) < 2 * PRUNED_AT
    assert rates.take([Limit(f"grant {2 * PRUNED_AT - 1}", 1)], WHOLE, at_ms)
