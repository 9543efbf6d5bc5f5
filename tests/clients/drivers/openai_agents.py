"""OpenAI's Agents SDK, with responses."""

from __future__ import annotations

import asyncio
from typing import Any

from agents import Agent, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from asked import Ask, looked_up, serve
from openai import AsyncOpenAI

set_tracing_disabled(disabled=True)


@function_tool
def look_up(word: str) -> str:
    """Look a word up."""
    return looked_up(word)


async def asked(ask: Ask) -> str:
    async with AsyncOpenAI(base_url=f"{ask.url}/v1", api_key=ask.key) as client:
        model = OpenAIResponsesModel(ask.model, client)
        agent: Agent[Any] = Agent("matrix", model=model, tools=[look_up] if ask.tools else [])
        if not ask.streams:
            return str((await Runner.run(agent, ask.prompt)).final_output)
        result = Runner.run_streamed(agent, ask.prompt)
        async for _ in result.stream_events():
            pass
        return str(result.final_output)


with asyncio.Runner() as runner:
    serve(lambda ask: runner.run(asked(ask)))
