"""The client of OpenAI, with responses."""

from __future__ import annotations

import json
from typing import Any

from asked import CONCERN, PURPOSE, TOOL, Ask, looked_up, serve
from openai import OpenAI

SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string"}},
    "required": ["word"],
    "additionalProperties": False,
}
TOOLS: Any = [
    {"type": "function", "name": TOOL, "description": PURPOSE, "parameters": SCHEMA, "strict": True}
]


def answer(ask: Ask) -> str:
    said: list[Any] = [{"role": "user", "content": ask.prompt}]
    with OpenAI(base_url=f"{ask.url}/v1", api_key=ask.key) as client:
        if ask.streams:
            stream = client.responses.create(model=ask.model, input=said, stream=True)
            return "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        if not ask.tools:
            named: Any = {"access_programs": {CONCERN: ask.programme}} if ask.names_in_field else ask.extra
            return client.responses.create(model=ask.model, input=said, **named).output_text
        called: Any = client.responses.create(model=ask.model, input=said, tools=TOOLS).output[0]
        result = looked_up(json.loads(called.arguments)["word"])
        said += [called, {"type": "function_call_output", "call_id": called.call_id, "output": result}]
        return client.responses.create(model=ask.model, input=said, tools=TOOLS).output_text


serve(answer)
