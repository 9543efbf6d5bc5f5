"""Invitations to pages: a link that signs someone in once.

Only the digest of what is secret in it is kept.
"""

from __future__ import annotations

import base64
from typing import NamedTuple

from sluicegate.core.access import apikey
from sluicegate_record.log.times import DAY_MS

LASTS_MS = 7 * DAY_MS
"""How long an invitation counts."""


class Invitation(NamedTuple):
    """The path of a link, the digest of the secret in it, and until when it counts: ms since 1970 UTC."""

    path: str
    digest: bytes
    until_ms: int


def made(random: bytes, now_ms: int) -> Invitation:
    """An invitation from 32 random bytes."""
    secret = base64.urlsafe_b64encode(random).decode().rstrip("=")
    return Invitation(f"/welcome/{secret}", apikey.digest(secret), now_ms + LASTS_MS)
