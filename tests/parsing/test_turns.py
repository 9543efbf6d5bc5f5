"""Turns: no party has more than its own, and neither kind of party waits for all of the other."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from sluicegate.bounds import RUNNING_MAX, WAITING_MAX, WAITING_OF_PARTY_MAX
from sluicegate.errors import Overloaded
from sluicegate.parsing.turns import Turns


class Readings:
    """Texts of parties: each is read until it is told to end."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.read: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._ends: dict[str, list[asyncio.Event]] = {}

    async def asks(self, party: str, count: int = 1, *, decides: bool = False) -> None:
        self.tasks += [asyncio.create_task(self._one(party, decides)) for _ in range(count)]
        await settled()

    async def _one(self, party: str, decides: bool) -> None:
        async with self.turns.turn(party, decides=decides):
            self.read.append(party)
            ends = asyncio.Event()
            self._ends.setdefault(party, []).append(ends)
            await ends.wait()

    async def ends(self, party: str) -> None:
        self._ends[party].pop(0).set()
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(doing: Coroutine[Any, Any, None]) -> None:
    async def main() -> None:
        try:
            await doing
        finally:
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

    asyncio.run(main())


def test_one_party_has_one_place_and_the_others_have_theirs():
    async def doing() -> None:
        found = Readings()
        await found.asks("a", 5)
        assert found.read == ["a"]
        await found.asks("b", 5)
        await found.asks("c")
        assert found.read == ["a", "b"]
        await found.ends("a")  # who has had no turn yet comes before who has had one
        assert found.read == ["a", "b", "c"]
        await found.ends("b")
        await found.ends("c")
        assert found.read[3:] == ["a", "b"]

    run(doing())


def test_those_who_decide_have_a_place_of_their_own():
    async def doing() -> None:
        found = Readings()
        for party in "abcd":
            await found.asks(party)
        assert len(found.read) == RUNNING_MAX
        await found.asks("officer", decides=True)
        await found.asks("agency", decides=True)
        assert found.read == ["a", "b", "officer"]
        await found.ends("officer")
        assert found.read[3:] == ["agency"]  # the place of those who decide is kept for them
        await found.ends("a")
        assert found.read[4:] == ["c"]

    run(doing())


@pytest.mark.parametrize("first", ["agency", "applicant"])
def test_of_those_who_wait_one_who_decides_and_one_of_the_others_have_a_turn_after_each_other(first: str):
    async def doing() -> None:
        found = Readings()
        for at in range(RUNNING_MAX + 1):
            await found.asks(f"{first} {at}", decides=True)
        kinds = [("agency", True), ("applicant", False)]
        for kind, decides in kinds if first == "agency" else kinds[::-1]:
            for at in range(10, 13):
                await found.asks(f"{kind} {at}", decides=decides)
        for at in range(RUNNING_MAX + 1):
            await found.ends(f"{first} {at}")
        for at in range(10, 13):
            for kind, _ in kinds[::-1]:
                await found.ends(f"{kind} {at}")
        kinds_read = [party.partition(" ")[0] for party in found.read[RUNNING_MAX + 1 :]]
        assert kinds_read == ["applicant", "agency"] * 3

    run(doing())


def test_two_that_leave_at_once_both_leave():
    async def doing() -> None:
        found = Readings()
        for party in "abcd":
            await found.asks(party)
        for at in (0, 2):
            found.tasks[at].cancel()
        await settled()
        assert [task.cancelled() for task in found.tasks] == [True, False, True, False]
        assert found.read == ["a", "b", "d"]

    run(doing())


def test_who_has_too_many_texts_here_is_refused_and_others_are_not():
    async def doing() -> None:
        found = Readings()
        await found.asks("a", WAITING_OF_PARTY_MAX + 1)
        with pytest.raises(Overloaded, match="4 texts of yours wait"):
            async with found.turns.turn("a", decides=False):
                pass
        await found.asks("b")
        assert found.read == ["a", "b"]

    run(doing())


def test_a_full_queue_refuses_all_but_those_who_decide():
    async def doing() -> None:
        found = Readings()
        for at in range(RUNNING_MAX + WAITING_MAX):
            await found.asks(f"party-{at}")
        assert found.turns.waiting() == WAITING_MAX
        with pytest.raises(Overloaded, match="64 texts wait to be read"):
            async with found.turns.turn("one more", decides=False):
                pass
        await found.asks("officer", decides=True)
        assert found.read[-1] == "officer"

    run(doing())


@pytest.mark.parametrize("which", [0, 1], ids=["read", "waiting"])
def test_who_leaves_gives_its_place_to_the_next(which: int):
    async def doing() -> None:
        found = Readings()
        await found.asks("a", 2)
        await found.asks("b")
        await found.asks("c")
        assert found.read == ["a", "b"]
        found.tasks[which].cancel()
        await settled()
        assert found.read[2:] == (["c"] if which == 0 else [])
        await found.ends("b")
        assert found.read[-1] == ("a" if which == 0 else "c")
        assert found.turns.waiting() == 0

    run(doing())


def test_one_that_leaves_when_its_turn_comes_takes_no_place_with_it():
    async def doing() -> None:
        found = Readings()
        await found.asks("a", 2)
        found._ends["a"][0].set()
        await asyncio.sleep(0)
        found.tasks[1].cancel()
        await settled()
        await found.asks("a")
        assert found.read == ["a", "a"]

    run(doing())


def test_nothing_is_kept_of_parties_that_have_left():
    async def doing() -> None:
        found = Readings()
        for at in range(100):
            await found.asks(f"party-{at}")
            await found.ends(f"party-{at}")
        assert (found.turns._had, dict(found.turns._running)) == ({}, {})

    run(doing())
