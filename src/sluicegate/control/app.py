"""The control plane as an ASGI application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sluicegate import __version__
from sluicegate.acts.table import PUBLIC
from sluicegate.control import api, feed, page
from sluicegate.control.errors import body_of, on_error, on_surprise
from sluicegate.control.openapi import document
from sluicegate.control.plane import ControlPlane
from sluicegate.control.routes import routes
from sluicegate.errors import SluicegateError, StoreUnavailable
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger

TICK_S = 1.0
"""How often time is looked at while nobody asks for anything."""
_log = logging.getLogger(__name__)


def application(plane: ControlPlane) -> FastAPI:
    """The application that serves a control plane."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running = [asyncio.create_task(_tick(plane)), asyncio.create_task(plane.refresher.run())]
        yield
        for task in running:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    app = FastAPI(
        title="Sluicegate control plane",
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.plane = plane
    app.router.routes += [*routes(plane, PUBLIC), feed.route(plane), page.ROUTE]
    _describe(app)
    app.include_router(api.router)
    app.add_exception_handler(SluicegateError, on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, on_surprise)
    _add_operations(app, plane.services.ledger, plane.services.fleet)
    return app


def _describe(app: FastAPI) -> None:
    legacy = app.openapi

    def both() -> dict[str, Any]:
        old, new = legacy(), document(PUBLIC)
        paths = {**old["paths"]}
        for path, operations in new["paths"].items():
            paths[path] = {**paths.get(path, {}), **operations}
        schemas = {**old["components"].get("schemas", {}), **new["components"]["schemas"]}
        return {**old, "paths": paths, "components": {**old["components"], "schemas": schemas}}

    app.openapi = both  # type: ignore[method-assign]


async def _tick(plane: ControlPlane) -> None:
    """Let time move cases, count gateways out and tell of directives, also while nobody asks for anything."""
    services = plane.services
    while True:
        try:
            await run_in_threadpool(services.ledger.tick)
            await run_in_threadpool(services.fleet.tick)
            await run_in_threadpool(services.telling.tell, await plane.waiters.passed_on())
        except StoreUnavailable as error:
            _log.warning("what is due waits: %s", error.message)
        await asyncio.sleep(TICK_S)


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(step) for step in first["loc"])
    return JSONResponse(
        body_of("invalid_input", f"{where}: {first['msg'].lower()}", "see /api/v1/openapi.json"), 400
    )


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, SluicegateError):  # what a strict request raised while it was being read
        return await on_error(request, error.__cause__)
    code = {404: "route_unknown", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    message = f"{request.method} {request.url.path[:200]}: {str(error.detail).lower()}"
    return JSONResponse(
        body_of(code, message, "see /api/v1/openapi.json"), error.status_code, dict(error.headers or {})
    )


def _add_operations(app: FastAPI, ledger: Ledger, fleet: Fleet) -> None:
    registry = CollectorRegistry()
    size = Gauge("sluicegate_log_size", "entries in the log", registry=registry)
    size.set_function(ledger.size)
    gateways = Gauge("sluicegate_gateways", "gateways that may hold a lease", registry=registry)
    gateways.set_function(lambda: len(fleet.gateways()))
    drifted = Gauge("sluicegate_drifted", "gateways with another log or fold than ours", registry=registry)
    drifted.set_function(fleet.drifted)
    letters = Gauge("sluicegate_letters", "letters in the outbox", ["state"], registry=registry)
    for state in ("waiting", "dead"):
        letters.labels(state).set_function(partial(lambda state: ledger.store.outbox.counts()[state], state))

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> Response:
        ledger.store.log.size()
        return PlainTextResponse("ready\n")

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")
