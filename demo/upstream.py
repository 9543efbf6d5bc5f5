"""A small model server for tests, load and the demonstration, with the wire formats of OpenAI and Anthropic.

An answer is a function of the request: no model runs. A request may set its pace and its fault:

    x-demo-chunks: 50            pieces of a stream's text
    x-demo-interval-ms: 10       pause between two pieces (also of a body that is not a stream)
    x-demo-delay-ms: 100         pause before the response's head
    x-demo-bytes: 4096           exact size of the answer's text, in UTF-8
    x-demo-fail: 500 | hangup | hangup-midstream

as headers, or as texts in the `metadata` of its body, for callers behind a gateway that does not forward
these headers. A header wins.

`GET /_demo/calls` and `GET /_demo/stats` show the calls that reached it. `POST /_demo/reset` deletes them.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from demo import upstream_anthropic, upstream_openai, upstream_responses
from demo.upstream_calls import Call, CallLog, CallState, credential_digest
from demo.upstream_exchange import CONNECTION, Caller, Exchange, Receive, Scope, Send, read_body, send_at_once
from demo.upstream_pace import Fault, Pace, UpstreamSettings, requested_pace
from demo.upstream_reply import Reply, Request, metadata, parse_body, whole
from sluicegate.errors import InvalidInput

__all__ = ["Upstream", "UpstreamSettings", "credential_digest", "in_thread", "serve"]

_MODELS = "/v1/models"
_HEALTH = {"/healthz", "/health"}
"""Routers in front ask by the second name, as vLLM has it."""
_ANTHROPIC = "/v1/messages"

_ANSWERS: Mapping[str, Callable[[Request, Pace], Reply]] = {
    "/v1/chat/completions": upstream_openai.chat_completion,
    "/v1/completions": upstream_openai.completion,
    "/v1/embeddings": upstream_openai.embeddings,
    "/v1/responses": upstream_responses.response,
    _ANTHROPIC: upstream_anthropic.message,
}


class Upstream:
    """The model server, as an ASGI application."""

    def __init__(self, settings: UpstreamSettings | None = None) -> None:
        self._settings = settings or UpstreamSettings()
        self._pace = self._settings.pace
        self._log = CallLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Raises: NotImplementedError: not HTTP; servers take that as "no lifespan".
        """
        if scope["type"] != "http":
            raise NotImplementedError("the demonstration upstream speaks http only")
        if scope["path"] in _HEALTH or scope["path"].startswith("/_demo/"):
            await self._observe(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        log = self._log
        headers = dict(scope["headers"])
        call = log.start(scope["path"], (name for name, _ in scope["headers"]), headers)
        caller = Caller(receive, scope.get("extensions", {}).get(CONNECTION))
        try:
            content = await read_body(receive, self._settings.max_body_bytes)
            if content is not None:
                reply, pace = self._reply(scope, headers, content, call)
                await Exchange(send, caller, call, log).deliver(reply, pace)
        finally:
            caller.release()
            log.end(call, CallState.CLOSED_BY_CALLER)  # unless it has ended otherwise

    def _reply(
        self, scope: Scope, headers: Mapping[bytes, bytes], content: bytes, call: Call
    ) -> tuple[Reply, Pace]:
        """Return what to send and how, and note the other facts of the call."""
        call.body_sha256 = hashlib.sha256(content).hexdigest()
        is_anthropic = scope["path"].startswith(_ANTHROPIC)
        refusal = upstream_anthropic.refusal if is_anthropic else upstream_openai.refusal
        pace = self._pace
        try:
            pace = requested_pace({**metadata(content, b"x-demo-"), **headers}, pace)
            objection = self._objection(scope, headers, content, pace)
            if objection is not None:
                return refusal(*objection, call.id), pace
            if scope["path"] == _MODELS:
                return self._models(headers), pace
            small = len(content) <= 16_384 and pace.chunks <= 1000 and pace.text_bytes is None
            call.model, reply = (_answer_again if small else _answer)(scope["path"], content, pace)
        except InvalidInput as error:
            reply = refusal(400, error.message, call.id)
        return reply, pace

    def _objection(
        self, scope: Scope, headers: Mapping[bytes, bytes], content: bytes, pace: Pace
    ) -> tuple[int, str] | None:
        """Return the status and text of a refusal that does not depend on the body."""
        if len(content) > self._settings.max_body_bytes:
            return 413, f"the body is larger than {self._settings.max_body_bytes} bytes"
        if not self._authorized(headers):
            return 401, "incorrect API key provided"
        if pace.fault is Fault.SERVER_ERROR:
            return 500, "the server had an error, as it was asked to"
        return _misrouted(scope["method"], scope["path"])

    def _authorized(self, headers: Mapping[bytes, bytes]) -> bool:
        key = self._settings.api_key.encode()
        given = (headers.get(b"authorization", b""), headers.get(b"x-api-key", b""))
        return not key or any(map(hmac.compare_digest, given, (b"Bearer " + key, key)))

    def _models(self, headers: Mapping[bytes, bytes]) -> Reply:
        listing = upstream_anthropic.models if b"anthropic-version" in headers else upstream_openai.models
        return listing(self._settings.models)

    async def _observe(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a question about the server itself. These questions are not counted as calls."""
        if await read_body(receive, self._settings.max_body_bytes) is not None:
            await send_at_once(send, self._observation(scope["method"], scope["path"]), "demo")

    def _observation(self, method: str, path: str) -> Reply:
        match method, path:
            case "GET", _ if path in _HEALTH:
                return whole({"ok": True})
            case "GET", "/_demo/calls":
                return whole(self._log.listed())
            case "GET", "/_demo/stats":
                return whole(self._log.stats())
            case "POST", "/_demo/reset":
                self._log = CallLog()
                return whole(self._log.stats())
            case _:
                return upstream_openai.refusal(404, f"unknown request URL: {method} {path}", "")


def _answer(path: str, content: bytes, pace: Pace) -> tuple[str, Reply]:
    """Return the model asked for and the answer.

    Raises: InvalidInput: a body that cannot be answered.
    """
    body, model = parse_body(content)
    request = Request(body, model, hashlib.sha256(content).hexdigest(), len(content))
    return model, _ANSWERS[path](request, pace)


_answer_again = lru_cache(maxsize=64)(_answer)
"""The same, cached for small answers: load tests repeat their requests, and do not measure this server."""


def _misrouted(method: str, path: str) -> tuple[int, str] | None:
    expected = "GET" if path == _MODELS else "POST" if path in _ANSWERS else ""
    if not expected:
        return 404, f"unknown request URL: {method} {path}"
    return None if method == expected else (405, f"not allowed: {method} {path}; expected {expected}")


class _Protocol(HttpToolsProtocol):
    """A protocol that gives the application its connection."""

    lost = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {CONNECTION: self}
        self.scope["extensions"] = extensions


class _Server(uvicorn.Server):
    """Reports when it serves, and closes every connection when it stops."""

    def __init__(self, settings: UpstreamSettings, ready: Callable[[int], None] | None = None) -> None:
        config = uvicorn.Config(
            Upstream(settings),
            loop="uvloop",
            http=_Protocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level=None,
            proxy_headers=False,
            timeout_keep_alive=600,
            timeout_graceful_shutdown=2,
        )
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready is not None:
            self._ready(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=4096)


def serve(
    settings: UpstreamSettings, host: str, port: int, ready: Callable[[int], None] | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once with the port; with port 0,
    the system chooses it.

    Raises: OSError: the address cannot be bound.
    """
    _Server(settings, ready).run([_listen(host, port)])


@contextmanager
def in_thread(settings: UpstreamSettings | None = None, port: int = 0) -> Iterator[str]:
    """Serve from a thread of this process on 127.0.0.1, and yield the base URL, without a path.

    Raises: OSError: the port is taken.
    """
    listener = _listen("127.0.0.1", port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Server(settings or UpstreamSettings())
    thread = threading.Thread(target=server.run, args=([listener],), name="upstream", daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join()
