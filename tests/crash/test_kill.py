"""`kill -9` of the serving process at random instants under load: nothing acknowledged is lost, nothing refused
is allowed.

`SLUICEGATE_CRASH_SEED=… make test PYTEST_ARGS='-n0 tests/crash'` runs the same instants and commands again.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from tests.crash.customers import Acknowledged, Customers
from tests.crash.plane import Plane, running
from tests.crash.record import ENTRIES, Record
from tests.crash.traffic import Traffic

CUSTOMERS = 2
LOAD_S = (0.02, 0.5)
"""How long a process serves under load before it is killed."""
START_S = (0.0, 1.5)
"""How long after its start a process is killed that does not live to serve."""
KILLED_WHILE_STARTING = 0.2
CHECKED_AGAIN = 40
"""How many of the older acknowledgements are repeated after a restart; at the end all are."""

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("apart", [False, True], ids=["up", "apart"])
def test_nothing_acknowledged_is_lost_and_nothing_refused_is_allowed(apart, tmp_path, upstream_url, seed):
    with running(tmp_path, upstream_url, apart=apart) as plane:
        _Ordeal(plane, seed).undergo(kills=10)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("run", range(4))
@pytest.mark.parametrize("apart", [False, True], ids=["up", "apart"])
def test_two_hundred_kills(apart, run, tmp_path, upstream_url, seed):
    with running(tmp_path, upstream_url, apart=apart) as plane:
        _Ordeal(plane, f"{seed}/{run}").undergo(kills=25)


class _Ordeal:
    """One log under load, whose process is killed again and again."""

    def __init__(self, plane: Plane, seed: str) -> None:
        self._plane = plane
        self._random = random.Random(f"{seed} kills")
        self._record = Record(plane.vkey)
        self._traffic = Traffic(plane.gateway_url, plane.lease_ms, f"{seed} traffic")
        token = plane.token("developer")
        self._customers = [
            Customers(plane.control_url, token, plane.parties, self._traffic, f"{seed} {number}")
            for number in range(CUSTOMERS)
        ]
        self._repeated = [0] * CUSTOMERS

    def undergo(self, kills: int) -> None:
        plane = self._plane
        for thread in (*self._customers, self._traffic):
            thread.start()
        for _ in range(kills):
            if self._random.random() < KILLED_WHILE_STARTING:
                plane.control.kill()
                plane.control.spawn()
                time.sleep(self._random.uniform(*START_S))
            else:
                self._serve_a_while()
            plane.control.kill()
            self._survive(self._customers)
        for each in self._customers:
            each.leave()
            self._repeat(each.acknowledged)
        self._traffic.leave()
        done = Counter(each.command.kind for its in self._customers for each in its.acknowledged)
        print(f"acknowledged {dict(done)}, answered {dict(self._traffic.outcomes)}")
        assert done.keys() == ENTRIES.keys()

    def _serve_a_while(self) -> None:
        ends_s = time.monotonic() + self._random.uniform(*LOAD_S)
        while time.monotonic() < ends_s:
            self._record.see(self._plane.control_url)

    def _survive(self, customers: Sequence[Customers]) -> None:
        plane, record = self._plane, self._record
        with _still(customers):
            if not plane.apart:
                self._traffic.settled()
            record.check_disk(plane.database, customers)
            plane.start_control()
            record.check_http(plane.control_url)
            plane.wait_ready(record.seen.size)
            self._traffic.settled()
            self._check_effects()
            self._repeat_newest()
            self._traffic.judge()

    def _check_effects(self) -> None:
        """Every key is answered as what was acknowledged about it says."""
        with self._traffic.client() as client:
            for each in self._customers:
                for secret, status in each.expected():
                    assert self._traffic.asked(client, secret)[0] == status

    def _repeat_newest(self) -> None:
        for number, each in enumerate(self._customers):
            older = each.acknowledged[: self._repeated[number]]
            newer = each.acknowledged[self._repeated[number] :]
            self._repeat([*newer, *self._random.sample(older, min(CHECKED_AGAIN, len(older)))])
            self._repeated[number] = len(each.acknowledged)

    def _repeat(self, acknowledged: Sequence[Acknowledged]) -> None:
        """A command sent again under its id returns its first result, and is not done again."""
        with closing(self._plane.developer()) as client:
            for each in acknowledged:
                assert _first(client.do(each.command)) == _first(each.result)


def _first(result: dict[str, Any]) -> dict[str, Any]:
    """What is the command's own; whom a directive covers is counted anew for each answer."""
    return {name: value for name, value in result.items() if name not in {"covered", "spared"}}


@contextmanager
def _still(customers: Sequence[Customers]) -> Iterator[None]:
    """Nobody sends a command meanwhile."""
    with ExitStack() as stack:
        for each in customers:
            stack.enter_context(each.still())
        yield
