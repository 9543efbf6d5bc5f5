from __future__ import annotations

import pytest

from sluicegate.bootstrap import SteadyClock

HOUR_MS = 3_600_000


class Time:
    """A wall clock and CLOCK_BOOTTIME, both moved by hand. Units: milliseconds."""

    def __init__(self) -> None:
        self.wall_ms, self.boot_ms = 1_782_000_000_000, 5_000.0

    def passes(self, ms: int, *, wall: int | None = None) -> None:
        self.boot_ms += ms
        self.wall_ms += ms if wall is None else wall


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clock(time: Time) -> SteadyClock:
    return SteadyClock(lambda: time.wall_ms, lambda: time.boot_ms)


def test_it_follows_the_wall_clock(time: Time, clock: SteadyClock) -> None:
    time.passes(90_000)
    assert clock() == time.wall_ms


@pytest.mark.parametrize("jump", [HOUR_MS + 1, -HOUR_MS - 1, 400 * 24 * HOUR_MS])
def test_a_jump_is_not_followed_but_time_goes_on(time: Time, clock: SteadyClock, jump: int) -> None:
    before = clock()
    time.passes(1_000, wall=1_000 + jump)
    assert clock() == before + 1_000
    time.passes(2_000)
    assert clock() == before + 3_000
    time.passes(500, wall=500 - jump)  # somebody has set it right
    assert clock() == time.wall_ms


def test_a_clock_that_is_slewed_is_followed_however_far(time: Time, clock: SteadyClock) -> None:
    for _ in range(100):
        time.passes(HOUR_MS, wall=HOUR_MS + 60_000)
        assert clock() == time.wall_ms


def test_a_jump_is_told_once(time: Time, clock: SteadyClock, caplog: pytest.LogCaptureFixture) -> None:
    time.passes(0, wall=2 * HOUR_MS)
    for _ in range(3):
        clock()
    assert [record.getMessage() for record in caplog.records] == [
        "the wall clock jumped by 7200 s and is not followed; set it right, or restart if it is"
    ]
