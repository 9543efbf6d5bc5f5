"""Clients of a gateway: raw ones that see bytes, and the vendors' own."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Mapping
from typing import Any, Self

import anthropic
import openai

from tests.gate import world as worlds
from tests.gate.running import Running
from tests.waiting import BOUND_S


class Raw:
    """A client that sees bytes."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(BOUND_S)
        self.sock.connect(("127.0.0.1", port))
        self.seen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> Self:
        self.sock.sendall(data)
        return self

    def until(self, wanted: bytes) -> bytes:
        """Read until `wanted` has been seen; return all seen so far."""
        while wanted not in self.seen:
            data = self.sock.recv(65536)
            assert data, f"closed before {wanted!r}: {self.seen!r}"
            self.seen += data
        return self.seen

    def waiting(self) -> bytes:
        """Read what is here already; return all seen so far."""
        self.sock.setblocking(False)
        try:
            while data := self.sock.recv(65536):
                self.seen += data
        except BlockingIOError:
            self.sock.settimeout(BOUND_S)
        return self.seen

    def rest(self) -> tuple[bytes, bool]:
        """Read to the end; return all seen, and whether it ended with a reset."""
        try:
            while data := self.sock.recv(65536):
                self.seen += data
        except ConnectionResetError:
            return self.seen, True
        return self.seen, False

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """Read one response with a Content-Length."""
        head, _, body = self.until(b"\r\n\r\n").partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        length = int(headers["content-length"])
        while len(body) < length:
            data = self.sock.recv(65536)
            assert data, "closed inside a body"
            body += data
        self.seen = body[length:]
        return status, headers, body[:length]


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    line, *fields = head.decode("latin-1").split("\r\n")
    return int(line.split(" ")[1]), {
        name.lower(): value for name, value in (field.split(": ", 1) for field in fields)
    }


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
