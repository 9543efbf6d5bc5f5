"""Webhooks against a real receiver on this machine."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from sluicegate import targets
from sluicegate.bootstrap import wall_ms
from sluicegate.core.lifecycle import notices
from sluicegate.ports import Letter, Subscription
from sluicegate.post import outbound
from sluicegate.post.carrier import DeliveryFailure
from sluicegate.post.webhook import Webhooks
from sluicegate.settings import PostSettings
from tests.post.receiver import Names, Receiver, certified, listening, receiving, says
from tests.waiting import BOUND_S
from tests.worlds import private_key

HERE = PostSettings(webhook_networks=targets.networks("127.0.0.0/8"), timeout_ms=20_000)
NOWHERE = PostSettings(timeout_ms=20_000)
LETTER = Letter("msg_1", "sub_1", "case_1", '{"data":{"é":1},"type":"case.opened"}'.encode(), 0)


def secret(name: str) -> bytes:
    return notices.secret(private_key("log"), name)


@asynccontextmanager
async def sending(settings: PostSettings, **more: Any):
    webhooks = Webhooks(settings, secret, wall_ms=wall_ms, **more)
    try:
        yield webhooks
    finally:
        await webhooks.close()


async def send(url: str, settings: PostSettings = HERE, **more: Any):
    async with sending(settings, **more) as webhooks:
        return await webhooks.deliver(Subscription("sub_1", "p_1", "webhook", url, 0), LETTER)


def test_a_foreign_receiver_accepts_what_is_sent_and_nothing_altered():
    async def test():
        async with receiving() as receiver:
            assert await send(f"http://127.0.0.1:{receiver.port}/hook?x=1") is None
        (got,) = receiver.received
        return got

    got = asyncio.run(test())
    assert got.line == "POST /hook?x=1 HTTP/1.1"
    assert got.body == LETTER.body
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"] == "msg_1"
    verifier = Webhook(notices.shown(secret("sub_1")))
    assert verifier.verify(got.body, got.headers) == json.loads(LETTER.body)
    other = Webhook(notices.shown(secret("sub_2")))
    for body, changes, by in (
        (got.body + b" ", {}, verifier),
        (got.body, {"webhook-id": "msg_2"}, verifier),
        (got.body, {"webhook-timestamp": str(int(time.time()) - 1)}, verifier),
        (got.body, {}, other),
    ):
        headers = {**got.headers, **changes}
        if (
            headers["webhook-timestamp"] == got.headers["webhook-timestamp"]
            and "webhook-timestamp" in changes
        ):
            headers["webhook-timestamp"] = str(int(got.headers["webhook-timestamp"]) - 2)
        with pytest.raises(WebhookVerificationError):
            by.verify(body, headers)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says(200, b"thanks"), None),
        (says(202), None),
        (says(299), None),
        (says(300), DeliveryFailure("it answered 300")),
        (says(304), DeliveryFailure("it answered 304")),
        (says(400), DeliveryFailure("it answered 400")),
        (says(404), DeliveryFailure("it answered 404")),
        (says(410), DeliveryFailure("it answered 410", gone=True)),
        (says(429), DeliveryFailure("it answered 429")),
        (says(429, b"", "retry-after: 120"), DeliveryFailure("it answered 429", wait_ms=120_000)),
        (says(503, b"", "retry-after: 0"), DeliveryFailure("it answered 503")),
        (says(503, b"", "retry-after: soon"), DeliveryFailure("it answered 503")),
        (says(503, b"", "retry-after: -5"), DeliveryFailure("it answered 503")),
        (says(503, b"", "retry-after: Wed, 21 Oct 2015 07:28:00 GMT"), DeliveryFailure("it answered 503")),
        (says(200, b"", "retry-after: 120"), None),
        (says(500, b"<script>"), DeliveryFailure("it answered 500")),
    ],
)
def test_what_an_answer_means(answer, expected):
    async def test():
        async with receiving(answer) as receiver:
            return await send(f"http://127.0.0.1:{receiver.port}/")

    assert asyncio.run(test()) == expected


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status):
    async def test():
        async with receiving() as target:
            moved = says(status, b"", f"location: http://127.0.0.1:{target.port}/")
            async with receiving(moved) as receiver:
                assert await send(f"http://127.0.0.1:{receiver.port}/") == DeliveryFailure(
                    f"it answered {status}"
                )
        return target.connections

    assert asyncio.run(test()) == 0


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000],
    ids=["nothing", "a beginning", "another protocol", "no status", "endless header"],
)
def test_what_is_no_answer_is_a_failure(answer):
    async def test():
        async with receiving(answer) as receiver:
            return await send(f"http://127.0.0.1:{receiver.port}/")

    failure = asyncio.run(test())
    assert failure is not None
    assert failure.error.startswith("no answer in HTTP")
    assert "SSH" not in failure.error


def test_an_endless_answer_is_not_read():
    """The sender goes away after the status: the receiver cannot write for ever."""

    async def test():
        gone = asyncio.Event()

        async def flood(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            try:
                while True:
                    writer.write(b"10000\r\n" + b"a" * 65_536 + b"\r\n")
                    await writer.drain()
            except ConnectionError:
                gone.set()

        async with listening(flood) as port:
            assert await send(f"http://127.0.0.1:{port}/") is None
            await asyncio.wait_for(gone.wait(), BOUND_S)

    asyncio.run(test())


def test_a_receiver_that_hangs_is_left():
    async def test():
        async with receiving(hangs=True) as receiver:
            hurried = PostSettings(webhook_networks=HERE.webhook_networks, timeout_ms=100)
            assert await send(f"http://127.0.0.1:{receiver.port}/", hurried) == DeliveryFailure(
                "no answer in time"
            )
            await asyncio.wait_for(receiver.ended.wait(), BOUND_S)

    asyncio.run(test())


# Networks


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_no_connection_is_made_into_a_network_that_is_not_allowed(scheme, host):
    async def test():
        async with receiving() as receiver:
            failure = await send(f"{scheme}://{host}:{receiver.port}/", NOWHERE)
        return failure, receiver.connections

    failure, connections = asyncio.run(test())
    assert failure is not None
    assert connections == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"])
def test_a_name_that_leads_to_a_private_address_is_not_sent_to(address):
    failure = asyncio.run(send("https://public.example:8443/", NOWHERE, resolver=Names(address)))
    assert failure == DeliveryFailure(outbound.NO_CONNECTION)


def test_what_a_name_leads_to_is_not_said():
    """Else a webhook would be a way to ask about names and machines that only the operator's network has."""
    private = asyncio.run(send("https://public.example:8443/", NOWHERE, resolver=Names("10.1.2.3")))
    unknown = asyncio.run(send("https://unknown.invalid:8443/", NOWHERE, resolver=Names()))
    assert private == unknown == DeliveryFailure(outbound.NO_CONNECTION)


