"""What the routes of one control plane work with: one object, made once, the same for every request."""

from __future__ import annotations

import random
from dataclasses import dataclass

from starlette.requests import Request

from sluicegate.control.keysets import KeySource, Refresher
from sluicegate.control.waiters import Waiters
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate.service.telling import Telling
from sluicegate.service.usage import UsageBook
from sluicegate.settings import ControlSettings, PostSettings


@dataclass(frozen=True, slots=True)
class Services:
    """The ledger and its fleet; what follows them; and the settings that routes look at."""

    ledger: Ledger
    fleet: Fleet
    telling: Telling
    usage: UsageBook
    waiters: Waiters
    refresher: Refresher
    post: PostSettings
    max_body_bytes: int

    @classmethod
    def over(
        cls, ledger: Ledger, fleet: Fleet, settings: ControlSettings, key_source: KeySource | None = None
    ) -> Services:
        """Those over one ledger and one fleet; the keys of providers are fetched from `key_source`."""
        return cls(
            ledger,
            fleet,
            Telling(ledger),
            UsageBook(ledger.now_ms()),
            Waiters(ledger),
            Refresher(ledger, key_source, random.SystemRandom().random),
            settings.post,
            settings.max_body_bytes,
        )


def services_of(request: Request) -> Services:
    """Those of the application that a request came to."""
    services: Services = request.app.state.services
    return services
