"""What customers and orders feel while strangers flood the control plane.

Anonymous requests, connections that say nothing, and an applicant who sends the worst drafts there are, all
at once. The leases of the gateway come from the feed, which none of them reaches.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvloop

from bench import fleet
from bench.fleet import Fleet
from bench.load import Connection, post
from demo.cast import Customer, Place
from demo.paperwork import Credential
from sluicegate.acts import tokens
from sluicegate.acts.act import APPLICANT
from sluicegate.acts.tokens import TokenRequest

RELEASE, STAGE, MODEL, SURFACE = "bench", "first", "model-1", "api"
CUSTOMER = Customer("Example Utility", "utility", Place(RELEASE, STAGE, SURFACE))
COVERED = Customer("Example Grid Operator", "grid", Place(RELEASE, STAGE, SURFACE))
SECONDS = 20.0
STRANGERS_PER_S, STRANGERS = 400, 40
"""How many anonymous requests a second, and over how many connections."""
SILENT = 1_000
"""Connections that are opened and say nothing."""
ASKED_EVERY_S = 0.05
WORST = "[" + ("[" * 31 + "]" * 31 + ",") * 1_000 + "]"
"""An organization file that takes as long to read as any of its size."""
ORDER = f"""
apiVersion: sluicegate/v1
kind: Directive
metadata: {{name: flood}}
spec:
  issuer: {fleet.AGENCIES[0]}
  basis: {{kind: order, authority: "an example letter"}}
  action: suspend
  models: [{MODEL}]
  surfaces: all
  covers: {{organizations: [{COVERED.name}]}}
  reasons: {{form: verbal}}
"""


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir="build") as folder,
        fleet.running(Path(folder).absolute(), {"demo": ()}) as running,
    ):
        return uvloop.run(_measured(running))


async def _measured(running: Fleet) -> dict[str, float]:
    await asyncio.to_thread(running.start_gateways, {fleet.FIRST_GATEWAY: SURFACE})
    await asyncio.to_thread(running.release, fleet.plan(RELEASE, STAGE, {MODEL: "demo"}, [SURFACE]))
    credentials = await asyncio.to_thread(running.admit, [CUSTOMER, COVERED])
    applicant = await asyncio.to_thread(
        running.paperwork.staff().do, tokens.ISSUE, TokenRequest(role=APPLICANT, name="stranger")
    )
    flood = [
        *(_strangers(running.control_url) for _ in range(STRANGERS)),
        _worst_drafts(running.control_url, applicant.token),
    ]
    silent = [await _silent(running.control_url) for _ in range(SILENT)]
    flooding = [asyncio.create_task(_until_cancelled(each)) for each in flood]
    asking = asyncio.create_task(_statuses(running, credentials[CUSTOMER]))
    await asyncio.sleep(SECONDS / 2)
    began_s = time.monotonic()
    await asyncio.to_thread(running.paperwork.order, ORDER)
    order_ms = 1_000 * (time.monotonic() - began_s)
    answered = await asking
    for task in flooding:
        task.cancel()
    await asyncio.gather(*flooding)
    for writer in silent:
        writer.close()
    return {
        "flood_refusals": sum(status != b"200" for status in answered) / len(answered),
        "flood_order_ms": order_ms,
    }


async def _statuses(running: Fleet, credential: Credential) -> list[bytes]:
    """What a customer is answered meanwhile."""
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}).encode()
    request = post(body, credential.key)
    connection, ends_s, found = await Connection.to(running.gateways[0].url), time.monotonic() + SECONDS, []
    try:
        while time.monotonic() < ends_s:
            found.append((await connection.ask(request)).data.split(b" ", 2)[1])
            await asyncio.sleep(ASKED_EVERY_S)
    finally:
        connection.close()
    return found


async def _strangers(url: str) -> None:
    """Anonymous requests, over one connection after the other."""
    while True:
        with suppress(OSError):
            await _sent(url, b"GET /api/v1/cases HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(STRANGERS / STRANGERS_PER_S)


async def _worst_drafts(url: str, token: str) -> None:
    """Drafts that are hard to read, one after the other."""
    draft = {"release": RELEASE, "stage": STAGE, "surface": SURFACE, "organization": WORST, "file": "x.yaml"}
    request = post(json.dumps(draft).encode(), token, "Connection: close", path="/api/v1/drafts")
    while True:
        with suppress(OSError):
            await _sent(url, request)


async def _sent(url: str, request: bytes) -> None:
    reader, writer = await _opened(url)
    try:
        writer.write(request)
        await reader.read()
    finally:
        writer.close()


async def _silent(url: str) -> asyncio.StreamWriter:
    _, writer = await _opened(url)
    return writer


async def _opened(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


async def _until_cancelled(doing: Coroutine[Any, Any, None]) -> None:
    with suppress(asyncio.CancelledError):
        await doing
