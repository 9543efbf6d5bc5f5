"""Which headers pass between a client and an upstream.

Rules:
- A request's headers stay here unless they are named. A response's headers go on unless they are named.
- No response header goes on that belongs to one hop, ties a client to the upstream, speaks for our origin or
  to a proxy of ours, says something about our account upstream, or is the gateway's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sluicegate.http.head import NAME

FORWARDED: dict[bytes, bytes] = {
    b"accept": b"Accept",
    b"user-agent": b"User-Agent",
    b"anthropic-version": b"anthropic-version",
    b"anthropic-beta": b"anthropic-beta",
    b"openai-beta": b"OpenAI-Beta",
    b"x-request-id": b"X-Request-ID",
    b"content-encoding": b"Content-Encoding",
}
"""The request headers that go upstream, if they are ASCII. These do not go: credentials, cookies,
`OpenAI-Organization` and `-Project` (they choose an account, and the account upstream is ours),
`x-stainless-…`, forwarding headers, and Content-Type. Content-Type is always `application/json`, because the
gateway read the body as JSON.
"""

NAMES = 512
"""How many names of headers are remembered with whether they pass: upstreams use few."""

DROPPED = frozenset(
    {
        # of one hop
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"via",
        # would tie clients to the upstream, or speak for our origin
        b"alt-svc",
        b"clear-site-data",
        b"nel",
        b"report-to",
        b"reporting-endpoints",
        b"server",
        b"set-cookie",
        b"set-cookie2",
        b"strict-transport-security",
        b"www-authenticate",
        b"x-powered-by",
        b"x-sendfile",
        # of our account there
        b"openai-organization",
        b"openai-project",
        b"anthropic-organization-id",
        b"anthropic-workspace-id",
    }
)
"""Response headers that are not passed on."""

DROPPED_BEGINNINGS = (
    b"x-sluicegate-",  # the gateway's own
    b"x-accel-",  # orders to a proxy in front
    b"access-control-",  # which pages of a browser may read an answer is the operator's word
    b"cf-",
    b"x-amz-cf-",
    b"x-envoy-",
    b"x-ratelimit-",  # what is left of our account, which is what other customers have used
    b"anthropic-ratelimit-",
)
"""How further ones begin."""


def end_to_end(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """An upstream's response headers that may go to a client. Requires: names in lower case."""
    kept = [field for field in headers if _may_pass(field[0])]
    if b"connection" not in map(NAME, headers):
        return kept
    values = [value for name, value in headers if name == b"connection"]
    named = {token.strip().lower() for token in b",".join(values).split(b",")}
    return [field for field in kept if field[0] not in named]


@lru_cache(maxsize=NAMES)
def _may_pass(name: bytes) -> bool:
    return name not in DROPPED and not name.startswith(DROPPED_BEGINNINGS)
