"""The demonstration upstream as OpenAI's Responses API: it stores nothing; each request is independent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

from demo.upstream_answer import Question, Text, ToolCall, answer, last_said, text_of, turns
from demo.upstream_openai import first_function
from demo.upstream_pace import Pace
from demo.upstream_reply import CREATED, Reply, Request, encode, named_event, stream, whole


def response(request: Request, pace: Pace) -> Reply:
    """Answer `POST /v1/responses`.

    Raises: InvalidInput: no input.
    """
    result = answer(_question(request.body), pace)
    if request.streams:
        return _stream(request, result)
    return whole(_completed(request, result))


def _question(body: Mapping[str, object]) -> Question:
    given = body.get("input")
    if isinstance(given, str):
        return Question(given, tool=first_function(body))
    items = turns(body, "input")
    last = items[-1]
    if last.get("type") == "function_call_output":
        return Question("", tool_result=text_of(last.get("output")))
    tool = first_function(body) if last.get("role") == "user" else None
    return Question(last_said(items), tool=tool)


def _stream(request: Request, result: Text | ToolCall) -> Reply:
    numbers = count()

    def event(kind: str, **fields: object) -> bytes:
        return named_event({"type": kind, "sequence_number": next(numbers), **fields})

    begun = _response(request, "in_progress")
    place = {"item_id": _item_id(request, result), "output_index": 0}
    opening = [
        event("response.created", response=begun),
        event("response.in_progress", response=begun),
        event("response.output_item.added", output_index=0, item=_item(request, result, done=False)),
    ]
    if isinstance(result, ToolCall):
        chunks = _deltas("response.function_call_arguments.delta", numbers, place, result)
        closing = [event("response.function_call_arguments.done", **place, arguments=result.whole)]
    else:
        place["content_index"] = 0
        opening.append(event("response.content_part.added", **place, part=_part("")))
        chunks = _deltas("response.output_text.delta", numbers, place, result)
        closing = [
            event("response.output_text.done", **place, text=result.whole, logprobs=[]),
            event("response.content_part.done", **place, part=_part(result.whole)),
        ]
    closing += [
        event("response.output_item.done", output_index=0, item=_item(request, result, done=True)),
        event("response.completed", response=_completed(request, result)),
    ]
    return stream(opening, chunks, closing)


def _deltas(
    kind: str, numbers: Iterator[int], place: Mapping[str, object], result: Text | ToolCall
) -> list[bytes]:
    # The number stands in the middle of each event, so this template has two holes.
    name = kind.encode()
    tail = b',"logprobs":[]' if isinstance(result, Text) else b""
    head = b'event: %b\ndata: {"type":"%b",%b,"sequence_number":' % (name, name, encode(place)[1:-1])
    return [
        b'%b%d,"delta":%b%b}\n\n' % (head, number, encode(piece), tail)
        for piece, number in zip(result.pieces, numbers, strict=False)
    ]


def _item_id(request: Request, result: Text | ToolCall) -> str:
    kind = "fc" if isinstance(result, ToolCall) else "msg"
    return f"{kind}_{request.digest[:48]}"


def _item(request: Request, result: Text | ToolCall, *, done: bool) -> dict[str, object]:
    head = {"id": _item_id(request, result), "status": "completed" if done else "in_progress"}
    if isinstance(result, ToolCall):
        call = {"call_id": f"call_{request.digest[:24]}", "name": result.name}
        return {**head, "type": "function_call", **call, "arguments": result.whole if done else ""}
    content = [_part(result.whole)] if done else []
    return {**head, "type": "message", "role": "assistant", "content": content}


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _completed(request: Request, result: Text | ToolCall) -> dict[str, object]:
    usage = {
        "input_tokens": request.tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": result.tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": request.tokens + result.tokens,
    }
    return {**_response(request, "completed"), "output": [_item(request, result, done=True)], "usage": usage}


def _response(request: Request, status: str) -> dict[str, object]:
    return {
        "id": f"resp_{request.digest[:48]}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": request.body.get("instructions"),
        "max_output_tokens": None,
        "model": request.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": request.body.get("tools", []),
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": {},
    }
