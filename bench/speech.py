"""How clients of each dialect ask, name the person they ask for, and learn that a stream has ended early."""

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
        """The body of a request; with a pace (the demonstration's `x-demo-…`), it asks for a stream."""
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
        """The error in an event that ends a stream early; None if this dialect has no such event."""
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
        """Whether it has the fields that the dialect's SDK looks for beside the `error`."""
        return self is Speech.CHAT or told.get("type") == "error"
