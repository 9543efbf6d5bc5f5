from __future__ import annotations

from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from sluicegate.settings import CLOCK_BOUND_MS
from sluicegate.store.clock import FILE, JUMP_MS, ClockFile, FollowedClock, SteadyClock, synchronized_ms
from sluicegate_record.log.times import HOUR_MS


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


@pytest.mark.parametrize("jump", [JUMP_MS + 1, -JUMP_MS - 1, CLOCK_BOUND_MS, 400 * 24 * HOUR_MS])
def test_a_jump_is_not_followed_but_time_goes_on(time: Time, clock: SteadyClock, jump: int) -> None:
    before = clock()
    time.passes(1_000, wall=1_000 + jump)
    assert clock() == before + 1_000
    time.passes(2_000)
    assert clock() == before + 3_000
    time.passes(500, wall=500 - jump)  # somebody has set it right
    assert clock() == time.wall_ms


def test_a_clock_that_is_a_little_faster_is_followed_however_far(time: Time, clock: SteadyClock) -> None:
    for _ in range(2_000):
        time.passes(HOUR_MS, wall=HOUR_MS + 3_500)
        assert clock() == time.wall_ms


@pytest.mark.parametrize("step", [59 * 60_000 + 50_000, -59 * 60_000 - 50_000, 60_000, -1_000])
@pytest.mark.parametrize("between_ms", [0, 1_000, 10_000])
def test_a_jump_in_small_steps_is_a_jump(time: Time, clock: SteadyClock, step: int, between_ms: int) -> None:
    began, steps = time.wall_ms, 720 * HOUR_MS // abs(step) // 100
    for _ in range(steps):
        time.passes(between_ms, wall=between_ms + step)
        clock()
    passed = steps * between_ms
    assert abs(clock() - began - passed) <= JUMP_MS + 0.001 * passed
    assert abs(time.wall_ms - began - passed) > 6 * HOUR_MS


def test_steps_to_and_fro_are_followed_for_ever(time: Time, clock: SteadyClock) -> None:
    for _ in range(1_000):
        for step in (50_000, -50_000):
            time.passes(1_000, wall=1_000 + step)
            assert clock() == time.wall_ms


# From start to start, and from process to process


def started(time: Time, folder: Path, boot: str = "boot-1", **more: Any) -> SteadyClock:
    return SteadyClock(lambda: time.wall_ms, lambda: time.boot_ms, ClockFile(folder, boot), **more)


def followed(time: Time, folder: Path, boot: str = "boot-1") -> FollowedClock:
    return FollowedClock(lambda: time.wall_ms, lambda: time.boot_ms, ClockFile(folder, boot))


def test_a_start_does_not_follow_a_jump_either(time: Time, tmp_path: Path) -> None:
    before = started(time, tmp_path)()
    time.passes(1_000, wall=3 * HOUR_MS)
    assert started(time, tmp_path)() == before + 1_000


