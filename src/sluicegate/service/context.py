"""The context of an act: who does it, under which command id, and with what. And which function does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic

from sluicegate.acts.act import APPLICANT, PERSON, Act, Answered, AnyAct, Arguments, Asked
from sluicegate.core.lifecycle import Command, Refusal
from sluicegate.errors import StoreUnusable
from sluicegate.parsing.documents import Reading
from sluicegate.ports import Ports, Principal
from sluicegate.service import access, allowance
from sluicegate.service.allowance import Charge
from sluicegate.service.day_uses import DayUses
from sluicegate.service.daybook import DayBook
from sluicegate.service.finding_reminders import FindingReminders
from sluicegate.service.fleet import Fleet
from sluicegate.service.keynews import KeyNews
from sluicegate.service.last_use import LastUses
from sluicegate.service.ledger import Ledger, Unchanged
from sluicegate.service.replays import Replays
from sluicegate.service.telling import Telling
from sluicegate.service.usage import UsageBook
from sluicegate.settings import DailyLimits, PostSettings
from sluicegate_record.form import Misread

STRANGER = Principal("anyone", "anyone", "")
"""Who does an act without a token."""
UNLINKED = frozenset({APPLICANT, PERSON})
"""The roles that entries name by another pseudonym for each command."""


@dataclass(frozen=True, slots=True)
class Services:
    """The ledger and its fleet, and what follows them. `key_failures`: why a provider's keys did not come;
    `key_news`: which providers have signed with a key that is not known; `last_uses`: when keys were used,
    `day_uses`: how often on each day;
    `addresses`: where requests go, by surface.
    """

    ledger: Ledger
    fleet: Fleet
    telling: Telling
    reminders: FindingReminders
    usage: UsageBook
    days: DayBook
    post: PostSettings
    limits: DailyLimits
    key_failures: dict[str, str]
    key_news: KeyNews
    last_uses: LastUses
    day_uses: DayUses
    replays: Replays
    addresses: Mapping[str, str]

    @classmethod
    def over(
        cls,
        ledger: Ledger,
        fleet: Fleet,
        post: PostSettings | None = None,
        limits: DailyLimits | None = None,
        addresses: Mapping[str, str] = MappingProxyType({}),
    ) -> Services:
        """Those over a ledger and its fleet."""
        counted = UsageBook(ledger.now_ms()), DayBook()
        settings = post or PostSettings(), limits or DailyLimits()
        kept = ledger.store.key_uses, ledger.room
        uses = LastUses(*kept), DayUses(*kept)
        told, news, replays = (Telling(ledger), FindingReminders(ledger)), KeyNews(), Replays()
        return cls(ledger, fleet, *told, *counted, *settings, {}, news, *uses, replays, addresses)


@dataclass(frozen=True, slots=True)
class Context(Generic[Answered]):
    """One request for an act. `asked` is what it is asked with: a repeated command asks the same."""

    services: Services
    principal: Principal
    act: Act[Any, Answered]
    asked: Arguments
    command_id: str = ""
    reading: Reading | None = None
    """What the document in `asked` was read as."""

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return self.services.ledger

    def document(self) -> Any:
        """The value of the document in what is asked. Raises: InvalidDocument."""
        assert self.reading is not None, f"{self.act.name} has no document"
        return self.reading.required()

    @property
    def opener(self) -> str | None:
        """The applicant or person for a command whose entries do not say it in `by`; None for any other."""
        return self.principal.acts_for if self._is_unlinked else None

    @property
    def _is_unlinked(self) -> bool:
        """Whether entries must not show that two commands are of one party."""
        return self.principal.role in UNLINKED

    def first(self) -> Answered | Refusal | None:
        """What a command answered if it was done before, for one that is refused for what is true since then.

        Raises: StoreUnavailable.
        """
        if self.act.kind != "command":
            return None
        found = self.ledger.first(by=self.principal.id, command_id=self.command_id, request=self._request())
        return None if found is None else self._read(found)

    def execute(self, command: Command | Callable[[Ports], Command | Refusal]) -> Answered | Refusal:
        """Decide a command and append what follows; sent again, it has its first answer.

        Raises: InvalidInput: malformed. StoreUnavailable: nothing was done, or it will be found done.
        """
        found = self.ledger.execute(
            command,
            by=self.principal.id,
            command_id=self.command_id,
            request=self._request(),
            charge=self.charge(),
            effect=self.act.effect,
            is_unlinked=self._is_unlinked,
        )
        return self._read(found)

    def arrange(
        self, change: Callable[[Ports], Answered | Unchanged[Answered] | Refusal]
    ) -> Answered | Refusal:
        """Change what the store holds beside the log; sent again, it has its first answer.

        Who asks is looked up in the same transaction: what ends their access in this moment comes before it,
        or after it. Raises: Unauthorized. StoreUnavailable: nothing was done, or it will be found done.
        """

        def changed(ports: Ports) -> dict[str, Any] | Unchanged[dict[str, Any]] | Refusal:
            self.still(ports)
            answer = change(ports)
            if isinstance(answer, Unchanged):
                return Unchanged(answer.answer.to_json())
            return answer if isinstance(answer, Refusal) else answer.to_json()

        found = self.ledger.arrange(
            changed,
            by=self.principal.id,
            command_id=self.command_id,
            request=self._request(),
            charge=self.charge(),
            effect=self.act.effect,
        )
        return self._read(found)

    def still(self, ports: Ports) -> Principal:
        """Who asks, by what the store says now. Raises: Unauthorized: they may not do this any more."""
        return access.still(ports.principals, self.principal, self.act)

    def charge(self) -> Charge | None:
        """What the act is counted to."""
        with self.ledger.reading() as state:
            return allowance.charge(state, self.principal, self.act, self.asked, self.services.limits)

    def _request(self) -> list[Any]:
        return [self.act.name, self.asked.to_json()]

    def _read(self, found: dict[str, Any] | Refusal) -> Answered | Refusal:
        if isinstance(found, Refusal):
            return found
        try:
            return self.act.answered.from_json(found)
        except Misread as error:
            said = f"the stored answer of {self.act.name!r} cannot be read: {error.message}"
            raise StoreUnusable(said, remedy="ask for what became of it; send no new command") from error


Doing = Callable[[Context[Answered], Asked], Answered | Refusal]
DOINGS: dict[AnyAct, Doing[Any, Any]] = {}
"""The function of each act."""


def does(act: Act[Asked, Answered]) -> Callable[[Doing[Answered, Asked]], Doing[Answered, Asked]]:
    """Say that a function does an act."""

    def named(function: Doing[Answered, Asked]) -> Doing[Answered, Asked]:
        assert act not in DOINGS, act.name
        DOINGS[act] = function
        return function

    return named
