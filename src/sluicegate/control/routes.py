"""The routes of acts: read a request strictly, do the act, write its answer.

Rules:
- Nothing that a stranger sends is read: first comes the entrance, then the body.
- The answer is not kept by anyone on the way.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluicegate.acts.act import COMMAND_ID_LEAST, COMMAND_ID_MOST, ActAnswer, AnyAct
from sluicegate.control.command_journal import JournaledRequest, journaled
from sluicegate.control.outside import OUTSIDE, AsyncDoing
from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput
from sluicegate.http import asking
from sluicegate.http.asking import Run
from sluicegate.http.entrance import Entrance, Visitor
from sluicegate.http.errors import refused
from sluicegate.http.measures import Requests
from sluicegate.parsing import job
from sluicegate.parsing.request import ActRequest
from sluicegate.service import tokens
from sluicegate.service.context import STRANGER, Context, Doing
from sluicegate.service.doings import doing_of

Result = TypeVar("Result")
_HEADERS = {"cache-control": "no-store"}


def routes(
    plane: ControlPlane, entrance: Entrance, acts: Iterable[AnyAct], measured: Requests
) -> list[Route]:
    """One route for each act; `measured` counts what is asked."""
    return [_route(plane, entrance, act, measured) for act in acts]


def _route(plane: ControlPlane, entrance: Entrance, act: AnyAct, measured: Requests) -> Route:
    async def endpoint(request: Request) -> Response:
        with journaled(measured, act) as seen:
            seen.visitor = visitor = await entrance.admit(request, act)
            with visitor.body() as take:
                head, body = await asking.taken(act, request, take)
                named = request.headers.get("idempotency-key")
                answer = await done(plane, request, seen, head, body, named)
                if isinstance(answer, Refusal):
                    return refused(answer)
                response: Response = await visitor.run(_written, answer)
                return response

    return Route(act.path, endpoint, methods=[act.method], name=act.name)


async def done(  # noqa: PLR0913 - what is asked, as it came, and under which name
    plane: ControlPlane,
    request: Request,
    seen: JournaledRequest,
    head: ActRequest,
    body: bytes,
    named: str | None,
) -> ActAnswer | Refusal:
    """Do what a visitor asks of an act, once it has a place in its lane; `named` is their name for it.

    Raises: InvalidInput, TooComplex, Overloaded, StoreUnavailable.
    """
    visitor = seen.visitor
    assert visitor is not None
    do = OUTSIDE.get(head.row) or _in_a_thread(doing_of(head.row))
    with visitor.place():
        context = await _read(plane, request, visitor, head, body, named)
        seen.command_id = context.command_id
        if context.act.kind != "question":
            await visitor.run(_check_still, context)
        answer = await do(plane, visitor.run, context, context.asked)
        if isinstance(answer, Refusal) and named is not None:
            first: ActAnswer | Refusal | None = await visitor.run(context.first)
            answer = answer if first is None else first
    seen.answered(answer)
    return answer


def _check_still(context: Context[Any]) -> None:
    """Check again who asks, now that all of the request is here: a body may take a minute.

    Raises: Unauthorized.
    """
    context.still(context.ledger.store)


def _written(answer: ActAnswer) -> Response:
    """An answer as bytes: a long one takes a while to write."""
    return JSONResponse(answer.to_json(), headers=_HEADERS)


def _in_a_thread(do: Doing[Any, Any]) -> AsyncDoing:
    async def doing(_: ControlPlane, run: Run, context: Context[Any], asked: Any) -> ActAnswer | Refusal:
        answer: ActAnswer | Refusal = await run(do, context, asked)
        return answer

    return doing


async def _read(  # noqa: PLR0913 - as `done`
    plane: ControlPlane, request: Request, visitor: Visitor, head: ActRequest, body: bytes, named: str | None
) -> Context[Any]:
    """The context of an act, as a request asks for it. Raises: InvalidInput."""
    act = head.row
    command_id = _command_id(named) if act.kind == "command" else ""
    principal = visitor.principal if act.roles and visitor.principal else STRANGER
    read = plane.parsers.read(head, body, principal, visitor.run)
    if principal.role in tokens.ISSUED:
        plane.services.last_uses.note((principal.id,), plane.services.ledger.now_ms())
    asked = await read if job.is_small(act, body) else await _while_here(request, read)
    return Context(plane.services, principal, act, asked.arguments, command_id, asked.reading)


async def _while_here(request: Request, doing: Coroutine[Any, Any, Result]) -> Result:
    """What is done for a caller who waits for it; it ends when they leave. Raises: ClientDisconnect."""
    leaving = asyncio.create_task(_gone(request))
    found = asyncio.create_task(doing)
    try:
        await asyncio.wait({found, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not found.done():
            raise ClientDisconnect
        return found.result()
    finally:
        for task in (found, leaving):
            task.cancel()
        await asyncio.gather(found, leaving, return_exceptions=True)


async def _gone(request: Request) -> None:
    """Return when the caller has left. Requires: the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _command_id(named: str | None) -> str:
    """The command's id: the caller's, or a new one. Raises: InvalidInput."""
    if named is None:
        return f"cmd_{secrets.token_hex(16)}"
    least, most = COMMAND_ID_LEAST, COMMAND_ID_MOST
    if not (least <= len(named) <= most and named.isascii() and named.isprintable()):
        raise InvalidInput(f"an Idempotency-Key is {least} to {most} printable ASCII characters")
    return named
