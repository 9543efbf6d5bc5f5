"""`up`: what it says when all three listen."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.cli.commands import trusted
from tests.raw import Raw
from tests.waiting import BOUND_S


def test_each_process_says_its_url(cli, tmp_path):
    said = listening(trusted(cli, tmp_path))
    assert re.fullmatch(r"gateway listening on http://127\.0\.0\.1:\d+\n", said[-1]), said


def test_what_bounds_a_gateway_is_taken_by_up_too(cli, tmp_path):
    bounds = (
        "--http",
        "max-head-bytes=1024",
        "--max-body-bytes",
        "2048",
        "--cors-origin",
        "https://app.example",
    )

    def asked(said: list[str]) -> None:
        port = int(said[-1].rpartition(":")[2])
        with Raw(port) as client:
            long = b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2_000 + b"\r\n\r\n"
            assert client.send(long).response()[0] == 431
        with Raw(port) as client:
            lines = b"Host: a\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: POST"
            preflight = b"OPTIONS /v1/models HTTP/1.1\r\n" + lines + b"\r\n\r\n"
            assert b" 204 " in client.send(preflight).until(b"\r\n")

    listening(trusted(cli, tmp_path), *bounds, then=asked)


def listening(
    trust: Path,
    *options: str,
    then: Callable[[list[str]], None] = lambda _: None,
    beside: Callable[[list[str], Iterator[str]], None] = lambda _, __: None,
) -> list[str]:
    """What `up` says until its gateway listens; `then` may ask that, and `beside` hear what it says next."""
    command = [
        *(sys.executable, "-m", "sluicegate", "up", "--trust", "trust.yaml", "--state", "up"),
        *("--upstream", "demo=http://127.0.0.1:1", "--clock-bound", "60"),
        *("--port", "0", "--feed-port", "0", "--gateway-port", "0"),
        *options,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=trust.parent) as running:
        assert running.stdout is not None
        try:
            said = [running.stdout.readline()]
            while said[-1] and not said[-1].startswith("gateway"):
                said.append(running.stdout.readline())
            then(said)
            beside(said, running.stdout)
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(BOUND_S) == 0
    return said
