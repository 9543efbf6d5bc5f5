"""The span of a request, in OpenTelemetry's words. It is made of the request's line in the request log only.

Rules:
- Pure. Nothing is in a span that is not in the line: no part of a request or an answer, no key, no person.
- A collector may be another company's. So a span has less than the line: not whose request it was, and not
  by which key. The request's id leads to the line.
- A client's `traceparent` only says where the span belongs. One that is not exactly as the
  standard has it, or comes twice, is ignored. Whether it is to be sampled, no client says.

Source: W3C Trace Context, 3.2; OpenTelemetry semantic conventions for generative AI and for HTTP.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from sluicegate.gate.dialects import ENDPOINTS, Dialect, Headers
from sluicegate.gate.trace import MODEL, MODELS, OTHER
from sluicegate_record.log.times import parse_time

OPERATIONS = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embeddings",
    "/v1/responses": "chat",
    "/v1/responses/compact": "compact",
    "/v1/responses/input_tokens": "count_tokens",
    "/v1/messages": "chat",
    "/v1/messages/count_tokens": "count_tokens",
    MODELS.decode(): "list_models",
    MODEL.decode(): "retrieve_model",
    OTHER: OTHER,
}
"""What is asked for by the path of a line. The conventions have the first four words."""

ATTRIBUTES = {
    "gen_ai.operation.name": "`chat`, `text_completion`, `embeddings`; and `compact`, `count_tokens`, "
    "`list_models`, `retrieve_model`, `other`, for which the conventions have no word",
    "gen_ai.provider.name": "whose form the request has: `openai` or `anthropic`",
    "gen_ai.request.model": "`model` of the line",
    "gen_ai.response.model": "`fallback` of the line, where another model answered",
    "error.type": "why it did not succeed: `reason`, else `outcome`, else the status",
    "http.route": "`path` of the line, unless it is `other`",
    "http.response.status_code": "`status` of the line",
    "server.address": "the address that the gateway listens on",
    "server.port": "and its port",
    "sluicegate.request.id": "`request` of the line",
    "sluicegate.decision": "`decision` of the line",
    "sluicegate.reason": "`reason` of the line",
    "sluicegate.directive": "`directive` of the line",
    "sluicegate.outcome": "`outcome` of the line",
    "sluicegate.upstream.status_code": "`upstreamStatus` of the line",
    "sluicegate.first_byte_ms": "`firstByteMs` of the line",
}
"""The attributes of a span, and what each is. One that has no value is left out."""

_SUCCEEDED = frozenset({"answered", "listed"})
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Parent:
    """The span of the client that a request belongs to."""

    trace: int
    span: int


@dataclass(frozen=True, slots=True)
class RequestSpan:
    """A span. Units: `…_ns` nanoseconds since 1970. `failed`: by a fault on our side, or cut."""

    name: str
    trace: int
    id: int
    parent: Parent | None
    began_ns: int
    ended_ns: int
    failed: bool
    attributes: dict[str, str | int | float]


def traceparent(headers: Headers) -> bytes:
    """The client's `traceparent`, 55 bytes; empty: none, or not exactly one of version 00."""
    given = [value for name, value in headers if name == b"traceparent"]
    return given[0] if len(given) == 1 and _TRACEPARENT.fullmatch(given[0]) else b""


def written(parent: bytes, line: bytes) -> bytes:
    """A request's span as it is handed on: what `traceparent` gave, and its line."""
    return b"%b %b" % (parent, line)


def read(said: bytes) -> RequestSpan:
    """The span of what `written` gave."""
    parent_text, _, text = said.partition(b" ")
    line = json.loads(text)
    parent, digits = _parent(parent_text), line["request"].removeprefix("req_")
    began_ns = parse_time(line["time"]) * 1_000_000
    error, status = _error(line), line["status"]
    operation, model = OPERATIONS[line["path"]], line["model"]
    return RequestSpan(
        name=f"{operation} {model}" if model else operation,
        trace=parent.trace if parent else int(digits, 16),
        id=int(digits[-16:], 16),
        parent=parent,
        began_ns=began_ns,
        ended_ns=began_ns + round(line["totalMs"] * 1_000_000),
        failed=bool(error) and not 400 <= status < 500 and line["outcome"] != "client_gone",
        attributes={name: value for name, value in _attributes(line, operation, error) if value},
    )


def _parent(given: bytes) -> Parent | None:
    if not given:
        return None
    _, trace, span, _ = given.split(b"-")
    return Parent(int(trace, 16), int(span, 16))


def _error(line: dict[str, Any]) -> str:
    """Why a request did not succeed; empty: it did."""
    if line["reason"]:
        return str(line["reason"])
    if line["outcome"] not in _SUCCEEDED:
        return str(line["outcome"])
    return str(line["status"]) if line["status"] >= 400 else ""


def _attributes(line: dict[str, Any], operation: str, error: str) -> list[tuple[str, Any]]:
    path = line["path"]
    dialect = ENDPOINTS.get(path.encode())
    provider = "anthropic" if dialect is Dialect.ANTHROPIC else "openai"
    return [
        ("gen_ai.operation.name", operation),
        ("gen_ai.provider.name", provider if dialect else ""),
        ("gen_ai.request.model", line["model"]),
        ("gen_ai.response.model", line["fallback"]),
        ("error.type", error),
        ("http.route", "" if path == OTHER else path),
        ("http.response.status_code", line["status"]),
        ("sluicegate.request.id", line["request"]),
        ("sluicegate.decision", line["decision"]),
        ("sluicegate.reason", line["reason"]),
        ("sluicegate.directive", line["directive"]),
        ("sluicegate.outcome", line["outcome"]),
        ("sluicegate.upstream.status_code", line["upstreamStatus"]),
        ("sluicegate.first_byte_ms", line["firstByteMs"]),
    ]
