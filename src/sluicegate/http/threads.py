"""Threads for what may not wait behind other requests: the questions of gateways, and time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread

_OWN = CapacityLimiter(8)


async def urgently(function: Callable[..., Any], *given: Any) -> Any:
    """What a function returns, from one of a few threads that only such calls use."""
    return await to_thread.run_sync(partial(function, *given), limiter=_OWN)
