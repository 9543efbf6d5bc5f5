"""The files of the log, which anyone may read: the signed head, tiles, entry bundles.

Source: C2SP tlog-tiles.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import Refusal
from sluicegate.http.errors import refused
from sluicegate.service import log

_NEWEST = {"cache-control": "no-store"}
_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}


def routes(plane: ControlPlane) -> list[Route]:
    """The routes of the files."""
    ledger = plane.services.ledger

    async def checkpoint(_: Request) -> Response:
        note = await run_in_threadpool(ledger.checkpoint)
        return Response(note, media_type="text/plain; charset=utf-8", headers=_NEWEST)

    async def tile(request: Request) -> Response:
        found = await run_in_threadpool(log.tile, ledger, f"tile/{request.path_params['path']}")
        if isinstance(found, Refusal):
            return refused(found)
        return Response(found, media_type="application/octet-stream", headers=_FOR_EVER)

    return [Route("/log/checkpoint", checkpoint), Route("/log/tile/{path:path}", tile)]
