"""The courier: it takes letters out of the outbox and has them delivered.

Rules:
- A letter is removed only after it has arrived. If the process ends between the two, the letter is sent again
  with the same message id. So each letter is sent at least once, and never about something that did not
  happen.
- One letter at a time for a subscription; the next of a case only when the one before it has arrived or is
  dead. A letter that fails delays no other case and no other subscription.
- No failure here affects a command.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from sluicegate.errors import SluicegateError
from sluicegate.ports import Letter, Outbox, Subscription
from sluicegate.post.carrier import Carrier, DeliveryFailure
from sluicegate_record.log.times import DAY_MS

_log = logging.getLogger(__name__)

BACK_OFF_MS = (5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, DAY_MS)
"""How long to wait after each failure; after one more failure the letter is dead."""
JITTER = 0.25
"""The largest random extension of a wait, so that letters that failed together part ways."""
LOOK_EVERY_S = 60.0
"""How soon it notices a change of the wall clock, or tries again to read a store that could not be read."""


class Courier:
    """Delivers what is due. `chance` gives a random number from 0 to 1. Made in the loop that runs it."""

    def __init__(
        self,
        outbox: Outbox,
        carriers: Mapping[str, Carrier],
        *,
        wall_ms: Callable[[], int],
        chance: Callable[[], float],
        max_sending: int,
    ) -> None:
        self._outbox = outbox
        self._carriers = carriers
        self._wall_ms = wall_ms
        self._chance = chance
        self._max_sending = max_sending
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._unnoted: dict[str, tuple[Letter, DeliveryFailure | None]] = {}
        """By subscription: the result of a letter, if the store could not note it."""

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._news.clear()
            wait_s = LOOK_EVERY_S
            try:
                await self.start_due()
                wait_s = min(wait_s, await self._next_s())
            except SluicegateError as error:
                _log.warning("letters wait: %s", error.message)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._news.wait()

    async def settle(self) -> None:
        """Deliver everything that is due now, and return."""
        while await self.start_due():
            await asyncio.gather(*self._sending.values())

    async def start_due(self) -> int:
        """Begin to deliver what is due; return the number of letters. Raises: StoreUnavailable."""
        for name, (letter, failure) in list(self._unnoted.items()):
            await asyncio.to_thread(self._note, letter, failure)
            del self._unnoted[name]
        room = self._max_sending - len(self._sending)
        if room <= 0:
            return 0
        found = await asyncio.to_thread(self._outbox.due, self._wall_ms(), self._busy(), room)
        for subscription, letter in found:
            task = asyncio.create_task(self._send(subscription, letter))
            self._sending[subscription.id] = task
        return len(found)

    def wake(self) -> None:
        """Say that there may be letters, from any thread."""
        with suppress(RuntimeError):  # the loop has ended, and the letters wait for the next one
            self._loop.call_soon_threadsafe(self._news.set)

    async def close(self) -> None:
        """Stop the deliveries in progress. Those letters are sent again after the next start."""
        sending = list(self._sending.values())
        for task in sending:
            task.cancel()
        for carrier in self._carriers.values():
            await carrier.close()
        await asyncio.gather(*sending, return_exceptions=True)

    async def _next_s(self) -> float:
        if len(self._sending) >= self._max_sending:
            return LOOK_EVERY_S
        due_ms = await asyncio.to_thread(self._outbox.next_due_ms, self._busy())
        return LOOK_EVERY_S if due_ms is None else max(0.0, (due_ms - self._wall_ms()) / 1000)

    def _busy(self) -> set[str]:
        return self._sending.keys() | self._unnoted.keys()

    async def _send(self, subscription: Subscription, letter: Letter) -> None:
        try:
            failure = await self._carried(subscription, letter)
            try:
                await asyncio.to_thread(self._note, letter, failure)
            except SluicegateError as error:
                _log.warning("the fate of letter %s is not noted yet: %s", letter.message, error.message)
                self._unnoted[subscription.id] = letter, failure
        finally:
            del self._sending[subscription.id]
            self._news.set()

    async def _carried(self, subscription: Subscription, letter: Letter) -> DeliveryFailure | None:
        carrier = self._carriers.get(subscription.kind)
        if carrier is None:
            return DeliveryFailure(f"nothing here delivers by {subscription.kind}")
        try:
            return await carrier.deliver(subscription, letter)
        except Exception:  # noqa: BLE001 - one letter's surprise is no other's
            _log.exception("letter %s could not be delivered", letter.message)
            return DeliveryFailure("a fault of the sender")

    def _note(self, letter: Letter, failure: DeliveryFailure | None) -> None:
        """Note the result of a letter."""
        if failure is None:
            self._outbox.delivered(letter.message)
        elif failure.gone:
            self._outbox.end_subscription(letter.subscription, failure.error)
        elif letter.attempts >= len(BACK_OFF_MS):
            self._outbox.bury(letter.message, failure.error)
        else:
            pause_ms = max(BACK_OFF_MS[letter.attempts], min(failure.wait_ms, BACK_OFF_MS[-1]))
            due_ms = self._wall_ms() + int(pause_ms * (1 + JITTER * self._chance()))
            self._outbox.put_off(letter.message, due_ms, failure.error)
