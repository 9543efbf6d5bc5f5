"""The control plane as an ASGI application."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from sluicegate.acts.table import PUBLIC
from sluicegate.control import feed, logfiles, openapi, operations, page
from sluicegate.control.errors import on_error, on_hang_up, on_http, on_surprise
from sluicegate.control.plane import ControlPlane
from sluicegate.control.routes import routes
from sluicegate.control.threads import urgently
from sluicegate.errors import SluicegateError, StoreUnavailable

TICK_S = 1.0
"""How often time is looked at while no one asks for anything."""
_log = logging.getLogger(__name__)


Fault = Callable[[BaseException], None]
"""Called once if a task of the control plane itself has failed: it cannot go on."""


def application(plane: ControlPlane, fault: Fault) -> Starlette:
    """The application that serves a control plane."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        running = [asyncio.create_task(_tick(plane)), asyncio.create_task(plane.refresher.run())]
        for task in running:
            task.add_done_callback(partial(_on_end, fault))
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    routed = [
        *routes(plane, PUBLIC),
        feed.route(plane),
        *logfiles.routes(plane),
        *operations.routes(plane.services),
        openapi.route(PUBLIC),
        page.ROUTE,
    ]
    app = Starlette(
        routes=routed,
        exception_handlers={
            SluicegateError: on_error,
            HTTPException: on_http,
            ClientDisconnect: on_hang_up,
            Exception: on_surprise,
        },
        lifespan=lifespan,
    )
    # A redirect would come before the token, to a host that the caller names.
    app.router.redirect_slashes = False
    # A `$` would also match before a line break at the end of a path.
    for route in routed:
        route.path_regex = re.compile(route.path_regex.pattern.removesuffix("$") + r"\Z")
    return app


def _on_end(fault: Fault, task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.critical("this control plane ends: a task of its own failed", exc_info=error)
        fault(error)


async def _tick(plane: ControlPlane) -> None:
    """Let time move cases, count gateways out and tell of directives, also while no one asks for anything."""
    services = plane.services
    while True:
        try:
            await urgently(services.ledger.tick)
            await urgently(services.fleet.tick)
            await urgently(services.telling.tell, await plane.waiters.passed_on())
        except StoreUnavailable as error:
            _log.warning("what is due waits: %s", error.message)
        await asyncio.sleep(TICK_S)
