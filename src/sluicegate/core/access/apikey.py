"""Secrets that callers carry: API keys `sg_…` and control-plane tokens `sgt_…`.

A secret is its prefix, 43 base64url characters of 32 random bytes, and a 6-character checksum that catches
typing errors. Only its SHA-256 digest is ever stored.
"""

from __future__ import annotations

import base64
import hashlib

KEY_PREFIX = "sg_"
TOKEN_PREFIX = "sgt_"  # noqa: S105 - a prefix, not a secret
_BODY, _CHECK = 43, 6


def make(prefix: str, random: bytes) -> str:
    """The secret for 32 random bytes."""
    body = base64.urlsafe_b64encode(random).decode().rstrip("=")
    return prefix + body + _checksum(prefix + body)


def is_well_formed(secret: str, prefix: str) -> bool:
    """Whether a secret has the right length and checksum. A typing error breaks one of them."""
    text = secret[:-_CHECK]
    return len(text) == len(prefix) + _BODY and text.startswith(prefix) and secret == text + _checksum(text)


def digest(secret: str) -> bytes:
    """The digest that is stored and looked up: SHA-256, 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def _checksum(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()[:_CHECK]
