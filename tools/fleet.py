"""A feed beside a ledger in this process, by the ledger's clocks: what the examples of the docs ask."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
