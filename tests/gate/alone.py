"""A gateway in a process of its own, whose lease nobody renews.

Run as `python -m tests.gate.alone UPSTREAM LEASE_MS`. It prints its port and a customer's key. At a line of
input the lease begins that lasts for LEASE_MS, and it prints so.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from sluicegate import bootstrap
from sluicegate.gate.gateway import Gateway
from sluicegate.gate.upstream import HttpUpstream
from sluicegate.settings import UpstreamTarget
from tests.gate import world as worlds
from tests.gate.running import UPSTREAM_KEY, settings, started
from tests.gate.world import UPSTREAM, World


async def main(url: str, lease_ms: int) -> None:
    world, clock = World.with_release(), bootstrap.boot_ms
    key = world.customer()
    engine = worlds.engine(world, clock)
    upstream = HttpUpstream(UpstreamTarget(url, UPSTREAM_KEY), settings())
    _, port = await started(Gateway(engine, {UPSTREAM: upstream}, settings()), settings())
    print(port, key, flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.readline)
    engine.renew(worlds.lease(clock, lease_ms))
    print("the lease has begun", flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2])))
