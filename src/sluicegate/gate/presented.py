"""Which key a request presents: what a gateway asks of it before it reads anything else.

A front, the edge of a lab that signs who is asking, would be another way to answer that (docs/adr/0030).
"""

from __future__ import annotations

from typing import Protocol

from sluicegate.gate.dialects import credential_digest
from sluicegate.gate.exchange import Exchange


class Presented(Protocol):
    """Says whose a request is, by its head alone. It must not wait, and must not raise."""

    def __call__(self, exchange: Exchange) -> bytes | None:
        """The digest of the key of the one credential that a request is for, 32 bytes; None without any.

        Where it presents something that is not exactly one credential, `dialects.UNKNOWABLE`.
        """


def by_key(exchange: Exchange) -> bytes | None:
    """The digest of the key in its headers."""
    return credential_digest(exchange.headers)
