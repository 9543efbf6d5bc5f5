"""What a control plane works with: one object, made once, the same for every request."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from sluicegate.acts.act import PEOPLE
from sluicegate.acts.sign_ins import InvitationRequest
from sluicegate.control.chores import Chores
from sluicegate.control.keysets import KeySource, Refresher
from sluicegate.core.access import apikey
from sluicegate.pages import site
from sluicegate.parsing.parsers import Parsers
from sluicegate.ports import Principal
from sluicegate.service import sign_ins
from sluicegate.service.context import Services
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate.service.safety import SafetyIntake
from sluicegate.settings import ControlSettings, PersonRule, SignInProvider
from sluicegate.signin.challenges import Challenges
from sluicegate.signin.door import Door, Known
from sluicegate.signin.sessions import Sessions


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The services; what fetches keys; what is done by itself; what reads what others wrote."""

    services: Services
    refresher: Refresher
    chores: Chores
    door: Door
    parsers: Parsers = field(default_factory=Parsers)
    safety: SafetyIntake | None = None
    hinted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a feed may have committed something."""

    @classmethod
    def over(
        cls,
        ledger: Ledger,
        fleet: Fleet,
        settings: ControlSettings,
        parsers: Parsers,
        key_source: KeySource | None = None,
    ) -> ControlPlane:
        """The one over a ledger and a fleet. It fetches the keys of providers from `key_source`."""
        services = Services.over(ledger, fleet, settings.post, settings.limits, settings.addresses)
        chance = random.SystemRandom().random
        kept = services.key_failures, services.key_news
        refresher = Refresher(ledger, key_source, chance, *kept, settings.limits)
        door = door_of(ledger, settings.pages_origin, settings.providers)
        return cls(services, refresher, chores_of(services), door, parsers)


def door_of(ledger: Ledger, origin: str = "", providers: tuple[SignInProvider, ...] = ()) -> Door:
    """The way in for people. Tokens and sessions of one principal count together."""
    known = ledger.store.principals

    def by_token(token: str) -> Principal | None:
        well_formed = apikey.is_well_formed(token, apikey.TOKEN_PREFIX)
        found = known.by_token(apikey.digest(token)) if well_formed else None
        return found if found is not None and found.role in PEOPLE else None

    def by_rule(rule: PersonRule) -> Principal | None:
        asked = InvitationRequest(role=rule.role, name=rule.name, party=rule.party)
        return sign_ins.named(ledger, asked)

    store = ledger.store.sign_ins
    return Door(
        store,
        Sessions(store, ledger.now_ms, ledger.random),
        Challenges(ledger.now_ms, ledger.random),
        Known(known.holder, by_token, by_rule),
        lambda principal: site.OF_ROLE[principal.role][0][0],
        origin,
        providers=providers,
    )


TIME, FLEET, TELLING = "what is due", "what is in force everywhere", "notices of directives"
REMINDING = "reminders of findings"
USES, DAYS = "when keys were last used", "how often keys were used on each day"
"""The chores of a control plane."""


def chores_of(services: Services) -> Chores:
    """What is done again and again over some services."""
    ledger = services.ledger
    return Chores(
        {
            TIME: ledger.tick,
            FLEET: services.fleet.tick,
            TELLING: lambda: services.telling.tell(ledger.size()),
            REMINDING: services.reminders.remind,
            USES: services.last_uses.write,
            DAYS: lambda: services.day_uses.write(ledger.now_ms()),
        }
    )
