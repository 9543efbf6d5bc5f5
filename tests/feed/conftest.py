from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from demo.fleet import served
from sluicegate import bootstrap
from sluicegate.settings import FeedSettings, HttpSettings
from tests.control.conftest import Plane, served_feed
from tests.waiting import BOUND_S, eventually


class Fed(Plane):
    """A control plane and its feed, each on a real socket."""

    def __init__(self, folder: Path, http: HttpSettings | None = None) -> None:
        super().__init__(folder, http)
        self.feed = bootstrap.feed(FeedSettings(folder, port=0, http=http or HttpSettings()))
        self.feed_url = ""

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve both; the feed gives leases, as the control plane has certified its key."""
        with served(self.wired) as self.url, served_feed(self.feed) as self.feed_url:
            with self.gateway() as client:
                eventually(lambda: client.get("/readyz").is_success)
            yield

    def gateway(self, name: str = "gateway-1") -> httpx2.Client:
        """Somebody who asks the feed with the token of a gateway."""
        headers = {"authorization": f"Bearer {self.token('gateway', name)}"}
        return httpx2.Client(
            base_url=self.feed_url, headers=headers, timeout=BOUND_S, trust_env=False, verify=False
        )


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Fed]:
    made = Fed(tmp_path)
    with made.serving():
        yield made
