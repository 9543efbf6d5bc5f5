"""One log under load, and all that must hold of it after a process was ended, however it was."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any

import httpx2

from tests.crash.customers import Acknowledged, Customers
from tests.crash.plane import Plane
from tests.crash.record import Record
from tests.crash.traffic import Traffic
from tests.waiting import eventually

CUSTOMERS = 2
LOAD_S = (0.02, 0.5)
"""How long a process serves under load before it is killed."""
LOOK_EVERY_S = 0.05
REPEATED_AGAIN = 20
"""How many of each customer's older acknowledgements are repeated at a check, beside all newer ones."""


class Ordeal:
    """Customers and traffic on one plane. All randomness is drawn from the seed."""

    def __init__(self, plane: Plane, seed: str) -> None:
        self.plane = plane
        self.random = random.Random(f"{seed} instants")
        self.record = Record(plane.vkey)
        self.traffic = Traffic(plane.gateway_url, plane.lease_ms, f"{seed} traffic")
        token = plane.token("developer")
        self._customers = [
            Customers(plane.control_url, token, plane.parties, self.traffic, f"{seed} {number}")
            for number in range(CUSTOMERS)
        ]
        self._repeated = [0] * CUSTOMERS

    @contextmanager
    def load(self) -> Iterator[None]:
        """Load until the block ends, and then a last check."""
        threads: list[Customers | Traffic] = [*self._customers, self.traffic]
        with ExitStack() as over:
            for thread in threads:
                thread.start()
                over.callback(thread.leave)
            yield
            with self.still():
                self.check_disk()
                self.check_served()
        for each in self._customers:
            each.check()
        self.traffic.judge()
        told = f"acknowledged {dict(self.acknowledged())}, answered {dict(self.traffic.outcomes)}"
        print(told)  # noqa: T201 - shown where a test fails

    def acknowledged(self) -> Counter[str]:
        """How many commands of each kind have been acknowledged."""
        return Counter(each.command.kind for its in self._customers for each in its.acknowledged)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Nobody sends a command meanwhile."""
        with ExitStack() as stack:
            for each in self._customers:
                stack.enter_context(each.still())
            yield

    def serve_a_while(self) -> None:
        """Let the load go on for a random time, and look at the log's head now and then."""
        ends_s = time.monotonic() + self.random.uniform(*LOAD_S)
        while time.monotonic() < ends_s:
            self.record.see(self.plane.control_url)
            time.sleep(LOOK_EVERY_S)

    def serve_until_acknowledged(self, kinds: AbstractSet[str]) -> None:
        """Let the load go on until a command of each kind has been acknowledged."""

        def are_all() -> bool:
            self.record.see(self.plane.control_url)
            return self.acknowledged().keys() >= kinds

        eventually(are_all)

    def check_disk(self) -> None:
        """Check the database file as it lies there. Requires: `still`."""
        self.record.check_disk(self.plane.database, self._customers)

    def check_served(self) -> None:
        """Check what the control plane and the gateway serve. Requires: `still`."""
        self.record.check_http(self.plane.control_url)
        self.plane.wait_ready(self.record.seen.size)
        self.traffic.settled()
        self._check_keys()
        self._repeat_newest()
        self.traffic.judge()

    def _check_keys(self) -> None:
        """Every key is answered as what was acknowledged about it says."""
        with self.traffic.client() as client:
            for each in self._customers:
                for secret, status in each.expected():
                    answered = eventually(partial(self._answered, client, secret))
                    assert answered[0] == status, f"{answered}, expected {status}"

    def _answered(self, client: httpx2.Client, secret: str) -> tuple[int, str] | None:
        """A word of the gateway; a busy machine may end a lease or a connection, and it is asked again."""
        answered = self.traffic.asked(client, secret)
        return None if answered[0] in {0, 503} else answered

    def _repeat_newest(self) -> None:
        for number, each in enumerate(self._customers):
            older = each.acknowledged[: self._repeated[number]]
            newer = each.acknowledged[self._repeated[number] :]
            self._repeat([*newer, *self.random.sample(older, min(REPEATED_AGAIN, len(older)))])
            self._repeated[number] = len(each.acknowledged)

    def _repeat(self, acknowledged: Sequence[Acknowledged]) -> None:
        """A command sent again under its id returns its first result, and is not done again."""
        size = self.record.see(self.plane.control_url).size
        with closing(self.plane.developer()) as client:
            for each in acknowledged:
                assert _first(client.do(each.command)) == _first(each.result)
        by_itself = {"grant.proven", "grant.differed", "directive.in_force"}
        assert self.record.types_after(self.plane.control_url, size) <= by_itself


def _first(result: dict[str, Any]) -> dict[str, Any]:
    """What is the command's own; whom a directive covers is counted anew for each answer."""
    return {name: value for name, value in result.items() if name not in {"covered", "spared"}}
