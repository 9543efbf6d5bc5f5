"""What anyone may have, as it is: with its entity tag, so that a client that has it does not get it again.

Source: RFC 9110 sections 8.8.3 and 13.1.2; RFC 8246 for `immutable`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.pace import steady_ms

NEWEST = "no-cache"
"""A client that keeps it asks each time if it is still the newest."""
FOR_EVER = "public, max-age=31536000, immutable"
NO_MORE: Mapping[str, str] = MappingProxyType({})


def public(
    request: Request, body: bytes, kind: str, cache_control: str, more: Mapping[str, str] = NO_MORE
) -> Response:
    """The response with a body of a media type, and more headers; without it, for one who has it already."""
    tag = f'"{base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:15]).decode()}"'
    headers = {"etag": tag, "cache-control": cache_control, "x-content-type-options": "nosniff", **more}
    had = [word.strip().removeprefix("W/") for word in request.headers.get("if-none-match", "").split(",")]
    if tag in had or "*" in had:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


class Recent:
    """What anyone may ask for and takes a while to make: made at most once in `age_ms`, for all who ask."""

    def __init__(self, make: Callable[[], Awaitable[Any]], age_ms: float) -> None:
        self._make = make
        self._age_ms = age_ms
        self._made: Any = None
        self._made_at_ms: float | None = None
        self._making = asyncio.Lock()

    async def __call__(self) -> Any:
        """It, at most so old. If it cannot be made, who asks next tries again."""
        async with self._making:
            if self._made_at_ms is None or steady_ms() - self._made_at_ms >= self._age_ms:
                self._made = await self._make()
                self._made_at_ms = steady_ms()
            return self._made
