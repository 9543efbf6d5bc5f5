"""The engine's time: an interval, and what has passed has passed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.access.decision import Instant
from sluicegate.core.access.refusals import Reason
from sluicegate.gate.engine import Engine, Lease
from sluicegate.gate.meter import Meter
from sluicegate_record.log.times import HOUR_MS


def test_the_time_is_known_within_the_poll_that_brought_it():
    clock = [1_000.0]
    engine = Engine("api", lambda: clock[0])
    assert engine.now() is Reason.GATE_STALE
    engine.renew(Lease(sent_ms=900, received_ms=1_000, ends_ms=5_900, control_ms=50_000))
    assert engine.now() == (50_000, 50_101)
    clock[0] = 5_900
    assert engine.now() is Reason.GATE_STALE


def test_what_has_ended_stays_ended_when_the_control_planes_clock_is_set_back():
    clock = [1_000.0]
    engine = Engine("api", lambda: clock[0])
    engine.renew(Lease(sent_ms=1_000, received_ms=1_000, ends_ms=6_000, control_ms=10 * HOUR_MS))
    clock[0] = 3_000
    engine.renew(Lease(sent_ms=3_000, received_ms=3_000, ends_ms=8_000, control_ms=9 * HOUR_MS))
    assert engine.now() == (10 * HOUR_MS + 1_998, 10 * HOUR_MS + 1_999)


def test_time_that_stands_still_at_the_control_plane_goes_on_at_the_gateway_between_leases_too():
    clock = [0.0]
    engine = Engine("api", lambda: clock[0])
    for hours in range(4):
        clock[0] = hours * HOUR_MS
        engine.renew(Lease(clock[0], clock[0], clock[0] + 5_000, control_ms=50 * HOUR_MS))
        now = engine.now()
        assert isinstance(now, Instant)
        assert 50 * HOUR_MS + 0.998 * hours * HOUR_MS <= now.early_ms <= (50 + hours) * HOUR_MS


def test_a_signed_time_that_is_later_is_taken():
    engine = Engine("api", lambda: 3_000.0)
    engine.renew(Lease(sent_ms=1_000, received_ms=1_000, ends_ms=6_000, control_ms=10 * HOUR_MS))
    engine.renew(Lease(sent_ms=3_000, received_ms=3_000, ends_ms=8_000, control_ms=11 * HOUR_MS))
    assert engine.now() == (11 * HOUR_MS, 11 * HOUR_MS + 1)


@given(
    until=st.integers(0, 60_000),
    travelled=st.integers(0, 5_000),
    later=st.integers(0, 70_000),
)
def test_it_is_looked_at_again_before_an_until_has_passed(until: int, travelled: int, later: int) -> None:
    lease = Lease(1_000.0 - travelled, 1_000.0, 1e9, control_ms=HOUR_MS)
    boot_ms = 1_000.0 + later
    if lease.instant(boot_ms).late_ms >= HOUR_MS + until:
        assert lease.late_at_ms(HOUR_MS + until) <= boot_ms


@pytest.mark.parametrize("per_minute", [0, -1])
def test_a_rate_of_nothing_admits_nothing(per_minute: int) -> None:
    meter = Meter(per_minute, 0.0)
    assert [meter.take(at_ms) for at_ms in (0.0, 60_000.0, 1e12)] == [60, 60, 60]
