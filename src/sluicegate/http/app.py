"""An ASGI application of ours: one spelling a path, one form of every error, tasks that may not fail."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.errors import SluicegateError
from sluicegate.http.errors import on_error, on_hang_up, on_http, on_surprise

_log = logging.getLogger(__name__)

Running = Callable[[], Coroutine[Any, Any, None]]
"""What is done beside the requests, until it is cancelled."""
Fault = Callable[[BaseException], None]
"""Called once if such a task has failed: the process cannot go on."""
OnError = Callable[[Request, Exception], Awaitable[Response]]
Shown = Callable[[Request, Response], Awaitable[Response]]
"""An error answer as its reader can read it."""


def application(
    routes: Sequence[Route], tasks: Sequence[Running], fault: Fault, shown: Shown | None = None
) -> Starlette:
    """The application that serves some routes, and does some tasks beside them; `shown` makes a page of an
    error for who reads pages.
    """

    def read_by(handle: OnError) -> OnError:
        async def handled(request: Request, error: Exception) -> Response:
            answer = await handle(request, error)
            return answer if shown is None else await shown(request, answer)

        return handled

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        running = [asyncio.create_task(task()) for task in tasks]
        for each in running:
            each.add_done_callback(partial(_on_end, fault))
        try:
            yield
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    app = Starlette(
        routes=routes,
        exception_handlers={
            SluicegateError: read_by(on_error),
            HTTPException: read_by(on_http),
            ClientDisconnect: on_hang_up,
            Exception: read_by(on_surprise),
        },
        lifespan=lifespan,
    )
    # A redirect would come before the token, to a host that the caller names.
    app.router.redirect_slashes = False
    # A `$` would also match before a line break at the end of a path.
    for route in routes:
        route.path_regex = re.compile(route.path_regex.pattern.removesuffix("$") + r"\Z")
    return app


def _on_end(fault: Fault, task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.critical("this process ends: a task of its own failed", exc_info=error)
        fault(error)
