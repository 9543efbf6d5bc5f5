"""TLS on a server: who is let in, what a new certificate changes, and how a connection ends."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from sluicegate.errors import InvalidInput
from sluicegate.http.tls import ServerCertificate, TlsTransport
from sluicegate.settings import TlsFiles
from tests.certificates import BY_NAME, Authority
from tests.http.running import RunningServer, running
from tests.raw import Raw, Secure
from tests.waiting import BOUND_S, eventually


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def files(authority: Authority) -> TlsFiles:
    file = authority.certified("server", BY_NAME)
    return TlsFiles(file, file)


@pytest.fixture
def trust(authority: Authority) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def get(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *lines, "", ""]).encode()


def refresh(server: RunningServer) -> None:
    """Have the server look at its files, and wait until it has."""
    done: list[bool] = []
    server.loop.call_soon_threadsafe(server.server.refresh)
    server.loop.call_soon_threadsafe(done.append, True)
    eventually(lambda: done)


# Who is let in


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_is_answered(files, trust, version):
    trust.minimum_version = trust.maximum_version = version
    with running(tls=files) as server, Secure(server.port, trust) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"
        for path in ("/a", "/b"):
            assert client.send(get(path)).response()[0] == 200
        client.send(get("/c", "Connection: close")).response()
        assert client.rest() == (b"", False)
        assert [path for _, path in server.echo.asked] == [b"/a", b"/b", b"/c"]


def test_nothing_before_tls_1_2(files, trust):
    trust.set_ciphers("ALL:@SECLEVEL=0")
    trust.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        trust.maximum_version = ssl.TLSVersion.TLSv1_1
    with running(tls=files) as server, pytest.raises(ssl.SSLError, match=r"(?i)version|protocol"):
        Secure(server.port, trust)


def test_requests_come_in_any_pieces(files, trust):
    body = b"x" * 3_000
    asked = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n" + body
    with running(tls=files) as server, Secure(server.port, trust) as client:
        for at in range(len(asked)):
            client.send(asked[at : at + 1])
        assert b'"body": 3000' in client.response()[2]
        client.send(asked * 3)
        for _ in range(3):
            assert b'"body": 3000' in client.response()[2]


def test_much_goes_both_ways(files, trust):
    data = os.urandom(5_000_000)
    with running(tls=files) as server, Secure(server.port, trust, receive_buffer=4_096) as client:
        server.echo.told = data
        assert client.send(get("/long")).response()[2] == data
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n" + data)
        assert b'"body": 5000000' in client.response()[2]


@pytest.mark.parametrize(
    "said", [get("/plain"), b"\x16\x03\x01\x00\x05hello", b"\x00" * 100, b"\x80" * 10_000], ids=range(4)
)
def test_what_is_not_tls_reaches_no_one(files, trust, said):
    with running(tls=files) as server:
        with Raw(server.port) as client:
            seen, _ = client.send(said).rest()
        assert b"HTTP" not in seen
        assert server.echo.asked == []
        assert eventually(lambda: server.open_connections() == 0)
        with Secure(server.port, trust) as client:
            assert client.send(get("/a")).response()[0] == 200


def hello(trust: ssl.SSLContext) -> bytes:
    """The first bytes of a client."""
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        trust.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_a_handshake_has_the_time_of_a_head(files, trust, share):
    begun = hello(trust)
    with running(tls=files, head_timeout_ms=200) as server, Raw(server.port) as client:
        client.send(begun[: int(len(begun) * share)])
        client.rest()
        assert eventually(lambda: server.open_connections() == 0)


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_who_never_completes_a_handshake_holds_no_place(files, trust, share):
    begun = hello(trust)
    changes: dict[str, Any] = {"max_connections": 1, "head_timeout_ms": 600_000}
    with running(tls=files, **changes) as server, Raw(server.port) as first:
        first.send(begun[: int(len(begun) * share)])
        assert eventually(lambda: server.open_connections() == 1)
        with Secure(server.port, trust) as client:
            assert client.send(get("/a")).response()[0] == 200
        first.rest()


def test_a_stop_drops_those_in_their_handshake(files):
    with running(tls=files, stop_grace_ms=600_000) as server, Raw(server.port) as client:
        assert eventually(lambda: server.open_connections() == 1)
        server.stop_soon().result(BOUND_S)
        client.rest()


def test_clients_need_a_certificate_where_an_authority_is_named(authority, files, trust, tmp_path):
    asking = TlsFiles(files.cert, files.key, authority.file)
    other = tmp_path / "other"
    other.mkdir()
    with running(tls=asking) as server:
        for own in (None, Authority(other).certified("client", BY_NAME)):
            if own is not None:
                trust.load_cert_chain(own)
            with pytest.raises((ssl.SSLError, ConnectionError)), Secure(server.port, trust) as client:
                client.send(get("/a")).response()
        assert server.echo.asked == []
        trust.load_cert_chain(authority.certified("client", BY_NAME))
        with Secure(server.port, trust) as client:
            assert client.send(get("/a")).response()[0] == 200


# A new certificate


def serial(client: Secure) -> int:
    found = client.sock.getpeercert(binary_form=True)
    assert found is not None
    return x509.load_der_x509_certificate(found).serial_number


def test_new_connections_get_a_new_certificate_and_open_ones_go_on(authority, files, trust, caplog):
    with running(tls=files) as server, Secure(server.port, trust) as first:
        first.send(get("/a")).response()
        authority.certified("server", BY_NAME)
        refresh(server)
        with Secure(server.port, trust) as second:
            assert serial(second) != serial(first)
            for client in (first, second):
                assert client.send(get("/b")).response()[0] == 200


@pytest.mark.parametrize("broken", ["gone", "empty", "another key"])
def test_a_certificate_that_cannot_be_used_is_logged_and_the_old_one_stays(
    authority, files, trust, caplog, broken, tmp_path
):
    cert = tmp_path / "cert.pem"
    shutil.copy(files.cert, cert)
    with running(tls=TlsFiles(cert, files.key)) as server:
        with Secure(server.port, trust) as client:
            before = serial(client)
        cert.unlink()
        if broken == "empty":
            cert.write_bytes(b"")
        elif broken == "another key":
            shutil.copy(authority.certified("another", BY_NAME), cert)
        refresh(server)
        refresh(server)
        with Secure(server.port, trust) as client:
            assert serial(client) == before
        assert caplog.text.count("the one before stays") == 1
        cert.unlink(missing_ok=True)
        shutil.copy(authority.certified("server", BY_NAME), cert)
        refresh(server)
        with Secure(server.port, trust) as client:
            assert serial(client) != before


def test_a_server_does_not_start_with_a_certificate_that_cannot_be_used(authority, files, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    other = authority.certified("other", BY_NAME)
    for wrong in (
        TlsFiles(empty, files.key),
        TlsFiles(files.cert, tmp_path / "missing.pem"),
        TlsFiles(files.cert, other),
        TlsFiles(files.cert, files.key, empty),
    ):
        with pytest.raises(InvalidInput, match="the certificate"):
            ServerCertificate(wrong)


# How a connection ends


def test_an_answer_before_the_body_is_there_arrives(files, trust):
    """The rest of the body is dropped, and does not destroy the answer on its way."""
    with running(tls=files) as server, Secure(server.port, trust) as client:
        client.send(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000)
        assert client.response()[0] == 200
        assert client.rest() == (b"", False)


def test_what_is_no_record_inside_a_connection_ends_it(files, trust):
    with running(tls=files) as server, Secure(server.port, trust) as client:
        client.send(get("/a")).response()
        raw = socket.socket(fileno=os.dup(client.sock.fileno()))
        raw.sendall(b"\x17\x03\x03\x00\x20" + b"\x00" * 32)
        raw.close()
        assert eventually(lambda: server.open_connections() == 0)


def test_a_client_that_ends_tls_is_gone(files, trust):
    with running(tls=files) as server, Secure(server.port, trust) as client:
        client.send(get("/wait"))
        assert eventually(lambda: server.echo.asked)
        client.sock.unwrap()
        assert eventually(lambda: server.echo.gone == ["/wait"])


def test_tls_keeps_nothing_back(files, trust):
    """Each write is with the socket when it returns, and none after an end."""

    class Wire:
        def __init__(self) -> None:
            self.wrote: list[bytes] = []

        def write(self, data: bytes) -> None:
            self.wrote.append(data)

        def is_closing(self) -> bool:
            return False

        def write_eof(self) -> None:
            self.wrote.append(b"eof")

        abort = close = lambda self: None

    for end in ("abort", "write_eof", "close"):
        transport, wire = connected(files, trust, Wire())
        transport.write(b"x" * 100_000)
        assert not transport._outgoing.pending
        assert sum(map(len, wire.wrote)) <= 100_000 + 22 * (100_000 // 16_384 + 1)
        getattr(transport, end)()
        before = list(wire.wrote)
        transport.write(b"more")
        assert wire.wrote == before


def connected(files: TlsFiles, trust: ssl.SSLContext, wire: Any) -> tuple[Any, Any]:
    """A transport whose handshake is complete, on a wire that keeps what was written since."""
    transport = TlsTransport(ServerCertificate(files).context, asyncio.Protocol())
    transport.connection_made(wire)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            client.do_handshake()
            break
        except ssl.SSLWantReadError:
            transport.data_received(outgoing.read())
            incoming.write(b"".join(wire.wrote))
            wire.wrote.clear()
    transport.data_received(outgoing.read())
    wire.wrote.clear()
    return transport, wire


def test_the_log_has_no_error_of_a_client(files, caplog):
    caplog.set_level(logging.INFO)
    with running(tls=files) as server, Raw(server.port) as client:
        client.send(b"nothing of TLS").rest()
    assert caplog.text == ""
