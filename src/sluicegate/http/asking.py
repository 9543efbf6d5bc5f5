"""A request for an act, as bytes: its head, and its body within bounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request

from sluicegate.acts.act import AnyAct, Arguments
from sluicegate.errors import InvalidInput
from sluicegate.parsing import request as parsing
from sluicegate.parsing.request import ActRequest

Run = Callable[..., Awaitable[Any]]
"""What runs a function in a thread."""


async def read(act: AnyAct, request: Request, max_body_bytes: int, run: Run) -> Arguments:
    """What an act is asked with, read here. Raises: InvalidInput, NotCanonical."""
    asked: Arguments = await run(parsing.read, *await taken(act, request, max_body_bytes))
    return asked


async def taken(act: AnyAct, request: Request, max_body_bytes: int) -> tuple[ActRequest, bytes]:
    """A request for an act: its head and its body, neither of them read. Raises: InvalidInput: too large."""
    most = min(act.body_max, max_body_bytes)
    body = b"" if act.kind == "question" else await _body(request, most)
    head = ActRequest(
        act=act.name,
        path=request.path_params,
        query=request.scope["query_string"].decode("latin-1") if act.kind == "question" else "",
        content_type=request.headers.get("content-type", ""),
    )
    return head, body


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
