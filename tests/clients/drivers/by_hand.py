"""What a program says that has only an HTTP client: chat completions, by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from asked import PURPOSE, TOOL, Ask, looked_up

SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
TOOLS = [{"type": "function", "function": {"name": TOOL, "description": PURPOSE, "parameters": SCHEMA}}]

Post = Callable[[Ask, bytes], bytes]
"""Sends a body to the endpoint; returns the answer's. Raises where the client says that it failed."""


def answer(ask: Ask, post: Post) -> str:
    said: list[Mapping[str, Any]] = [{"role": "user", "content": ask.prompt}]
    if ask.streams:
        return streamed(post(ask, body(ask, said, stream=True)).decode())
    if not ask.tools:
        return str(message(post(ask, body(ask, said)))["content"])
    first = message(post(ask, body(ask, said, tools=TOOLS)))
    (called,) = first["tool_calls"]
    result = looked_up(json.loads(called["function"]["arguments"])["word"])
    said += [first, {"role": "tool", "tool_call_id": called["id"], "content": result}]
    return str(message(post(ask, body(ask, said, tools=TOOLS)))["content"])


def body(ask: Ask, messages: Sequence[Mapping[str, Any]], **more: Any) -> bytes:
    return json.dumps({"model": ask.model, "messages": messages, **more}).encode()


def message(answered: bytes) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(answered)["choices"][0]["message"]
    return found


def streamed(events: str) -> str:
    data = [event.removeprefix("data: ") for event in events.split("\n\n")]
    parts = [json.loads(each) for each in data if each not in {"", "[DONE]"} and not each.startswith(":")]
    return "".join(part["choices"][0]["delta"].get("content") or "" for part in parts if part["choices"])
