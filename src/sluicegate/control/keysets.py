"""Keeps the keys of customers' identity providers as new as the providers have them.

Rules:
- A provider's keys are fetched as often as its answers allow, within bounds, and at once when a gateway has
  seen a `kid` that is not known, at most every NEWS_EVERY_S. What strangers sign costs no more than that.
- One provider after the other. One that is down delays the others by a timeout, and loses no key.
- An entry is written where a set that was fetched differs, and only then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool

from sluicegate.errors import SluicegateError
from sluicegate.service import providers
from sluicegate.service.keynews import KeyNews
from sluicegate.service.ledger import Ledger
from sluicegate.service.providers import FetchedKeys, KeyFetch
from sluicegate.settings import DailyLimits

EVERY_S = 600.0
"""How long keys stay where an answer does not say."""
AGES_S = (60.0, 3_600.0)
"""Within which bounds an answer may say it."""
NEWS_EVERY_S = 30.0
"""How long a provider is not asked again, whatever gateways report."""
LOOK_EVERY_S = 1.0
JITTER = 0.1
_log = logging.getLogger(__name__)


class KeySource(Protocol):
    """Where key sets come from."""

    async def fetch(self, url: str) -> FetchedKeys:
        """What is at a URL. Raises: InvalidInput, Unreachable."""


class Refresher:
    """Fetches keys for one ledger, from `source`; None fetches nothing. `chance` is in [0, 1).

    `failures` says why the keys of a provider could not be taken or used the last time; `news` which
    providers have signed with a key that is not known.
    """

    def __init__(  # noqa: PLR0913 - what it works on, and what it tells
        self,
        ledger: Ledger,
        source: KeySource | None,
        chance: Callable[[], float],
        failures: dict[str, str],
        news: KeyNews | None = None,
        limits: DailyLimits | None = None,
    ) -> None:
        self.source = source
        self.failures = failures
        self._ledger = ledger
        self._chance = chance
        self._news = news or KeyNews()
        self._limits = limits
        self._due_s: dict[str, float] = {}
        """When the keys of a provider are fetched again, by the event loop's clock."""
        self._asked_s: dict[str, float] = {}
        """When a provider was asked the last time."""

    async def run(self) -> None:
        """Refresh until cancelled."""
        while self.source is not None:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.refresh(self.source, asyncio.get_running_loop().time())

    async def refresh(self, source: KeySource, now_s: float) -> None:
        """Look at every provider, and fetch the keys that are due."""
        known = await run_in_threadpool(providers.due, self._ledger)
        names = {asked.provider for asked in known}
        kept: tuple[dict[str, Any], ...] = (self.failures, self._due_s, self._asked_s)
        for gone in {name for each in kept for name in each} - names:
            for each in kept:
                each.pop(gone, None)
        news = self._news.taken()
        for asked in known:
            if self._is_due(asked.provider, now_s, has_news=asked.provider in news):
                await self._fetch(asked, source, now_s)

    def _is_due(self, name: str, now_s: float, *, has_news: bool) -> bool:
        due_s = self._due_s.setdefault(name, now_s + self._varied(EVERY_S))
        if now_s >= due_s:
            return True
        waited_s = now_s - self._asked_s.get(name, -NEWS_EVERY_S)
        if has_news and waited_s < NEWS_EVERY_S:
            self._news.add(name)  # and asked as soon as it may be
        return has_news and waited_s >= NEWS_EVERY_S

    async def _fetch(self, asked: KeyFetch, source: KeySource, now_s: float) -> None:
        self._asked_s[asked.provider] = now_s
        max_age_s: float | None = None
        try:
            found = await source.fetch(asked.url)
            max_age_s = found.max_age_s
            why = await run_in_threadpool(providers.fetched, self._ledger, asked, found.body, self._limits)
        except SluicegateError as error:
            why = error.message
        least, most = AGES_S
        age_s = EVERY_S if max_age_s is None else min(max(max_age_s, least), most)
        self._due_s[asked.provider] = now_s + self._varied(age_s)
        if not why:
            self.failures.pop(asked.provider, None)
        elif self.failures.get(asked.provider) != why:
            self.failures[asked.provider] = why
            _log.warning("keys of provider %s are not used: %s", asked.provider, why)

    def _varied(self, seconds: float) -> float:
        return seconds * (1 + JITTER * (2 * self._chance() - 1))
