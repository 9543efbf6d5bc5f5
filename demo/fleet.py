"""A feed beside a ledger in this process, by the ledger's clocks, and a control plane served by a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import uvloop
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


Serve: TypeAlias = Callable[[asyncio.Event, Callable[[str], None]], Coroutine[Any, Any, None]]
"""Serves something until the event is set; what it calls once gets its URL."""


@contextmanager
def in_a_thread(serve: Serve) -> Iterator[str]:
    """Serve something in a thread; its URL."""
    ready, urls = threading.Event(), list[str]()
    stops = list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()

    def on_ready(url: str) -> None:
        urls.append(url)
        ready.set()

    async def serving() -> None:
        stop = asyncio.Event()
        stops.append((asyncio.get_running_loop(), stop))
        await serve(stop, on_ready)

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serving())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(60), "it does not start"
    try:
        yield urls[0]
    finally:
        [(loop, stop)] = stops
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def served(wired: bootstrap.Control) -> AbstractContextManager[str]:
    """Serve a control plane in a thread; its URL."""
    return in_a_thread(partial(bootstrap.serve_control, wired))
