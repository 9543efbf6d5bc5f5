"""When keys were last used: noted from reports, written beside the log, shown in lists."""

from __future__ import annotations

import pytest

from sluicegate.acts import credentials, fleet
from sluicegate.acts.fleet import UsageRow
from sluicegate.errors import StoreUnavailable
from sluicegate.service.last_use import PART, LastUses
from sluicegate.service.room import Room, endless
from sluicegate_record.log.times import HOUR_MS
from tests.fakes import Breaking, MemoryKeyUses
from tests.plane import Plane, yes
from tests.worlds import MODEL

NOON = 12 * HOUR_MS


class Counting(MemoryKeyUses):
    """`ports.KeyUses` that notes what it was asked to write."""

    def __init__(self) -> None:
        super().__init__(Breaking().session)
        self.written: list[tuple[int, int]] = []

    def note(self, credentials, at_ms):
        self.written.append((len(credentials), at_ms))


def test_a_key_is_written_once_an_hour():
    kept = Counting()
    uses = LastUses(kept, endless())
    for minutes in (0, 1, 59):
        uses.note(["a"], NOON + minutes * 60_000)
        uses.write()
    uses.note(["a"], NOON + HOUR_MS)
    uses.write()
    assert kept.written == [(1, NOON), (1, NOON + HOUR_MS)]


def test_many_are_written_in_parts():
    kept = Counting()
    uses = LastUses(kept, endless())
    uses.note(map(str, range(PART + 1)), NOON)
    uses.write()
    uses.write()
    assert kept.written == [(PART, NOON), (1, NOON)]


def test_what_cannot_be_written_waits():
    kept, room = Counting(), Room(lambda: free[0], 10)
    uses, free = LastUses(kept, room), [0]
    uses.note(["a"], NOON)
    with pytest.raises(StoreUnavailable):
        uses.write()
    uses.note(["a"], NOON + HOUR_MS)
    free[0] = 100
    uses.write()
    assert kept.written == [(1, NOON + HOUR_MS)]


def test_the_last_use_of_a_key_is_shown_to_its_holder_and_the_staff_and_is_no_entry():
    plane = Plane(Breaking())
    plane.opened()
    grant = plane.admit("applicant")
    key = plane.credential(grant).credential
    plane.credential(grant, "unused")
    size = plane.ledger.size()
    rows = (
        UsageRow(credential=key, model=MODEL, open=0, total=1),
        UsageRow(credential="cred_x", model=MODEL, open=0, total=1),
    )
    who = {"gateway": "gateway-1", "incarnation": "run-1", "surface": "api"}
    yes(plane.do("gateway-1", fleet.REPORT, **who, usage=rows))
    plane.services.last_uses.write()
    assert plane.ledger.size() == size
    hour_ms = plane.ledger.now_ms() // HOUR_MS * HOUR_MS
    for who_asks, expected in (("developer", hour_ms), ("applicant", hour_ms), ("oncd", None)):
        shown = yes(plane.do(who_asks, credentials.SHOW, credential=key))
        assert shown.last_used_ms == expected, who_asks
    unused, used = yes(plane.do("developer", credentials.LIST)).credentials
    assert (unused.last_used_ms, used.last_used_ms) == (None, hour_ms)
    assert plane.store.key_uses.last([key, "cred_x"]) == {key: hour_ms}
