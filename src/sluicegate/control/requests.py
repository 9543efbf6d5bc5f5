"""Requests to the control plane: strict JSON, bounded bodies, who acts, which command."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from sluicegate.core import canonical
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.ledger import Ledger

COMMAND_ID_MAX = 64


class StrictRequest(Request):
    """A request whose body is bounded and whose JSON nobody can read in two ways."""

    async def body(self) -> bytes:
        """The whole body.

        Raises: InvalidInput: larger than the settings allow.
        """
        if not hasattr(self, "_body"):
            most = self.app.state.max_body_bytes
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
        return canonical.loads(await self.body())


class StrictRoute(APIRoute):
    """A route that reads `StrictRequest`s."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given strict requests."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return strict


def ledger_of(request: Request) -> Ledger:
    """The ledger this application serves."""
    ledger: Ledger = request.app.state.ledger
    return ledger


def may(action: str) -> Callable[..., Principal]:
    """A dependency: who acts, if the token's holder may do `action`."""

    def acting(
        ledger: Annotated[Ledger, Depends(ledger_of)],
        authorization: Annotated[str | None, Header(description="Bearer sgt_…")] = None,
    ) -> Principal:
        scheme, _, token = (authorization or "").partition(" ")
        principal = access.authenticate(ledger.store, token.strip() if scheme.lower() == "bearer" else None)
        access.authorize(principal, action)
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
