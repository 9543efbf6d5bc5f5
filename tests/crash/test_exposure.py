"""The requests of a day across real processes: two gateways, and what is killed meanwhile."""

from __future__ import annotations

import time
from contextlib import closing

import httpx2
import pytest

from tests.crash.customers import Client, admitted
from tests.crash.parties import MODEL
from tests.crash.plane import Plane, Site, started
from tests.waiting import BOUND_S, eventually

PER_DAY = 60
DAY_S = 86_400


class Customer:
    """Asks gateways with one key. `refusal` is the reason of the last refusal, and `wait_s` what it said."""

    def __init__(self, secret: str) -> None:
        self._headers = {"authorization": f"Bearer {secret}"}
        self.answered = self.wait_s = 0
        self.refusal = ""

    def asks(self, url: str) -> bool:
        """Ask once; whether it was answered."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
        response = httpx2.post(
            f"{url}/v1/chat/completions",
            json=body,
            headers=self._headers,
            timeout=BOUND_S,
            trust_env=False,
            verify=False,
        )
        if response.status_code == 200:
            self.answered += 1
            return True
        self.refusal, self.wait_s = (
            response.json()["error"]["code"],
            int(response.headers["retry-after"] or 0),
        )
        assert response.status_code in {429, 503}, response.text
        return False

    def ends(self, url: str) -> bool:
        """Ask as long as a gateway answers; whether the day is used up there."""
        while self.asks(url):
            pass
        return self.refusal == "exposure_reached"


def today() -> int:
    return int(time.time()) // DAY_S


def shown(client: Client) -> int:
    """The requests of today, as the status shows them."""
    (release,) = client.ask("/api/v1/releases")["releases"]
    count: int = release["stages"][0]["exposure"]["requestsToday"]
    return count


def test_no_day_has_more_however_gateways_and_feeds_end_and_the_status_counts_it(site: Site) -> None:
    began = today()
    with started(Plane(site, apart=True, per_day=PER_DAY)) as plane:
        second, url = plane.another_gateway("gateway-2")
        urls = plane.gateway_url, url
        try:
            second.start("gateway")
            with closing(plane.developer()) as client:
                keys = [admitted(client, plane.parties, f"The Customer {number}") for number in (1, 2)]
                customers = [Customer(each) for each in keys]
                for customer, each in zip(customers, urls, strict=True):
                    for _ in range(PER_DAY // 4):
                        eventually(lambda: customer.asks(each))  # noqa: B023 - it is called here
                plane.gateway.kill()
                plane.feed.kill()
                plane.start_feed()
                plane.start_gateway()
                for customer, each in zip(customers, urls, strict=True):
                    eventually(lambda: customer.ends(each))  # noqa: B023 - it is called here
                total = sum(each.answered for each in customers)
                if today() != began:
                    pytest.skip("the day has changed meanwhile: each has its own requests")
                left_s = DAY_S - time.time() % DAY_S
                assert PER_DAY - len(urls) < total <= PER_DAY
                assert all(abs(each.wait_s - left_s) < BOUND_S for each in customers)
                eventually(lambda: shown(client) == total)
                plane.control.kill()
                plane.start_control()
                eventually(lambda: shown(client) == total)
        finally:
            second.end()
