"""The entrance: who asks, and whether there is room for it, before anything else is read.

Rules:
- First comes the token, then the role, then the body, then a place in the lane.
- What changes something needs a token that is known. The acts that need none, because they check a signature
  or a secret themselves, are in `acts.table.UNTOKENED`.
- Who shows no token that is known is a stranger: counted by address, in a lane of their own, at a pace.
- A session is looked up like a token. Who has one asks as its principal, by the forms of pages alone: the API
  takes no cookie.
- Tokens are looked up by threads of their own. One that was not found here before is looked up at
  a pace of its address: who makes tokens up costs no more than who shows none.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from starlette.requests import Request

from sluicegate import journal
from sluicegate.acts.act import AnyAct
from sluicegate.core.access import apikey
from sluicegate.errors import Unauthorized
from sluicegate.http import bearer
from sluicegate.http.asgi import exchange_of
from sluicegate.http.asking import Run
from sluicegate.http.lanes import AllLanes, Lane, Take
from sluicegate.http.threads import Threads
from sluicegate.pace import Pace
from sluicegate.ports import KnownTokens, Principal
from sluicegate.settings import HttpSettings

LOOKUPS = 4
"""How many tokens are looked up at the same time."""

RECENT_MAX = 4_096
"""How many tokens that were found are remembered."""
Found = TypeVar("Found")
_STRANGER = "too many requests without a token from this address"
_GUESSED = "too many requests with a token that was not found here before from this address"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who has come in, None for a stranger, and in which lane they are."""

    principal: Principal | None
    lane: Lane
    caller: str

    @property
    def run(self) -> Run:
        """What runs functions in the threads of the lane."""
        return self.lane.run

    def body(self) -> AbstractContextManager[Take]:
        """Hold a body meanwhile: what to count its bytes with."""
        return self.lane.body(self.caller)

    def place(self) -> AbstractContextManager[None]:
        """Have a place in the lane meanwhile. Raises: Overloaded."""
        return self.lane.enter(self.caller)


class Entrance:
    """The way into one server. `known` has the tokens."""

    def __init__(self, known: KnownTokens, settings: HttpSettings) -> None:
        self._known = known
        self._lanes = AllLanes()
        self._lookups = Threads(LOOKUPS)
        self._burst = settings.burst
        self._pace = Pace(settings.requests_per_second, settings.burst)
        self._guesses = Pace(settings.requests_per_second, settings.burst)
        self._recent: dict[bytes, None] = {}
        """The digests of tokens that were found lately, the newest last. They are looked up all the same."""

    async def admit(self, request: Request, act: AnyAct | None = None, weight: int = 1) -> Visitor:
        """Let a request in, for an act, or for what anyone may have. It has no place in its lane yet. Of a
        stranger it counts for `weight` requests, or for those of the act.

        Raises: Unauthorized: no known token, or one of a role that may not do it. Overloaded.
        """
        exchange = exchange_of(request)
        principal = await self._holder(request, act, exchange.address)
        if principal is not None:
            return self.visitor(request, principal, act)
        amount = min(self._burst, weight if act is None else act.weight)
        self._pace.check(exchange.address, _STRANGER, amount)
        return Visitor(None, self._lanes.strangers, exchange.address)

    def visitor(self, request: Request, principal: Principal, act: AnyAct | None = None) -> Visitor:
        """A principal who is known, as a visitor: for an act, or for what anyone may have."""
        exchange_of(request).hold()
        return Visitor(principal, self._lanes.of(principal.role, act), principal.acts_for)

    async def known(self, request: Request, secret: str, find: Callable[[str], Found | None]) -> Found | None:
        """What is found by a secret, by a thread of those that look secrets up; None if nothing is.

        Raises: Overloaded: too many of this address with secrets that are not known.
        """
        address = exchange_of(request).address
        found = await self._sought(secret, address, find)
        if found is None:
            journal.note("sign_in_failed", "a session that is not known here", address=address)
        return found

    async def _holder(self, request: Request, act: AnyAct | None, address: str) -> Principal | None:
        """Whose the token is; None of a stranger, where those may come in.

        Raises: Unauthorized. Overloaded: too many of this address with tokens that are not known.
        """
        token = bearer.token_of(request)
        for_anyone = act is None or not act.roles
        if not (token and bearer.is_well_formed(token)):
            if token:
                _failed(address, act)
            if not for_anyone:
                raise bearer.unknown(token)
            return None
        try:
            principal = await self._looked_up(token, address)
        except Unauthorized:
            _failed(address, act)
            if not for_anyone:
                raise
            return None
        if act is not None:
            _authorize(principal, act, address)
        return principal

    async def _looked_up(self, token: str, address: str) -> Principal:
        """Whose a token is. Raises: Unauthorized: no one's. Overloaded: it is not looked up now."""
        found = await self._sought(token, address, partial(bearer.authenticate, self._known))
        assert found is not None
        return found

    async def _sought(self, secret: str, address: str, find: Callable[[str], Found | None]) -> Found | None:
        """What is found by a secret. Raises: Overloaded: it is not looked up now; what `find` raises."""
        digest = apikey.digest(secret)
        if self._recent.pop(digest, False) is False:
            self._guesses.check(address, _GUESSED)
        found: Found | None = await self._lookups.run(find, secret)
        if found is not None:
            self._recent[digest] = None
            if len(self._recent) > RECENT_MAX:
                del self._recent[next(iter(self._recent))]
        return found


def _failed(address: str, act: AnyAct | None) -> None:
    """Tell of a token that is not known here."""
    asked = None if act is None else act.name
    journal.note("sign_in_failed", "a token that is not known here", address=address, act=asked)


def _authorize(principal: Principal, act: AnyAct, address: str) -> None:
    """Check that a principal may do an act. Raises: Unauthorized."""
    try:
        bearer.authorize(principal, act)
    except Unauthorized:
        named = {"act": act.name, "who": principal.id, "role": principal.role, "address": address}
        journal.note("sign_in_failed", "a token of a role that may not do this", **named)
        raise
