"""Acts that wait for something outside, and hold no thread meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool

from sluicegate.acts import directives as acts
from sluicegate.acts.act import Answer, AnyAct
from sluicegate.acts.directives import AcceptedDirective, SignedDirective
from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import StoreUnavailable
from sluicegate.service import directives, preview
from sluicegate.service.context import Context

Waiting = Callable[[ControlPlane, Context[Any], Any], Awaitable[Answer | Refusal]]


async def _issue(
    plane: ControlPlane, context: Context[AcceptedDirective], asked: SignedDirective
) -> AcceptedDirective | Refusal:
    """Put a directive in force. When the gateways have it, tell those it affects, and count them."""
    issued = await run_in_threadpool(directives.issue, context, asked)
    size = await plane.waiters.passed_on()
    with suppress(StoreUnavailable):  # the next tick tells
        await run_in_threadpool(plane.services.telling.tell, size)
    return await run_in_threadpool(preview.counted, context.ledger, issued)


WAITING: dict[AnyAct, Waiting] = {acts.ISSUE: _issue}
"""The function of each of these acts."""
