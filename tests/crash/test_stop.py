"""SIGTERM under load: a clean end within a bound, and nothing lost."""

from __future__ import annotations

import pytest

from tests.crash.ordeal import Ordeal
from tests.crash.plane import running

ROUNDS = 2


@pytest.mark.parametrize("apart", [False, True], ids=["up", "apart"])
def test_the_control_plane_stopped(apart, site, seed):
    with running(site, apart=apart) as plane:
        ordeal = Ordeal(plane, seed)
        with ordeal.load():
            for _ in range(ROUNDS):
                ordeal.serve_a_while()
                assert plane.control.terminate() == 0
                with ordeal.still():
                    if not apart:
                        ordeal.traffic.settled()
                    ordeal.check_disk()
                    plane.start_control()
                    ordeal.check_served()


def test_the_gateway_stopped(site, seed):
    with running(site, apart=True) as plane:
        ordeal = Ordeal(plane, seed)
        with ordeal.load():
            for _ in range(ROUNDS):
                ordeal.serve_a_while()
                assert plane.gateway.terminate() == 0
                ordeal.traffic.settled()
                with ordeal.still():
                    plane.start_gateway()
                    ordeal.check_served()
