"""The Protocols between the layers: what the use cases ask of persistence.

Rules:
- One writer at a time: `Store.write` holds the log's head until it ends; everything in it is durable
  together when it ends without an exception, and none of it otherwise.
- Every backend passes `tests/store/contract.py`.
- A backend raises StoreUnavailable where it cannot do what was asked, and StoreUnusable where what it
  finds is not ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from sluicegate_record.entries import Entry
from sluicegate_record.log.leaf import Opening

Node: TypeAlias = tuple[int, int, bytes]
"""A complete node of the tree: level, index, hash."""


@dataclass(frozen=True, slots=True)
class PastCommand:
    """A command that was done before: the digest of what was asked, and its result."""

    request: str
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts. `id` is the pseudonym entries name; `party` the agency spoken for, where it is one."""

    id: str
    role: str
    name: str
    party: str | None = None


@dataclass(frozen=True, slots=True)
class Incarnation:
    """One run of a gateway process, registered before its first lease.

    `key` is the public key it signs its questions with, 32 raw bytes; None of one that signs none.
    """

    gateway: str
    incarnation: str
    surface: str
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a principal wants to be told: `kind` is `webhook` or `email`, `target` a URL or an address.

    `gone` says that its receiver wants nothing more: nothing is posted to it.
    """

    id: str
    principal: str
    kind: str
    target: str
    created_at_ms: int
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be delivered to a subscription. `message` names it, at every attempt.

    Units: `due_ms` milliseconds since 1970 UTC, not delivered earlier; `attempts` have failed so far, the
    last one by `error`.
    """

    message: str
    subscription: str
    case: str
    body: bytes
    due_ms: int
    attempts: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """An application that is not submitted: whose it is, and what it asks, as JSON."""

    id: str
    principal: str
    body: str
    created_at_ms: int


class Registration(NamedTuple):
    """An organization: its legal name as `core.people.application.name_key` spells it, its country."""

    name: str
    registered_in: str


class Writing(Protocol):
    """What may be done while the head is held."""

    def size(self) -> int:
        """The log's size."""

    def entries(self, after: int) -> Sequence[Entry]:
        """The entries from `after` on, with all their parts."""

    def append(self, entries: Sequence[Entry], nodes: Sequence[Node], checkpoint: str) -> None:
        """Append entries, the tree nodes they completed, and the signed head that holds them."""

    def done(self, command: str) -> PastCommand | None:
        """What became of a command, if it was done."""

    def remember(self, command: str, done: PastCommand) -> None:
        """Note what became of a command."""

    def organization(self, owner: str, name: str, registered_in: str) -> str | None:
        """The pseudonym under which `owner` has named this organization before."""

    def add_organization(self, pseudonym: str, owner: str, name: str, registered_in: str) -> None:
        """Note a new organization."""

    def subscribers(self) -> Sequence[tuple[Subscription, Principal]]:
        """Every subscription that is not gone, and whose it is."""

    def subscriptions(self, principal: str) -> Sequence[Subscription]:
        """Those of one principal, oldest first."""

    def add_subscription(self, subscription: Subscription) -> None:
        """Note a new subscription."""

    def remove_subscription(self, subscription: str) -> None:
        """Forget a subscription and all its letters."""

    def drafts(self, principal: str) -> Sequence[SavedDraft]:
        """Those of one principal, oldest first."""

    def add_draft(self, draft: SavedDraft) -> None:
        """Note a draft of an application."""

    def remove_draft(self, draft: str) -> None:
        """Forget a draft."""

    def post(self, letters: Sequence[Letter]) -> None:
        """Put letters into the outbox, in this order; one whose message is already there stays as it is."""

    def replay(self, principal: str, message: str | None, due_ms: int) -> int:
        """Make dead letters of a principal wait again, one or all; how many there were.

        A subscription that was gone is back with them.
        """


class Store(Protocol):
    """Persistence."""

    def write(self) -> AbstractContextManager[Writing]:
        """Hold the head and write."""

    def confirm(self) -> None:
        """Commit a write that changes nothing: proof that this process still holds the primary."""

    def size(self) -> int:
        """The log's size."""

    def checkpoint(self) -> str:
        """The newest signed head, empty before the first entry."""

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from `after` on, with all their parts."""

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """The leaves of the entries `start` to `end` (exclusive)."""

    def node(self, level: int, index: int) -> bytes:
        """A stored tree node. Raises StoreUnusable: there is none."""

    def sealed(self, seq: int) -> Mapping[str, Opening]:
        """The sealed parts of an entry."""

    def organizations(self, name: str) -> Sequence[str]:
        """The pseudonyms of every organization of this legal name."""

    def organizations_like(self, part: str) -> Sequence[str]:
        """The pseudonyms of every organization in whose legal name `part` occurs."""

    def registered(self, pseudonym: str) -> Registration | None:
        """The organization behind a pseudonym."""

    def principal(self, token_digest: bytes) -> Principal | None:
        """Whose token this is."""

    def add_principal(self, token_digest: bytes, principal: Principal) -> None:
        """Note a token by its digest."""

    def replace_principal(self, token_digest: bytes, principal: Principal) -> None:
        """Note a token by its digest; whoever had this role and name before is known no more."""

    def principals(self) -> Sequence[Principal]:
        """Everybody who has a token."""

    def incarnations(self) -> Sequence[Incarnation]:
        """The gateways that may hold a lease."""

    def register(self, incarnation: Incarnation) -> None:
        """Note an incarnation, durably, before its first lease."""

    def retire(self, incarnation: Incarnation) -> None:
        """Forget an incarnation whose lease has ended."""

    def subscriptions(self, principal: str) -> Sequence[Subscription]:
        """Those of one principal, oldest first."""

    def due(self, now_ms: int, busy: Collection[str], limit: int) -> Sequence[tuple[Subscription, Letter]]:
        """What to deliver now: at most one letter for each subscription that is not `busy`.

        Only the oldest waiting letter of a subscription and case is ever due, so that a case is told in
        order; the others of a subscription go past one that has to wait.
        """

    def next_due_ms(self, busy: Collection[str]) -> int | None:
        """When the next letter of a subscription that is not `busy` is due, None where none waits."""

    def delivered(self, message: str) -> None:
        """Forget a letter: it has arrived."""

    def put_off(self, message: str, due_ms: int, error: str) -> None:
        """Note a failed attempt, and when to try again."""

    def bury(self, message: str, error: str) -> None:
        """Note the last failed attempt: the letter is dead."""

    def end_subscription(self, subscription: str, error: str) -> None:
        """Note that a subscription's receiver is gone: all its waiting letters are dead."""

    def dead(self, principal: str, limit: int) -> Sequence[tuple[Subscription, Letter]]:
        """Dead letters of one principal, oldest first."""

    def outbox(self) -> Mapping[str, int]:
        """How many letters are `waiting` and `dead`."""

    def close(self) -> None:
        """Let go of everything."""