def test_the_operator_can_say_that_the_clock_is_right(
    time: Time, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    started(time, tmp_path)
    time.passes(1_000, wall=3 * HOUR_MS)
    started(time, tmp_path)
    assert "if it is right, start again with --clock-is-right" in caplog.text
    assert started(time, tmp_path, is_right=True)() == time.wall_ms
    assert started(time, tmp_path)() == time.wall_ms  # and it is kept


def test_the_kernel_can_say_that_the_clock_is_right(time: Time, tmp_path: Path) -> None:
    said: list[int | None] = [None]
    clock = started(time, tmp_path, kernel_ms=lambda: said[0])
    before = clock()
    time.passes(1_000, wall=3 * HOUR_MS)
    said[0] = time.wall_ms - 3 * HOUR_MS  # of another clock than the one that is read
    assert clock() == before + 1_000
    said[0] = time.wall_ms
    assert clock() == time.wall_ms
    said[0] = None
    time.passes(1_000, wall=-3 * HOUR_MS)
    assert clock() == before + 3 * HOUR_MS + 1_000


# A start of the machine


def booted(time: Time, wall: int) -> None:
    """The machine is started, and its wall clock then shows this much more than when it stopped."""
    time.boot_ms, time.wall_ms = 0, time.wall_ms + wall


@pytest.mark.parametrize("away", [0, 1_000, JUMP_MS, -JUMP_MS])
def test_a_start_of_the_machine_that_was_short_is_followed(time: Time, tmp_path: Path, away: int) -> None:
    started(time, tmp_path)
    booted(time, away)
    clock = started(time, tmp_path, "boot-2")
    assert clock() == time.wall_ms
    assert clock.doubted_ms() is None


@pytest.mark.parametrize("away", [JUMP_MS + 1, -JUMP_MS - 5_000, 9 * 24 * HOUR_MS])
def test_after_a_long_time_away_the_clock_is_in_doubt_and_time_goes_on_from_the_last_that_is_known(
    time: Time, tmp_path: Path, away: int, caplog: pytest.LogCaptureFixture
) -> None:
    known = started(time, tmp_path)()
    booted(time, away)
    clock = started(time, tmp_path, "boot-2")
    assert (clock(), clock.doubted_ms()) == (known, time.wall_ms)
    time.passes(2_000)
    assert (clock(), clock.doubted_ms()) == (known + 2_000, time.wall_ms)
    assert len(caplog.records) == 1
    assert started(time, tmp_path, "boot-2").doubted_ms() == time.wall_ms  # a start does not end it
    assert followed(time, tmp_path, "boot-2")() == time.wall_ms  # gateways compare that with their own


def test_doubt_ends_when_the_kernel_says_so_or_the_operator_or_the_clock_is_set_right(
    time: Time, tmp_path: Path
) -> None:
    known = started(time, tmp_path)()
    booted(time, HOUR_MS)
    said: list[int | None] = [None]
    clock = started(time, tmp_path, "boot-2", kernel_ms=lambda: said[0])
    said[0] = time.wall_ms
    assert (clock.doubted_ms(), clock()) == (None, time.wall_ms)
    booted(time, HOUR_MS)
    clock = started(time, tmp_path, "boot-3", is_right=True)
    assert (clock.doubted_ms(), clock()) == (None, time.wall_ms)
    booted(time, HOUR_MS)
    clock = started(time, tmp_path, "boot-4")
    assert clock.doubted_ms() == time.wall_ms
    time.wall_ms -= HOUR_MS - 1_000
    assert (clock.doubted_ms(), clock()) == (None, time.wall_ms)
    assert time.wall_ms > known


def test_the_time_of_the_newest_entry_is_known_too(time: Time, tmp_path: Path) -> None:
    newest_ms = time.wall_ms - HOUR_MS
    clock = started(time, tmp_path, newest_ms=newest_ms)
    assert (clock(), clock.doubted_ms()) == (newest_ms, time.wall_ms)
    assert started(time, tmp_path, newest_ms=time.wall_ms - JUMP_MS).doubted_ms() is None


def test_the_last_time_is_known_within_a_minute_also_if_nothing_was_entered(
    time: Time, tmp_path: Path
) -> None:
    clock = started(time, tmp_path)
    for _ in range(7_200):
        time.passes(1_000)
        clock()
    booted(time, JUMP_MS - 60_000)
    assert started(time, tmp_path, "boot-2").doubted_ms() is None


def test_what_the_kernel_of_this_machine_says_is_its_time() -> None:
    said = synchronized_ms()
    assert said is None or abs(said - time_ns() // 1_000_000) < HOUR_MS


def test_a_feed_has_the_time_of_its_control_plane_whatever_the_wall_clock_says(
    time: Time, tmp_path: Path
) -> None:
    ours, feeds = started(time, tmp_path), followed(time, tmp_path)
    assert feeds() == ours()
    time.passes(1_000, wall=72 * HOUR_MS)
    assert ours() == feeds() == followed(time, tmp_path)() < time.wall_ms - 70 * HOUR_MS
    time.passes(1_000, wall=1_000 + JUMP_MS - 72 * HOUR_MS)  # set right, nearly
    assert ours() == time.wall_ms
    time.passes(250)
    assert ours() == feeds() == time.wall_ms


@pytest.mark.parametrize("damage", [None, b"", b"{}", b'{"boot": "boot-1", "offsetMs": []}', b"[]", b"\xff"])
def test_without_a_time_of_its_control_plane_a_feed_has_that_of_the_machine(
    time: Time, tmp_path: Path, damage: bytes | None
) -> None:
    if damage is not None:
        (tmp_path / FILE).write_bytes(damage)
    assert followed(time, tmp_path)() == time.wall_ms
    assert started(time, tmp_path)() == time.wall_ms


def test_a_folder_that_cannot_be_written_stops_no_clock(
    time: Time, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert started(time, tmp_path / "none")() == time.wall_ms
    assert "cannot be written" in caplog.text


def test_a_jump_is_told_once(time: Time, clock: SteadyClock, caplog: pytest.LogCaptureFixture) -> None:
    time.passes(0, wall=2 * HOUR_MS)
    for _ in range(3):
        clock()
    (told,) = caplog.records
    assert told.getMessage() == (
        "the wall clock jumped by 7200 s and is not followed: "
        "set it right; if it is right, start again with --clock-is-right"
    )
