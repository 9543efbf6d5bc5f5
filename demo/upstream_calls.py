"""What the demonstration upstream remembers of its calls: a test can see which calls came and how they ended.

It keeps no value of a header and no byte of a body, only names, sizes and digests.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

KEPT = 10_000
"""How many of the last calls are listed."""

_MAX_ID = 128


class CallState(StrEnum):
    """The state of a call. A call that fails on request (`x-demo-fail`) counts as completed."""

    OPEN = "open"
    COMPLETED = "completed"
    CLOSED_BY_CALLER = "closed_by_caller"


@dataclass(slots=True)
class Call:
    """One request and its result.

    `chunks_sent` counts the sent parts of the response's body (of a stream, its events); `bytes_sent` counts
    its bytes.
    """

    id: str
    path: str
    model: str | None
    authorization_seen: str | None
    headers: list[str]
    body_sha256: str | None = None
    state: CallState = CallState.OPEN
    chunks_sent: int = 0
    bytes_sent: int = 0


@dataclass(slots=True)
class CallLog:
    """The calls since the start or the last reset."""

    started: int = 0
    completed: int = 0
    closed_by_caller: int = 0
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=KEPT))

    def start(self, path: str, names: Iterable[bytes], headers: Mapping[bytes, bytes]) -> Call:
        """Remember a call that begins now; its id is its `x-request-id`, or its number."""
        self.started += 1
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        call = Call(
            id=given[:_MAX_ID] if given.isprintable() and given else str(self.started),
            path=path,
            model=None,
            authorization_seen=_credential(headers),
            headers=[name.decode("latin-1") for name in names],
        )
        self.calls.append(call)
        return call

    def end(self, call: Call, state: CallState) -> None:
        """Set how a call ended; only the first result counts."""
        if call.state is not CallState.OPEN:
            return
        call.state = state
        if state is CallState.COMPLETED:
            self.completed += 1
        else:
            self.closed_by_caller += 1

    def listed(self) -> list[dict[str, object]]:
        """Return the last calls, oldest first, as JSON objects."""
        return [asdict(call) for call in self.calls]

    def stats(self) -> dict[str, int]:
        """Return how many calls there were, and how they ended."""
        ended = self.completed + self.closed_by_caller
        return {
            "started": self.started,
            "completed": self.completed,
            "closed_by_caller": self.closed_by_caller,
            "open": self.started - ended,
        }


def credential_digest(value: str) -> str:
    """Return a call's `authorization_seen` for a header's value, its scheme included: 16 hex digits."""
    return hashlib.sha256(value.encode("latin-1", "replace")).hexdigest()[:16]


def _credential(headers: Mapping[bytes, bytes]) -> str | None:
    value = headers.get(b"authorization") or headers.get(b"x-api-key")
    return credential_digest(value.decode("latin-1")) if value else None
