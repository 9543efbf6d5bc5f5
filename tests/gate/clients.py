"""Clients of a gateway: raw ones that see bytes, and the vendors' own."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

import anthropic
import openai

from tests.gate import world as worlds
from tests.gate.running import Running
from tests.waiting import BOUND_S


def post(
    path: str, body: bytes | Mapping[str, Any], key: str | None, *lines: str, version: str = "1.1"
) -> bytes:
    """The bytes of a request."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = [
        f"POST {path} HTTP/{version}",
        "Host: gate",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *([f"Authorization: Bearer {key}"] if key else []),
        *lines,
    ]
    return "\r\n".join(fields).encode("latin-1") + b"\r\n\r\n" + content


def chat(model: str = worlds.MODEL, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}


def get(url: str, **headers: str) -> tuple[int, str]:
    asked = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(asked, timeout=BOUND_S) as response:
        return response.status, response.read().decode()


def calls(upstream: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(get(f"{upstream}/_demo/calls")[1])
    return listed


def counted(gate: Running, outcome: str) -> int:
    lines = get(f"{gate.url}/metrics")[1].splitlines()
    found = [line for line in lines if line.startswith(f'sluicegate_requests_total{{outcome="{outcome}"}}')]
    return int(float(found[0].split()[-1])) if found else 0


def ai(gate: Running, key: str, **more: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gate.url}/v1", api_key=key, timeout=BOUND_S, **more)


def anthropic_api(gate: Running, key: str, **more: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=gate.url, api_key=key, timeout=BOUND_S, **more)


def dechunked(data: bytes) -> bytes:
    """The content of chunks, also if the last one is missing."""
    content = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        content += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
    return content
