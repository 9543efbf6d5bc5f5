"""How often keys were used on each day: counted from reports, kept beside the log, shown to their holder."""

from __future__ import annotations

import pytest

from sluicegate.acts import credentials, fleet
from sluicegate.acts.credentials import DayUsage, ModelUsage
from sluicegate.acts.fleet import KeyTally, TalliedKey
from sluicegate.errors import StoreUnavailable
from sluicegate.ports import KeyDay
from sluicegate.service import day_uses
from sluicegate.service.day_uses import DAYS, WRITE_MS, DayUses
from sluicegate.service.room import Room, endless
from sluicegate_record.log.times import DAY_MS
from tests.fakes import Breaking
from tests.plane import Plane, no, yes
from tests.worlds import MODEL

NOON = 100 * DAY_MS + DAY_MS // 2
RUN = ("gateway-1", "run-1")


def row(credential: str = "a", passed: int = 1, refused: int = 0, model: str = "") -> TalliedKey:
    return TalliedKey(credential=credential, passed=passed, refused=refused, model=model)


def test_a_tally_that_comes_twice_counts_once():
    uses = DayUses(Breaking().key_uses, endless())
    for number, run in ((1, RUN), (1, RUN), (2, RUN), (1, ("gateway-1", "run-2"))):
        uses.report(run, number, [row(passed=2, refused=1)], NOON)
    assert uses.of(["a"], NOON) == [KeyDay("a", 100, 6, 3)]


def test_what_is_written_and_what_waits_is_one_count():
    kept = Breaking().key_uses
    uses = DayUses(kept, endless())
    uses.report(RUN, 1, [row(), row("b")], NOON)
    uses.write(NOON)
    uses.report(RUN, 2, [row(refused=4)], NOON)
    uses.write(NOON + WRITE_MS - 1)
    assert kept.days(["a"], 0) == [KeyDay("a", 100, 1, 0)]
    assert uses.of(["a", "b"], NOON) == [KeyDay("a", 100, 2, 4), KeyDay("b", 100, 1, 0)]
    uses.write(NOON + WRITE_MS)
    assert kept.days(["a"], 0) == [KeyDay("a", 100, 2, 4)] == uses.of(["a"], NOON)


def test_days_that_are_old_are_not_shown_and_are_forgotten():
    kept = Breaking().key_uses
    uses = DayUses(kept, endless())
    uses.report(RUN, 1, [row()], NOON)
    uses.write(NOON)
    assert uses.of(["a"], NOON + (DAYS - 1) * DAY_MS) == [KeyDay("a", 100, 1, 0)]
    later = NOON + DAYS * DAY_MS
    assert uses.of(["a"], later) == []
    uses.write(later)
    assert kept.days(["a"], 0) == []


def test_what_cannot_be_written_waits():
    kept, free = Breaking().key_uses, [0]
    uses = DayUses(kept, Room(lambda: free[0], 10))
    uses.report(RUN, 1, [row()], NOON)
    with pytest.raises(StoreUnavailable):
        uses.write(NOON)
    free[0] = 100
    uses.write(NOON)
    assert kept.days(["a"], 0) == [KeyDay("a", 100, 1, 0)]


def test_what_is_old_is_forgotten_also_while_the_disk_is_full():
    kept, free = Breaking().key_uses, [100]
    uses = DayUses(kept, Room(lambda: free[0], 10))
    uses.report(RUN, 1, [row()], NOON)
    uses.write(NOON)
    free[0], later = 0, NOON + DAYS * DAY_MS
    uses.report(RUN, 2, [row()], later)
    with pytest.raises(StoreUnavailable):
        uses.write(later)
    assert kept.days(["a"], 0) == []


def test_the_number_of_so_many_runs_is_known_and_of_no_more(monkeypatch):
    monkeypatch.setattr(day_uses, "RUNS_MAX", 2)
    uses = DayUses(Breaking().key_uses, endless())
    for name in ("1", "2", "3", "3"):
        uses.report(("gateway", name), 1, [row()], NOON)
    assert len(uses._numbers) == 2
    assert uses.of(["a"], NOON) == [KeyDay("a", 100, 3, 0)]


def test_its_holder_and_the_staff_see_it_by_key_and_day_and_it_is_no_entry():
    plane = Plane(Breaking())
    plane.opened()
    grant = plane.admit("applicant")
    key, unused = plane.credential(grant).credential, plane.credential(grant, "unused").credential
    size = plane.ledger.size()
    rows = (row(key, 3, 2), row("cred_x"))
    who = {"gateway": "gateway-1", "incarnation": "run-1", "surface": "api"}
    yes(plane.do("gateway-1", fleet.REPORT, **who, tally=KeyTally(number=1, rows=rows)))
    yes(plane.do("gateway-1", fleet.REPORT, **who))  # as an earlier gateway does
    assert plane.ledger.size() == size
    found = yes(plane.do("applicant", credentials.USAGE, grant=grant))
    assert yes(plane.do("developer", credentials.USAGE, grant=grant)) == found
    assert [each.credential for each in found.keys] == [unused, key]
    ((used,), none) = found.keys[1].days, found.keys[0].days
    assert (used.day, used.passed, used.refused, none) == (found.until, 3, 2, ())
    assert no(plane.do("rival", credentials.USAGE, grant=grant)) == "grant_unknown"
    page = yes(plane.do("applicant", credentials.USAGE, grant=grant, limit=1))
    assert page.next == unused
    assert yes(plane.do("applicant", credentials.USAGE, grant=grant, before=page.next)).keys == found.keys[1:]


def test_requests_are_counted_by_model_and_those_of_which_none_is_told_stand_beside_them():
    plane = Plane(Breaking())
    plane.opened()
    grant = plane.admit("applicant")
    key = plane.credential(grant).credential
    rows = (row(key, 3, 2, MODEL), row(key, 1, 1, "made-up"), row(key, 0, 4))
    who = {"gateway": "gateway-1", "incarnation": "run-1", "surface": "api"}
    yes(plane.do("gateway-1", fleet.REPORT, **who, tally=KeyTally(number=1, rows=rows)))
    yes(plane.do("gateway-1", fleet.REPORT, **who, tally=KeyTally(number=2, rows=rows[:1])))
    plane.services.day_uses.write(plane.ledger.now_ms())
    (found,) = yes(plane.do("applicant", credentials.USAGE, grant=grant)).keys
    (day,) = found.days
    assert (day.passed, day.refused) == (7, 9)
    assert (
        day.models
        == day.by_model
        == (
            ModelUsage(model=MODEL, passed=6, refused=4),
            ModelUsage(model=None, passed=1, refused=5),
        )
    )
    earlier = DayUsage(day=day.day, passed=1, refused=2)  # as an earlier control plane answers
    assert earlier.by_model == (ModelUsage(model=None, passed=1, refused=2),)
