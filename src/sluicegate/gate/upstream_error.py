"""Whose error it is: what an upstream's error is for a client.

Rules:
- An error about our own key or account there is not the client's: it learns that the upstream refuses us,
  and not what the upstream said.
- Any other error goes on with its status, marked as the upstream's. What it says may not name an account or a
  key, which are ours, wherever in it that is.
- An error that is not the dialect's JSON is marked by its header alone. So is one that is large or encoded,
  which goes on as it is.
"""

from __future__ import annotations

import json
import re
from typing import Any

FROM = (b"x-sluicegate-from", b"upstream")
"""The header of an upstream's error."""
ERROR_BYTES = 64 * 1024
"""The largest error that is read."""
DEPTH_MAX = 32
"""How deep an error's values go on."""

_OURS = frozenset({401, 402, 403, 407})
_ACCOUNT = frozenset(
    {
        "access_terminated",
        "account_deactivated",
        "authentication_error",
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_too_low",
        "insufficient_quota",
        "invalid_api_key",
        "invalid_organization",
        "organization_on_hold",
        "permission_error",
    }
)
"""The codes and types of errors about an account, whatever their status.

Source: the error pages of OpenAI's and Anthropic's API references.
"""
_CREDIT = re.compile(r"credit balance is too low", re.IGNORECASE)
"""Anthropic's words where an account has no credit: `invalid_request_error`, 400."""
_NAMES = re.compile(r"\b(?:org|proj|user|sk|key|acct|wrkspc|ws)[-_][\w*.…-]{4,}")


class UpstreamError:
    """An error's status and body; without a body if that is too large, encoded, or has not all come."""

    def __init__(self, status: int, body: bytes | None = None) -> None:
        self._body = body
        self._told = None if body is None else _read(body)
        self._status = status

    @property
    def is_ours(self) -> bool:
        """Whether it is about our key or account."""
        error = self._error or {}
        said = (error.get("code"), error.get("type"))
        of_account = any(isinstance(each, str) and each in _ACCOUNT for each in said)
        return self._status in _OURS or of_account or self._has_no_credit()

    def marked(self) -> bytes | None:
        """Its body without names, and with `error.sluicegate.from` if it is an error of a dialect; None if it
        has no body that was read.
        """
        if self._body is None:
            return None
        if self._told is None or (self._error is None and b"\\" not in self._body):
            said = self._body.decode("utf-8", "surrogateescape")
            return _NAMES.sub("…", said).encode("utf-8", "surrogateescape")
        told = _unnamed(self._told)
        if self._error is not None:
            told["error"]["sluicegate"] = {"from": "upstream"}
        whole = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        return whole.encode("utf-8", "backslashreplace")

    @property
    def _error(self) -> dict[str, Any] | None:
        error = None if self._told is None else self._told.get("error")
        return error if isinstance(error, dict) else None

    def _has_no_credit(self) -> bool:
        message = None if self._error is None else self._error.get("message")
        return isinstance(message, str) and _CREDIT.search(message) is not None


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _unnamed(value: Any, depth: int = 0) -> Any:
    """What was said without the names of accounts and keys; without what is very deep in it."""
    if depth > DEPTH_MAX:
        return "…"
    if isinstance(value, dict):
        return {name: _unnamed(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_unnamed(each, depth + 1) for each in value]
    return _NAMES.sub("…", value) if isinstance(value, str) else value
