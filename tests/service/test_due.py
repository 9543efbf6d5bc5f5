"""What is due, as the ledger does it: in batches, between which others get their turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sluicegate.acts import credentials, grants
from sluicegate.core.lifecycle import ticks
from sluicegate.core.lifecycle.positions import Receive
from sluicegate.errors import StoreUnavailable
from sluicegate.service.due import BATCH_MS
from sluicegate_record.log.dsse import Envelope
from tests import worlds
from tests.plane import Plane, yes
from tests.waiting import BOUND_S, eventually
from tests.worlds import DAY_MS, plan_value, receipt, stage

DUE = 6
CLOCK = {"within": 5, "silence": "deny"}
ADMISSION = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "clock": CLOCK}


def replacing(name: str) -> Envelope:
    """A directive in place of one that is not here."""
    value = worlds.directive_value("d-2")
    value["metadata"]["replaces"] = {"directive": name, "document": worlds.digest("d-1")}
    return worlds.directive(value)


@pytest.fixture
def plane() -> Plane:
    """Six applications whose agency has been silent for too long; a credential."""
    plane = Plane()
    plane.opened(plan_value(stages=[stage(admission=ADMISSION)]))
    plane.credential(plane.admit(name="Example Grid"))
    for number in range(DUE):
        case = plane.case(plane.submit(name=f"Example Utility {number}").application)
        command: Receive = receipt(case, "oncd")
        yes(plane.ledger.execute(command, by="oncd", command_id=f"receipt-{number}"))
    plane.wall.at_ms += 10 * DAY_MS
    return plane


def types(plane: Plane, since: int) -> list[str]:
    return [entry.type for entry in plane.store.log.entries(since, 1_000)]


def is_due(plane: Plane) -> bool:
    with plane.ledger.reading() as state:
        return ticks.due(state, plane.ledger.now_ms()) is not None


def slow(plane: Plane) -> None:
    """From now on every look at the clock costs as much as a batch may take: one thing is done in each."""

    def boot() -> float:
        plane.boot.at_ms += BATCH_MS
        return plane.boot.at_ms

    plane.ledger._due = replace(plane.ledger._due, boot_ms=boot)


def heads(plane: Plane) -> list[int]:
    """The sizes of the heads that are signed from now on."""
    found: list[int] = []
    plane.ledger.watch(lambda: found.append(plane.size))
    return found


def test_many_things_are_done_in_one_commit(plane: Plane) -> None:
    since, signed = plane.size, heads(plane)
    plane.ledger.tick()
    assert types(plane, since) == ["case.silent", "case.determined"] * DUE
    assert signed == [plane.size]
    commands = [entry.id for entry in plane.store.log.entries(since, 1_000)]
    assert len(set(commands)) == DUE


def test_a_batch_ends_in_time(plane: Plane) -> None:
    slow(plane)
    since, signed = plane.size, heads(plane)
    plane.ledger.tick()
    assert signed == [since + 2 * done for done in range(1, DUE + 1)]


@pytest.mark.parametrize("breaks", ["before", "after"])
def test_what_a_crash_leaves_undone_is_due_again(plane: Plane, breaks: str) -> None:
    since = plane.size
    slow(plane)
    plane.store.breaks = breaks
    with pytest.raises(StoreUnavailable):
        plane.ledger.tick()
    plane.restart()
    plane.ledger.tick()
    assert types(plane, since) == ["case.silent", "case.determined"] * DUE


@pytest.mark.parametrize("what", ["directive", "credential"])
def test_what_only_narrows_does_not_wait_for_what_is_due(plane: Plane, what: str) -> None:
    since = plane.size
    if what == "directive":
        yes(plane.direct("d-2", models=[worlds.MODEL]))
    else:
        with plane.ledger.reading() as state:
            (name,) = state.keyring.places
        yes(plane.do("developer", credentials.REVOKE, credential=name))
    assert not [each for each in types(plane, since) if each.startswith("case.")]
    assert is_due(plane)


@pytest.mark.parametrize("is_late", [False, True])
def test_a_freed_seat_is_offered_at_once_if_nothing_was_due_before(is_late: bool) -> None:
    """Else the answer would wait for all of that."""
    plane = Plane()
    plane.opened(plan_value(stages=[stage(admission=ADMISSION, seats=1)]))
    held = plane.admit(name="Example Grid")
    waiting = plane.submit("rival", name="Example Utility").application
    for agency in ("oncd", "ostp"):
        plane.say(waiting, agency)
    if is_late:
        case = plane.case(plane.submit(name="Example Bank").application)
        yes(plane.ledger.execute(receipt(case, "oncd"), by="oncd", command_id="receipt"))
        plane.wall.at_ms += 10 * DAY_MS
    since = plane.size
    yes(plane.do("applicant", grants.SURRENDER, grant=held))
    assert types(plane, since) == ["grant.ended", *([] if is_late else ["case.offered"])]
    assert is_due(plane) is is_late


@pytest.mark.parametrize(
    "late",
    [
        lambda plane: plane.submit(name="Example Bank"),
        lambda plane: plane.issue(replacing("d-1")),
    ],
)
def test_everything_else_comes_after_what_is_due(plane: Plane, late: Callable[[Plane], Any]) -> None:
    since = plane.size
    late(plane)
    assert types(plane, since)[: 2 * DUE] == ["case.silent", "case.determined"] * DUE
    assert not is_due(plane)


def test_an_order_gets_its_turn_between_two_batches(plane: Plane) -> None:
    slow(plane)
    since, threads = plane.size, list[threading.Thread]()

    def order() -> None:
        if not threads:  # while the writer still holds the lanes, after its first batch
            thread = threading.Thread(target=lambda: yes(plane.direct("d-2", models=[worlds.MODEL])))
            threads.append(thread)
            thread.start()
            eventually(lambda: plane.ledger.waiting() > 0)

    plane.ledger.watch(order)
    plane.ledger.tick()
    threads[0].join(BOUND_S)
    happened = types(plane, since)
    assert happened.index("directive.issued") == 2
    assert len(happened) == 2 * DUE + 1
