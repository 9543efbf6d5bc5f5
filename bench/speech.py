"""How clients of the dialects ask, name whom they ask for, and are told that a stream has ended early."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any


class Speech(Enum):
    """A way to ask, by its path."""

    CHAT = "/v1/chat/completions"
    RESPONSES = "/v1/responses"
    MESSAGES = "/v1/messages"

    def body(
        self, model: str, text: str, person: str | None = None, pace: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a request: for a stream where there is a pace, of the demonstration's `x-demo-…`."""
        asked: dict[str, Any] = {"model": model, "stream": pace is not None}
        metadata = dict(pace or {})
        if self is Speech.RESPONSES:
            asked["input"] = text
        else:
            asked["messages"] = [{"role": "user", "content": text}]
        if self is Speech.MESSAGES:
            asked["max_tokens"] = 1_024
            metadata |= {"user_id": person} if person is not None else {}
        elif person is not None:
            asked["safety_identifier"] = person
        return json.dumps(asked | ({"metadata": metadata} if metadata else {})).encode()

    def error(self, event: bytes) -> dict[str, Any] | None:
        """What the event that ends a stream early tells; None if it is no such event of this dialect."""
        named = b"" if self is Speech.CHAT else b"event: error\n"
        if not event.startswith(named + b"data: "):
            return None
        try:
            told = json.loads(event.removeprefix(named + b"data: "))
        except ValueError:
            return None
        error = told.get("error") if isinstance(told, dict) else None
        return error if isinstance(error, dict) and self._is_whole(told) else None

    def _is_whole(self, told: Mapping[str, Any]) -> bool:
        """Whether it has what the dialect's SDK looks for beside the `error`."""
        return self is Speech.CHAT or told.get("type") == "error"
