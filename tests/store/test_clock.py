from __future__ import annotations

from pathlib import Path

import pytest

from sluicegate.store.clock import FILE, ClockFile, FollowedClock, SteadyClock

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
    assert abs(clock() - began - passed) <= HOUR_MS + 0.001 * passed
    assert abs(time.wall_ms - began - passed) > 6 * HOUR_MS


def test_steps_to_and_fro_are_followed_for_ever(time: Time, clock: SteadyClock) -> None:
    for _ in range(1_000):
        for step in (50_000, -50_000):
            time.passes(1_000, wall=1_000 + step)
            assert clock() == time.wall_ms


# From start to start, and from process to process


def started(time: Time, folder: Path, boot: str = "boot-1") -> SteadyClock:
    return SteadyClock(lambda: time.wall_ms, lambda: time.boot_ms, ClockFile(folder, boot))


def followed(time: Time, folder: Path, boot: str = "boot-1") -> FollowedClock:
    return FollowedClock(lambda: time.wall_ms, lambda: time.boot_ms, ClockFile(folder, boot))


def test_a_start_does_not_follow_a_jump_either_but_the_next_boot_does(time: Time, tmp_path: Path) -> None:
    before = started(time, tmp_path)()
    time.passes(1_000, wall=3 * HOUR_MS)
    assert started(time, tmp_path)() == before + 1_000
    time.boot_ms = 0
    assert started(time, tmp_path, "boot-2")() == time.wall_ms


def test_who_knows_that_the_clock_is_right_deletes_the_file(
    time: Time, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    started(time, tmp_path)
    time.passes(1_000, wall=3 * HOUR_MS)
    started(time, tmp_path)
    assert f"if it is right, delete {tmp_path / FILE} and start again" in caplog.text
    (tmp_path / FILE).unlink()
    assert started(time, tmp_path)() == time.wall_ms


def test_a_feed_has_the_time_of_its_control_plane_whatever_the_wall_clock_says(
    time: Time, tmp_path: Path
) -> None:
    ours, feeds = started(time, tmp_path), followed(time, tmp_path)
    assert feeds() == ours()
    time.passes(1_000, wall=72 * HOUR_MS)
    assert ours() == feeds() == followed(time, tmp_path)() < time.wall_ms - 70 * HOUR_MS
    time.passes(1_000, wall=1_000 - 71 * HOUR_MS)  # set right, nearly
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
    assert [record.getMessage() for record in caplog.records] == [
        "the wall clock jumped by 7200 s and is not followed: set it right"
    ]
