"""Threads that only some work uses, so that it does not wait behind other work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread


class Threads:
    """At most `count` threads."""

    def __init__(self, count: int) -> None:
        self._limiter = CapacityLimiter(count)

    async def run(self, function: Callable[..., Any], *given: Any) -> Any:
        """What a function returns, from one of these threads. It waits for one that is free."""
        return await to_thread.run_sync(partial(function, *given), limiter=self._limiter)


urgently = Threads(8).run
"""What a function returns, from one of a few threads for what time makes due, and for following the log."""
