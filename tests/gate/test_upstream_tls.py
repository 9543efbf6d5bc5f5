"""TLS to an upstream: whose certificate is believed, and what a cut connection is."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509

from sluicegate.errors import InvalidInput
from sluicegate.gate.upstream import Call, HttpUpstream
from sluicegate.settings import UpstreamTarget
from tests.certificates import BY_ADDRESS, BY_NAME, Authority
from tests.gate.running import settings
from tests.gate.taking import whole
from tests.gate.test_upstream_connection import CALL, CHUNKED, OK, TWO
from tests.waiting import BOUND_S


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def said(*pieces: bytes, cut: bool = False) -> Answer:
    """Read a request, say the pieces, and end: as TLS does, or by the connection alone."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:"))
        await reader.readexactly(length)
        writer.writelines(pieces)
        await writer.drain()
        if cut:
            transport: Any = writer.transport
            transport._ssl_protocol._transport.close()
        else:
            writer.close()

    return answer


@contextmanager
def encrypted(context: ssl.SSLContext | None, answer: Answer) -> Iterator[int]:
    """A server in a thread, on asyncio's own loop, whose insides can be cut. Its port."""
    ready = threading.Event()
    box: dict[str, Any] = {}

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        box["port"] = server.sockets[0].getsockname()[1]
        box["loop"], box["stop"] = asyncio.get_running_loop(), asyncio.Event()
        box["loop"].set_exception_handler(lambda *_: None)
        ready.set()
        await box["stop"].wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(BOUND_S)
    try:
        yield box["port"]
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(BOUND_S)


def ask(url: str, ca_file: Path | None, call: Call = CALL, loop: Any = None) -> tuple[int, bytes]:
    async def asked() -> tuple[int, bytes]:
        upstream = HttpUpstream(UpstreamTarget(url, "", ca_file), settings())
        try:
            return await asyncio.wait_for(whole(upstream, call), BOUND_S)
        finally:
            await upstream.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(asked())


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Any:
    """Both event loops have a TLS of their own."""
    return uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop


def test_a_private_authority_is_believed_if_it_is_named(authority, loop):
    with encrypted(authority.server(BY_NAME, BY_ADDRESS), said(TWO)) as port:
        for host in ("localhost", "127.0.0.1"):
            assert ask(f"https://{host}:{port}", authority.file, loop=loop) == (200, b"{}")
            assert ask(f"https://{host}:{port}", None, loop=loop) == (0, b"upstream_unreachable")


def test_the_environment_names_authorities_too(authority, loop, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with encrypted(authority.server(BY_NAME), said(TWO)) as port:
        assert ask(f"https://localhost:{port}", None, loop=loop) == (200, b"{}")


def test_a_file_of_authorities_is_the_only_one(authority, loop, monkeypatch, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with encrypted(authority.server(BY_NAME), said(TWO)) as port:
        refused = ask(f"https://localhost:{port}", Authority(other).file, loop=loop)
    assert refused == (0, b"upstream_unreachable")


def test_a_certificate_for_another_name_is_refused(authority, loop, caplog):
    with encrypted(authority.server(x509.DNSName("elsewhere")), said(TWO)) as port:
        assert ask(f"https://localhost:{port}", authority.file, loop=loop) == (0, b"upstream_unreachable")
    assert "certificate verify failed" in caplog.text


def test_a_certificate_that_is_over_is_refused(authority, loop):
    with encrypted(authority.server(BY_NAME, days=1), said(TWO)) as port:
        assert ask(f"https://localhost:{port}", authority.file, loop=loop) == (0, b"upstream_unreachable")


def test_an_upstream_without_tls_is_no_https_one(authority, loop):
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(TWO)
        writer.close()

    with encrypted(None, plain) as port:
        assert ask(f"https://localhost:{port}", authority.file, loop=loop) == (0, b"upstream_unreachable")


def test_large_bodies_go_both_ways(authority, loop):
    body = b"x" * 10_000_000
    call = CALL._replace(body=body)
    head = OK + b"content-length: %d\r\n\r\n" % len(body)
    with encrypted(authority.server(BY_NAME), said(head, body)) as port:
        assert ask(f"https://localhost:{port}", authority.file, call, loop) == (200, body)


@pytest.mark.parametrize("head", [OK + b"content-length: 3\r\n\r\n{}", CHUNKED + b"2\r\n{}\r\n"])
@pytest.mark.parametrize("cut", [True, False])
def test_an_end_inside_a_body_is_a_failure(authority, loop, head, cut):
    with encrypted(authority.server(BY_NAME), said(head, cut=cut)) as port:
        assert ask(f"https://localhost:{port}", authority.file, loop=loop) == (0, b"upstream_failed")


def test_a_body_to_the_end_of_tls(authority, loop):
    with encrypted(authority.server(BY_NAME), said(OK + b"\r\n{}")) as port:
        assert ask(f"https://localhost:{port}", authority.file, loop=loop) == (200, b"{}")


def test_a_body_to_the_end_of_the_connection_alone_is_cut(authority):
    """Without TLS's own end, anyone on the way may have ended it. asyncio's own loop does not tell."""
    with encrypted(authority.server(BY_NAME), said(OK + b"\r\n{}", cut=True)) as port:
        assert ask(f"https://localhost:{port}", authority.file, loop=uvloop.new_event_loop) == (
            0,
            b"upstream_failed",
        )


def test_a_file_without_certificates_is_refused(tmp_path):
    file = tmp_path / "none.pem"
    file.write_text("no certificate")
    for path in (file, tmp_path / "missing.pem"):
        with pytest.raises(InvalidInput, match="the file of authorities"):
            HttpUpstream(UpstreamTarget("https://host", "", path), settings())
