"""The engine's time: an interval, and what has passed has passed."""

from __future__ import annotations

import pytest

from sluicegate.gate.engine import Engine, Lease, _Meter

HOUR_MS = 3_600_000


def test_the_time_is_known_within_the_poll_that_brought_it():
    clock = [1_000.0]
    engine = Engine("api", lambda: clock[0])
    assert engine.now() is None
    engine.renew(Lease(sent_ms=900, received_ms=1_000, ends_ms=5_900, control_ms=50_000))
    assert engine.now() == (50_000, 50_101)
    clock[0] = 5_900
    assert engine.now() is None


def test_what_has_ended_stays_ended_when_the_control_planes_clock_is_set_back():
    clock = [1_000.0]
    engine = Engine("api", lambda: clock[0])
    engine.renew(Lease(sent_ms=1_000, received_ms=1_000, ends_ms=6_000, control_ms=10 * HOUR_MS))
    clock[0] = 3_000
    passed = engine.now()
    assert passed is not None
    engine.renew(Lease(sent_ms=3_000, received_ms=3_000, ends_ms=8_000, control_ms=9 * HOUR_MS))
    now = engine.now()
    assert now is not None
    assert now.early_ms == 9 * HOUR_MS
    assert now.late_ms >= passed.early_ms


@pytest.mark.parametrize("per_minute", [0, -1])
def test_a_rate_of_nothing_admits_nothing(per_minute: int) -> None:
    meter = _Meter(per_minute, 0.0)
    assert [meter.take(at_ms) for at_ms in (0.0, 60_000.0, 1e12)] == [60, 60, 60]
