"""The gateway: it reads who asks for what, decides whether they may, and forwards the request.

Rules:
- Only exact raw paths are served: `dialects.ENDPOINTS` are forwarded, the models are listed, and the gateway
  reports its health. No path is decoded, joined or normalised on the way.
- Under `/v1/` the credential comes first: without a known one, no caller learns which paths exist. Only a
  browser's preflight and an offer to speak WebSocket come before it: each gets one answer for every path.
- A refusal before the body was read ends the connection; the body is not read for it.
- Prompts, completions and credentials are neither kept nor logged.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from time import monotonic
from typing import Any
from urllib.parse import unquote

from sluicegate import journal
from sluicegate.core.access import decision
from sluicegate.core.access.decision import Ask, Instant
from sluicegate.core.access.naming import IDENTIFIERS_MAX
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.errors import InvalidInput, TooLarge
from sluicegate.gate import cors, request
from sluicegate.gate.caller import Callers
from sluicegate.gate.coding import RATIO_MAX
from sluicegate.gate.dialects import (
    ENDPOINTS,
    OUTLIVING,
    TEXT_ALONE,
    GatewayFault,
    GatewayReply,
    faulty,
    model_reply,
    models_reply,
)
from sluicegate.gate.engine import Engine, Flight
from sluicegate.gate.exchange import Exchange
from sluicegate.gate.intake import SHARES, Full, Intake, RequestBody, busy
from sluicegate.gate.lines import LineWriter
from sluicegate.gate.metrics import CONTENT_TYPE, Metrics
from sluicegate.gate.names import NO_NAMES, of_headers
from sluicegate.gate.passage import Passage
from sluicegate.gate.presented import Presented, by_key
from sluicegate.gate.reading import SMALL_BYTES, BodyContent, BodyReader
from sluicegate.gate.request import Request, RequestHeaders
from sluicegate.gate.spans import traceparent, written
from sluicegate.gate.sse import EventRoom
from sluicegate.gate.trace import MODEL, MODELS, Trace, Under, is_written, line, passed_line
from sluicegate.gate.upstream import Upstream
from sluicegate.http.exchange import Disconnected, HttpExchange
from sluicegate.http.server import connections_max
from sluicegate.settings import GatewaySettings

Answering = Coroutine[Any, Any, None]
"""What is left of a request that has to wait."""
FILES_EACH = 2
"""A request's connection has another one upstream."""

_JSON = b"application/json"
_FOREIGN = frozenset({Reason.CREDENTIAL_UNKNOWN, Reason.CREDENTIAL_REVOKED})
_NOT_SERVED = "work that outlives its request, and what a model's server keeps, are not served here"


