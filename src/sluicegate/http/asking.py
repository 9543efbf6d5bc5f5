"""What a request asks an act for, read strictly.

Rules:
- A body is bounded, and JSON that can be read in only one way. What an act does not know is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request

from sluicegate.acts.act import AnyAct, Arguments
from sluicegate.errors import InvalidInput
from sluicegate_record.form import Form, Json, Misread, shape_of, shown
from sluicegate_record.log import canonical

_SEE = "see /api/v1/openapi.json"
Run = Callable[..., Awaitable[Any]]
"""What runs a function in a thread."""


async def read(act: AnyAct, request: Request, max_body_bytes: int, run: Run) -> Arguments:
    """What an act is asked with. Raises: InvalidInput, NotCanonical."""
    most = min(act.body_max, max_body_bytes)
    body = b"" if act.kind == "question" else await _body(request, most)
    asked: Arguments = await run(_asked, act, request, body)
    return asked


async def _body(request: Request, most: int) -> bytes:
    """The whole body; one that says that it is too large is not read. Raises: InvalidInput."""
    too_large = InvalidInput(f"a body of more than {most} bytes", code="body_too_large")
    if int(request.headers.get("content-length", 0)) > most:
        raise too_large
    chunks, total = [], 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > most:
            raise too_large
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
