"""What carries letters, and what a carrier answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sluicegate.ports import Letter, Subscription


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """A letter did not arrive: why, in words of ours; `gone` when the receiver wants nothing more."""

    error: str
    gone: bool = False


class Carrier(Protocol):
    """Delivers letters to one kind of subscription."""

    async def deliver(self, subscription: Subscription, letter: Letter) -> DeliveryFailure | None:
        """Deliver a letter once, in bounded time; None when it has arrived."""

    async def close(self) -> None:
        """Let go of everything."""
