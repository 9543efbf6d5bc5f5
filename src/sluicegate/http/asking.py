"""A request for an act, as bytes: its head, and its body within bounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request

from sluicegate.acts.act import AnyAct
from sluicegate.errors import InvalidInput
from sluicegate.http.lanes import Take
from sluicegate.parsing.request import ActRequest

SEE = "see /api/v1/openapi.json"
"""What to do about a request that is not as its act asks."""
Run = Callable[..., Awaitable[Any]]
"""What runs a function in a thread."""


async def taken(act: AnyAct, request: Request, take: Take) -> tuple[ActRequest, bytes]:
    """A request for an act: its head and its body, neither of them read. `take` counts what arrives.

    Raises: InvalidInput: too large. Overloaded: there is no room for it now.
    """
    taken_in = b"" if act.kind == "question" else await body(request, act.body_max, take)
    head = ActRequest(
        act=act.name,
        path=request.path_params,
        query=request.scope["query_string"].decode("latin-1") if act.kind == "question" else "",
        content_type=request.headers.get("content-type", ""),
        remedy=SEE,
    )
    return head, taken_in


async def body(request: Request, most: int, take: Take) -> bytes:
    """The whole body; one that says that it is too large is not read. Raises: InvalidInput, Overloaded."""
    too_large = InvalidInput(f"a body of more than {most} bytes", code="body_too_large")
    if int(request.headers.get("content-length", 0)) > most:
        raise too_large
    chunks, total = [], 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > most:
            raise too_large
        take(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)
