"""Pydantic AI, with its model of OpenAI's chat completions."""

from __future__ import annotations

import asyncio

from asked import Ask, looked_up, serve
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


async def asked(ask: Ask) -> str:
    provider = OpenAIProvider(base_url=f"{ask.url}/v1", api_key=ask.key)
    agent = Agent(OpenAIChatModel(ask.model, provider=provider))
    if ask.streams:
        async with agent.run_stream(ask.prompt) as result:
            return "".join([part async for part in result.stream_text(delta=True, debounce_by=None)])
    if ask.tools:

        @agent.tool_plain
        def look_up(word: str) -> str:
            """Look a word up."""
            return looked_up(word)

    return (await agent.run(ask.prompt)).output


with asyncio.Runner() as runner:
    serve(lambda ask: runner.run(asked(ask)))
