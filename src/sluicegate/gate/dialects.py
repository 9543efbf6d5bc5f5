"""The two dialects clients speak to a gateway, OpenAI's and Anthropic's, as far as the gateway speaks itself.

Rules:
- Pure: headers and values in, bytes out. A request's id is given, never drawn here.
- The dialect follows the path; where the path is unknown or shared, the header `anthropic-version`.
- What a refusal means (status, sentence, remedy) is `core.access.refusals`' word; only its form is made here.
- A stream that is cut ends with an event on which the official SDKs raise; silence they take for success.
- Two different API keys, a repeated header, a scheme other than Bearer or a key that is no key (over 512
  characters, not printable ASCII) count as an unknown key, not as a missing one: something was presented,
  and nothing presented here is known. It is refused in the place of `credential_unknown`, as decided by
  `core.access.decision`, because no table can hold `UNKNOWABLE`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote

from sluicegate.core.access.refusals import Deny, Reason

Headers = Sequence[tuple[bytes, bytes]]
"""Header names in lower case, with their values, in the order received."""

KEY_MAX = 512
WORDINGS = 256
"""How many refusals are kept as they were worded last."""
UNKNOWABLE = sha256(b"\0 not a key").digest()
"""The digest that stands for a malformed credential: of bytes that no key can be."""

_KEY = re.compile(rb"[\x21-\x7e]{1,%d}" % KEY_MAX)
_BLANKS = b" \t"

STAND_IN = b"x-sluicegate-model"
INSTEAD_OF = b"x-sluicegate-instead-of"
DIRECTIVE = b"x-sluicegate-directive"
"""The response headers that tell of a fallback: who answers, in whose place, because of which directive."""


class Dialect(Enum):
    """How a request's answers are worded. `RESPONSES` is OpenAI's with another event for errors."""

    OPENAI = "openai"
    RESPONSES = "responses"
    ANTHROPIC = "anthropic"


ENDPOINTS: Mapping[bytes, Dialect] = {
    b"/v1/chat/completions": Dialect.OPENAI,
    b"/v1/completions": Dialect.OPENAI,
    b"/v1/embeddings": Dialect.OPENAI,
    b"/v1/responses": Dialect.RESPONSES,
    b"/v1/messages": Dialect.ANTHROPIC,
}
"""What is forwarded, by exact raw path; always POST."""

OUTLIVING = re.compile(rb"/v1/(?:messages/)?(?:batches|files|uploads)(?:/.*)?")
"""Endpoints whose work outlives the request: nothing could cut it, so they are refused."""


def dialect_of(path: bytes, headers: Headers) -> Dialect:
    """The dialect to answer a request in, whether its path is known or not."""
    known = ENDPOINTS.get(path)
    if known is not None:
        return known
    anthropic = path.startswith(b"/v1/messages") or any(name == b"anthropic-version" for name, _ in headers)
    return Dialect.ANTHROPIC if anthropic else Dialect.OPENAI


def credential_digest(headers: Headers) -> bytes | None:
    """SHA-256 of the API key, 32 bytes; None where none was given; `UNKNOWABLE` for what is no single key."""
    given: set[bytes] = set()
    authorization = api_key = 0
    for name, value in headers:
        if name == b"authorization":
            authorization += 1
            given.add(_bearer(value))
        elif name == b"x-api-key":
            api_key += 1
            given.add(value.strip(_BLANKS))
    given.discard(b"")
    if authorization > 1 or api_key > 1 or len(given) > 1:
        return UNKNOWABLE
    for key in given:
        return sha256(key).digest() if _KEY.fullmatch(key) else UNKNOWABLE
    return None


def _bearer(value: bytes) -> bytes:
    """The key; empty where none was given; what is no key where the scheme is another."""
    scheme, _, key = value.strip(_BLANKS).partition(b" ")
    return key.strip(_BLANKS) if scheme.lower() in {b"bearer", b""} else b"\0"


class GatewayFault(Enum):
    """What goes wrong without anybody saying no: the error's code, its status, and one sentence."""

    UPSTREAM_UNREACHABLE = ("upstream_unreachable", 502, "the model's server cannot be reached")
    UPSTREAM_TIMEOUT = ("upstream_timeout", 504, "the model's server did not answer in time")
    UPSTREAM_FAILED = ("upstream_failed", 502, "the model's server failed before its answer was complete")
    ENDPOINT_UNKNOWN = ("endpoint_unknown", 404, "this gateway does not serve this path")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "this path is not served for this method")

    def __init__(self, code: str, status: int, text: str) -> None:
        self.code = code
        self.status = status
        self.text = text


class GatewayReply(NamedTuple):
    """A whole response of the gateway's own: the headers are complete but for the date."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What an error tells a client, in no dialect yet; one is equal to itself alone.

    `param` is the request field at fault, or None; `sluicegate` the extension by which a refusal explains
    itself; `headers` are those beyond the usual.
    """

    status: int
    code: str
    message: str
    param: str | None = None
    sluicegate: Mapping[str, Any] | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


_NOT_THE_MODEL = frozenset(
    {
        Reason.CREDENTIAL_MISSING,
        Reason.GATE_STALE,
        Reason.CREDENTIAL_UNKNOWN,
        Reason.CREDENTIAL_REVOKED,
        Reason.REQUEST_INVALID,
        Reason.QUOTA_EXCEEDED,
    }
)


def refused(deny: Deny, size: int) -> Problem:
    """A refusal, decided at log size `size`.

    One directive ends thousands of streams with the same words: those are made once. What a refusal says
    about the request itself is not kept.
    """
    return _refused(deny, size) if deny.detail else _refused_again(deny, size)


