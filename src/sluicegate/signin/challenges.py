"""Challenges that count once and for a while, without a list of those that were given out.

Rules:
- A challenge says what it is for and until when, under a secret of this process. So who asks for many of them
  takes no memory; only those that were answered are remembered, until they would have ended.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import threading
from collections.abc import Callable

from sluicegate.errors import Unauthorized

LASTS_MS = 300_000
_HEAD = struct.Struct(">Q16s")
_MAC = 16
_AGAIN = "load the page again, and try once more"


class Challenges:
    """Those of one process."""

    def __init__(self, now_ms: Callable[[], int], random: Callable[[int], bytes]) -> None:
        self._now_ms = now_ms
        self._random = random
        self._key = random(32)
        self._used: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def make(self, purpose: str) -> bytes:
        """A new challenge: 40 bytes."""
        head = _HEAD.pack(self._now_ms() + LASTS_MS, self._random(16))
        return head + self._mac(head, purpose)

    def use(self, challenge: bytes, purpose: str) -> None:
        """Check that a challenge was made here for this purpose; it counts no more.

        Raises: Unauthorized: it was not, it is over, or it was answered before.
        """
        head, mac = challenge[: _HEAD.size], challenge[_HEAD.size :]
        if len(head) != _HEAD.size or not hmac.compare_digest(mac, self._mac(head, purpose)):
            raise Unauthorized("an answer to something else", code="challenge_unknown", remedy=_AGAIN)
        now_ms, (until_ms, _) = self._now_ms(), _HEAD.unpack(head)
        with self._lock:
            if until_ms <= now_ms or challenge in self._used:
                said = "an answer that came late, or twice"
                raise Unauthorized(said, code="challenge_over", remedy=_AGAIN)
            self._used = {each: end_ms for each, end_ms in self._used.items() if end_ms > now_ms}
            self._used[challenge] = until_ms

    def _mac(self, head: bytes, purpose: str) -> bytes:
        return hmac.digest(self._key, head + purpose.encode(), hashlib.sha256)[:_MAC]
