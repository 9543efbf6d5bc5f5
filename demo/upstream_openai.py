"""The demonstration upstream as OpenAI's API: chat completions, responses, completions, embeddings, models.

Limits on tokens have no effect: only the pace decides the length of an answer.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections.abc import Mapping, Sequence

from demo.upstream_answer import Question, Text, Tool, ToolCall, answer, last_said, text_of, turns
from demo.upstream_pace import Bounds, Pace
from demo.upstream_reply import CREATED, HOLE, Reply, Request, data_event, fill, stream, whole
from sluicegate.errors import InvalidInput

FINGERPRINT = "fp_demo"
DONE = b"data: [DONE]\n\n"
DIMENSIONS = Bounds("dimensions", 1, 4096)

_TYPES = {401: "authentication_error", 404: "invalid_request_error", 500: "server_error"}
_CODES = {401: "invalid_api_key", 404: "unknown_url"}


def refusal(status: int, message: str, _request_id: str) -> Reply:
    """Return an error as OpenAI words it."""
    error = {
        "message": message,
        "type": _TYPES.get(status, "invalid_request_error"),
        "param": None,
        "code": _CODES.get(status),
    }
    return whole({"error": error}, status)


def models(names: Sequence[str]) -> Reply:
    """Answer `GET /v1/models`."""
    data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "demo"} for name in names]
    return whole({"object": "list", "data": data})


# Chat completions


def chat_completion(request: Request, pace: Pace) -> Reply:
    """Answer `POST /v1/chat/completions`.

    Raises: InvalidInput: no messages.
    """
    result = answer(_chat_question(request.body), pace)
    if request.streams:
        return _chat_stream(request, result)
    message: dict[str, object] = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
    if isinstance(result, ToolCall):
        message["tool_calls"] = [_chat_call(request, result, result.whole)]
    else:
        message["content"] = result.whole
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(result)}
    usage = _usage(request.tokens, result.tokens)
    return whole({**_chat_head(request, "chat.completion"), "choices": [choice], "usage": usage})


def _chat_question(body: Mapping[str, object]) -> Question:
    messages = turns(body, "messages")
    last = messages[-1]
    if last.get("role") == "tool":
        return Question("", tool_result=text_of(last.get("content")))
    tool = first_function(body, "function") if last.get("role") == "user" else None
    return Question(last_said(messages), tool=tool)


def first_function(body: Mapping[str, object], nested: str = "") -> Tool | None:
    """Return the first function among the tools, if the caller lets us choose it."""
    tools = body.get("tools")
    if not isinstance(tools, list) or body.get("tool_choice") == "none":
        return None
    for tool in tools:
        if isinstance(tool, dict) and tool.get("type") == "function":
            function = tool.get(nested) if nested else tool
            if isinstance(function, dict) and isinstance(function.get("name"), str):
                schema = function.get("parameters")
                return Tool(function["name"], schema if isinstance(schema, dict) else {})
    return None


def _chat_stream(request: Request, result: Text | ToolCall) -> Reply:
    head = _chat_head(request, "chat.completion.chunk")
    options = request.body.get("stream_options")
    counted = isinstance(options, dict) and options.get("include_usage") is True
    tail: dict[str, object] = {"usage": None} if counted else {}

    def chunk(delta: Mapping[str, object], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return data_event({**head, "choices": [choice], **tail})

    first: dict[str, object]
    if isinstance(result, ToolCall):
        first = {"content": None, "tool_calls": [{"index": 0, **_chat_call(request, result, "")}]}
        template = chunk({"tool_calls": [{"index": 0, "function": {"arguments": HOLE}}]})
    else:
        first = {"content": ""}
        template = chunk({"content": HOLE})
    closing = [chunk({}, _finish_reason(result))]
    if counted:
        closing.append(data_event({**head, "choices": [], "usage": _usage(request.tokens, result.tokens)}))
    opening = chunk({"role": "assistant", **first, "refusal": None})
    return stream([opening], fill(template, result.pieces), [*closing, DONE])


def _chat_head(request: Request, kind: str) -> dict[str, object]:
    return {
        "id": f"chatcmpl-{request.digest[:29]}",
        "object": kind,
        "created": CREATED,
        "model": request.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def _chat_call(request: Request, call: ToolCall, arguments: str) -> dict[str, object]:
    function = {"name": call.name, "arguments": arguments}
    return {"id": f"call_{request.digest[:24]}", "type": "function", "function": function}


def _finish_reason(result: Text | ToolCall) -> str:
    return "tool_calls" if isinstance(result, ToolCall) else "stop"


def _usage(prompt: int, completion: int) -> dict[str, object]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


# Completions


def completion(request: Request, pace: Pace) -> Reply:
    """Answer `POST /v1/completions`; with several prompts, the last one counts."""
    prompt = request.body.get("prompt")
    said = prompt[-1] if isinstance(prompt, list) and prompt else prompt
    result = answer(Question(said if isinstance(said, str) else ""), pace)
    head = {
        "id": f"cmpl-{request.digest[:29]}",
        "object": "text_completion",
        "created": CREATED,
        "model": request.model,
        "system_fingerprint": FINGERPRINT,
    }

    def choices(text: str, finish_reason: str | None) -> list[dict[str, object]]:
        return [{"text": text, "index": 0, "logprobs": None, "finish_reason": finish_reason}]

    if request.streams:
        template = data_event({**head, "choices": choices(HOLE, None)})
        closing = data_event({**head, "choices": choices("", "stop")})
        return stream([], fill(template, result.pieces), [closing, DONE])
    usage = _usage(request.tokens, result.tokens)
    return whole({**head, "choices": choices(result.whole, "stop"), "usage": usage})


# Embeddings


def embeddings(request: Request, _pace: Pace) -> Reply:
    """Answer `POST /v1/embeddings`: a vector of length 1 for each input.

    Raises: InvalidInput: no input, or dimensions out of bounds.
    """
    wanted = request.body.get("dimensions", 256)
    dimensions = DIMENSIONS.check(wanted if isinstance(wanted, int) else 0)
    packed = request.body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _embedding(text, dimensions, packed=packed)}
        for index, text in enumerate(_inputs(request.body.get("input")))
    ]
    usage = {"prompt_tokens": request.tokens, "total_tokens": request.tokens}
    return whole({"object": "list", "data": data, "model": request.model, "usage": usage})


def _inputs(value: object) -> list[str]:
    """Return what is to be embedded: a text, texts, tokens, or lists of tokens."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise InvalidInput("'input' is not a text, or a list of texts or tokens")
    if isinstance(value[0], int):
        return [str(value)]
    return [str(one) for one in value]


def _embedding(text: str, dimensions: int, *, packed: bool) -> list[float] | str:
    layout = f"<{dimensions}"
    noise = hashlib.shake_256(text.encode("utf-8", "replace")).digest(2 * dimensions)
    raw = struct.unpack(f"{layout}h", noise)
    length = math.hypot(*raw) or 1.0
    vector = struct.pack(f"{layout}f", *(value / length for value in raw))
    return base64.b64encode(vector).decode() if packed else list(struct.unpack(f"{layout}f", vector))
