"""Pages of other origins: which may call, and what a browser hears.

Rules:
- Pure: headers in, headers out. The operator lists the origins, by name; there is no wildcard.
- A preflight has no credential: it is answered before they are read, and says the same for every path.
- A page of a listed origin reads every answer, also a refusal: each says which origin may, and varies by it.
- No credentials of a browser's own (cookies) are ever allowed: keys come in headers.

Source: the Fetch standard, "HTTP-CORS protocol".
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sluicegate.errors import InvalidInput
from sluicegate.gate.dialects import Headers

MAX_AGE_S = 600
"""How long a browser may remember a preflight."""
EXPOSED = (
    b"request-id, x-request-id, retry-after, x-should-retry, "
    b"x-sluicegate-request-id, x-sluicegate-model, x-sluicegate-instead-of, x-sluicegate-directive, "
    b"x-sluicegate-credential"
)
"""What a page may read of an answer's headers."""
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?")
_NAMES = re.compile(rb"[A-Za-z0-9_-]{1,64}(?:[ \t]*,[ \t]*[A-Za-z0-9_-]{1,64}){0,63}")
_COMMON = b"authorization, content-type, x-api-key, anthropic-version, anthropic-beta"


def origin(text: str) -> str:
    """An origin as an operator lists it. Raises: InvalidInput: not scheme, host and port alone."""
    if not _ORIGIN.fullmatch(text):
        raise InvalidInput(f"the origin {text[:200]!r}, expected one like https://app.example, in lower case")
    return text


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a browser asks if a page may call."""
    if method != "OPTIONS":
        return False
    return {b"origin", b"access-control-request-method"} <= {name for name, _ in headers}


def shared(headers: Headers, listed: Collection[str]) -> Headers:
    """The headers of every answer to a page of a listed origin; empty for others."""
    if not listed:
        return ()
    given = [value for name, value in headers if name == b"origin"]
    if len(given) != 1 or given[0].decode("latin-1") not in listed:
        return ()
    return (
        (b"access-control-allow-origin", given[0]),
        (b"access-control-expose-headers", EXPOSED),
        (b"vary", b"origin"),
    )


def permitted(headers: Headers) -> list[tuple[bytes, bytes]]:
    """What a page of a listed origin may send: the headers that it asks for, if they are names."""
    asked = b", ".join(value for name, value in headers if name == b"access-control-request-headers")
    return [
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", asked if _NAMES.fullmatch(asked) else _COMMON),
        (b"access-control-max-age", b"%d" % MAX_AGE_S),
    ]
