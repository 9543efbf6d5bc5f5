from __future__ import annotations

import asyncio
import gc

from sluicegate.bootstrap import run_until_signalled


def test_collections_leave_alone_what_was_loaded_before_serving():
    loaded: list[object] = [[]]
    seen: list[int] = []

    async def serving(_: asyncio.Event) -> None:
        seen.append(gc.get_freeze_count())
        assert not any(each is loaded for each in gc.get_objects())

    try:
        run_until_signalled(serving)
    finally:
        gc.unfreeze()
    assert seen[0] > 0
