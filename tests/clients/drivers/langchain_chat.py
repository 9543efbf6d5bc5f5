"""LangChain, with its model of OpenAI's."""

from __future__ import annotations

from asked import PURPOSE, Ask, looked_up, serve
from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr


@tool(description=PURPOSE)
def look_up(word: str) -> str:
    return looked_up(word)


def answer(ask: Ask) -> str:
    model = ChatOpenAI(base_url=f"{ask.url}/v1", api_key=SecretStr(ask.key), model=ask.model)
    if ask.streams:
        return "".join(str(part.content) for part in model.stream(ask.prompt))
    if not ask.tools:
        return str(model.invoke(ask.prompt).content)
    bound = model.bind_tools([look_up])
    said: list[AnyMessage] = [HumanMessage(ask.prompt)]
    message = bound.invoke(said)
    called = message.tool_calls[0]
    said += [message, ToolMessage(look_up.invoke(called["args"]), tool_call_id=called["id"])]
    return str(bound.invoke(said).content)


serve(answer)
