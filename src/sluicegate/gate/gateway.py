"""The gateway's application: it reads who asks for what, decides whether they may, and forwards the request.

Rules:
- Only exact raw paths are served: `dialects.ENDPOINTS` are forwarded, the models are listed, and the gateway
  reports its health. No path is decoded, joined or normalised on the way.
- Under `/v1/` the credential comes first: without a known one, no caller learns which paths exist.
- A refusal before the body was read ends the connection; the body is not read for it.
- Prompts, completions and credentials are neither kept nor logged.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Ask, Instant
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.errors import InvalidInput
from sluicegate.gate import request
from sluicegate.gate.caller import Callers
from sluicegate.gate.dialects import (
    ENDPOINTS,
    OUTLIVING,
    GatewayFault,
    GatewayReply,
    credential_digest,
    faulty,
    model_reply,
    models_reply,
)
from sluicegate.gate.engine import Engine
from sluicegate.gate.exchange import Exchange, new_request_id
from sluicegate.gate.intake import Full, Intake, RequestBody, busy
from sluicegate.gate.metrics import CONTENT_TYPE, Metrics
from sluicegate.gate.passage import Passage
from sluicegate.gate.upstream import Upstream
from sluicegate.settings import GatewaySettings

AsgiReceive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_MODELS = b"/v1/models"
_MODEL = b"/v1/models/"
_JSON = b"application/json"


class Gateway:
    """The ASGI application; it needs the `Connection` that `gate.server` lends it.

    `upstreams` are by their names in plans.
    """

    def __init__(self, engine: Engine, upstreams: Mapping[str, Upstream], settings: GatewaySettings) -> None:
        self._engine = engine
        self._callers = Callers(engine.table)
        self._upstreams = upstreams
        self._settings = settings
        self._intake = Intake(settings, engine.boot_ms)
        self._metrics = Metrics(engine, self._intake)
        self._observations: Mapping[bytes, Callable[[], GatewayReply]] = {
            b"/healthz": _health,
            b"/readyz": self._readiness,
            b"/metrics": self._measurements,
        }

    async def __call__(self, scope: Any, receive: AsgiReceive, _send: object) -> None:
        """Serve one request.

        Raises: NotImplementedError: not HTTP.
        """
        if scope["type"] != "http":
            raise NotImplementedError(f"{scope['type']!r}, expected http")
        exchange = Exchange(scope)
        if exchange.connection.paused:
            await exchange.connection.writable()  # or answers that nobody reads would pile up
        try:
            if exchange.path.startswith(b"/v1/"):
                await self._serve(exchange, receive)
            else:
                self._observe(exchange)
        finally:
            self._metrics.ended(exchange.outcome)

    async def _serve(self, exchange: Exchange, receive: AsgiReceive) -> None:
        digest = credential_digest(exchange.headers)
        found = self._engine.identify(digest)
        if isinstance(found, Deny) or digest is None:
            self._refuse(exchange, found if isinstance(found, Deny) else Deny(Reason.CREDENTIAL_MISSING))
        elif exchange.path in ENDPOINTS:
            if _allowed(exchange, "POST"):
                await self._take_in(exchange, digest, found, receive)
        elif exchange.path == _MODELS or exchange.path.startswith(_MODEL):
            if _allowed(exchange, "GET"):
                self._list(exchange, digest)
        elif OUTLIVING.fullmatch(exchange.path):
            self._refuse(
                exchange, Deny(Reason.REQUEST_INVALID, "work that outlives its request is not served here")
            )
        else:
            exchange.end_early(faulty(GatewayFault.ENDPOINT_UNKNOWN))

    def _observe(self, exchange: Exchange) -> None:
        observed = self._observations.get(exchange.path)
        if observed is None:
            exchange.end_early(faulty(GatewayFault.ENDPOINT_UNKNOWN))
        elif _allowed(exchange, "GET"):
            exchange.reply(observed(), "observed")

    def _readiness(self) -> GatewayReply:
        engine = self._engine
        ready = isinstance(engine.now(), Instant)
        told = {"ready": ready, "size": engine.table.size, "leaseMs": int(engine.lease_left_ms())}
        return _told(_JSON, json.dumps(told).encode(), 200 if ready else 503)

    def _measurements(self) -> GatewayReply:
        return _told(CONTENT_TYPE, self._metrics.text())

    def _list(self, exchange: Exchange, digest: bytes) -> None:
        engine = self._engine
        tokens = request.assertions(exchange.headers)
        naming = self._callers.naming(digest, tokens, None, engine.now())
        if exchange.path == _MODELS:
            models = engine.usable_models(digest, naming)
            exchange.reply(models_reply(models, exchange.dialect, new_request_id()), "listed")
            return
        model = unquote(exchange.path[len(_MODEL) :].decode("ascii"))
        ask = Ask(digest, model, engine.surface, naming=naming)
        decided = decision.decide(ask, engine.table, engine.now())
        if isinstance(decided, Deny):
            self._refuse(exchange, decided)
        else:
            exchange.reply(model_reply(model, exchange.dialect, new_request_id()), "listed")

    async def _take_in(
        self, exchange: Exchange, digest: bytes, organization: str, receive: AsgiReceive
    ) -> None:
        """Read a request, and admit it; what was read for one that is refused is metered."""
        closed = self._intake.closed(organization)
        if closed is not None:
            self._refuse(exchange, closed)
            return
        ask: Ask | None = None
        with self._intake.body(organization) as body:
            try:
                if not await self._read_body(exchange, body, receive):
                    return
            except Full:
                self._refuse(exchange, busy())
                return
            except InvalidInput as error:
                ask = Ask(digest, "", self._engine.surface, error.message)
        whole = b"" if ask is not None else body.whole()
        if not await self._admit(exchange, ask or self._ask(exchange, digest, whole), whole):
            self._intake.refused(organization, body.size)

    def _ask(self, exchange: Exchange, digest: bytes, body: bytes) -> Ask:
        """What a request asks for."""
        try:
            asked, tokens = _asked(exchange, body)
            naming = self._callers.naming(digest, tokens, asked.person, self._engine.now())
        except InvalidInput as error:
            return Ask(digest, "", self._engine.surface, error.message)
        return Ask(digest, asked.model, self._engine.surface, naming=naming)

    async def _admit(self, exchange: Exchange, ask: Ask, body: bytes) -> bool:
        """Carry a request out if it may be. Returns: whether it was admitted."""
        passage = Passage(exchange, self._settings, lambda: self._engine.table.size)
        flight = self._engine.admit(ask, passage.cut)
        if isinstance(flight, Deny):
            self._refuse(exchange, flight)
            return False
        passage.flight = flight
        if flight.ask.instead_of:
            body = request.with_model(body, flight.ask.model)
            self._metrics.fell_back()
        upstream = self._upstreams.get(flight.allow.upstream)
        try:
            if upstream is None:
                exchange.end_early(faulty(GatewayFault.UPSTREAM_UNREACHABLE))
            else:
                await passage.carry(upstream, body)
        finally:
            self._engine.land(flight)
            if flight.refused is not None:
                self._metrics.cut(flight.refused.reason.value)
        return True

    async def _read_body(self, exchange: Exchange, body: RequestBody, receive: AsgiReceive) -> bool:
        """Read a body. Returns: whether it is whole; otherwise its client has left.

        Raises: InvalidInput: too large, or too slow. Full: there is no room for it.
        """
        limit_ms = self._settings.body_timeout_ms
        self._check_length(exchange)
        if exchange.connection.body_arrived:
            return await self._collect(exchange, body, receive)
        try:
            async with asyncio.timeout(limit_ms / 1000):
                return await self._collect(exchange, body, receive)
        except TimeoutError:
            raise InvalidInput(f"a body that was not complete after {limit_ms} ms") from None

    def _check_length(self, exchange: Exchange) -> None:
        for name, value in exchange.headers:
            if name == b"content-length" and int(value) > self._settings.max_body_bytes:
                raise self._too_large()

    async def _collect(self, exchange: Exchange, body: RequestBody, receive: AsgiReceive) -> bool:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            more = message["more_body"]
            body.add(message["body"], more=more)
            if body.size > self._settings.max_body_bytes:
                raise self._too_large()
        exchange.connection.resume()
        exchange.body_read = True
        return True

    def _too_large(self) -> InvalidInput:
        return InvalidInput(
            f"a body larger than {self._settings.max_body_bytes} bytes, expected at most that"
        )

    def _refuse(self, exchange: Exchange, deny: Deny) -> None:
        exchange.refuse(deny, self._engine.table.size)


def _allowed(exchange: Exchange, method: str) -> bool:
    """Whether the method is the one served here; if not, the client gets an error."""
    if exchange.method == method:
        return True
    exchange.end_early(faulty(GatewayFault.METHOD_NOT_ALLOWED, headers=((b"allow", method.encode()),)))
    return False


def _asked(exchange: Exchange, body: bytes) -> tuple[request.Request, list[bytes]]:
    """What a request asks for, and the assertions of the caller. Raises: InvalidInput."""
    tokens = request.read_headers(exchange.headers)
    if exchange.query:
        request.read_query(exchange.query)
    return request.read(body, exchange.dialect), tokens


def _health() -> GatewayReply:
    return _told(_JSON, b'{"ok": true}')


def _told(kind: bytes, body: bytes, status: int = 200) -> GatewayReply:
    return GatewayReply(status, [(b"content-type", kind), (b"content-length", b"%d" % len(body))], body)
