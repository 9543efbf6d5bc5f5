"""The gateway: it reads who asks for what, decides whether they may, and forwards the request.

Rules:
- Only exact raw paths are served: `dialects.ENDPOINTS` are forwarded, the models are listed, and the gateway
  reports its health. No path is decoded, joined or normalised on the way.
- Under `/v1/` the credential comes first: without a known one, no caller learns which paths exist.
- A refusal before the body was read ends the connection; the body is not read for it.
- Prompts, completions and credentials are neither kept nor logged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
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
from sluicegate.gate.sse import EventRoom
from sluicegate.gate.upstream import Upstream
from sluicegate.http.exchange import HttpExchange
from sluicegate.settings import GatewaySettings

Answering = Coroutine[Any, Any, None]
"""What is left of a request that has to wait."""
FILES_EACH = 2
"""A request's connection has another one upstream."""

_MODELS = b"/v1/models"
_MODEL = b"/v1/models/"
_JSON = b"application/json"


class Gateway:
    """What answers the requests of an HTTP server: at once, or, where it has to wait, in what it returns.

    `upstreams` are by their names in plans.
    """

    def __init__(self, engine: Engine, upstreams: Mapping[str, Upstream], settings: GatewaySettings) -> None:
        self._engine = engine
        self._callers = Callers(engine.table)
        self._upstreams = upstreams
        self._settings = settings
        self._intake = Intake(settings, engine.boot_ms)
        self._room = EventRoom(settings.max_held_event_bytes)
        self._metrics = Metrics(engine, self._intake)
        self._observations: Mapping[bytes, Callable[[], GatewayReply]] = {
            b"/healthz": _health,
            b"/readyz": self._readiness,
            b"/metrics": self._measurements,
        }

    def __call__(self, connection: HttpExchange) -> Answering | None:
        """Answer a request."""
        exchange = Exchange(connection, self._metrics.ended)
        if exchange.path.startswith(b"/v1/"):
            return self._serve(exchange)
        self._observe(exchange)
        return None

    def _serve(self, exchange: Exchange) -> Answering | None:
        digest = credential_digest(exchange.headers)
        found = self._engine.identify(digest)
        if isinstance(found, Deny) or digest is None:
            self._refuse(exchange, found if isinstance(found, Deny) else Deny(Reason.CREDENTIAL_MISSING))
            return None
        exchange.connection.hold()
        if exchange.path in ENDPOINTS:
            return self._take_in(exchange, digest, found) if _allowed(exchange, "POST") else None
        if exchange.path == _MODELS or exchange.path.startswith(_MODEL):
            if _allowed(exchange, "GET"):
                self._list(exchange, digest)
        elif OUTLIVING.fullmatch(exchange.path):
            self._refuse(
                exchange, Deny(Reason.REQUEST_INVALID, "work that outlives its request is not served here")
            )
        else:
            exchange.end_early(faulty(GatewayFault.ENDPOINT_UNKNOWN))
        return None

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

    def _take_in(self, exchange: Exchange, digest: bytes, organization: str) -> Answering | None:
        """Read a request, and carry it out if it may be."""
        closed = self._intake.closed(organization)
        if closed is not None:
            self._refuse(exchange, closed)
            return None
        if not exchange.connection.body_arrived:
            return self._await_body(exchange, digest, organization)
        body = exchange.connection.take()
        try:
            self._check_size(len(body))
        except InvalidInput as error:
            ask = Ask(digest, "", self._engine.surface, error.message)
        else:
            ask = self._ask(exchange, digest, body)
        return self._admit(exchange, ask, organization, body)

    async def _await_body(self, exchange: Exchange, digest: bytes, organization: str) -> None:
        """Read a body as it arrives; then do as with one that is here."""
        ask: Ask | None = None
        with self._intake.body(organization) as body:
            try:
                await self._read_body(exchange.connection, body)
            except Full:
                self._refuse(exchange, busy())
                return
            except InvalidInput as error:
                ask = Ask(digest, "", self._engine.surface, error.message)
        whole = body.whole()
        ask = ask or self._ask(exchange, digest, whole)
        answering = self._admit(exchange, ask, organization, whole)
        if answering is not None:
            await answering

    def _ask(self, exchange: Exchange, digest: bytes, body: bytes) -> Ask:
        """What a request asks for."""
        try:
            asked, tokens = _asked(exchange, body)
            naming = self._callers.naming(digest, tokens, asked.person, self._engine.now())
        except InvalidInput as error:
            return Ask(digest, "", self._engine.surface, error.message)
        return Ask(digest, asked.model, self._engine.surface, naming=naming)

    def _admit(self, exchange: Exchange, ask: Ask, organization: str, body: bytes) -> Answering | None:
        """Decide a request. What was read for one that is refused is metered."""
        passage = Passage(exchange, self._settings, self._room, lambda: self._engine.table.size)
        flight = self._engine.admit(ask, passage.cut)
        if isinstance(flight, Deny):
            self._refuse(exchange, flight)
            self._intake.refused(organization, len(body))
            return None
        passage.flight = flight
        return self._carry(exchange, passage, body)

    async def _carry(self, exchange: Exchange, passage: Passage, body: bytes) -> None:
        """Carry out a request that was admitted."""
        flight = passage.flight
        try:
            if flight.ask.instead_of:
                body = request.with_model(body, flight.ask.model)
                self._metrics.fell_back()
            upstream = self._upstreams.get(flight.allow.upstream)
            if upstream is None:
                exchange.end_early(faulty(GatewayFault.UPSTREAM_UNREACHABLE))
            else:
                carrying = passage.carry(upstream, body)
                del body  # it is kept only until it is sent
                await carrying
        finally:
            self._engine.land(flight)
            if flight.refused is not None:
                self._metrics.cut(flight.refused.reason.value)

    async def _read_body(self, connection: HttpExchange, body: RequestBody) -> None:
        """Read a body to its end. Raises: InvalidInput: too large. Full: no room for it. Disconnected."""
        length = connection.head.field(b"content-length")
        self._check_size(int(length or 0))
        while not connection.body_taken:
            part = await connection.read()
            body.add(part, more=not connection.body_taken)
            self._check_size(body.size)

    def _check_size(self, size: int) -> None:
        """Raises: InvalidInput: more bytes than a body may have."""
        if size > self._settings.max_body_bytes:
            raise InvalidInput(
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
