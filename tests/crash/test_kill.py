"""`kill -9` at random instants under load: nothing acknowledged is lost, nothing refused is allowed.

`SLUICEGATE_CRASH_SEED=… make test PYTEST_ARGS='-n0 tests/crash'` draws the same instants and commands again.
"""

from __future__ import annotations

import time

import pytest

from sluicegate.gate.kept import Memory
from tests.crash.ordeal import Ordeal
from tests.crash.plane import running
from tests.crash.record import ENTRIES

START_S = (0.0, 0.2)
"""How long after its start a process is killed that does not live to serve."""
KILLED_WHILE_STARTING = 0.2

pytestmark = pytest.mark.timeout(600)
MODES = pytest.mark.parametrize("apart", [False, True], ids=["up", "apart"])


@MODES
def test_the_control_plane_killed(apart, site, seed):
    with running(site, apart=apart) as plane:
        kill_control(Ordeal(plane, seed), times=5)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("run", range(4))
@MODES
def test_the_control_plane_killed_two_hundred_times(apart, run, site, seed):
    with running(site, apart=apart) as plane:
        kill_control(Ordeal(plane, f"{seed}/{run}"), times=25)


def test_the_gateway_killed(site, seed):
    with running(site, apart=True) as plane:
        kill_gateway(Ordeal(plane, seed), times=4)


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_the_gateway_killed_fifty_times(site, seed):
    with running(site, apart=True) as plane:
        kill_gateway(Ordeal(plane, seed), times=50)


def kill_control(ordeal: Ordeal, times: int) -> None:
    """Kill what serves the control plane, and start it again; once more when every kind of command has been
    acknowledged: on a busy machine the customers get little done between two kills.
    """
    plane = ordeal.plane
    with ordeal.load():
        for kill in range(times + 1):
            if kill == times:
                ordeal.serve_until_acknowledged(ENTRIES.keys())
            elif ordeal.random.random() < KILLED_WHILE_STARTING:
                plane.control.kill()
                plane.control.spawn()
                time.sleep(ordeal.random.uniform(*START_S))
            else:
                ordeal.serve_a_while()
            plane.control.kill()
            with ordeal.still():
                if not plane.apart:
                    # Any gateway that answers from now on is a new one.
                    ordeal.traffic.settled()
                ordeal.check_disk()
                plane.start_control()
                ordeal.check_served()


def kill_gateway(ordeal: Ordeal, times: int) -> None:
    """Kill the gateway, and start it again: it remembers a head, and never an older one than before."""
    plane, seen = ordeal.plane, 0
    with ordeal.load():
        for _ in range(times):
            ordeal.serve_a_while()
            plane.gateway.kill()
            ordeal.traffic.settled()
            assert Memory(plane.seen.parent).load().size >= seen
            seen = Memory(plane.seen.parent).load().size
            with ordeal.still():
                plane.start_gateway()
                ordeal.check_served()
    assert seen
