"""Inspect, with its model of any server that speaks OpenAI's dialect.

It asks again without an end where no limit is set.
"""

from __future__ import annotations

import asyncio
from typing import Any

from asked import Ask, looked_up, serve
from inspect_ai.model import ChatMessageUser, GenerateConfig, execute_tools, get_model
from inspect_ai.tool import Tool, tool

ONCE_MORE = GenerateConfig(max_retries=1)


@tool
def look_up() -> Tool:
    async def execute(word: str) -> str:
        """Look a word up.

        Args:
            word: The word.
        """
        return looked_up(word)

    return execute


async def asked(ask: Ask) -> str:
    named = f"openai-api/gate/{ask.model}"
    at: Any = {"base_url": f"{ask.url}/v1", "api_key": ask.key, "stream": ask.streams}
    async with get_model(named, config=ONCE_MORE, memoize=False, **at) as model:
        if not ask.tools:
            return (await model.generate(ask.prompt)).completion
        said: list[Any] = [ChatMessageUser(content=ask.prompt)]
        tools = [look_up()]
        said.append((await model.generate(said, tools=tools)).message)
        said += (await execute_tools(said, tools)).messages
        return (await model.generate(said, tools=tools)).completion


with asyncio.Runner() as runner:
    serve(lambda ask: runner.run(asked(ask)))