def test_a_name_that_leads_elsewhere_the_second_time_is_checked_the_second_time():
    async def test():
        names = Names("127.0.0.1", "127.0.0.2", "10.0.0.1")
        only = PostSettings(webhook_networks=targets.networks("127.0.0.1/32"))
        async with receiving() as receiver, sending(only, resolver=names) as webhooks:
            where = Subscription("sub_1", "p_1", "webhook", f"http://name.example:{receiver.port}/", 0)
            first = await webhooks.deliver(where, LETTER)
            second = await webhooks.deliver(where, LETTER)
            third = await webhooks.deliver(where, LETTER)
        return first, second, third, receiver.connections, names.asked

    first, second, third, connections, asked = asyncio.run(test())
    assert first is None
    assert second is not None
    assert third is not None
    assert (connections, asked) == (1, 3)


def test_plain_http_goes_nowhere_but_into_allowed_networks():
    failure = asyncio.run(send("http://public.example:8080/", HERE, resolver=Names("8.8.8.8")))
    assert failure == DeliveryFailure(outbound.NO_CONNECTION)


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    async def test():
        async with receiving(says(500)) as proxy, receiving() as receiver:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
            assert await send(f"http://127.0.0.1:{receiver.port}/") is None
        return proxy.connections

    assert asyncio.run(test()) == 0


@pytest.mark.parametrize("vouched", [True, False])
def test_a_certificate_must_be_vouched_for(tmp_path, vouched):
    async def test():
        server, client = certified(tmp_path)
        receiver = Receiver([says(204)])
        async with listening(receiver.talk, server) as port:
            url = f"https://127.0.0.1:{port}/"
            failure = await (send(url, tls=client) if vouched else send(url))
        return failure, len(receiver.received)

    failure, received = asyncio.run(test())
    assert (failure is None, received) == ((True, 1) if vouched else (False, 0))
