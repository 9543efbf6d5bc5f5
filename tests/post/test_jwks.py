"""Key sets fetched from a real https server on this machine."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from sluicegate import targets
from sluicegate.errors import InvalidInput, Unreachable
from sluicegate.post.jwks import MAX_BYTES, KeySets
from tests.post.receiver import Names, certified, listening, receiving, says
from tests.waiting import BOUND_S

HERE = targets.networks("127.0.0.0/8")
BODY = b'{"keys": []}\n'


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context, and a client's that vouches for it."""
    return certified(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def fetching(allowed=HERE, timeout_ms=20_000, **more: Any) -> AsyncIterator[KeySets]:
    keysets = KeySets(allowed, timeout_ms, **more)
    try:
        yield keysets
    finally:
        await keysets.close()


async def fetch(url: str, allowed=HERE, timeout_ms=20_000, **more: Any) -> bytes:
    async with fetching(allowed, timeout_ms, **more) as keysets:
        return (await keysets.fetch(url)).body


def answered(tls, answer: bytes) -> bytes:
    """What is made of an answer as it stands."""

    async def test() -> bytes:
        async with receiving(answer, tls=tls[0]) as receiver:
            return await fetch(f"https://127.0.0.1:{receiver.port}/", tls=tls[1])

    return asyncio.run(test())


def chunked(*parts: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def test_the_bytes_come_as_they_are_and_the_request_tells_nothing(tls):
    async def test():
        async with receiving(says(200, BODY), tls=tls[0]) as receiver:
            async with fetching(tls=tls[1]) as keysets:
                url = f"https://127.0.0.1:{receiver.port}/keys?tenant=1"
                bodies = [(await keysets.fetch(url)).body for _ in range(2)]
            return bodies, receiver

    bodies, receiver = asyncio.run(test())
    assert bodies == [BODY, BODY]
    assert receiver.connections == 2
    for got in receiver.received:
        assert got.line == "GET /keys?tenant=1 HTTP/1.1"
        assert got.body == b""
        assert set(got.headers) == {"host", "connection", "accept", "accept-encoding", "user-agent"}
        assert got.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 403, 404, 429, 500, 503])
def test_another_status_gives_no_keys(tls, status):
    with pytest.raises(Unreachable, match=f"it answered {status}"):
        answered(tls, says(status, b"" if status in (204, 304) else BODY))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(tls, status):
    async def test():
        async with receiving(says(200, BODY), tls=tls[0]) as target:
            moved = says(status, b"", f"location: https://127.0.0.1:{target.port}/")
            async with receiving(moved, tls=tls[0]) as receiver:
                with pytest.raises(Unreachable, match=f"it answered {status}"):
                    await fetch(f"https://127.0.0.1:{receiver.port}/", tls=tls[1])
        return target.connections

    assert asyncio.run(test()) == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000,
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + BODY,
        chunked(BODY)[:-5],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
    ],
    ids=[
        "nothing",
        "a beginning",
        "another protocol",
        "no status",
        "endless header",
        "cut",
        "cut chunk",
        "no size",
    ],
)
def test_what_is_no_whole_answer_gives_no_keys(tls, answer):
    with pytest.raises(Unreachable, match="no answer in HTTP") as caught:
        answered(tls, answer)
    assert "SSH" not in caught.value.message


@pytest.mark.parametrize("answer", [says(200), chunked()], ids=["no length", "no chunk"])
def test_an_empty_answer_gives_no_keys(tls, answer):
    with pytest.raises(Unreachable, match="its answer is empty"):
        answered(tls, answer)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_compressed_answer_is_not_unpacked(tls, encoding):
    with pytest.raises(Unreachable, match="encoded as"):
        answered(tls, says(200, BODY, f"content-encoding: {encoding}"))
    assert answered(tls, says(200, BODY, "content-encoding: Identity")) == BODY


def test_the_longest_answer_and_one_longer_than_that(tls):
    longest = b"a" * MAX_BYTES
    assert answered(tls, says(200, longest)) == longest
    assert answered(tls, chunked(longest[1:], b"b")) == longest[1:] + b"b"
    for answer in (says(200, longest + b"a"), chunked(longest, b"a")):
        with pytest.raises(Unreachable, match="longer than 262,144 bytes"):
            answered(tls, answer)


