"""The entrance: who asks, and whether there is room for it, before anything else is read.

Rules:
- First comes the token, then the role, then the lane, then the body.
- What changes something needs a token that is known. The acts that need none, because they check a signature
  or a secret themselves, are in `acts.table.UNTOKENED`.
- Who shows no token that is known is a stranger: counted by address, in a lane of their own, at a pace.
- Tokens are looked up by threads of their own.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from sluicegate.acts.act import AnyAct
from sluicegate.errors import TOO_MANY, Overloaded, Unauthorized
from sluicegate.http import bearer
from sluicegate.http.asgi import exchange_of
from sluicegate.http.asking import Run
from sluicegate.http.lanes import AllLanes
from sluicegate.http.pace import Pace
from sluicegate.http.threads import Threads
from sluicegate.ports import Principal, Principals
from sluicegate.settings import HttpSettings

LOOKUPS = 4
"""How many tokens are looked up at the same time."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who has come in, None for a stranger, and what runs functions in the threads of their lane."""

    principal: Principal | None
    run: Run


class Entrance:
    """The way into one server. `known` has the tokens."""

    def __init__(self, known: Principals, settings: HttpSettings) -> None:
        self._known = known
        self._lanes = AllLanes()
        self._lookups = Threads(LOOKUPS)
        self._pace = Pace(settings.requests_per_second, settings.burst)

    @asynccontextmanager
    async def admit(self, request: Request, act: AnyAct | None = None) -> AsyncIterator[Visitor]:
        """Let a request in, for an act, or for what anyone may have.

        Raises: Unauthorized: no known token, or one of a role that may not do it. Overloaded.
        """
        exchange = exchange_of(request)
        principal = await self._holder(request, act)
        if principal is None:
            self._check_pace(exchange.address)
            lane, caller = self._lanes.strangers, exchange.address
        else:
            exchange.hold()
            lane, caller = self._lanes.of(principal.role, act), principal.party or principal.id
        with lane.enter(caller):
            yield Visitor(principal, lane.run)

    async def _holder(self, request: Request, act: AnyAct | None) -> Principal | None:
        """Whose the token is; None of a stranger, where those may come in. Raises: Unauthorized."""
        token = bearer.token_of(request)
        try:
            if not (token and bearer.is_well_formed(token)):
                raise bearer.unknown(token)
            principal: Principal = await self._lookups.run(bearer.authenticate, self._known, token)
        except Unauthorized:
            if act is None or not act.roles:
                return None
            raise
        if act is not None and act.roles:
            bearer.authorize(principal, act)
        return principal

    def _check_pace(self, address: str) -> None:
        wait_ms = self._pace.wait_ms(address)
        if wait_ms:
            said = "too many requests without a token from this address"
            raise Overloaded(said, code=TOO_MANY, retry_after_s=math.ceil(wait_ms / 1_000))
