"""The lease protocol, simulated: production code on both sides, everything between and around it by a seed.

What runs is `gate.feed.Tail`, `gate.engine.Engine` and `Flight`, `service.fleet.Fleet` and
`service.ledger.Ledger`, with real signatures. Time, the network, the machines' clocks and the database are
models behind their ports.

Modelled:
- the network (`tests.lease.network`): delay, loss, reordering, duplication, replay of old questions and of
  old answers, a proxy that answers with an older answer, a gateway cut off for longer than its lease;
- clocks: CLOCK_BOOTTIME too fast or too slow, by as much as the fleet allows between two machines; a wall
  clock of the control plane that drifts and jumps, by hours, too; gateways' own wall clocks a little off;
- a thief of the feeds' keys, who tells gateways another time;
- processes: stopped and continued, on either side and inside a call; killed and started again, on the same
  machine or another, a gateway with what it remembered or without; writes to the store that fail, or
  that are done and seem to have failed;
- control planes at the end of a chain of stores, and a primary that is fenced while another takes over;
- load: requests admitted, streams written at any time and around the end of every lease; directives issued
  and lifted, credentials issued and revoked, the lease changed by a new plan.

Not modelled: what the engine does not see (sockets, kernel buffers, the one slice of a process that is
stopped between its check and its write); `asyncio` and threads (calls interleave where they touch the store,
not between two lines); a store that loses what it has committed; a trust file; grants that end with time;
reports of use; a control plane or a gateway that lies, other than by the broken variants.

Checked, too: the time by which a gateway decides never goes back, and is within a bound of its own clock.

Checked at each write and each admission that is let through (`tests.lease.truth`):
- SAFE: none is covered by a directive or revocation committed on the real log longer ago than the longest
  lease in force, and a thousandth;
- HONEST: none is covered by a directive of which it has been said that it is in force everywhere. With
  replicas, each of which knows only the leases it has given itself, all that serve must say so;
- LIVE, at the end of each run, when the network has healed: every gateway admits whom the log admits, nobody
  else, and each directive is in force everywhere.
"""

from __future__ import annotations

from collections import Counter

from tests.lease.mischief import Adversary, Operator
from tests.lease.schedule import Process, Schedule
from tests.lease.truth import NotLive, Violation
from tests.lease.world import Parts, World

SOUND = Parts()


def simulate(seed: int, steps: int, parts: Parts = SOUND) -> Counter[str]:
    """Run one world for some steps and let it heal; what happened how often.

    Raises: Violation, NotLive: with the seed and the last events.
    """
    schedule = Schedule(seed)
    world = World(schedule, parts)
    Operator(world, Adversary(world))
    _Public(world)
    try:
        while schedule.steps < steps:
            schedule.step()
        world.heal()
        world.check_live()
    except (Violation, NotLive) as violation:
        raise type(violation)(
            f"{violation}\nat step {schedule.steps}, {schedule.now:.3f} ms;"
            f" again: simulate({seed}, {steps})\n{schedule.trace()}"
        ) from violation
    world.truth.seen["steps"] = schedule.steps
    return world.truth.seen


class _Public:
    """Asks from time to time where each directive is in force; what was said once stays said."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._process = Process("public")
        self._ask()

    def _ask(self) -> None:
        world = self._world
        for name in world.truth.unsaid():
            if world.claimed(name):
                world.truth.said(name)
        world.schedule.after(
            world.schedule.random.uniform(0, world.lease_ms / 4), self._process, "asks", self._ask
        )
