"""The head of the log: from its stored tree, along its signed heads, and never from anything else."""

from __future__ import annotations

import pytest

from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.feed.head import NEWEST, Head
from sluicegate_record.log import checkpoint, merkle
from tests.fakes import MemoryStore
from tests.plane import Plane
from tests.worlds import ORIGIN, plan_value, private_key


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened(plan_value(leaseMs=2_000))
    return plane


def test_it_begins_where_the_log_is(plane):
    head = Head(plane.store.log)
    reached = head.reached
    assert (reached.size, reached.root) == (plane.size, plane.ledger.root(plane.size))
    assert (reached.lease_ms, reached.longest_ms) == (2_000, 5_000)
    assert head.log_key == checkpoint.parse_vkey(plane.ledger.vkey())
    assert reached.checkpoint == plane.ledger.checkpoint()


def test_it_begins_without_the_entries_of_the_log(plane):
    """Only the first entry, the last, and those that put plans in force are read."""
    for seq, entry in enumerate(plane.store.contents.entries[1:-1], 1):
        if entry.type != "release.applied":
            plane.store.contents.entries[seq] = entry._replace(leaf=b"never read")
    assert Head(plane.store.log).reached.size == plane.size


def test_a_log_that_has_not_begun_is_waited_for():
    with pytest.raises(StoreUnavailable, match="has not begun"):
        Head(MemoryStore().log)


def test_it_follows_what_is_appended(plane):
    head = Head(plane.store.log)
    plane.direct("d-1")
    plane.apply(plan_value(leaseMs=700))
    reached = head.follow()
    assert (reached.size, reached.root) == (plane.size, plane.ledger.root(plane.size))
    assert (reached.lease_ms, reached.longest_ms) == (700, 5_000)
    assert head.follow() is reached


def test_entries_are_the_logs_whether_they_are_kept_or_not(plane):
    head = Head(plane.store.log)
    for number in range(NEWEST):
        plane.direct(f"d-{number}")
    head.follow()
    stored = [entry.leaf for entry in plane.store.log.entries(0, plane.size)]
    for after in (0, plane.size - NEWEST - 1, plane.size - NEWEST, plane.size - 1, plane.size):
        assert [each.leaf for each in head.entries(after, plane.size)] == stored[after:]
        assert [each.leaf for each in head.entries(after, plane.size - 1)] == stored[after:-1]
    for size in (0, 1, plane.size - 1, plane.size):
        assert head.root(size) == plane.ledger.root(size)


def resigned(plane: Plane, size: int, root: bytes, owner: str = "log") -> None:
    plane.store.contents.checkpoint = checkpoint.sign(ORIGIN, size, root, private_key(owner))


@pytest.mark.parametrize(
    ("size", "root", "owner"), [(0, None, "oncd"), (0, bytes(32), "log"), (1, None, "log")], ids=str
)
def test_a_head_that_is_not_the_logs_own_is_refused(plane, size, root, owner):
    following = Head(plane.store.log)
    plane.direct("d-1")
    resigned(plane, plane.size - size, root or plane.ledger.root(plane.size), owner)
    with pytest.raises(StoreUnusable):
        Head(plane.store.log)
    before = following.reached
    with pytest.raises(StoreUnusable):
        following.follow()
    assert following.reached is before


def test_an_altered_entry_is_refused_when_it_is_followed(plane):
    following = Head(plane.store.log)
    plane.direct("d-1")
    last = plane.store.contents.entries[-1]
    plane.store.contents.entries[-1] = last._replace(leaf=last.leaf.replace(b"d-1", b"d-2"))
    with pytest.raises(StoreUnusable, match="not those of the signed head"):
        following.follow()


def test_a_log_that_goes_back_is_refused(plane):
    head = Head(plane.store.log)
    size = plane.size - 1
    del plane.store.contents.entries[size:]
    resigned(plane, size, merkle.root(size, plane.store.log.nodes))
    with pytest.raises(StoreUnusable, match="goes back"):
        head.follow()
