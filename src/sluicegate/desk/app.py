"""An agency's desk as an ASGI application."""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sluicegate.desk import account, reading, steps
from sluicegate.desk.following import Following
from sluicegate.desk.site import DeskSite
from sluicegate.http import app as http
from sluicegate.http.app import Fault
from sluicegate.http.public import FOR_EVER, public
from sluicegate.http.threads import Threads
from sluicegate.pages import site as files
from sluicegate.signin import routes as signin

TURN_S = 2.0
"""How long an instance is left alone before its log is read again."""


def application(site: DeskSite, fault: Fault) -> Starlette:
    """The application that serves a desk, and follows its instances."""
    routed = [
        *reading.routes(site),
        *steps.routes(site),
        *account.routes(site),
        *signin.routes(site.door, site.entrance),
        Route("/assets/{name}", _asset),
        Route("/healthz", _healthz),
    ]
    tasks = [partial(_follow, each) for each in site.followings.values()]
    return http.application(routed, tasks, fault, partial(signin.readable, site.door, site.entrance))


async def _follow(following: Following) -> None:
    """Follow an instance, in a thread of its own: one that is slow holds up no other."""
    threads = Threads(1)
    while True:
        await threads.run(following.follow)
        await asyncio.sleep(TURN_S)


async def _asset(request: Request) -> Response:
    found = files.ASSETS_BY_PATH.get(request.url.path)
    if found is None:
        raise HTTPException(404)
    return public(request, found.body, found.kind, FOR_EVER)


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")
