"""Whose a request is: by a key of any form, with the vendors' clients; or by what else a gateway is given."""

from __future__ import annotations

import asyncio
import hashlib

import openai
import pytest

from sluicegate.gate.exchange import Exchange
from sluicegate.gate.gateway import Gateway
from sluicegate.gate.upstream import HttpUpstream
from sluicegate.settings import UpstreamTarget
from sluicegate_record.log import canonical
from tests.clock import Clock
from tests.gate import world as worlds
from tests.gate.clients import ai, anthropic_api, chat, post
from tests.gate.running import UPSTREAM_KEY, running, settings, started
from tests.gate.world import MODEL, UPSTREAM, World
from tests.waiting import BOUND_S

KEYS = ["sk-example-0123456789abcdef", "AIzaSy_example~!$%&'()*+/=?@[]^{|}", "k" * 512, "7"]
"""Keys of several forms, none of them made here."""
MESSAGES = chat()["messages"]


def imported(world: World, *, complete: bool = True) -> None:
    """An organization's keys from before."""
    digests = b"".join(hashlib.sha256(key.encode()).digest() for key in KEYS)
    keys = {
        "digests": canonical.b64(digests),
        "grants": [world.grant("org-1", "preview")],
        "of": [0] * len(KEYS),
    }
    count = len(KEYS)
    world.write("credentials.chunk", {"import": "imp_1", "part": 0, "count": count}, keys=keys)
    if complete:
        whole = {"import": "imp_1", "parts": 1, "count": count, "root": "00" * 32}
        world.write("credentials.imported", whole)


def test_an_imported_key_of_any_form_is_answered(world, quick):
    imported(world)
    with running(world, quick) as gate:
        for key in KEYS:
            with ai(gate, key) as openai_client, anthropic_api(gate, key) as anthropic_client:
                found = openai_client.chat.completions.create(model=MODEL, messages=MESSAGES)
                assert found.choices[0].message.content
                said = anthropic_client.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES)
                assert said.content


def test_a_key_whose_import_does_not_count_yet_is_unknown(world, quick):
    imported(world, complete=False)
    refused = pytest.raises(openai.AuthenticationError, match="not known here")
    with running(world, quick) as gate, ai(gate, KEYS[0], max_retries=0) as client, refused:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)


async def answered(world: World, url: str, *lines: str) -> bytes:
    """What a request gets from a gateway that reads in a header whose it is."""

    def presented(exchange: Exchange) -> bytes | None:
        fields = dict(exchange.headers)
        return hashlib.sha256(fields[b"x-who"]).digest() if b"x-who" in fields else None

    upstream = HttpUpstream(UpstreamTarget(url, UPSTREAM_KEY), settings())
    engine = worlds.engine(world, Clock())
    gateway = Gateway(engine, {UPSTREAM: upstream}, settings(), presented=presented)
    server, port = await started(gateway, settings())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(post("/v1/chat/completions", chat(), None, *lines, "Connection: close"))
    found = await reader.read()
    writer.close()
    await writer.wait_closed()
    await server.stop()
    await upstream.close()
    return found


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["X-Who: KEY"], b"200"),
        (["X-Who: KEY", "Authorization: Bearer other"], b"200"),
        (["Authorization: Bearer KEY"], b"401"),
        (["X-Who: other"], b"401"),
    ],
)
def test_a_gateway_asks_one_place_whose_a_request_is(world, quick, lines, status):
    key = world.customer()
    given = [line.replace("KEY", key) for line in lines]
    found = asyncio.run(asyncio.wait_for(answered(world, quick, *given), BOUND_S))
    assert found.split(b" ", 2)[1] == status, found
