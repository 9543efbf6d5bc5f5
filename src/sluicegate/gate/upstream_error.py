"""Whose error it is: what an upstream's error is for a client.

Rules:
- An error about our own key or account there is not the client's: it learns that the upstream refuses us,
  and not what the upstream said.
- Any other error goes on with its status, marked as the upstream's. What it says may not name an account or a
  key, which are ours, wherever in it that is.
- An error that is not the dialect's JSON is marked by its header alone.
- What cannot be read is not passed on: an error that is large, or encoded although `identity` was asked for.
- The same holds for an error that is an event of a stream.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sluicegate.gate.dialects import GatewayFault

FROM = (b"x-sluicegate-from", b"upstream")
"""The header of an upstream's error."""
ERROR_BYTES = 64 * 1024
"""The largest error that is read."""
DEPTH_MAX = 32
"""How deep an error's values go on."""

_OURS: frozenset[str | int] = frozenset({401, 402, 403, 407, "401", "402", "403", "407"})
_ACCOUNT: frozenset[str | int] = frozenset(
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
    """An error's body with its status, or the data of an error event; None if it cannot be read."""

    def __init__(self, body: bytes | None, status: int = 0) -> None:
        self._body = body
        self._told = None if body is None else _read(body)
        self._status = status

    @property
    def is_one(self) -> bool:
        """Whether it says by itself that it is an error, as the data of an event does."""
        told = self._told or {}
        return bool(told.get("error")) or _error_of(told) is not None

    @property
    def is_ours(self) -> bool:
        """Whether it is about our key or account."""
        error = self._error or {}
        said = [error.get("code"), error.get("type"), error.get("status"), self._status]
        of_account = any(isinstance(each, str | int) and each in _ACCOUNT | _OURS for each in said)
        return of_account or self._has_no_credit()

    @property
    def code(self) -> object:
        """The code that it says; None without one."""
        return (self._error or {}).get("code")

    @property
    def fault(self) -> GatewayFault | None:
        """What the client gets to know in its place; None if it may go on."""
        if self.is_ours:
            return GatewayFault.UPSTREAM_REFUSED
        return GatewayFault.UPSTREAM_FAILED if self._body is None else None

    def marked(self) -> bytes:
        """Its body without names, and with `error.sluicegate.from` if it is an error of a dialect; empty if
        it cannot be read.
        """
        if self._body is None:
            return b""
        if self._told is None or (self._error is None and b"\\" not in self._body):
            said = self._body.decode("utf-8", "surrogateescape")
            return _NAMES.sub("…", said).encode("utf-8", "surrogateescape")
        told = _unnamed(self._told)
        error = _error_of(told)
        if error is not None:
            error["sluicegate"] = {"from": "upstream"}
        whole = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        return whole.encode("utf-8", "backslashreplace")

    @property
    def _error(self) -> dict[str, Any] | None:
        return None if self._told is None else _error_of(self._told)

    def _has_no_credit(self) -> bool:
        message = None if self._error is None else self._error.get("message")
        return isinstance(message, str) and _CREDIT.search(message) is not None


def _error_of(told: dict[str, Any]) -> dict[str, Any] | None:
    """The error of an answer, or of the event that ends a stream: within it, in its response, or the event
    itself.
    """
    response = told.get("response")
    for within in (told, response):
        error = within.get("error") if isinstance(within, dict) else None
        if isinstance(error, dict):
            return error
    return told if told.get("type") == "error" else None


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
