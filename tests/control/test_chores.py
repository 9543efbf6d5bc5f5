"""What a control plane does by itself goes on, whatever one part of it meets."""

from __future__ import annotations

import asyncio
import logging

import pytest

from sluicegate.control.chores import Chores
from sluicegate.errors import StoreUnavailable, StoreUnusable


class Job:
    """Fails with each of some errors in turn; then it is done."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.done = 0

    def __call__(self) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.done += 1


def run(chores: Chores, times: int) -> None:
    async def rounds() -> None:
        for _ in range(times):
            for name in chores.chores:
                await chores.do(name)

    asyncio.run(rounds())


def test_a_chore_that_fails_stops_no_other_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    full = StoreUnavailable("the disk is full")
    first, second = Job(full, full, KeyError("a fault of ours")), Job()
    chores = Chores({"first": first, "second": second})
    with caplog.at_level(logging.INFO):
        run(chores, 3)
        assert (second.done, chores.failing) == (3, {"first": "KeyError"})
        run(chores, 1)
    assert (first.done, chores.failing) == (1, {})
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "first: it waits: the disk is full",
        "first: it waits: KeyError",
        "first: it goes on",
    ]


def test_a_store_that_is_not_ours_ends_the_process() -> None:
    with pytest.raises(StoreUnusable):
        run(Chores({"first": Job(StoreUnusable("the log goes back"))}), 1)
