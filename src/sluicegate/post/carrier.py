"""A carrier of letters, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sluicegate.ports import Letter, Subscription


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """A letter did not arrive: why, in our own words; `gone` if the receiver wants no more letters.

    Units: `wait_ms`: how long, at least, the receiver asks to wait.
    """

    error: str
    gone: bool = False
    wait_ms: int = 0


class Carrier(Protocol):
    """Delivers letters to one kind of subscription."""

    async def deliver(self, subscription: Subscription, letter: Letter) -> DeliveryFailure | None:
        """Deliver a letter once, in bounded time; None when it has arrived."""

    async def close(self) -> None:
        """Release everything."""
