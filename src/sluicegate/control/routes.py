"""The routes of acts: read a request strictly, do the act, write its answer.

Rules:
- Nothing that a stranger sends is read: first comes the token, then the role, then the body.
- A body is bounded, and JSON that can be read in only one way. What an act does not know is refused.
- The answer is not kept by anyone on the way.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluicegate.acts.act import COMMAND_ID_LEAST, COMMAND_ID_MOST, ActAnswer, AnyAct, Arguments
from sluicegate.control.errors import refused
from sluicegate.control.outside import OUTSIDE, AsyncDoing
from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import STRANGER, Context, Doing
from sluicegate.service.doings import doing_of
from sluicegate_record.form import Form, Json, Misread, shape_of, shown
from sluicegate_record.log import canonical

_HEADERS = {"cache-control": "no-store"}
_SEE = "see /api/v1/openapi.json"


Run = Callable[..., Awaitable[Any]]
"""What runs a function in a thread."""


def routes(plane: ControlPlane, acts: Iterable[AnyAct]) -> list[Route]:
    """One route for each act."""
    return [_route(plane, act) for act in acts]


def _route(plane: ControlPlane, act: AnyAct) -> Route:
    do = OUTSIDE.get(act) or _in_a_thread(doing_of(act))

    async def endpoint(request: Request) -> Response:
        context = await read(plane, act, request)
        answer = await do(plane, context, context.asked)
        if isinstance(answer, Refusal) and _is_named(request):
            first: ActAnswer | Refusal | None = await run_in_threadpool(context.first)
            answer = answer if first is None else first
        if isinstance(answer, Refusal):
            return refused(answer)
        return JSONResponse(await run_in_threadpool(answer.to_json), headers=_HEADERS)

    return Route(act.path, endpoint, methods=[act.method], name=act.name)


def _in_a_thread(do: Doing[Any, Any]) -> AsyncDoing:
    async def doing(_: ControlPlane, context: Context[Any], asked: Any) -> ActAnswer | Refusal:
        return await run_in_threadpool(do, context, asked)

    return doing


async def read(
    plane: ControlPlane, act: AnyAct, request: Request, run: Run = run_in_threadpool
) -> Context[Any]:
    """The context of an act, as a request asks for it.

    Raises: Unauthorized, InvalidInput.
    """
    principal = await run(_holder, plane, act, request)
    most = min(act.body_max, plane.max_body_bytes)
    body = b"" if act.kind == "question" else await _body(request, most)
    asked = await run(_asked, act, request, body)
    command_id = _command_id(request) if act.kind == "command" else ""
    return Context(plane.services, principal, act, asked, command_id)


def _holder(plane: ControlPlane, act: AnyAct, request: Request) -> Principal:
    """Who acts, if that role may. Raises: Unauthorized."""
    if not act.roles:
        return STRANGER
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else None
    principal = access.authenticate(plane.services.ledger.store.principals, given)
    access.authorize(principal, act)
    return principal


async def _body(request: Request, most: int) -> bytes:
    """The whole body. Raises: InvalidInput: too large."""
    chunks, total = [], 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > most:
            raise InvalidInput(f"a body of more than {most} bytes", code="body_too_large")
        chunks.append(chunk)
    return b"".join(chunks)


def _asked(act: AnyAct, request: Request, body: bytes) -> Arguments:
    """What the act is asked with. Raises: InvalidInput, NotCanonical."""
    if act.kind == "question":
        given = _worded(act.asked, request.query_params.multi_items())
    else:
        given = _object(request, body)
    for key in act.places:
        if key in given:
            raise InvalidInput(f"{key}: it is in the path, and stated again", remedy=_SEE)
        given[key] = request.path_params[key]
    try:
        asked: Arguments = act.asked.from_json(given)
    except Misread as error:
        raise InvalidInput(error.message, remedy=_SEE) from error
    return asked


def _object(request: Request, body: bytes) -> dict[str, Json]:
    """The JSON object of a body; an empty body is an empty object."""
    if not body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidInput(f"a body of the type {kind[:80]!r}, expected application/json", remedy=_SEE)
    value = canonical.loads(body)
    if type(value) is not dict:
        raise InvalidInput(f"expected an object, found {shown(value)}", remedy=_SEE)
    return value


def _worded(asked: type[Form], items: Iterable[tuple[str, str]]) -> dict[str, Json]:
    """The arguments in a query: words that are numbers where numbers are asked for."""
    schemas = {field.key: field.codec.schema for field in shape_of(asked).fields}
    found: dict[str, Json] = {}
    for key, word in items:
        if key in found:
            raise InvalidInput(f"{key[:80]}: stated twice", remedy=_SEE)
        found[key] = _value(schemas.get(key, {}), word)
    return found


def _value(schema: Mapping[str, Json], word: str) -> Json:
    kinds = [schema, *schema.get("anyOf", ())]
    if any(kind.get("type") == "integer" for kind in kinds):
        return int(word) if word.isascii() and word.isdigit() and len(word) < 20 else word
    return word


def _is_named(request: Request) -> bool:
    """Whether the caller named a command, and so may have sent it before."""
    return "idempotency-key" in request.headers


def _command_id(request: Request) -> str:
    """The command's id: the caller's, or a new one. Raises: InvalidInput."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return f"cmd_{secrets.token_hex(16)}"
    least, most = COMMAND_ID_LEAST, COMMAND_ID_MOST
    if not (least <= len(given) <= most and given.isascii() and given.isprintable()):
        raise InvalidInput(f"an Idempotency-Key is {least} to {most} printable ASCII characters")
    return given
