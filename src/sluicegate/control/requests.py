"""Requests to the control plane: strict JSON, bounded bodies, who acts, which command; what bodies share."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from sluicegate.control.plane import ControlPlane, plane_of
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.ledger import Ledger
from sluicegate_record.log import canonical

COMMAND_ID_MAX = 64
_BEARER = HTTPBearer(auto_error=False, description="a token, sgt_…", scheme_name="token")
"""Says in the OpenAPI document that a token is wanted; `holder_of` reads it."""


class StrictRequest(Request):
    """A request whose body is bounded and whose JSON nobody can read in two ways."""

    async def body(self) -> bytes:
        """The whole body.

        Raises: InvalidInput: larger than the settings allow.
        """
        if not hasattr(self, "_body"):
            most = plane_of(self).max_body_bytes
            chunks, total = [], 0
            async for chunk in self.stream():
                total += len(chunk)
                if total > most:
                    raise InvalidInput(f"a body of more than {most} bytes", code="body_too_large")
                chunks.append(chunk)
            self._body = b"".join(chunks)
        return self._body

    async def json(self) -> Any:
        """The body as strict JSON. Raises: NotCanonical."""
        return await run_in_threadpool(canonical.loads, await self.body())


class StrictRoute(APIRoute):
    """A route that reads `StrictRequest`s, and nothing that a stranger sends."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given strict requests."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            if self.body_field is not None:
                await run_in_threadpool(holder_of, request)
            return await handler(StrictRequest(request.scope, request.receive))

        return strict


def ledger_of(request: Request) -> Ledger:
    """The ledger this application serves."""
    return plane_of(request).services.ledger


def holder_of(request: Request) -> Principal:
    """Whose token came with a request; looked up once.

    Raises: Unauthorized: none came, or not one of ours.
    """
    known: Principal | None = getattr(request.state, "holder", None)
    if known is None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else None
        known = request.state.holder = access.authenticate(ledger_of(request).store.principals, given)
    return known


def may(action: str) -> Callable[..., Principal]:
    """A dependency: who acts, if the token's holder may do `action`."""

    def acting(request: Request, _: Annotated[object, Depends(_BEARER)]) -> Principal:
        principal = holder_of(request)
        access.authorize_role(principal, action, access.roles_of(action))
        return principal

    return acting


def command_id(
    idempotency_key: Annotated[
        str | None, Header(description="names this command: sent again, it returns its first result")
    ] = None,
) -> str:
    """The command's id: the caller's, or a new one."""
    if idempotency_key is None:
        return f"cmd_{secrets.token_hex(16)}"
    if (
        not 8 <= len(idempotency_key) <= COMMAND_ID_MAX
        or not idempotency_key.isascii()
        or not idempotency_key.isprintable()
    ):
        raise InvalidInput(f"an Idempotency-Key is 8 to {COMMAND_ID_MAX} printable ASCII characters")
    return idempotency_key


TheServices = Annotated[ControlPlane, Depends(plane_of)]
TheLedger = Annotated[Ledger, Depends(ledger_of)]
CommandId = Annotated[str, Depends(command_id)]
Identifier = Annotated[str, Field(min_length=1, max_length=128)]
PlainName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]


class RequestBody(BaseModel):
    """A body without a field that we do not know, each of the type that is stated."""

    model_config = ConfigDict(extra="forbid", strict=True)


class EnvelopeRequest(RequestBody):
    """A DSSE envelope."""

    envelope: dict[str, Any]


class CommitmentOpening(RequestBody):
    """What opens a signed commitment: its salt, in base64, and the value committed to."""

    salt: str
    value: Any
