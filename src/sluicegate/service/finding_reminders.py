"""Reminders of findings: what the developer owes soon is news once, before it is late.

Rules:
- A reminder goes out a day before the time is over, or when a quarter of it is left, whichever is later.
- It is sent once, however often this runs: the command that posts its letters is done once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sluicegate.core.lifecycle import State, notices
from sluicegate.ports import Ports
from sluicegate.service.ledger import Ledger
from sluicegate.service.letters import to_parties
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entities.happening import CLOCK
from sluicegate_record.log.times import DAY_MS

LEAD_MS = DAY_MS
PART = 4
"""A reminder comes at the earliest when this part of the time is left."""


class FindingReminders:
    """Posts reminders as they come due. What an earlier run has posted is not posted again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._sent: set[str] = set()
        self._looked = (0, 0)
        """The size of the log at the last look, and when to look again if it stays."""

    def remind(self) -> None:
        """Post the reminders that are due. Raises: StoreUnavailable: call it again."""
        now_ms = self._ledger.now_ms()
        with self._ledger.reading() as state:
            if state.size == self._looked[0] and now_ms < self._looked[1]:
                return
            steps = [(each, from_ms) for each, from_ms in _owed(state) if now_ms < each[2]]
            size = state.size
        for (found, step, due_ms), from_ms in steps:
            if from_ms <= now_ms:
                self._post(found, step, due_ms, now_ms)
        later = [from_ms for _, from_ms in steps if from_ms > now_ms]
        self._looked = size, min(later, default=now_ms + LEAD_MS)

    def _post(self, found: Finding, step: str, due_ms: int, now_ms: int) -> None:
        command = f"reminded {found.id} {step} {due_ms}"
        if command in self._sent:
            return

        def change(ports: Ports) -> dict[str, Any]:
            notice = notices.reminder(found, step, due_ms, now_ms)
            with self._ledger.reading() as state:
                ports.outbox.post(list(to_parties(ports.outbox, notice, found, state)))
            return {"reminded": found.id}

        self._ledger.arrange(change, by=CLOCK, command_id=command, request=["reminded", found.id, step])
        self._sent.add(command)


def _owed(state: State) -> Iterator[tuple[tuple[Finding, str, int], int]]:
    """What the developer owes on each finding, until when, and from when on that is news."""
    for found in state.record.findings.values():
        for step, due_ms in found.due(state.releases[found.release].plan) if found.is_open else ():
            yield (found, step, due_ms), due_ms - min(LEAD_MS, (due_ms - found.since_ms) // PART)
