"""What customers and orders feel while strangers flood the control plane.

The leases of the gateway come from the feed, which no stranger reaches.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from bench import fleet
from bench.fleet import Fleet
from bench.load import Connection, post
from bench.strangers import Flood
from demo.cast import Customer, Place
from demo.paperwork import Credential
from sluicegate.acts import tokens
from sluicegate.acts.act import APPLICANT
from sluicegate.acts.tokens import TokenRequest

RELEASE, STAGE, MODEL, SURFACE = "bench", "first", "model-1", "api"
PLACE = Place(RELEASE, STAGE, SURFACE)
CUSTOMER = Customer("Example Utility", "utility", PLACE)
COVERED = Customer("Example Grid Operator", "grid", PLACE)
HOSTILE = Customer("Example Nuisance", "nuisance", PLACE)
SECONDS = 20.0
ASKED_EVERY_S = 0.05
ORDERED_EVERY_S = 8.0
LOOKED_EVERY_S = 1.0
ORDER = f"""
apiVersion: sluicegate/v1
kind: Directive
metadata: {{name: flood-%d}}
spec:
  issuer: {fleet.AGENCIES[0]}
  basis: {{kind: order, authority: "an example letter"}}
  action: suspend
  models: [{MODEL}]
  surfaces: all
  covers: {{organizations: [{COVERED.name}]}}
  reasons: {{form: verbal}}
"""


@dataclass(slots=True)
class Seen:
    """What was seen meanwhile. Units: bytes, milliseconds."""

    statuses: list[bytes] = field(default_factory=list)
    """What a customer was answered."""
    orders_ms: list[float] = field(default_factory=list)
    """How long each order waited until it was accepted."""
    memory: list[int] = field(default_factory=list)
    """What all processes of the control plane and its feed had in memory, at each look."""
    disk: list[int] = field(default_factory=list)
    """The size of the ledger's files, at each look."""

    @property
    def refusals(self) -> int:
        """How often the customer was not answered as it should be."""
        return sum(status != b"200" for status in self.statuses)


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="build") as folder:
        seen = watch(Path(folder).absolute(), SECONDS)
    return {
        "flood_refusals": seen.refusals / len(seen.statuses),
        "flood_order_ms": max(seen.orders_ms),
    }


def watch(folder: Path, seconds: float) -> Seen:
    """Flood a new control plane for so long, and look at it meanwhile."""
    with fleet.running(folder, {"demo": ()}) as running:
        running.start_gateways({fleet.FIRST_GATEWAY: SURFACE})
        running.release(fleet.plan(RELEASE, STAGE, {MODEL: "demo"}, [SURFACE]))
        admitted, papers = running.admit([CUSTOMER, COVERED, HOSTILE]), running.paperwork
        stranger = papers.staff().do(tokens.ISSUE, TokenRequest(role=APPLICANT, name="stranger"))
        hostile = papers.customer(HOSTILE), admitted[HOSTILE].grant
        flood = Flood(running.control_url, PLACE, stranger.token, *hostile)
        return uvloop.run(_watched(running, flood, admitted[CUSTOMER], seconds))


async def _watched(running: Fleet, flood: Flood, credential: Credential, seconds: float) -> Seen:
    flooding = asyncio.create_task(flood.run())
    seen, ends_s = Seen(), time.monotonic() + seconds
    await asyncio.gather(
        _ask(running, credential, seen, ends_s), _order(running, seen, ends_s), _look(running, seen, ends_s)
    )
    if flooding.done():
        await flooding  # why it did not go on
    flooding.cancel()
    with suppress(asyncio.CancelledError):
        await flooding
    return seen


async def _ask(running: Fleet, credential: Credential, seen: Seen, ends_s: float) -> None:
    """Ask as a customer, again and again."""
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}).encode()
    request = post(body, credential.key)
    connection = await Connection.to(running.gateways[0].url)
    try:
        while time.monotonic() < ends_s:
            seen.statuses.append((await connection.ask(request)).data.split(b" ", 2)[1])
            await asyncio.sleep(ASKED_EVERY_S)
    finally:
        connection.close()


async def _order(running: Fleet, seen: Seen, ends_s: float) -> None:
    """Issue an order, again and again."""
    while time.monotonic() + ORDERED_EVERY_S < ends_s:
        await asyncio.sleep(ORDERED_EVERY_S)
        began_s = time.monotonic()
        await asyncio.to_thread(running.paperwork.order, ORDER % len(seen.orders_ms))
        seen.orders_ms.append(1_000 * (time.monotonic() - began_s))


async def _look(running: Fleet, seen: Seen, ends_s: float) -> None:
    """Look at memory and disk, again and again."""
    control = running.processes.pid("control")
    while time.monotonic() < ends_s:
        await asyncio.sleep(LOOKED_EVERY_S)
        seen.memory.append(sum(_resident(pid) for pid in fleet.family(control)))
        seen.disk.append(sum(each.stat().st_size for each in (running.folder / "control").glob("ledger.db*")))


def _resident(pid: int) -> int:
    """What a process has in memory; 0 if it has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
