"""What a control plane works with: one object, made once, the same for every request."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from sluicegate.control.keysets import KeySource, Refresher
from sluicegate.control.waiters import Waiters
from sluicegate.service.context import Services
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate.service.telling import Telling
from sluicegate.service.usage import UsageBook
from sluicegate.settings import ControlSettings


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The services; who waits for the log to grow; what fetches keys; how large a body may be."""

    services: Services
    waiters: Waiters
    refresher: Refresher
    max_body_bytes: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.services, name)

    @classmethod
    def over(
        cls, ledger: Ledger, fleet: Fleet, settings: ControlSettings, key_source: KeySource | None = None
    ) -> ControlPlane:
        """The one over a ledger and a fleet. It fetches the keys of providers from `key_source`."""
        failures: dict[str, str] = {}
        return cls(
            Services(ledger, fleet, Telling(ledger), UsageBook(ledger.now_ms()), settings.post, failures),
            Waiters(ledger),
            Refresher(ledger, key_source, random.SystemRandom().random, failures),
            settings.max_body_bytes,
        )


def plane_of(request: Request) -> ControlPlane:
    """The one of the application that a request came to."""
    plane: ControlPlane = request.app.state.plane
    return plane