class Gateway:
    """What answers the requests of an HTTP server: at once, or when an upstream answers; where it has to wait
    for a body, in what it returns.

    `upstreams` are by their names in plans. `log` and `spans` get a line for each request, with the time of
    `wall_ms`; `book` one for each that is passed on.
    `presented` says whose a request is.
    """

    def __init__(  # noqa: PLR0913 - an engine and where it forwards to; and what others may give
        self,
        engine: Engine,
        upstreams: Mapping[str, Upstream],
        settings: GatewaySettings,
        log: LineWriter | None = None,
        spans: LineWriter | None = None,
        wall_ms: Callable[[], int] = int,
        presented: Presented = by_key,
        book: LineWriter | None = None,
    ) -> None:
        self._engine = engine
        self._presented = presented
        self._callers = Callers(engine.table, engine.missing)
        self._upstreams = upstreams
        self._settings = settings
        self._intake = Intake(settings, connections_max(settings.http, FILES_EACH), engine.boot_ms)
        held = settings.max_held_event_bytes
        self._room = EventRoom(held, max(settings.max_event_bytes, held // SHARES))
        self._reader = BodyReader(settings.max_text_bytes)
        self._log = log
        self._spans = spans
        self._book = book
        self._wall_ms = wall_ms
        self._metrics = Metrics(engine, self._intake, log, spans, book)
        self._observations: Mapping[bytes, Callable[[], GatewayReply]] = {
            b"/healthz": _health,
            b"/readyz": self._readiness,
            b"/metrics": self._measurements,
        }

    def __call__(self, connection: HttpExchange) -> Answering | None:
        """Answer a request."""
        if connection.head.path.startswith(b"/v1/"):
            exchange = Exchange(connection, self._ended)
            if self._spans is not None:
                exchange.trace.parent = traceparent(exchange.headers)
            return self._serve(exchange)
        self._observe(Exchange(connection, self._metrics.ended))
        return None

    def _ended(self, exchange: Exchange) -> None:
        """A request is over, however it ended: count it, and log it."""
        ended_s = monotonic()
        if exchange.flight is not None:
            self._land(exchange.flight, exchange.trace)
        self._metrics.ended(exchange)
        self._metrics.took(exchange.trace, exchange.outcome, ended_s)
        if self._log is not None or self._spans is not None:
            self._note(exchange, ended_s)
        trace = exchange.trace
        if self._book is not None and trace.under is not None:
            self._book.put(passed_line(trace, self._engine.surface, self._wall_ms(), exchange.outcome))

    def _land(self, flight: Flight, trace: Trace) -> None:
        """A request that was admitted is over."""
        self._engine.land(flight)
        for kind in trace.watch.differences if trace.watch is not None else ():
            self._metrics.differed(kind)
            self._engine.differs(flight, kind)
        if flight.refused is not None:
            self._metrics.cut(flight.refused.reason.value)

    def _note(self, exchange: Exchange, ended_s: float) -> None:
        """Log a request that is over, and leave its span."""
        trace, bytes_in, table = exchange.trace, exchange.connection.content_bytes, self._engine.table
        said = line(
            trace, exchange.path, exchange.outcome, bytes_in, table, self._wall_ms(), ended_s
        ).encode()
        if self._log is not None and is_written(trace, self._settings.request_log_one_in):
            self._log.put(said)
        if self._spans is not None:
            self._spans.put(written(trace.parent, said))

    def _serve(self, exchange: Exchange) -> Answering | None:
        exchange.shared = cors.shared(exchange.headers, self._settings.cors_origins)
        if cors.is_preflight(exchange.method, exchange.headers):
            _preflight(exchange)
            return None
        if exchange.connection.head.offers_websocket:
            self._refuse(exchange, Deny(Reason.UPGRADE_REQUIRED))
            return None
        digest = self._presented(exchange)
        if digest is not None:
            exchange.trace.credential = self._engine.table.credentials.get(digest)
        found = self._engine.identify(digest)
        if isinstance(found, Deny) or digest is None:
            denied = found if isinstance(found, Deny) else Deny(Reason.CREDENTIAL_MISSING)
            if denied.reason in _FOREIGN:
                self._suspect(exchange, denied.reason)
            self._refuse(exchange, denied)
            return None
        exchange.connection.hold()
        if exchange.path in ENDPOINTS:
            return self._take_in(exchange, digest, found) if _allowed(exchange, "POST") else None
        if exchange.path == MODELS or exchange.path.startswith(MODEL):
            if _allowed(exchange, "GET"):
                self._list(exchange, digest)
        elif OUTLIVING.fullmatch(exchange.path):
            self._refuse(exchange, Deny(Reason.REQUEST_INVALID, _NOT_SERVED))
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
        tokens, names = request.assertions(exchange.headers), of_headers(exchange.headers)
        naming = self._callers.naming(digest, tokens, names, engine.now)
        if exchange.path == MODELS:
            models = engine.usable_models(digest, naming)
            exchange.reply(models_reply(models, exchange.dialect, exchange.trace.id), "listed")
            return
        model = unquote(exchange.path[len(MODEL) :].decode("ascii"))
        ask = Ask(digest, model, engine.surface, naming=naming)
        decided = decision.decide(ask, engine.table, engine.now())
        exchange.trace.model = model
        if isinstance(decided, Deny):
            self._refuse(exchange, decided)
        else:
            exchange.trace.allowed("")
            exchange.reply(model_reply(model, exchange.dialect, exchange.trace.id), "listed")

    def _take_in(self, exchange: Exchange, digest: bytes, organization: str) -> Answering | None:
        """Read a request, and carry it out if it may be."""
        connection = exchange.connection
        content: BodyContent | None = None
        closed = self._intake.closed(organization)
        if closed is not None:
            self._refuse(exchange, closed)
            return None
        try:
            stated = int(connection.head.field(b"content-length") or 0)
            self._check_size(exchange, max(stated, connection.content_bytes))
            headers = request.read_headers(exchange.headers, self._engine.table.carriers)
            _check_query(exchange)
            if not connection.body_arrived or headers.coding or connection.content_bytes > SMALL_BYTES:
                return self._await_body(exchange, digest, organization, headers)
            content = self._reader.small(connection.take(), exchange.dialect)
            ask = self._ask(digest, content.asked, headers)
        except InvalidInput as error:
            ask = self._unread(digest, error)
        self._admit(exchange, ask, organization, content, connection.content_bytes)
        return None

    async def _await_body(
        self, exchange: Exchange, digest: bytes, organization: str, headers: RequestHeaders
    ) -> None:
        """Read a body as it arrives, and what is large or compressed; then do as with one that is here.

        If the client leaves meanwhile, it is read no further.
        """
        content: BodyContent | None = None
        exchange.waits()
        with self._intake.body(organization) as body:
            try:
                await self._read_body(exchange, body)
                most = self._body_max(exchange)
                content = await self._reader.read(
                    organization, body.parts(), headers.coding, exchange.dialect, most
                )
                ask = self._ask(digest, content.asked, headers)
            except Full:
                self._refuse(exchange, busy())
                return
            except InvalidInput as error:
                ask = self._unread(digest, error)
            except (asyncio.CancelledError, Disconnected):
                self._intake.refused(organization, self._cost(exchange, body.size, None))
                if not exchange.over():
                    raise
                return
            cost = self._cost(exchange, body.size, content)
        self._admit(exchange, ask, organization, content, cost)

    def _cost(self, exchange: Exchange, size: int, content: BodyContent | None) -> int:
        """How much was read for a request; at most, if its body is compressed and was not read."""
        if content is not None:
            return max(size, len(content.plain))
        compressed = any(name == b"content-encoding" for name, _ in exchange.headers)
        return min(size * RATIO_MAX, self._body_max(exchange)) if compressed else size

    def _ask(self, digest: bytes, asked: Request, headers: RequestHeaders) -> Ask:
        """What a request asks for. Raises: InvalidInput: it names too many, or what another may keep."""
        names = asked.names if headers.names is NO_NAMES else asked.names.and_more(headers.names)
        if len(names.identifiers) > IDENTIFIERS_MAX:
            said = f"{len(names.identifiers)} different identifiers of end users"
            raise InvalidInput(f"{said}, expected at most {IDENTIFIERS_MAX}")
        naming = self._callers.naming(digest, headers.assertions, names, self._engine.now)
        if asked.state and not self._has_own_account(digest, asked.model):
            raise InvalidInput(
                f"{asked.state!r} names something that the model's server keeps, in an account that all "
                "customers share; expected all of it in the request itself"
            )
        programmes = asked.programmes
        if headers.programmes:
            programmes = (*programmes, *headers.programmes)
        return Ask(digest, asked.model, self._engine.surface, naming=naming, programmes=programmes)

    def _unread(self, digest: bytes, error: InvalidInput) -> Ask:
        reason = Reason.REQUEST_TOO_LARGE if isinstance(error, TooLarge) else Reason.REQUEST_INVALID
        return Ask(digest, "", self._engine.surface, Deny(reason, error.message))

    def _has_own_account(self, digest: bytes, model: str) -> bool:
        """Whether calls of a key for a model go with a credential upstream that is its grant's own.

        One that chose the fallback has none: what it names may be kept where another server cannot see it.
        """
        credential = self._engine.table.credentials.get(digest)
        if credential is None or credential.grant.falls_back:
            return False
        target = self._settings.upstreams.get(credential.grant.models.get(model, ""))
        return target is not None and credential.grant.id in target.keys

    def _admit(
        self, exchange: Exchange, ask: Ask, organization: str, content: BodyContent | None, cost: int
    ) -> None:
        """Decide a request, and carry it out. What was read for a refused one is metered: `cost` bytes."""
        passage = Passage(exchange, self._settings, self._room, self._engine.table)
        flight = self._engine.admit(ask, passage.cut)
        exchange.trace.model = ask.model
        if isinstance(flight, Deny) or content is None:
            self._refuse(exchange, flight if isinstance(flight, Deny) else Deny(Reason.REQUEST_INVALID))
            self._intake.refused(organization, cost)
            return
        exchange.flight = flight
        exchange.trace.allowed(flight.ask.model if flight.ask.instead_of else "")
        if self._book is not None:
            exchange.trace.under = _under(flight, self._engine.table.size)
        body = content.body
        if flight.ask.instead_of:
            body = content.with_model(flight.ask.model)
            exchange.headers = [each for each in exchange.headers if each[0] != b"content-encoding"]
            self._metrics.fell_back()
        upstream = self._upstreams.get(flight.allow.upstream)
        if upstream is None:
            exchange.end_early(faulty(GatewayFault.UPSTREAM_UNREACHABLE))
        else:
            passage.carry(flight, upstream, body)

    async def _read_body(self, exchange: Exchange, body: RequestBody) -> None:
        """Read a body to its end. Raises: TooLarge. Full: no room for it. Disconnected."""
        connection = exchange.connection
        body.add(connection.take(), more=not connection.body_taken)
        self._check_size(exchange, body.size)
        while not connection.body_taken:
            part = await connection.read()
            body.add(part, more=not connection.body_taken)
            self._check_size(exchange, body.size)

    def _check_size(self, exchange: Exchange, size: int) -> None:
        """Raises: TooLarge: more bytes than a body may have."""
        most = self._body_max(exchange)
        if size > most:
            raise TooLarge(f"a body larger than {most:,} bytes, expected at most that")

    def _body_max(self, exchange: Exchange) -> int:
        """How many bytes a body may have at this endpoint."""
        settings = self._settings
        return settings.max_text_bytes if exchange.path in TEXT_ALONE else settings.max_body_bytes

    def _suspect(self, exchange: Exchange, reason: Reason) -> None:
        """Tell of a key that is not known here, or not any more."""
        event: journal.EventName = "sign_in_failed" if reason is Reason.CREDENTIAL_UNKNOWN else "key_misused"
        named = {"request": exchange.trace.id, "address": exchange.connection.address}
        journal.note(event, f"a key was refused: {reason.value}", result=reason.value, **named)

    def _refuse(self, exchange: Exchange, deny: Deny) -> None:
        exchange.refuse(deny, self._engine.table.size)


def _under(flight: Flight, size: int) -> Under:
    """Under what a request was let through, at a size of the log."""
    ask, grant = flight.ask, flight.allow.grant
    rows = (row for asked in ask.programmes for row in grant.programmes.get(asked, ()))
    return Under(grant.id, size, tuple(row.label for row in rows) if ask.programmes else ())


def _allowed(exchange: Exchange, method: str) -> bool:
    """Whether the method is the one served here; if not, the client gets an error."""
    if exchange.method == method:
        return True
    exchange.end_early(faulty(GatewayFault.METHOD_NOT_ALLOWED, headers=((b"allow", method.encode()),)))
    return False


def _check_query(exchange: Exchange) -> None:
    if exchange.query:
        request.read_query(exchange.query)


def _preflight(exchange: Exchange) -> None:
    if exchange.shared:
        exchange.reply(GatewayReply(204, cors.permitted(exchange.headers), b""), "observed")
    else:
        exchange.end_early(faulty(GatewayFault.ORIGIN_NOT_LISTED))


def _health() -> GatewayReply:
    return _told(_JSON, b'{"ok": true}')


def _told(kind: bytes, body: bytes, status: int = 200) -> GatewayReply:
    return GatewayReply(status, [(b"content-type", kind), (b"content-length", b"%d" % len(body))], body)
