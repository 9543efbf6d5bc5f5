"""Lanes: each has its own requests in flight and its own threads, so that none waits for another.

Rules:
- A request goes in one lane: by the role of its token, and by whether it is an order that takes access away.
  The developer's staff and agencies do not share one.
- A lane that is full refuses at once. So does the lane of a caller who has all its own requests in flight.
  All tokens of an agency are one caller.
- A request takes its place when its body has arrived: who sends slowly holds none. What arrives is bounded by
  its bytes, for each lane and each caller, until the request is answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, GATEWAY, PERSON, AnyAct
from sluicegate.errors import TOO_MANY, Overloaded
from sluicegate.http.threads import Threads

BODIES_MAX, BODIES_OF_CALLER_MAX = 64 << 20, 32 << 20
"""How many bytes of bodies a lane holds, and how many of them of one caller."""
Take = Callable[[int], None]
"""Counts bytes of a body that have arrived. Raises: Overloaded."""


@dataclass(slots=True)
class Lane:
    """At most `most` requests in flight, `most_of_caller` of one caller, and threads for their work."""

    name: str
    most: int
    most_of_caller: int
    threads: Threads
    _of_caller: Counter[str] = field(default_factory=Counter)
    _bytes: Counter[str] = field(default_factory=Counter)
    """How many bytes of bodies are here of each caller."""

    @contextmanager
    def body(self, caller: str) -> Iterator[Take]:
        """Hold a body meanwhile: what to count its bytes with."""
        held = 0

        def take(count: int) -> None:
            nonlocal held
            if self._bytes[caller] + count > BODIES_OF_CALLER_MAX:
                said = f"bodies of yours of more than {BODIES_OF_CALLER_MAX >> 20} MiB at a time"
                raise Overloaded(said, code=TOO_MANY)
            if self._bytes.total() + count > BODIES_MAX:
                raise Overloaded(f"bodies of {self.name} of more than {BODIES_MAX >> 20} MiB at a time")
            self._bytes[caller] += count
            held += count

        try:
            yield take
        finally:
            self._bytes -= Counter({caller: held})

    @contextmanager
    def enter(self, caller: str) -> Iterator[None]:
        """Be in flight meanwhile. Raises: Overloaded."""
        if self._of_caller[caller] >= self.most_of_caller:
            raise Overloaded(f"more than {self.most_of_caller} requests of yours at a time", code=TOO_MANY)
        if self._of_caller.total() >= self.most:
            raise Overloaded(f"more than {self.most} requests of {self.name} at a time")
        self._of_caller[caller] += 1
        try:
            yield
        finally:
            self._of_caller[caller] -= 1
            if not self._of_caller[caller]:
                del self._of_caller[caller]

    async def run(self, function: Callable[..., Any], *given: Any) -> Any:
        """What a function returns, from one of the lane's threads."""
        return await self.threads.run(function, *given)


class AllLanes:
    """The lanes of one server."""

    def __init__(self) -> None:
        self.strangers = Lane("callers without a token", 32, 8, Threads(4))
        self._orders = {
            role: Lane(f"{name} who take access away", 32, 8, Threads(4))
            for role, name in ((DEVELOPER, "the developer's staff"), (AGENCY, "agencies"))
        }
        applicants = Lane("applicants", 64, 8, Threads(8))
        gateways = Lane("gateways", 4_096, 16, Threads(8))
        self._of_role = {
            DEVELOPER: Lane("the developer's staff", 64, 16, Threads(8)),
            AGENCY: Lane("agencies", 64, 16, Threads(8)),
            APPLICANT: applicants,
            PERSON: applicants,
            GATEWAY: gateways,
        }

    def all(self) -> list[Lane]:
        """Every lane, each once."""
        lanes = [self.strangers, *self._of_role.values(), *self._orders.values()]
        return list({id(lane): lane for lane in lanes}.values())

    def of(self, role: str, act: AnyAct | None) -> Lane:
        """The lane of a holder of a token who asks for an act, or for a file."""
        own = self._of_role[role]
        return self._orders.get(role, own) if act is not None and act.is_order else own
