"""The follower: what is read beside a writer."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from sluicegate import memory
from sluicegate.acts import cases, releases, reports
from sluicegate.acts import directives as acts
from sluicegate.core.access import coverage
from sluicegate.service.follower import Follower
from tests.fakes import Breaking, MemoryPorts
from tests.plane import Plane, yes
from tests.worlds import content, directive_value

BOUND_S = 60.0


class SlowToCommit(Breaking):
    """A store whose next write, when it is armed, ends only when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.armed = False
        self.committing, self.let = threading.Event(), threading.Event()

    @contextmanager
    def write(self) -> Iterator[MemoryPorts]:
        with super().write() as ports:
            yield ports
            if self.armed:
                self.committing.set()
                assert self.let.wait(BOUND_S)


def in_thread(what: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Do something beside the test; the list holds what came of it."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(what()), daemon=True)
    thread.start()
    return thread, found


def test_a_read_does_not_wait_for_a_slow_commit():
    store = SlowToCommit()
    plane = Plane(store)
    plane.opened()
    size = plane.size
    store.armed = True
    writing, written = in_thread(plane.submit)
    assert store.committing.wait(BOUND_S)
    reading, read = in_thread(
        lambda: (
            plane.do("developer", cases.LIST).size,
            plane.do("developer", reports.REPORT).size,
            plane.do("developer", releases.STATUS).size,
            plane.ledger.size(),
            len(plane.ledger.entries(0, size)),
            plane.ledger.now_ms() > 0,
        )
    )
    reading.join(BOUND_S)
    waited = reading.is_alive()
    store.let.set()
    writing.join(BOUND_S)
    reading.join(BOUND_S)
    assert not waited
    assert read == [(size, size, size, size, size, True)]
    assert yes(written[0]).size == plane.size > size


def test_a_caller_reads_what_it_wrote():
    plane = Plane()
    plane.opened()
    for number in range(5):
        case = yes(plane.submit(name=f"Example Utility {number}"))
        shown = plane.do("applicant", cases.LIST)
        assert shown.size >= case.size
        assert shown.cases[0].case == case.application


class Stopping(Follower):
    """A follower that stops in the middle of a command, until the test lets it."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.stopped, self.let = threading.Event(), threading.Event()
        apply = self.state.apply

        def slowly(entry: Any) -> None:
            apply(entry)
            if entry.seq == at:
                self.stopped.set()
                assert self.let.wait(BOUND_S)

        self.state.apply = slowly  # type: ignore[method-assign]


def test_a_reader_never_sees_half_a_command():
    plane = Plane()
    plane.opened()
    case = plane.submit().application
    plane.say(case, "oncd")
    before = plane.size
    plane.say(case, "ostp")  # a position, a determination, a grant
    entries = plane.ledger.entries(0, plane.size)
    assert len(entries) >= before + 3
    assert len({entry.id for entry in entries[before:]}) == 1
    found = Stopping(at=before)
    folding, _ = in_thread(lambda: found.follow(entries))
    assert found.stopped.wait(BOUND_S)
    assert found.position.size == before

    def look() -> tuple[int, bool]:
        with found.reading() as state:
            return state.size, bool(state.grants)

    reading, seen = in_thread(look)
    found.let.set()
    folding.join(BOUND_S)
    reading.join(BOUND_S)
    assert seen == [(len(entries), True)]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_one_that_catches_up_in_parts_sees_whole_commands(chunk):
    plane = Plane()
    plane.opened()
    plane.credential(plane.admit())
    entries = plane.ledger.entries(0, plane.size)
    inside = {one.size for one, other in pairwise(entries) if one.id == other.id}
    assert inside
    seen: list[int] = []

    class Watched(Follower):
        def follow(self, entries: Any) -> None:
            super().follow(entries)
            seen.append(self.position.size)

    found = Watched()
    found.catch_up(plane.store.log, chunk)
    assert inside.isdisjoint(seen)
    assert found.position.size == plane.size
    with found.reading() as state, plane.ledger.reading() as known:
        assert content(state) == content(known)
    assert found.root(plane.size) == plane.ledger.root(plane.size)


def test_what_was_followed_is_left_out_of_collections(monkeypatch):
    plane = Plane()
    plane.opened()
    monkeypatch.setattr(memory, "STEP", plane.size)
    found = Follower()
    try:
        found.follow(plane.ledger.entries(0, plane.size - 1))
        assert any(each is found.state for each in gc.get_objects())
        found.catch_up(plane.store.log)
        assert not any(each is found.state for each in gc.get_objects())
    finally:
        gc.unfreeze()


def test_readers_beside_a_writer_that_never_rests():
    """Each page is of one size, and a grant is there with its approval or not at all."""
    plane = Plane()
    plane.opened()
    done = threading.Event()

    def write() -> int:
        for number in range(40):
            plane.admit(name=f"Example Utility {number}")
        done.set()
        return plane.size

    def read() -> int:
        last = 0
        while not done.is_set():
            with plane.ledger.reading() as state:
                assert state.size >= last
                last = state.size
                held = {state.grants[name].case for name in state.grants}
                approved = {name for name, case in state.cases.items() if case.grant is not None}
                assert held == approved
            shown = plane.do("developer", cases.LIST)
            assert shown.size >= last
            assert plane.do("developer", reports.REPORT).size >= shown.size
        return last

    threads = [in_thread(write), *(in_thread(read) for _ in range(3))]
    for thread, _ in threads:
        thread.join(4 * BOUND_S)
    assert all(found for _, found in threads)


def test_a_preview_beside_a_writer_counts_and_falls_over_nothing():
    plane = Plane()
    plane.opened()
    for number in range(3):
        plane.credential(plane.admit(name=f"Example Utility {number}"), f"key {number}")
    done = threading.Event()
    text = json.dumps(directive_value("d-9"))

    def write() -> int:
        for number in range(3, 30):
            plane.credential(plane.admit(name=f"Example Utility {number}"), f"key {number}")
        done.set()
        return plane.size

    def count() -> list[int]:
        counts = []
        while not done.is_set():
            found = yes(plane.do("developer", acts.PREVIEW, "a-preview", text=text))
            counts.append(found.covered.credentials)
        return counts

    writing, _ = in_thread(write)
    counting, found = in_thread(count)
    writing.join(4 * BOUND_S)
    counting.join(BOUND_S)
    assert found[0]
    assert found[0] == sorted(found[0])
    assert 3 <= found[0][0] <= found[0][-1] <= 30


def test_a_fold_waits_for_one_slice_of_a_count_and_no_more():
    """The table is let go of between two slices, so that a writer gets in."""
    plane = Plane()
    plane.opened()
    grant = plane.admit()
    for number in range(coverage.SLICE + 2):
        plane.credential(grant, f"key {number}")
    holds: list[int] = []

    @contextmanager
    def held() -> Iterator[None]:
        holds.append(0)
        with plane.ledger.reading():
            yield

    plane.direct("d-9")
    with plane.ledger.reading() as state:
        table = state.table
    answer = coverage.coverage(table, table.directives["d-9"], (), plane.wall(), None, held)
    assert answer.covered.credentials == coverage.SLICE + 2
    assert len(holds) >= 4
