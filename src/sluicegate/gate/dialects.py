"""The two dialects that clients use with a gateway, OpenAI's and Anthropic's:
the responses of the gateway itself.

Rules:
- Pure: headers and values in, bytes out. A request's id is an argument, and is never drawn here.
- The path decides the dialect; for an unknown or shared path, the header `anthropic-version` does.
- `core.access.refusals` says what a refusal means (status, sentence, remedy). This module makes only its
  form.
- A stream that is cut ends with an event on which the official SDKs raise an error. Without it they would
  take the stream for complete.
- Two different API keys, a repeated header, a scheme other than Bearer, or a malformed key (over 512
  characters, not printable ASCII) count as an unknown key, not as a missing one: the caller did present
  something. `core.access.decision` refuses it as it refuses `credential_unknown`, because no table can hold
  `UNKNOWABLE`.
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
"""How many refusals are kept in their final wording: the latest ones."""
UNKNOWABLE = sha256(b"\0 not a key").digest()
"""The digest for a malformed credential: of bytes that no key can have."""

_KEY = re.compile(rb"[\x21-\x7e]{1,%d}" % KEY_MAX)
_BLANKS = b" \t"

STAND_IN = b"x-sluicegate-model"
INSTEAD_OF = b"x-sluicegate-instead-of"
DIRECTIVE = b"x-sluicegate-directive"
"""The response headers about a fallback: which model answers, instead of which one,
because of which directive.
"""


class Dialect(Enum):
    """The form of a request's answers. `RESPONSES` is OpenAI's with another event for errors."""

    OPENAI = "openai"
    RESPONSES = "responses"
    ANTHROPIC = "anthropic"


ENDPOINTS: Mapping[bytes, Dialect] = {
    b"/v1/chat/completions": Dialect.OPENAI,
    b"/v1/completions": Dialect.OPENAI,
    b"/v1/embeddings": Dialect.OPENAI,
    b"/v1/responses": Dialect.RESPONSES,
    b"/v1/responses/compact": Dialect.RESPONSES,
    b"/v1/responses/input_tokens": Dialect.RESPONSES,
    b"/v1/messages": Dialect.ANTHROPIC,
    b"/v1/messages/count_tokens": Dialect.ANTHROPIC,
}
"""The requests that are forwarded, by exact raw path; always POST."""

TEXT_ALONE = frozenset({b"/v1/completions", b"/v1/embeddings"})
"""The endpoints where no pictures travel."""

OUTLIVING = re.compile(
    rb"/v1/(?:(?:messages/)?(?:batches|files|uploads)|fine_tuning|vector_stores|containers|conversations|prompts"
    rb"|assistants|threads|skills|memory_stores|responses/[^/]+|chat/completions/[^/]+)(?:/.*)?"
)
"""Endpoints whose work continues after the request, which the gateway could not cut; and those for what the
model's server keeps, which could be another customer's. The gateway refuses them, except the `ENDPOINTS`.
"""


def dialect_of(path: bytes, headers: Headers) -> Dialect:
    """The dialect for the answer to a request, whether its path is known or not."""
    known = ENDPOINTS.get(path)
    if known is not None:
        return known
    anthropic = path.startswith(b"/v1/messages") or any(name == b"anthropic-version" for name, _ in headers)
    return Dialect.ANTHROPIC if anthropic else Dialect.OPENAI


def credential_digest(headers: Headers) -> bytes | None:
    """SHA-256 of the API key, 32 bytes; None if there is no key;
    `UNKNOWABLE` if there is not exactly one valid key.
    """
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
    """The key; empty if there is no key; an invalid key if the scheme is not Bearer."""
    scheme, _, key = value.strip(_BLANKS).partition(b" ")
    return key.strip(_BLANKS) if scheme.lower() in {b"bearer", b""} else b"\0"


class GatewayFault(Enum):
    """A failure that is not a refusal: the error's code, its status, and one sentence."""

    UPSTREAM_UNREACHABLE = ("upstream_unreachable", 502, "the model's server cannot be reached")
    UPSTREAM_TIMEOUT = ("upstream_timeout", 504, "the model's server did not answer in time")
    UPSTREAM_FAILED = ("upstream_failed", 502, "the model's server failed before its answer was complete")
    UPSTREAM_REFUSED = (
        "upstream_refused",
        502,
        "the model's server refused this gateway's own key or account; tell the operator of this gateway",
    )
    EVENT_TOO_LARGE = (
        "event_too_large",
        502,
        "the model's server sent an event that is larger than this gateway passes on",
    )
    ENDPOINT_UNKNOWN = ("endpoint_unknown", 404, "this gateway does not serve this path")
    ORIGIN_NOT_LISTED = (
        "origin_not_listed",
        403,
        "this gateway's operator has not listed this page's origin ('--cors-origin'); call from a server",
    )
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "this path is not served for this method")

    def __init__(self, code: str, status: int, text: str) -> None:
        self.code = code
        self.status = status
        self.text = text


