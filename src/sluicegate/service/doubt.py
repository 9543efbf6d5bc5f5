"""The clock in doubt, after a start of the machine: what may be entered meanwhile, and at what time.

Rules:
- Only what narrows is entered, as on a disk that is nearly full.
- An order is entered at the time at which it was signed, if the wall clock is past that: two clocks have
  shown that it has come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sluicegate.core import lifecycle
from sluicegate.core.lifecycle import Command
from sluicegate.errors import StoreUnavailable
from sluicegate_record.log import times

CLOCK_IN_DOUBT = "clock_in_doubt"
"""The code of the error."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """The doubt of a clock. `doubted_ms` reads the wall clock while it is in doubt, else None."""

    doubted_ms: Callable[[], int | None] = lambda: None

    def entered_ms(self, command: Command, now_ms: int) -> int:
        """The time at which an order is entered: while the clock is in doubt, when it was signed."""
        doubted_ms = self.doubted_ms()
        signed_ms = None if doubted_ms is None else lifecycle.signed_ms(command)
        return now_ms if doubted_ms is None else max(now_ms, min(doubted_ms, signed_ms or 0))

    def check(self, known_ms: int) -> None:
        """Check that the time is known. `known_ms` is the last time known. Raises: StoreUnavailable."""
        doubted_ms = self.doubted_ms()
        if doubted_ms is not None:
            clock, known = times.format_time(doubted_ms), times.format_time(known_ms)
            said = f"the clock of this machine is in doubt: it says {clock}, the last time known is {known}; "
            said += "only what narrows access is accepted"
            remedy = (
                "set the clock right; if it is right, start 'sluicegate serve' again with --clock-is-right"
            )
            raise StoreUnavailable(said, code=CLOCK_IN_DOUBT, remedy=remedy)
