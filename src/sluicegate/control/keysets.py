"""Keeps the keys of customers' identity providers as new as the providers have them.

Rules:
- One provider after the other, every ten minutes more or less. One that is down delays the others by a
  timeout, and loses no key.
- An entry is written where a set that was fetched differs, and only then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from sluicegate.errors import SluicegateError
from sluicegate.service import providers
from sluicegate.service.ledger import Ledger
from sluicegate.service.providers import KeyFetch
from sluicegate.settings import DailyLimits

EVERY_S = 600.0
JITTER = 0.1
_log = logging.getLogger(__name__)


class KeySource(Protocol):
    """Where key sets come from."""

    async def fetch(self, url: str) -> bytes:
        """The body at a URL. Raises: InvalidInput, Unreachable."""


class Refresher:
    """Fetches keys for one ledger, from `source`; None fetches nothing. `chance` is in [0, 1).

    `failures` says why the keys of a provider could not be taken the last time.
    """

    def __init__(
        self,
        ledger: Ledger,
        source: KeySource | None,
        chance: Callable[[], float],
        failures: dict[str, str],
        limits: DailyLimits | None = None,
    ) -> None:
        self.source = source
        self.failures = failures
        self._ledger = ledger
        self._chance = chance
        self._limits = limits

    async def run(self) -> None:
        """Refresh until cancelled."""
        while self.source is not None:
            await asyncio.sleep(EVERY_S * (1 + JITTER * (2 * self._chance() - 1)))
            await self.refresh(self.source)

    async def refresh(self, source: KeySource) -> None:
        """Look at every provider once."""
        due = await run_in_threadpool(providers.due, self._ledger)
        known = {asked.provider for asked in due}
        for gone in self.failures.keys() - known:
            del self.failures[gone]
        for asked in due:
            why = await self._failure(asked, source)
            if why:
                _log.warning("the keys of provider %s stay as they are: %s", asked.provider, why)
                self.failures[asked.provider] = why
            else:
                self.failures.pop(asked.provider, None)

    async def _failure(self, asked: KeyFetch, source: KeySource) -> str:
        try:
            body = await source.fetch(asked.url)
            return await run_in_threadpool(providers.fetched, self._ledger, asked, body, self._limits)
        except SluicegateError as error:
            return error.message
