"""The files of the log, which anyone may read: the signed head, tiles, entry bundles.

Source: C2SP tlog-tiles.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import Refusal
from sluicegate.http.entrance import Entrance
from sluicegate.http.errors import refused
from sluicegate.http.public import FOR_EVER, NEWEST, public
from sluicegate.service import log


def routes(plane: ControlPlane, entrance: Entrance) -> list[Route]:
    """The routes of the files."""
    ledger = plane.services.ledger

    async def checkpoint(request: Request) -> Response:
        visitor = await entrance.admit(request)
        with visitor.place():
            note: str = await visitor.run(ledger.checkpoint)
        return public(request, note.encode(), "text/plain; charset=utf-8", NEWEST)

    async def tile(request: Request) -> Response:
        visitor = await entrance.admit(request)
        with visitor.place():
            found = await visitor.run(log.tile, ledger, f"tile/{request.path_params['path']}")
        if isinstance(found, Refusal):
            return refused(found)
        return public(request, found, "application/octet-stream", FOR_EVER)

    return [Route("/log/checkpoint", checkpoint), Route("/log/tile/{path:path}", tile)]
