"""Where safety webhooks come in: their bytes as they were signed, within bounds, in the lane of strangers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluicegate.core.lifecycle import Refusal
from sluicegate.http import asking
from sluicegate.http.entrance import Entrance
from sluicegate.http.errors import refused
from sluicegate.service.safety import SafetyIntake

BODY_MAX = 64 * 1024
"""How many bytes a notice may have."""
_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


def routes(intake: SafetyIntake | None, entrance: Entrance) -> list[Route]:
    """The route; none where no safety webhooks come in."""
    if intake is None:
        return []

    async def take(request: Request) -> Response:
        visitor = await entrance.admit(request)
        with visitor.body() as counted:
            body = await asking.body(request, BODY_MAX, counted)
            headers = {name: request.headers.get(name, "") for name in _SIGNED}
            with visitor.place():
                found = await visitor.run(intake.take, request.path_params["party"], headers, body)
        if isinstance(found, Refusal):
            return refused(found)
        return JSONResponse({"taken": found}, headers={"cache-control": "no-store"})

    return [Route("/safety/v1/{party}", take, methods=["POST"])]