def _refused(deny: Deny, size: int) -> Problem:
    return Problem(
        deny.status,
        deny.reason.value,
        f"{deny.text}{_named(deny)}; {deny.remedy}",
        None if deny.reason in _NOT_THE_MODEL else "model",
        {
            "reason": deny.reason.value,
            "directive": deny.directive,
            "application": deny.application,
            "fallback": deny.fallback,
            "remedy": deny.remedy,
            "size": size,
        },
        tuple(_retry_headers(deny)),
    )


def stand_in_headers(model: str, instead_of: str, directive: str) -> Headers:
    """What the answer of a fallback says besides.

    Names are as plans and directives may write them; anything else in one is escaped, as in a URL.
    """
    said = ((STAND_IN, model), (INSTEAD_OF, instead_of), (DIRECTIVE, directive))
    return [(name, quote(value, safe="._:/-", errors="replace").encode()) for name, value in said]


_refused_again = lru_cache(maxsize=WORDINGS)(_refused)


def faulty(fault: GatewayFault, detail: str = "", headers: tuple[tuple[bytes, bytes], ...] = ()) -> Problem:
    """A fault; `detail` says more, and nothing about upstreams that a client should not know."""
    message = f"{fault.text}: {detail}" if detail else fault.text
    return Problem(fault.status, fault.code, message, headers=headers)


def _named(deny: Deny) -> str:
    names = (("directive", deny.directive), ("application", deny.application))
    return "".join(f" ({what} {name})" for what, name in names if name)


def _retry_headers(deny: Deny) -> Iterable[tuple[bytes, bytes]]:
    if deny.retry_after_s is not None:
        yield b"retry-after", b"%d" % deny.retry_after_s
    else:
        yield b"x-should-retry", b"false"
    if deny.status == 401:
        yield b"www-authenticate", b"Bearer"


_OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_denied",
    404: "invalid_request_error",
    405: "invalid_request_error",
    429: "rate_limit_error",
    451: "permission_denied",
    502: "server_error",
    503: "service_unavailable",
    504: "server_error",
}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    429: "rate_limit_error",
    451: "permission_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
}


def _openai_error(problem: Problem) -> dict[str, Any]:
    error = {
        "message": problem.message,
        "type": _OPENAI_TYPES[problem.status],
        "param": problem.param,
        "code": problem.code,
    }
    return {"error": error | _extension(problem)}


def _responses_event(problem: Problem) -> dict[str, Any]:
    """The event of /v1/responses, with the `error` on which the SDKs raise."""
    flat = {"type": "error", "code": problem.code, "message": problem.message, "param": problem.param}
    return flat | _openai_error(problem)


def _anthropic_error(problem: Problem, request_id: str) -> dict[str, Any]:
    error = {"type": _ANTHROPIC_TYPES[problem.status], "message": problem.message}
    return {"type": "error", "error": error | _extension(problem), "request_id": request_id}


def _extension(problem: Problem) -> dict[str, Any]:
    return {} if problem.sluicegate is None else {"sluicegate": problem.sluicegate}


def error_reply(problem: Problem, dialect: Dialect, request_id: str) -> GatewayReply:
    """The whole response that tells a problem."""
    if dialect is Dialect.ANTHROPIC:
        reply = _reply(problem.status, _anthropic_error(problem, request_id), b"request-id", request_id)
    else:
        reply = _reply(problem.status, _openai_error(problem), b"x-request-id", request_id)
    reply.headers.extend(problem.headers)
    return reply


def error_event(problem: Problem, dialect: Dialect, request_id: str) -> bytes:
    """The server-sent event that tells a problem and ends a stream."""
    if dialect is Dialect.ANTHROPIC:
        return b"event: error\ndata: " + _json(_anthropic_error(problem, request_id)) + b"\n\n"
    return _nameless_event(problem, dialect)


@lru_cache(maxsize=WORDINGS)
def _nameless_event(problem: Problem, dialect: Dialect) -> bytes:
    """The event of a dialect that does not name the request in it."""
    if dialect is Dialect.RESPONSES:
        return b"event: error\ndata: " + _json(_responses_event(problem)) + b"\n\n"
    return b"data: " + _json(_openai_error(problem)) + b"\n\n"


def models_reply(models: Sequence[str], dialect: Dialect, request_id: str) -> GatewayReply:
    """The list of `models`, whole: there are no further pages."""
    if dialect is Dialect.ANTHROPIC:
        ends = {"first_id": models[0] if models else None, "last_id": models[-1] if models else None}
        listed = {"data": [_anthropic_model(model) for model in models], "has_more": False} | ends
        return _reply(200, listed, b"request-id", request_id)
    listed = {"object": "list", "data": [_openai_model(model) for model in models]}
    return _reply(200, listed, b"x-request-id", request_id)


def model_reply(model: str, dialect: Dialect, request_id: str) -> GatewayReply:
    """One model."""
    if dialect is Dialect.ANTHROPIC:
        return _reply(200, _anthropic_model(model), b"request-id", request_id)
    return _reply(200, _openai_model(model), b"x-request-id", request_id)


def _openai_model(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": 0, "owned_by": "sluicegate"}


def _anthropic_model(model: str) -> dict[str, Any]:
    return {"type": "model", "id": model, "display_name": model, "created_at": "1970-01-01T00:00:00Z"}


def _reply(status: int, value: object, id_header: bytes, request_id: str) -> GatewayReply:
    body = _json(value)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (id_header, request_id.encode()),
    ]
    return GatewayReply(status, headers, body)


_encode: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _json(value: object) -> bytes:
    """JSON on one line; half a surrogate pair, which has no UTF-8, becomes its JSON escape."""
    return _encode(value).encode("utf-8", "backslashreplace")
