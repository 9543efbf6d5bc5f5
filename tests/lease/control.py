"""The control plane's process: the production ledger and fleet, and what its tasks do with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sluicegate.core.lifecycle import Command, Refusal
from sluicegate.errors import StoreUnavailable
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from tests.fakes import MemoryFeedRegister
from tests.lease.log import Access, FeedFiles, Held, Storage
from tests.lease.schedule import Process, Schedule
from tests.worlds import ORIGIN, private_key

TICK_MS = 1_000.0
SOON_MS = 2.0
"""How long a task takes to wake at the most."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the processes of one boot read the time from."""

    boot: str
    boot_ms: Callable[[], float]
    wall_ms: Callable[[], int]


class ControlPlane:
    """One run of a control plane; it starts from what its store holds. `told` hints the feeds."""

    def __init__(
        self,
        schedule: Schedule,
        access: Access,
        disk: Storage,
        fleet: type[Fleet],
        machine: Machine,
        files: Sequence[MemoryFeedRegister],
        told: Callable[[], None],
    ) -> None:
        self.process: Process = disk.process
        self.access = access
        self._schedule = schedule
        self.ledger = Ledger(
            access,
            private_key("log"),
            ORIGIN,
            wall_ms=machine.wall_ms,
            boot_ms=machine.boot_ms,
            random=schedule.random.randbytes,
        )
        self.ledger.watch(told)
        self.ledger.watch(self.hinted)
        self._files = FeedFiles(files, disk)
        self.fleet = fleet(self.ledger, self._files, machine.boot, Held)
        self._commands = 0
        self._tick()

    def hinted(self) -> None:
        """There may be something to note."""
        self._later(self._schedule.random.uniform(0, SOON_MS), "notes", self._note)

    def do(self, command: Command) -> dict[str, Any] | None:
        """Do a command; None where it could not be, or nobody knows whether it was."""
        self._commands += 1
        name = f"{self.process.name}-{self._schedule.now}-{self._commands}"
        try:
            result = self.ledger.execute(command, by="tester", command_id=name)
        except StoreUnavailable:
            return None
        assert not isinstance(result, Refusal), result
        return result

    def claims(self, directive: str) -> bool:
        """Whether it says that a directive is in force everywhere."""
        self._files.at_once = True
        try:
            status = self.fleet.directive_status(directive)
        except StoreUnavailable:
            return False
        finally:
            self._files.at_once = False
        return not isinstance(status, Refusal) and status.in_force

    def _tick(self) -> None:
        self._later(TICK_MS, "ticks", self._tick)
        self._note()

    def _note(self) -> None:
        with suppress(StoreUnavailable):
            self.fleet.tick()

    def _later(self, ms: float, what: str, act: Callable[[], None]) -> None:
        self._schedule.after(ms, self.process, what, act)
