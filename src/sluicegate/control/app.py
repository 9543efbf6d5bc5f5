"""The control plane as an ASGI application."""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.applications import Starlette

from sluicegate.acts.table import PUBLIC
from sluicegate.control import composed, forms, logfiles, openapi, operations, pages, safety, signing
from sluicegate.control.plane import FLEET, ControlPlane
from sluicegate.control.routes import routes
from sluicegate.http import app as http
from sluicegate.http.app import Fault, Running
from sluicegate.http.entrance import Entrance
from sluicegate.http.measures import Requests, registry
from sluicegate.settings import HttpSettings
from sluicegate.signin import routes as signin

TICK_S = 1.0
"""How often time is looked at while no one asks for anything."""


def application(plane: ControlPlane, http_settings: HttpSettings, fault: Fault) -> Starlette:
    """The application that serves a control plane."""
    entrance = Entrance(plane.services.ledger.store.principals, http_settings)
    counts = registry("control")
    measured = Requests(counts)
    routed = [
        *routes(plane, entrance, PUBLIC, measured),
        *logfiles.routes(plane, entrance),
        *operations.routes(plane, counts),
        *pages.routes(plane, entrance),
        *forms.routes(plane, entrance, measured),
        *composed.routes(plane, entrance, measured),
        *signing.routes(plane, entrance, measured),
        *signin.routes(plane.door, entrance),
        openapi.route(PUBLIC, entrance),
        *safety.routes(plane.safety, entrance),
    ]
    tasks: list[Running] = [partial(_tick, plane), partial(_note, plane), plane.refresher.run]
    return http.application(routed, tasks, fault, partial(signin.readable, plane.door, entrance))


async def _tick(plane: ControlPlane) -> None:
    """Let time move cases, count gateways out and tell of directives, also while no one asks for anything."""
    while True:
        for name in plane.chores.chores:
            await plane.chores.do(name)
        await asyncio.sleep(TICK_S)


async def _note(plane: ControlPlane) -> None:
    """Note what is in force everywhere as soon as feeds have what shows it."""
    while True:
        await plane.hinted.wait()
        plane.hinted.clear()
        await plane.chores.do(FLEET)
