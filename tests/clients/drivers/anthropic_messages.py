"""The client of Anthropic."""

from __future__ import annotations

from typing import Any

from anthropic import Anthropic
from asked import PURPOSE, TOOL, Ask, looked_up, serve

SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
TOOLS: Any = [{"name": TOOL, "description": PURPOSE, "input_schema": SCHEMA}]
MOST = 1024
PROFILE = "anthropic-user-profile-id"


def answer(ask: Ask) -> str:
    said: list[Any] = [{"role": "user", "content": ask.prompt}]
    with Anthropic(base_url=ask.url, api_key=ask.key) as client:
        if ask.streams:
            with client.messages.stream(model=ask.model, max_tokens=MOST, messages=said) as stream:
                return "".join(stream.text_stream)
        if ask.programme and ask.carrier == PROFILE:
            beta = client.beta.messages
            profile = ask.programme
            return text(beta.create(model=ask.model, max_tokens=MOST, messages=said, user_profile_id=profile))
        if not ask.tools:
            asked = client.messages.create(model=ask.model, max_tokens=MOST, messages=said, **ask.extra)
            return text(asked)
        message = client.messages.create(model=ask.model, max_tokens=MOST, messages=said, tools=TOOLS)
        called: Any = message.content[0]
        result = {
            "type": "tool_result",
            "tool_use_id": called.id,
            "content": looked_up(called.input["word"]),
        }
        said += [{"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
        return text(client.messages.create(model=ask.model, max_tokens=MOST, messages=said, tools=TOOLS))


def text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


serve(answer)
