"""A log that its own key has signed for and that is not lawful."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sluicegate.store.sqlite import SqliteStore
from sluicegate_record.entries import Entry
from sluicegate_record.log import checkpoint, merkle, times
from sluicegate_record.log.merkle import Frontier
from tests.worlds import API, DAY_MS, ORIGIN, RELEASE, STAGE, World, private_key


def lying() -> World:
    """An organization is given a grant with the position of one agency; the rule asks for two."""
    world = World.opened()
    case = world.submit()
    world.say(case, "oncd")
    grant = {
        "grant": "grant_unlawful",
        "case": case.id,
        "release": RELEASE,
        "stage": STAGE,
        "surface": API,
        "terms": world.state.releases[RELEASE].terms[STAGE],
        "validFrom": times.format_time(world.now_ms),
        "validUntil": times.format_time(world.now_ms + DAY_MS),
        "positions": [
            {"agency": "oncd", "digest": case.positions["oncd"].digest, "seq": world.state.size - 1}
        ],
    }
    world.write("grant.approved", grant, organization="org-1")
    return world


def signed(entries: list[Entry], folder: Path) -> Path:
    """A database of entries under a head that the log's key has signed."""
    database, grown = folder / "ledger.db", Frontier()
    nodes = [node for entry in entries for node in grown.append(merkle.leaf_hash(entry.leaf))]
    note = checkpoint.sign(ORIGIN, grown.size, grown.root(), private_key("log"))
    with closing(SqliteStore(database)) as store, store.write() as ports:
        ports.log.append(entries, nodes, note)
    return database
