"""The demonstration upstream as Anthropic's API: messages, models.

`max_tokens` is not required and has no effect: only the pace decides the length of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demo.upstream_answer import Question, Text, Tool, ToolCall, answer, last_said, text_of, turns
from demo.upstream_pace import Pace
from demo.upstream_reply import HOLE, Reply, Request, fill, named_event, stream, whole

_CREATED_AT = "2026-01-01T00:00:00Z"

_TYPES = {
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
    500: "api_error",
}


def refusal(status: int, message: str, request_id: str) -> Reply:
    """Return an error as Anthropic words it."""
    error = {"type": _TYPES.get(status, "invalid_request_error"), "message": message}
    return whole({"type": "error", "error": error, "request_id": request_id}, status)


def models(names: Sequence[str]) -> Reply:
    """Answer `GET /v1/models` for a caller that sends `anthropic-version`."""
    data = [{"type": "model", "id": name, "display_name": name, "created_at": _CREATED_AT} for name in names]
    ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
    return whole({"data": data, "has_more": False, **ends})


def message(request: Request, pace: Pace) -> Reply:
    """Answer `POST /v1/messages`.

    Raises: InvalidInput: no messages.
    """
    result = answer(_question(request.body), pace)
    if request.streams:
        return _stream(request, result)
    finished = {"content": [_block(request, result, done=True)], "stop_reason": _stop_reason(result)}
    return whole({**_message(request, result.tokens), **finished})


def _question(body: Mapping[str, object]) -> Question:
    conversation = turns(body, "messages")
    messages = [turn for turn in conversation if turn.get("role") != "system"] or conversation
    last = messages[-1]
    results = _tool_results(last.get("content"))
    if results:
        return Question("", tool_result=" ".join(results))
    tool = _first_tool(body) if last.get("role") == "user" else None
    return Question(last_said(messages), tool=tool)


def _tool_results(content: object) -> list[str]:
    if not isinstance(content, list):
        return []
    blocks = [block for block in content if isinstance(block, dict) and block.get("type") == "tool_result"]
    return [text_of(block.get("content")) for block in blocks]


def _first_tool(body: Mapping[str, object]) -> Tool | None:
    """Return the first tool that is the caller's own, if the caller lets us choose it."""
    tools = body.get("tools")
    if not isinstance(tools, list) or body.get("tool_choice") == {"type": "none"}:
        return None
    for tool in tools:
        if isinstance(tool, dict) and isinstance(tool.get("name"), str):
            schema = tool.get("input_schema")
            if isinstance(schema, dict):
                return Tool(tool["name"], schema)
    return None


def _stream(request: Request, result: Text | ToolCall) -> Reply:
    def delta(value: Mapping[str, object]) -> bytes:
        return named_event({"type": "content_block_delta", "index": 0, "delta": value})

    block = _block(request, result, done=False)
    opening = [
        named_event({"type": "message_start", "message": _message(request, 1)}),
        named_event({"type": "content_block_start", "index": 0, "content_block": block}),
        named_event({"type": "ping"}),
    ]
    if isinstance(result, ToolCall):
        opening.append(delta({"type": "input_json_delta", "partial_json": ""}))
        template = delta({"type": "input_json_delta", "partial_json": HOLE})
    else:
        template = delta({"type": "text_delta", "text": HOLE})
    stopped = {"stop_reason": _stop_reason(result), "stop_sequence": None}
    closing = [
        named_event({"type": "content_block_stop", "index": 0}),
        named_event({"type": "message_delta", "delta": stopped, "usage": {"output_tokens": result.tokens}}),
        named_event({"type": "message_stop"}),
    ]
    return stream(opening, fill(template, result.pieces), closing)


def _message(request: Request, output_tokens: int) -> dict[str, object]:
    return {
        "id": f"msg_{request.digest[:24]}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": request.tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
            "service_tier": "standard",
        },
    }


def _block(request: Request, result: Text | ToolCall, *, done: bool) -> dict[str, object]:
    if isinstance(result, ToolCall):
        given = result.arguments if done else {}
        return {"type": "tool_use", "id": f"toolu_{request.digest[:24]}", "name": result.name, "input": given}
    return {"type": "text", "text": result.whole if done else ""}


def _stop_reason(result: Text | ToolCall) -> str:
    return "tool_use" if isinstance(result, ToolCall) else "end_turn"
