"""Places for work that takes long: whose turn it is."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

from sluicegate.gate.places import Places


async def turns(places: Places, *organizations: str, leaving: tuple[int, ...] = ()) -> list[str]:
    """Who has had a place, in order, if these come while all places are taken, and some leave again."""
    had: list[str] = []

    async def work(organization: str) -> None:
        async with places.place(organization):
            had.append(organization)

    async with AsyncExitStack() as taken:
        for _ in range(places._free):
            await taken.enter_async_context(places.place("first"))
        tasks = [asyncio.create_task(work(each)) for each in organizations]
        await asyncio.sleep(0)
        for number in leaving:
            tasks[number].cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    return had


def test_no_one_waits_for_all_that_another_organization_has_sent():
    assert asyncio.run(turns(Places(1), *"aaaabbc")) == list("abcabaa")


def test_who_leaves_takes_no_turn_and_no_place():
    places = Places(2)

    async def main() -> None:
        assert await turns(places, *"aab", leaving=(0, 1)) == ["b"]
        assert await turns(places, *"ab", leaving=(0, 1)) == []
        assert places._free == 2
        assert not places._waiting

    asyncio.run(main())


def test_who_leaves_as_its_turn_comes_passes_it_on():
    places = Places(1)

    async def main() -> None:
        async with places.place("a"):
            leaving = asyncio.create_task(places._come("b"))
            await asyncio.sleep(0)
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        assert places._free == 1

    asyncio.run(main())
