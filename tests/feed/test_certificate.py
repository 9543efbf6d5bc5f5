"""A feed's certificate ends for a thief of its key, too, who can put any time into an answer."""

from __future__ import annotations

import json

import pytest

from sluicegate.core.access.feed import CERTIFIED_MS
from sluicegate.errors import BadFeed
from sluicegate.gate.engine import Engine
from sluicegate.gate.feed import MachineClock, Tail
from sluicegate.gate.kept import TrustedHead
from sluicegate_record.log import checkpoint
from tests.lease.feed import polled
from tests.plane import Plane
from tests.worlds import API


def test_what_showed_a_later_time_ends_a_certificate():
    """However little later: a thief's time may be anywhere within the bound around a gateway's clock."""
    plane = Plane()
    verifier, clock = checkpoint.parse_vkey(plane.ledger.vkey()), MachineClock(plane.boot, plane.wall)
    tail = Tail(Engine(API, plane.boot), verifier, "gateway-1", clock, TrustedHead())

    def asks() -> None:
        poll = polled(tail.question(0))
        plane.hear(poll)
        tail.take(json.dumps(plane.feed.answer(poll)).encode())

    asks()
    stolen = plane.store.contents.certificates["feed-1"]
    plane.wall.at_ms += CERTIFIED_MS + 60_000
    plane.fleet.tick()
    plane.feed = plane.a_feed()
    asks()
    plane.wall.at_ms -= 120_000
    plane.store.contents.certificates["feed-1"] = stolen
    plane.feed = plane.a_feed()
    with pytest.raises(BadFeed, match="certificate that is over"):
        asks()