def test_an_endless_answer_is_left(tls):
    """The client goes away: the server cannot write for ever."""

    async def test():
        gone = asyncio.Event()

        async def pour(writer):
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            with suppress(ConnectionError):
                while True:
                    writer.write(b"10000\r\n" + b"a" * 65_536 + b"\r\n")
                    await writer.drain()
                    await asyncio.sleep(0)  # a broken TLS transport takes everything and lets nobody else run

        async def flood(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            pouring = asyncio.create_task(pour(writer))
            with suppress(ConnectionError):
                await reader.read()
            pouring.cancel()
            gone.set()

        async with listening(flood, tls[0]) as port:
            with pytest.raises(Unreachable, match="longer than"):
                await fetch(f"https://127.0.0.1:{port}/", tls=tls[1])
            await asyncio.wait_for(gone.wait(), BOUND_S)

    asyncio.run(test())


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"])
def test_a_server_that_hangs_is_left(tls, beginning):
    async def test():
        ended = asyncio.Event()

        async def hang(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(beginning)
            await reader.read()
            ended.set()

        async with listening(hang, tls[0]) as port:
            with pytest.raises(Unreachable, match="no answer in time"):
                await fetch(f"https://127.0.0.1:{port}/", timeout_ms=300, tls=tls[1])
            await asyncio.wait_for(ended.wait(), BOUND_S)

    asyncio.run(test())


# Networks


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_no_connection_is_made_into_a_network_that_is_not_allowed(tls, host):
    async def test():
        async with receiving(says(200, BODY), tls=tls[0]) as receiver:
            with pytest.raises((InvalidInput, Unreachable), match=r"public address|no connection"):
                await fetch(f"https://{host}:{receiver.port}/", (), tls=tls[1])
        return receiver.connections

    assert asyncio.run(test()) == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"])
def test_a_name_that_leads_to_a_private_address_is_not_asked(address):
    with pytest.raises(Unreachable, match="no connection: nothing that may be reached"):
        asyncio.run(fetch("https://public.example:8443/", (), resolver=Names(address)))


def test_a_name_that_leads_elsewhere_the_next_time_is_checked_the_next_time(tls):
    async def test():
        names = Names("127.0.0.1", "127.0.0.1", "10.0.0.1")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        async with receiving(says(200, BODY, "set-cookie: a=b"), tls=tls[0]) as receiver:
            async with fetching(targets.networks("127.0.0.1/32"), resolver=names, tls=context) as keysets:
                url = f"https://name.example:{receiver.port}/"
                assert (await keysets.fetch(url)).body == BODY
                assert (await keysets.fetch(url)).body == BODY
                with pytest.raises(Unreachable, match="no connection"):
                    await keysets.fetch(url)
            return [got.headers.get("cookie") for got in receiver.received], receiver.connections, names.asked

    assert asyncio.run(test()) == ([None, None], 2, 3)


@pytest.mark.parametrize("host", ["127.0.0.1", "public.example"])
def test_plain_http_is_asked_nowhere(host):
    async def test():
        async with receiving(says(200, BODY)) as receiver:
            with pytest.raises(InvalidInput, match="expected https"):
                await fetch(f"http://{host}:{receiver.port}/", resolver=Names("127.0.0.1"))
        return receiver.connections

    assert asyncio.run(test()) == 0


def test_a_proxy_of_the_environment_is_not_used(tls, monkeypatch):
    async def test():
        async with receiving(says(500)) as proxy, receiving(says(200, BODY), tls=tls[0]) as receiver:
            for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            assert await fetch(f"https://127.0.0.1:{receiver.port}/", tls=tls[1]) == BODY
        return proxy.connections

    assert asyncio.run(test()) == 0


def test_a_certificate_must_be_vouched_for(tls):
    async def test():
        async with receiving(says(200, BODY), tls=tls[0]) as receiver:
            with pytest.raises(Unreachable):
                await fetch(f"https://127.0.0.1:{receiver.port}/")
        return receiver.received

    assert asyncio.run(test()) == []


@pytest.mark.parametrize(
    ("said", "max_age_s"),
    [
        ((), None),
        (("cache-control: max-age=60",), 60.0),
        (('cache-control: public, Max-Age="300" , must-revalidate',), 300.0),
        (("cache-control: public", "cache-control: max-age=30"), 30.0),
        (("cache-control: no-store",), 0.0),
        (("cache-control: no-cache, max-age=60",), 0.0),
        (("cache-control: s-maxage=60",), None),
        (("cache-control: max-age=-1",), None),
        (("cache-control: max-age=1e9",), None),
        (("cache-control: max-age=99999999999999999999",), None),
        (("cache-control: max-age",), None),
    ],
)
def test_reads_how_long_an_answer_may_be_kept(tls, said, max_age_s):
    async def test() -> float | None:
        async with (
            receiving(says(200, BODY, *said), tls=tls[0]) as receiver,
            fetching(tls=tls[1]) as keysets,
        ):
            return (await keysets.fetch(f"https://127.0.0.1:{receiver.port}/")).max_age_s

    assert asyncio.run(test()) == max_age_s
