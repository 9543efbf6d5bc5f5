"""LiteLLM, with a server that speaks OpenAI's dialect."""

from __future__ import annotations

import json
import os
from typing import Any

from asked import PURPOSE, TOOL, Ask, looked_up, serve

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # read at the import: or it asks the network for prices

import litellm

SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
TOOLS = [{"type": "function", "function": {"name": TOOL, "description": PURPOSE, "parameters": SCHEMA}}]


def answer(ask: Ask) -> str:
    said: list[Any] = [{"role": "user", "content": ask.prompt}]

    def asked(**more: Any) -> Any:
        return litellm.completion(
            f"openai/{ask.model}", said, base_url=f"{ask.url}/v1", api_key=ask.key, **more
        )

    if ask.streams:
        return "".join(part.choices[0].delta.content or "" for part in asked(stream=True) if part.choices)
    if not ask.tools:
        return asked().choices[0].message.content or ""
    message = asked(tools=TOOLS).choices[0].message
    called = message.tool_calls[0]
    result = looked_up(json.loads(called.function.arguments)["word"])
    said += [message, {"role": "tool", "tool_call_id": called.id, "content": result}]
    return asked(tools=TOOLS).choices[0].message.content or ""


serve(answer)
