"""Which headers pass between a client and an upstream.

Rules:
- A request's headers stay here unless they are named. A response's headers go on unless they are named.
- No header goes on that belongs to one hop, would tie a client to the upstream, or is the gateway's own.
"""

from __future__ import annotations

from collections.abc import Sequence

FORWARDED: dict[bytes, bytes] = {
    b"accept": b"Accept",
    b"user-agent": b"User-Agent",
    b"anthropic-version": b"anthropic-version",
    b"anthropic-beta": b"anthropic-beta",
    b"openai-beta": b"OpenAI-Beta",
    b"x-request-id": b"X-Request-ID",
}
"""The request headers that go upstream, if they are ASCII. These do not go: credentials, cookies,
`OpenAI-Organization` and `-Project` (they choose an account, and the account upstream is ours),
`x-stainless-…`, forwarding headers, and Content-Type. Content-Type is always `application/json`, because the
gateway read the body as JSON.
"""

OWN = b"x-sluicegate-"
"""The beginning of the response headers that the gateway alone sets."""

DROPPED = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"alt-svc",
        b"server",
        b"set-cookie",
        b"set-cookie2",
    }
)
"""The response headers that are not passed on: hop-by-hop ones, those that would tie clients to the upstream,
and those that the gateway itself sets.
"""


def end_to_end(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """An upstream's response headers that may go to a client, names in lower case."""
    kept: list[tuple[bytes, bytes]] = []
    named: set[bytes] = set()
    for given, value in headers:
        name = given.lower()
        if name == b"connection":
            named.update(token.strip().lower() for token in value.split(b","))
        if name not in DROPPED and not name.startswith(OWN):
            kept.append((name, value))
    return [(name, value) for name, value in kept if name not in named] if named else kept
