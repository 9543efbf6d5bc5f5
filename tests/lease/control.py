"""A control plane's process: the production ledger and fleet, and the waiting its route does for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sluicegate.core.lifecycle import Command, Refusal
from sluicegate.errors import SluicegateError, StoreUnavailable
from sluicegate.service.fleet import Fleet, Poll
from sluicegate.service.ledger import Ledger
from sluicegate_record.log import acknowledgement
from tests.lease.log import Access
from tests.lease.schedule import Process, Schedule
from tests.worlds import ORIGIN, private_key

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
    )


@dataclass(eq=False, slots=True)
class _Waiting:
    poll: Poll
    reply: Reply
    answered: bool = field(default=False)


class ControlPlane:
    """One run of a control plane; it starts from what its store holds."""

    def __init__(
        self,
        schedule: Schedule,
        access: Access,
        fleet: type[Fleet],
        *,
        boot_ms: Callable[[], float],
        wall_ms: Callable[[], int],
        max_entries: int,
    ) -> None:
        self.process: Process = access.process
        self.access = access
        self._schedule = schedule
        random = schedule.random.randbytes
        self.ledger = Ledger(
            access, private_key("log"), ORIGIN, wall_ms=wall_ms, boot_ms=boot_ms, random=random
        )
        self.ledger.watch(self._wake)
        self.fleet = fleet(self.ledger, max_entries=max_entries)
        self._waiting: list[_Waiting] = []
        self._commands = 0
        access.serving = True

    def asked(self, data: bytes, reply: Reply) -> None:
        """A question is here."""
        question: dict[str, Any] = json.loads(data)
        waiting = _Waiting(polled(question), reply)
        try:
            self.fleet.heard(waiting.poll)
        except SluicegateError as error:
            reply(_refused(error))
            return
        if self.fleet.has_news(waiting.poll.after):
            self._answer(waiting)
            return
        self._waiting.append(waiting)
        self._schedule.after(
            question["waitMs"], self.process, "has waited enough", lambda: self._answer(waiting)
        )

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
        status = self.fleet.directive_status(directive)
        return not isinstance(status, Refusal) and status.in_force

    def _wake(self) -> None:
        for waiting in self._waiting:
            delay_ms = self._schedule.random.uniform(0, WAKE_MS)
            self._schedule.after(delay_ms, self.process, "has news", partial(self._answer, waiting))

    def _answer(self, waiting: _Waiting) -> None:
        if waiting.answered:
            return
        waiting.answered = True
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        try:
            answer = json.dumps(self.fleet.answer(waiting.poll)).encode()
        except SluicegateError as error:
            answer = _refused(error)
        waiting.reply(answer)


def _refused(error: SluicegateError) -> bytes:
    return json.dumps({"error": {"message": error.message}}).encode()
