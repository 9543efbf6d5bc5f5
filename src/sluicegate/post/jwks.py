"""The public keys of customers' identity providers, fetched for the control plane.

Rules:
- Connections are those of `post.outbound`, over https everywhere; no redirect is followed.
- An answer is 200, not compressed, and at most MAX_BYTES long; a longer one is not read to its end.
- The bytes come from a stranger: `core.people.assertion.read_jwks` says whether they are keys.
- A gateway fetches nothing: it has the keys that the log names.
"""

from __future__ import annotations

import re
import ssl

import aiohttp
from aiohttp.abc import AbstractResolver

from sluicegate import __version__, targets
from sluicegate.errors import Unreachable
from sluicegate.post import outbound
from sluicegate.service.providers import FetchedKeys

MAX_BYTES = 262_144
_AGE = re.compile(r"[0-9]{1,9}")
_HEADERS = {
    "accept": "application/jwk-set+json, application/json",
    "accept-encoding": "identity",
    "user-agent": f"sluicegate/{__version__}",
}


class KeySets:
    """Fetches JWK Sets, from public addresses and the `allowed` networks.

    Made in the event loop that uses it. `resolver` looks up names, and `tls` checks certificates; None means
    the system's.
    Units: `timeout_ms` is for one fetch as a whole.
    """

    def __init__(
        self,
        allowed: targets.Networks,
        timeout_ms: int,
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = allowed
        self._session = outbound.session(allowed, timeout_ms, encrypted=True, resolver=resolver, tls=tls)

    async def fetch(self, url: str) -> FetchedKeys:
        """The body at `url`, 1 to MAX_BYTES long, unchanged; and how long it may be kept.

        Raises: InvalidInput: a URL that is never fetched from. Unreachable: no valid answer in time.
        """
        targets.check_jwks(url, self._allowed)
        try:
            async with self._session.get(url, headers=_HEADERS, allow_redirects=False) as response:
                return FetchedKeys(await _body(response), _max_age_s(response))
        except outbound.FAILED as error:
            raise _unreachable(outbound.why(error)) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


def _max_age_s(response: aiohttp.ClientResponse) -> float | None:
    """How long an answer may be kept, as it says; None if it does not. Source: RFC 9111 section 5.2.2."""
    said = ",".join(response.headers.getall("cache-control", [])).lower()
    directives = {name.strip(): value.strip(' "') for name, _, value in map(_parted, said.split(","))}
    if {"no-store", "no-cache"} & directives.keys():
        return 0.0
    age = directives.get("max-age", "")
    return float(age) if _AGE.fullmatch(age) else None


def _parted(directive: str) -> tuple[str, str, str]:
    return directive.partition("=")


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """The body of a valid answer. Reading stops at the first thing that makes an answer invalid."""
    encoding = response.headers.get("content-encoding", "identity")
    if response.status != 200:
        raise _unreachable(f"it answered {response.status}, expected 200")
    if encoding.lower() != "identity":
        raise _unreachable(f"its answer is encoded as {encoding[:20]!r}, expected it plain")
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > MAX_BYTES:
            raise _unreachable(f"its answer is longer than {MAX_BYTES:,} bytes")
    if not body:
        raise _unreachable("its answer is empty")
    return bytes(body)


def _unreachable(why: str) -> Unreachable:
    return Unreachable(f"no keys from the identity provider: {why}", code="jwks_unreachable")
