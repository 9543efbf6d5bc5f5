"""A feed beside a ledger in this process, by the ledger's clocks, and a control plane served by a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate import bootstrap
from sluicegate.feed.head import Head
from sluicegate.feed.leases import Clocks, Leases
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate.store.fleet import FEEDS, FILE, SqliteFeedRegister, SqliteFeeds

BOOT = "example"
NAME = "feed-1"


def fleet_of(ledger: Ledger, state_dir: Path) -> Fleet:
    """The fleet of a ledger, with the feeds in its state folder."""
    return Fleet(ledger, SqliteFeeds(state_dir), BOOT)


def feed_of(ledger: Ledger, fleet: Fleet, state_dir: Path, key: Ed25519PrivateKey) -> Leases:
    """A feed of a log that has begun. What it commits is noted at once."""
    folder = state_dir / FEEDS / NAME
    folder.mkdir(parents=True, exist_ok=True)
    leases = Leases(
        Head(ledger.store.log),
        ledger.store.feed_keys,
        SqliteFeedRegister(folder / FILE),
        key,
        NAME,
        Clocks(BOOT, ledger.boot_ms, ledger.wall_ms),
        max_entries=5_000,
        told=fleet.tick,
    )
    leases.begin()
    return leases


@contextmanager
def served(wired: bootstrap.Control) -> Iterator[str]:
    """Serve a control plane in a thread; its URL."""
    ready = threading.Event()
    urls: list[str] = []
    stops: list[Callable[[], object]] = []

    def on_ready(url: str) -> None:
        urls.append(url)
        ready.set()

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(stop.set))
        await bootstrap.serve_control(wired, stop, on_ready)

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    try:
        assert ready.wait(60), "the control plane does not start"
        yield urls[0]
    finally:
        stops[0]()
        thread.join()
