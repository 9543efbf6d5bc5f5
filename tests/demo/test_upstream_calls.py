"""What the demonstration upstream remembers of its calls, who leaves it, and the ways to serve it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from demo.upstream import Upstream, UpstreamSettings, credential_digest, in_thread, serve
from demo.upstream_calls import KEPT, CallLog, CallState
from demo.upstream_exchange import CONNECTION
from tests.waiting import BOUND_S, eventually

ROOT = Path(__file__).parents[2]
KEY = "sk-demo"
MODEL = "demo-large"
USER = [{"role": "user", "content": "hello there"}]
PROMPT = {"model": MODEL, "prompt": "hello there"}
LONG = PROMPT | {"stream": True}
SLOW = {"x-demo-chunks": "100000", "x-demo-interval-ms": "20"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with in_thread() as url:
        yield url


@pytest.fixture(scope="module")
def http(url) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url, timeout=BOUND_S, verify=False) as client:
        yield client


def call(http: httpx2.Client, name: str, state: str = "") -> Any:
    """Return the call with this id, if it is in this state."""
    calls = http.get("/_demo/calls").json()
    return next((call for call in calls if call["id"] == name and state in ("", call["state"])), None)


# What it remembers


def test_a_call_shows_what_was_forwarded(http):
    body = json.dumps({"model": MODEL, "messages": USER}).encode()
    headers = {"x-request-id": "shown", "X-Secret": "not to be shown", "authorization": f"Bearer {KEY}"}
    answer = http.post("/v1/chat/completions", content=body, headers=headers)
    assert answer.headers["x-request-id"] == "shown"
    shown = call(http, "shown", "completed")
    assert shown["path"] == "/v1/chat/completions"
    assert shown["model"] == MODEL
    assert shown["authorization_seen"] == credential_digest(f"Bearer {KEY}")
    assert {"authorization", "x-request-id", "x-secret"} < set(shown["headers"])
    assert shown["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert shown["chunks_sent"] == 1
    assert shown["bytes_sent"] == len(answer.content)
    assert "not to be shown" not in json.dumps(shown)


def test_calls_are_counted_and_forgotten():
    with in_thread() as url, httpx2.Client(base_url=url, verify=False) as http:
        assert http.get("/healthz").json() == {"ok": True}
        for _ in range(3):
            http.get("/v1/models")
        counted = {"started": 3, "completed": 3, "closed_by_caller": 0, "open": 0}
        assert http.get("/_demo/stats").json() == counted
        assert [call["id"] for call in http.get("/_demo/calls").json()] == ["1", "2", "3"]
        slow = {"x-demo-chunks": "5", "x-demo-interval-ms": "20"}
        with http.stream("POST", "/v1/completions", json=LONG, headers=slow) as answer:
            assert http.get("/_demo/stats").json()["open"] == 1
            assert set(http.post("/_demo/reset").json().values()) == {0}
            answer.read()  # ends a call that is forgotten
        assert set(http.get("/_demo/stats").json().values()) == {0}
        assert http.get("/_demo/calls").json() == []


def test_only_the_last_calls_are_kept():
    log = CallLog()
    for _ in range(KEPT + 1):
        log.end(log.start("/v1/models", (), {}), CallState.COMPLETED)
    assert (len(log.calls), log.calls[0].id, log.stats()["completed"]) == (KEPT, "2", KEPT + 1)


@pytest.mark.parametrize("name", [b"\xa0", b"", b"x" * 129])
def test_an_odd_request_id_is_not_taken_over(name):
    call = CallLog().start("/v1/models", (), {b"x-request-id": name})
    assert call.id in ("1", "x" * 128)


@pytest.mark.parametrize("streams", [True, False])
def test_a_pace_is_kept(http, streams):
    start = time.monotonic()
    headers = {"x-demo-chunks": "5", "x-demo-interval-ms": "20", "x-demo-delay-ms": "50"}
    headers["x-request-id"] = f"paced-{streams}"
    body = {"model": MODEL, "messages": USER, "stream": streams}
    with http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
        assert time.monotonic() - start >= 0.05
        answer.read()
    assert time.monotonic() - start >= 0.05 + 4 * 0.02
    ended = eventually(lambda: call(http, f"paced-{streams}", "completed"))
    assert ended["chunks_sent"] == (8 if streams else 5)
    assert ended["bytes_sent"] == len(answer.content)


def test_a_hang_up_is_a_completed_call(http):
    headers = {"x-demo-fail": "hangup", "x-request-id": "hung-up"}
    with pytest.raises(httpx2.RemoteProtocolError):
        http.post("/v1/completions", json=PROMPT, headers=headers)
    assert call(http, "hung-up")["state"] == "completed"
    assert call(http, "hung-up")["bytes_sent"] == 0


@pytest.mark.parametrize("streams", [True, False])
def test_a_connection_that_ends_with_its_answer_was_not_left(http, streams):
    headers = {"connection": "close", "x-request-id": f"closing-{streams}"}
    answer = http.post("/v1/completions", json=PROMPT | {"stream": streams}, headers=headers)
    ended = eventually(lambda: call(http, f"closing-{streams}", "completed"))
    assert ended["bytes_sent"] == len(answer.content)


# Callers who leave


def leave_after(
    url: str, http: httpx2.Client, name: str, headers: dict[str, str], body: dict[str, Any], sent: int
) -> dict[str, Any]:
    """Make a call, leave it without having read once `sent` parts were sent, and return how it ended."""
    address = httpx2.URL(url)
    content = json.dumps(body).encode()
    lines = {"host": "x", "content-length": len(content), "x-request-id": name} | headers
    head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
    with closing(socket.create_connection((address.host, address.port), timeout=BOUND_S)) as connection:
        connection.sendall(f"POST /v1/completions HTTP/1.1\r\n{head}\r\n".encode() + content)
        open_call = eventually(
            lambda: (found := call(http, name, "open")) and found["chunks_sent"] >= sent and found
        )
        assert open_call["body_sha256"] == hashlib.sha256(content).hexdigest()
    return eventually(lambda: call(http, name, "closed_by_caller"))


def test_leaving_before_the_head_is_seen(url, http):
    ended = leave_after(url, http, "early", {"x-demo-delay-ms": "600000"}, LONG, 0)
    assert (ended["chunks_sent"], ended["bytes_sent"]) == (0, 0)


@pytest.mark.parametrize("streams", [True, False])
def test_leaving_midway_is_seen(url, http, streams):
    headers = {"x-demo-chunks": "1000", "x-demo-interval-ms": "10"}
    ended = leave_after(url, http, f"midway-{streams}", headers, LONG | {"stream": streams}, 3)
    assert 3 <= ended["chunks_sent"] < 900


@pytest.mark.parametrize("streams", [True, False])
def test_leaving_unread_without_a_pace_is_seen(url, http, streams):
    headers = {"x-demo-chunks": "100000"} if streams else {"x-demo-bytes": str(16 * 1024 * 1024)}
    ended = leave_after(url, http, f"unread-{streams}", headers, LONG | {"stream": streams}, 1)
    assert ended["chunks_sent"] < 100_000
    assert ended["bytes_sent"] < 16 * 1024 * 1024


def test_leaving_with_half_a_request_is_seen(url, http):
    address = httpx2.URL(url)
    with closing(socket.create_connection((address.host, address.port), timeout=BOUND_S)) as connection:
        head = (
            b"POST /v1/completions HTTP/1.1\r\nhost: x\r\nx-request-id: torn\r\ncontent-length: 99\r\n\r\n{"
        )
        connection.sendall(head)
        eventually(lambda: call(http, "torn", "open"))
    assert eventually(lambda: call(http, "torn", "closed_by_caller"))["body_sha256"] is None


def test_a_client_that_closes_its_stream_is_seen(url, http):
    def slow(name: str) -> dict[str, Any]:
        return {"model": MODEL, "messages": USER, "extra_headers": SLOW | {"x-request-id": name}}

    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY) as ai:
        with ai.chat.completions.create(**slow("openai"), stream=True) as chat:
            next(iter(chat))
        eventually(lambda: call(http, "openai", "closed_by_caller"))
    with anthropic.Anthropic(base_url=url, api_key=KEY) as anthropic_api:
        with anthropic_api.messages.stream(**slow("anthropic"), max_tokens=9) as message:
            next(iter(message))
        eventually(lambda: call(http, "anthropic", "closed_by_caller"))


@pytest.mark.parametrize("told", [True, False])
def test_a_caller_that_leaves_while_nothing_is_waited_for_is_seen(told):
    """The application itself, on a server that takes what goes to nobody at once, as servers do.

    The transport has failed, and the server was told of it, or is told when other tasks run next.
    """
    app, sent, failed = Upstream(UpstreamSettings(chunks=50)), list[Any](), asyncio.Event()
    transport = SimpleNamespace(is_closing=failed.is_set)
    connection = SimpleNamespace(lost=False, transport=transport)
    scope = {"type": "http", "method": "POST", "path": "/v1/completions", "headers": []}
    asked = [{"type": "http.request", "body": json.dumps(LONG).encode(), "more_body": False}]

    async def receive() -> dict[str, Any]:
        if asked:
            return asked.pop()
        await failed.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)
        if len(sent) == 10:
            failed.set()
            connection.lost = told

    async def leave() -> Any:
        await app({**scope, "extensions": {CONNECTION: connection}}, receive, send)
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://upstream") as http:
            return (await http.get("/_demo/calls")).json()

    (left,) = asyncio.run(leave())
    assert (left["state"], left["chunks_sent"], len(sent)) == ("closed_by_caller", 8 if told else 9, 10)


# Ways to serve it


def test_each_event_is_a_message_of_its_own():
    """The application itself, on no server: what a load test's stream consists of."""
    body = json.dumps({"model": MODEL, "messages": USER, "stream": True}).encode()
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}
    sent = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Upstream(UpstreamSettings(chunks=50))(scope, receive, send))
    head, *events = sent
    assert head["type"] == "http.response.start"
    assert len(events) == 1 + 50 + 2
    assert all(event["body"].startswith(b"data: ") and event["body"].endswith(b"\n\n") for event in events)
    assert [event["more_body"] for event in events] == [True] * 52 + [False]
    assert events[-1]["body"] == b"data: [DONE]\n\n"


def test_it_serves_inside_another_loop():
    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(Upstream())
        async with httpx2.AsyncClient(transport=transport, base_url="http://upstream") as http:
            return await http.post("/v1/completions", json=PROMPT)

    assert asyncio.run(ask()).json()["choices"][0]["text"].startswith("You said: hello there 1 2")


def test_a_process_tells_its_port_and_stops_with_streams_open():
    program = (
        "from demo.upstream import UpstreamSettings, serve\n"
        "serve(UpstreamSettings(), '127.0.0.1', 0, lambda port: print(port, flush=True))"
    )
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        with httpx2.Client(base_url=url, verify=False) as http:
            with http.stream("POST", "/v1/completions", json=LONG, headers=SLOW) as answer:
                assert answer.status_code == 200
                process.send_signal(signal.SIGTERM)
                with pytest.raises(httpx2.TransportError):
                    answer.read()
            assert process.communicate(timeout=BOUND_S) == ("", "")
    assert process.returncode == -signal.SIGTERM


def test_a_port_in_use_is_an_error(url):
    with pytest.raises(OSError, match="in use"):
        serve(UpstreamSettings(), "127.0.0.1", int(url.rpartition(":")[2]))
