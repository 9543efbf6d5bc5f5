"""A rate across real processes: two gateways and one key; gateways that are killed and start again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx2
import pytest

from tests.crash.customers import admitted
from tests.crash.parties import MODEL
from tests.crash.plane import Plane, Site, started
from tests.waiting import BOUND_S, eventually

PER_MINUTE = 60


class Customer:
    """Asks gateways with one key, and knows between which moments each of its answers was let through."""

    def __init__(self, secret: str) -> None:
        self._headers = {"authorization": f"Bearer {secret}"}
        self.answered: list[tuple[float, float]] = []

    def is_known(self, url: str) -> bool:
        """Whether a gateway has a lease and knows the key."""
        response = httpx2.get(
            f"{url}/v1/models", headers=self._headers, timeout=BOUND_S, trust_env=False, verify=False
        )
        return response.status_code == 200

    def ask(self, url: str) -> bool:
        """Ask once; whether it was answered. The only other thing is the quota's end."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
        asked_s = time.monotonic()
        response = httpx2.post(
            f"{url}/v1/chat/completions",
            json=body,
            headers=self._headers,
            timeout=BOUND_S,
            trust_env=False,
            verify=False,
        )
        if response.status_code == 200:
            self.answered.append((asked_s, time.monotonic()))
            return True
        assert response.json()["error"]["code"] == "quota_exceeded", response.text
        assert 1 <= int(response.headers["retry-after"]) <= 60
        return False

    def take(self, url: str) -> int:
        """Ask until a gateway refuses; how many answers there were."""
        count = 0
        while self.ask(url):
            count += 1
        return count

    def most(self) -> int:
        """The most answers that were for certain let through within one minute."""
        return max(
            sum(began_s <= asked_s and ended_s < began_s + 60 for asked_s, ended_s in self.answered)
            for began_s, _ in self.answered
        )


@contextmanager
def limited(site: Site) -> Iterator[tuple[Plane, Customer]]:
    """A plane with a rate, and a customer whose key its gateway knows."""
    with started(Plane(site, apart=True, per_minute=PER_MINUTE)) as plane:
        with closing(plane.developer()) as client:
            customer = Customer(admitted(client, plane.parties, "The Customer"))
        eventually(lambda: customer.is_known(plane.gateway_url))
        yield plane, customer


def test_a_gateway_that_is_killed_goes_on_with_what_is_left(site: Site) -> None:
    with limited(site) as (plane, customer):
        for _ in range(PER_MINUTE // 3):
            assert customer.ask(plane.gateway_url)
        plane.gateway.kill()
        plane.start_gateway()
        eventually(lambda: customer.is_known(plane.gateway_url))
        customer.take(plane.gateway_url)
        assert len(customer.answered) >= PER_MINUTE
        assert customer.most() <= PER_MINUTE


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_gateways_let_through_what_was_signed(site: Site) -> None:
    """The second gets its half when the first has spent the last of it a minute ago."""
    with limited(site) as (plane, customer):
        assert customer.take(plane.gateway_url) == PER_MINUTE
        second, url = plane.another_gateway("gateway-2")
        try:
            second.start("gateway")
            eventually(lambda: customer.is_known(url))
            spent = [0, 0]
            while 0 in spent:
                for which, gateway in enumerate((plane.gateway_url, url)):
                    spent[which] += customer.take(gateway)
                assert customer.most() <= PER_MINUTE
        finally:
            second.end()
