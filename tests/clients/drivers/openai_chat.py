"""The client of OpenAI, with chat completions."""

from __future__ import annotations

import json
from typing import Any

from asked import PURPOSE, TOOL, Ask, looked_up, serve
from openai import OpenAI

SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
TOOLS: Any = [{"type": "function", "function": {"name": TOOL, "description": PURPOSE, "parameters": SCHEMA}}]


def answer(ask: Ask) -> str:
    said: list[Any] = [{"role": "user", "content": ask.prompt}]
    with OpenAI(base_url=f"{ask.url}/v1", api_key=ask.key) as client:
        chat = client.chat.completions
        if ask.streams:
            stream = chat.create(model=ask.model, messages=said, stream=True)
            return "".join(part.choices[0].delta.content or "" for part in stream if part.choices)
        if not ask.tools:
            return chat.create(model=ask.model, messages=said, **ask.extra).choices[0].message.content or ""
        message = chat.create(model=ask.model, messages=said, tools=TOOLS).choices[0].message
        called: Any = (message.tool_calls or [])[0]
        result = looked_up(json.loads(called.function.arguments)["word"])
        said += [message, {"role": "tool", "tool_call_id": called.id, "content": result}]
        return chat.create(model=ask.model, messages=said, tools=TOOLS).choices[0].message.content or ""


serve(answer)
