"""A feed's process: the production leases, and the waiting its application does for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sluicegate.acts.fleet import DayQuestion
from sluicegate.errors import SluicegateError, StoreUnavailable
from sluicegate.feed.head import Head
from sluicegate.feed.leases import CONFIRM_EVERY_MS, Clocks, Leases
from sluicegate.feed.run import Poll
from sluicegate_record.log import acknowledgement
from tests.fakes import MemoryFeedKeys, MemoryFeedRegister
from tests.lease.control import Machine
from tests.lease.log import FeedFile, Held, Log, LogBeside, Storage
from tests.lease.schedule import Process, Schedule
from tests.worlds import private_key

WAKE_MS = 2.0
"""How long a waiting question takes to wake at the most."""
Reply = Callable[[bytes], None]


def polled(question: dict[str, Any]) -> Poll:
    """What the route makes of a question."""
    names = ("gateway", "incarnation", "surface", "after", "nonce", "root", "fold")
    return Poll(
        **{name: question[name] for name in names},
        cut=question["report"]["streamsCut"],
        signed=acknowledgement.read(question),
        spender=question.get("spender"),
        days=None if "days" not in question else DayQuestion.from_json(question["days"]),
    )


@dataclass(eq=False, slots=True)
class _Waiting:
    poll: Poll
    reply: Reply
    answered: bool = field(default=False)


class FeedProcess:
    """One run of a feed; it starts from its file and the log's. `told` hints the control plane."""

    def __init__(
        self,
        schedule: Schedule,
        real: Log,
        file: MemoryFeedRegister,
        disk: Storage,
        leases: type[Leases],
        head: type[Head],
        machine: Machine,
        *,
        name: str,
        max_entries: int,
        told: Callable[[], None],
    ) -> None:
        self.process: Process = disk.process
        self.name = name
        self._schedule = schedule
        self._disk = disk
        log = LogBeside(real, disk)
        self.leases = leases(
            head(log, Held),
            MemoryFeedKeys(real.session),
            FeedFile(file, disk),
            private_key(name),
            name,
            Clocks(machine.boot, machine.boot_ms, machine.wall_ms),
            max_entries=max_entries,
            told=told,
            lock=Held,
        )
        log.serving = True
        self._waiting: list[_Waiting] = []
        with suppress(StoreUnavailable):
            self.leases.begin()
        self._keep_on()
        self._follow_on()

    def asked(self, data: bytes, reply: Reply) -> None:
        """A question is here."""
        question: dict[str, Any] = json.loads(data)
        waiting = _Waiting(polled(question), reply)
        try:
            self.leases.heard(waiting.poll)
        except SluicegateError as error:
            reply(_refused(error))
            return
        self._later(self._soon_ms(), "commits", self._keep)
        if self.leases.head.reached.size > waiting.poll.after:
            self._answer(waiting)
            return
        self._waiting.append(waiting)
        self._later(question["waitMs"], "has waited enough", lambda: self._answer(waiting))

    def hinted(self) -> None:
        """The log may have grown."""
        self._later(self._soon_ms(), "follows", self._follow)

    def _follow_on(self) -> None:
        self._later(CONFIRM_EVERY_MS, "follows", self._follow_on)
        self._follow()

    def _keep_on(self) -> None:
        self._later(CONFIRM_EVERY_MS, "commits", self._keep_on)
        self._keep()

    def _follow(self) -> None:
        size = self.leases.head.reached.size
        with suppress(StoreUnavailable):
            self.leases.head.follow()
        if self.leases.head.reached.size > size:
            for waiting in self._waiting:
                self._later(self._soon_ms(), "has news", partial(self._answer, waiting))

    def _keep(self) -> None:
        with suppress(StoreUnavailable):
            self.leases.keep()

    def _answer(self, waiting: _Waiting) -> None:
        if waiting.answered:
            return
        waiting.answered = True
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        try:
            answer = json.dumps(self.leases.answer(waiting.poll)).encode()
        except SluicegateError as error:
            answer = _refused(error)
        waiting.reply(answer)

    def _soon_ms(self) -> float:
        return self._schedule.random.uniform(0, WAKE_MS)

    def _later(self, ms: float, what: str, act: Callable[[], None]) -> None:
        self._schedule.after(ms, self.process, what, act)


def _refused(error: SluicegateError) -> bytes:
    return json.dumps({"error": {"message": error.message}}).encode()
