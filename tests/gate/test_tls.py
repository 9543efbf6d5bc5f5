"""A stream over TLS that is cut: what its client gets to know, and what it can still read."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from sluicegate.settings import TlsFiles
from tests.certificates import BY_NAME, Authority
from tests.gate.clients import chat, dechunked, post
from tests.gate.running import running
from tests.gate.test_cut import last_event
from tests.gate.world import MODEL
from tests.raw import Secure
from tests.waiting import eventually

CHAT = "/v1/chat/completions"


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    file = Authority(tmp_path).certified("server", BY_NAME)
    return TlsFiles(file, file)


@pytest.fixture
def trust(files: TlsFiles) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=files.cert.parent / "authority.pem")


def stream(port: int, trust: ssl.SSLContext, key: str, **more: Any) -> Secure:
    client = Secure(port, trust, **more).send(post(CHAT, chat(stream=True), key))
    client.until(b"\n\n")
    return client


def test_a_cut_stream_ends_with_its_error_and_tls_own_end(paced, world, files, trust):
    key = world.customer()
    with running(world, paced, tls=files) as gate, stream(gate.port, trust, key) as client:
        world.suspend("bis-1", [MODEL])
        gate.advance()
        seen, reset = client.rest()
        assert not reset
        assert b"\r\n0\r\n" not in seen
        error = last_event(dechunked(seen.partition(b"\r\n\r\n")[2]))["error"]
        assert error["sluicegate"]["directive"] == "bis-1"


def test_a_client_that_does_not_read_is_reset_by_a_cut(flood, world, files, trust):
    """What it can still read is what the kernels have: the gateway keeps one write, and drops it."""
    key = world.customer()
    with (
        running(world, flood, tls=files) as gate,
        stream(gate.port, trust, key, receive_buffer=4_096) as client,
    ):
        assert eventually(gate.waits_for_a_client)
        before = len(client.seen)
        world.suspend("bis-1", [MODEL])
        gate.advance()
        seen, reset = client.rest()
        assert reset
        assert b'"error"' not in seen
        kernels = 2 * gate.server._settings.send_buffer_bytes + 64 * 1024
        assert len(seen) - before < kernels