class GatewayReply(NamedTuple):
    """A whole response from the gateway itself. Its headers are complete, except for the date."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """An error for a client, before it has the form of a dialect. It is equal only to itself.

    The body speaks of `status`, which is also that of the response unless `sent` is another one.

    `param` is the request field at fault, or None; `sluicegate` is the extension in which a refusal explains
    itself; `headers` are the additional ones.
    """

    status: int
    code: str
    message: str
    param: str | None = None
    sluicegate: Mapping[str, Any] | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    sent: int | None = None


_NOT_THE_MODEL = frozenset(
    {
        Reason.CREDENTIAL_MISSING,
        Reason.GATE_STALE,
        Reason.GATE_CLOCK_DIFFERS,
        Reason.GATE_BUSY,
        Reason.CREDENTIAL_UNKNOWN,
        Reason.CREDENTIAL_REVOKED,
        Reason.CREDENTIAL_EXPIRED,
        Reason.REQUEST_INVALID,
        Reason.REQUEST_TOO_LARGE,
        Reason.UPGRADE_REQUIRED,
        Reason.PROGRAMME_NOT_GRANTED,
        Reason.QUOTA_EXCEEDED,
    }
)


def refused(deny: Deny, size: int, status: int | None = None) -> Problem:
    """A refusal, decided at log size `size`; `status` is that of the response, if it is another one.

    One directive ends thousands of streams with the same words, so those words are made once. A refusal that
    says something about the request itself is not kept.
    """
    return _refused(deny, size, status) if deny.detail else _refused_again(deny, size, status)


def _refused(deny: Deny, size: int, status: int | None) -> Problem:
    return Problem(
        deny.status,
        deny.reason.value,
        f"{deny.text}{_named(deny)}; {deny.remedy}",
        None if deny.reason in _NOT_THE_MODEL else "model",
        {
            "reason": deny.reason.value,
            "status": deny.status,
            "directive": deny.directive,
            "application": deny.application,
            "fallback": deny.fallback,
            "remedy": deny.remedy,
            "size": size,
            **_programme(deny),
        },
        tuple(_retry_headers(deny)),
        status,
    )


def _programme(deny: Deny) -> dict[str, Any]:
    """Why a programme is not granted, what is active, and what it would take."""
    lacked = deny.programme
    if lacked is None:
        return {}
    said = {"asked": lacked.asked, "why": lacked.why, "active": lacked.active}
    return {"programme": {**said, "asks": lacked.needs, "travels": lacked.travels or None}}


def stand_in_headers(model: str, instead_of: str, directive: str) -> Headers:
    """The additional headers of an answer by a fallback.

    Names may have any characters that plans and directives allow; other characters are escaped as in a URL.
    """
    said = ((STAND_IN, model), (INSTEAD_OF, instead_of), (DIRECTIVE, directive))
    return [(name, quote(value, safe="._:/-", errors="replace").encode()) for name, value in said]


_refused_again = lru_cache(maxsize=WORDINGS)(_refused)


def faulty(fault: GatewayFault, detail: str = "", headers: tuple[tuple[bytes, bytes], ...] = ()) -> Problem:
    """A fault; `detail` says more, but not what a client should not know about upstreams."""
    message = f"{fault.text}: {detail}" if detail else fault.text
    return Problem(fault.status, fault.code, message, headers=(*headers, (b"x-should-retry", b"false")))


def _named(deny: Deny) -> str:
    names = (("directive", deny.directive), ("application", deny.application))
    return "".join(f" ({what} {name})" for what, name in names if name)


def _retry_headers(deny: Deny) -> Iterable[tuple[bytes, bytes]]:
    wait_s = deny.wait_s
    if wait_s is not None:
        yield b"retry-after", b"%d" % wait_s
    yield b"x-should-retry", b"true" if deny.may_retry else b"false"
    if deny.status == 401:
        yield b"www-authenticate", b"Bearer"
    if deny.reason is Reason.UPGRADE_REQUIRED:
        yield b"upgrade", b"HTTP/1.1"
        yield b"connection", b"upgrade"


_OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_denied",
    404: "invalid_request_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    426: "invalid_request_error",
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
    413: "request_too_large",
    426: "invalid_request_error",
    429: "rate_limit_error",
    451: "permission_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
}


def _other_type(status: int) -> str:
    """The type of what no dialect has a word for: errors that the HTTP server itself answers."""
    return "invalid_request_error" if status < 500 else "api_error"


def _openai_error(problem: Problem) -> dict[str, Any]:
    error = {
        "message": problem.message,
        "type": _OPENAI_TYPES.get(problem.status, _other_type(problem.status)),
        "param": problem.param,
        "code": problem.code,
    }
    return {"error": error | _extension(problem)}


def _responses_event(problem: Problem) -> dict[str, Any]:
    """The event of /v1/responses without its type and number, with the `error` on which the SDKs raise."""
    flat = {"code": problem.code, "message": problem.message, "param": problem.param}
    return flat | _openai_error(problem)


def _anthropic_error(problem: Problem, request_id: str) -> dict[str, Any]:
    error = {
        "type": _ANTHROPIC_TYPES.get(problem.status, _other_type(problem.status)),
        "message": problem.message,
    }
    return {"type": "error", "error": error | _extension(problem), "request_id": request_id}


def _extension(problem: Problem) -> dict[str, Any]:
    return {} if problem.sluicegate is None else {"sluicegate": problem.sluicegate}


def error_reply(problem: Problem, dialect: Dialect, request_id: str) -> GatewayReply:
    """The whole response for a problem."""
    status = problem.status if problem.sent is None else problem.sent
    if dialect is Dialect.ANTHROPIC:
        reply = _reply(status, _anthropic_error(problem, request_id), b"request-id", request_id)
    else:
        reply = _reply(status, _openai_error(problem), b"x-request-id", request_id)
    reply.headers.extend(problem.headers)
    return reply


def error_event(problem: Problem, dialect: Dialect, request_id: str, number: int = 0) -> bytes:
    """The server-sent event that reports a problem and ends a stream.

    `number` is its place in a stream whose events are numbered.
    """
    if dialect is Dialect.ANTHROPIC:
        return b"event: error\ndata: " + _json(_anthropic_error(problem, request_id)) + b"\n\n"
    if dialect is Dialect.RESPONSES:
        numbered = b'event: error\ndata: {"type":"error","sequence_number":%d,' % number
        return numbered + _nameless(problem, dialect)[1:] + b"\n\n"
    return b"data: " + _nameless(problem, dialect) + b"\n\n"


@lru_cache(maxsize=WORDINGS)
def _nameless(problem: Problem, dialect: Dialect) -> bytes:
    """The data of the event of a dialect that does not name the request in it."""
    return _json(_responses_event(problem) if dialect is Dialect.RESPONSES else _openai_error(problem))


def models_reply(models: Sequence[str], dialect: Dialect, request_id: str) -> GatewayReply:
    """The complete list of `models`: there are no further pages."""
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
