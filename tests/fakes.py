"""Fakes that implement a port."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.ports import (
    Incarnation,
    Letter,
    Node,
    PastCommand,
    Principal,
    Registration,
    SavedDraft,
    Subscription,
)
from sluicegate_record.entries import Entry
from sluicegate_record.log.leaf import Opening


@dataclass
class Contents:
    """All that a store holds."""

    entries: list[Entry] = field(default_factory=list)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    checkpoint: str = ""
    done: dict[str, PastCommand] = field(default_factory=dict)
    organizations: dict[tuple[str, str, str], str] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    waiting: dict[str, tuple[int, Letter]] = field(default_factory=dict)
    """By message: the place in the order, and the letter."""
    dead: dict[str, tuple[int, Letter]] = field(default_factory=dict)
    posted: int = 0
    drafts: dict[str, SavedDraft] = field(default_factory=dict)

    def copy(self) -> Contents:
        return Contents(
            list(self.entries),
            dict(self.nodes),
            self.checkpoint,
            dict(self.done),
            dict(self.organizations),
            dict(self.subscriptions),
            dict(self.waiting),
            dict(self.dead),
            self.posted,
            dict(self.drafts),
        )


class MemoryStore:
    """`ports.Store` without a disk. It passes the contract that every store passes."""

    def __init__(self) -> None:
        self.contents = Contents()
        self.confirmed = 0
        self._principals: dict[bytes, Principal] = {}
        self._incarnations: dict[tuple[str, str], Incarnation] = {}
        self._lock = threading.Lock()

    @contextmanager
    def write(self) -> Iterator[MemoryWriting]:
        with self._lock:
            writing = MemoryWriting(self.contents.copy(), self._principals.values())
            yield writing
            self.contents = writing.contents

    def confirm(self) -> None:
        self.confirmed += 1

    def size(self) -> int:
        return len(self.contents.entries)

    def checkpoint(self) -> str:
        return self.contents.checkpoint

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        return self.contents.entries[after : after + limit]

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        return [entry.leaf for entry in self.contents.entries[start:end]]

    def node(self, level: int, index: int) -> bytes:
        found = self.contents.nodes.get((level, index))
        if found is None:
            raise StoreUnusable(f"the tree node {level}/{index} is missing")
        return found

    def sealed(self, seq: int) -> Mapping[str, Opening]:
        return self.contents.entries[seq].sealed if seq < self.size() else {}

    def organizations_like(self, part: str) -> Sequence[str]:
        return [who for (_, name, _), who in self.contents.organizations.items() if part in name]

    def registered(self, pseudonym: str) -> Registration | None:
        found = (
            Registration(name, country)
            for (_, name, country), who in self.contents.organizations.items()
            if who == pseudonym
        )
        return next(found, None)

    def organizations(self, name: str) -> Sequence[str]:
        return [
            pseudonym for (_, known, _), pseudonym in self.contents.organizations.items() if known == name
        ]

    def principal(self, token_digest: bytes) -> Principal | None:
        return self._principals.get(token_digest)

    def add_principal(self, token_digest: bytes, principal: Principal) -> None:
        self._principals[token_digest] = principal

    def replace_principal(self, token_digest: bytes, principal: Principal) -> None:
        kept = {
            digest: known
            for digest, known in self._principals.items()
            if (known.role, known.name) != (principal.role, principal.name)
        }
        self._principals.clear()
        self._principals.update({**kept, token_digest: principal})

    def principals(self) -> Sequence[Principal]:
        return list(self._principals.values())

    def incarnations(self) -> Sequence[Incarnation]:
        return list(self._incarnations.values())

    def register(self, incarnation: Incarnation) -> None:
        self._incarnations[incarnation.gateway, incarnation.incarnation] = incarnation

    def retire(self, incarnation: Incarnation) -> None:
        self._incarnations.pop((incarnation.gateway, incarnation.incarnation), None)

    def subscriptions(self, principal: str) -> Sequence[Subscription]:
        return [found for found in self.contents.subscriptions.values() if found.principal == principal]

    def due(self, now_ms: int, busy: Collection[str], limit: int) -> Sequence[tuple[Subscription, Letter]]:
        first: dict[str, Letter] = {}
        for letter in sorted(self._heads(busy), key=lambda letter: letter.due_ms):
            if letter.due_ms <= now_ms:
                first.setdefault(letter.subscription, letter)
        return [(self.contents.subscriptions[name], letter) for name, letter in first.items()][:limit]

    def next_due_ms(self, busy: Collection[str]) -> int | None:
        return min((letter.due_ms for letter in self._heads(busy)), default=None)

    def delivered(self, message: str) -> None:
        with self._lock:
            self.contents.waiting.pop(message, None)

    def put_off(self, message: str, due_ms: int, error: str) -> None:
        with self._lock:
            for place, letter in self._taken(message):
                later = replace(letter, due_ms=due_ms, attempts=letter.attempts + 1, error=error)
                self.contents.waiting[message] = place, later

    def bury(self, message: str, error: str) -> None:
        with self._lock:
            for place, letter in self._taken(message):
                failed = replace(letter, attempts=letter.attempts + 1, error=error)
                self.contents.dead[message] = place, failed

    def end_subscription(self, subscription: str, error: str) -> None:
        with self._lock:
            held = self.contents
            if subscription in held.subscriptions:
                held.subscriptions[subscription] = replace(held.subscriptions[subscription], gone=True)
            for message, (place, letter) in list(held.waiting.items()):
                if letter.subscription == subscription:
                    del held.waiting[message]
                    held.dead[message] = place, replace(letter, error=error)

    def dead(self, principal: str, limit: int) -> Sequence[tuple[Subscription, Letter]]:
        found = [(self.contents.subscriptions[letter.subscription], letter) for _, letter in self._dead()]
        return [(whose, letter) for whose, letter in found if whose.principal == principal][:limit]

    def outbox(self) -> Mapping[str, int]:
        return {"waiting": len(self.contents.waiting), "dead": len(self.contents.dead)}

    def _taken(self, message: str) -> list[tuple[int, Letter]]:
        """A waiting letter, taken out, if it is still there."""
        found = self.contents.waiting.pop(message, None)
        return [] if found is None else [found]

    def _dead(self) -> list[tuple[int, Letter]]:
        return sorted(self.contents.dead.values(), key=lambda found: found[0])

    def _heads(self, busy: Collection[str]) -> list[Letter]:
        heads: dict[tuple[str, str], Letter] = {}
        for _, letter in sorted(self.contents.waiting.values(), key=lambda found: found[0]):
            if letter.subscription not in busy:
                heads.setdefault((letter.subscription, letter.case), letter)
        return list(heads.values())

    def close(self) -> None:
        """Nothing is held."""


class MemoryWriting:
    """`ports.Writing` on a copy, which becomes the contents when the write ends well."""

    def __init__(self, contents: Contents, principals: Collection[Principal] = ()) -> None:
        self.contents = contents
        self._principals = {principal.id: principal for principal in principals}

    def size(self) -> int:
        return len(self.contents.entries)

    def entries(self, after: int) -> Sequence[Entry]:
        return self.contents.entries[after:]

    def append(self, entries: Sequence[Entry], nodes: Sequence[Node], checkpoint: str) -> None:
        self.contents.entries += entries
        self.contents.nodes |= {(level, index): node for level, index, node in nodes}
        self.contents.checkpoint = checkpoint

    def done(self, command: str) -> PastCommand | None:
        return self.contents.done.get(command)

    def remember(self, command: str, done: PastCommand) -> None:
        self.contents.done[command] = done

    def organization(self, owner: str, name: str, registered_in: str) -> str | None:
        return self.contents.organizations.get((owner, name, registered_in))

    def add_organization(self, pseudonym: str, owner: str, name: str, registered_in: str) -> None:
        self.contents.organizations[owner, name, registered_in] = pseudonym

    def subscribers(self) -> Sequence[tuple[Subscription, Principal]]:
        found = [each for each in self.contents.subscriptions.values() if not each.gone]
        return [(each, self._principals[each.principal]) for each in found]

    def subscriptions(self, principal: str) -> Sequence[Subscription]:
        return [found for found in self.contents.subscriptions.values() if found.principal == principal]

    def add_subscription(self, subscription: Subscription) -> None:
        self.contents.subscriptions[subscription.id] = subscription

    def remove_subscription(self, subscription: str) -> None:
        held = self.contents
        held.subscriptions.pop(subscription, None)
        for letters in (held.waiting, held.dead):
            for message in [m for m, (_, letter) in letters.items() if letter.subscription == subscription]:
                del letters[message]

    def drafts(self, principal: str) -> Sequence[SavedDraft]:
        return [found for found in self.contents.drafts.values() if found.principal == principal]

    def add_draft(self, draft: SavedDraft) -> None:
        self.contents.drafts[draft.id] = draft

    def remove_draft(self, draft: str) -> None:
        self.contents.drafts.pop(draft, None)

    def post(self, letters: Sequence[Letter]) -> None:
        held = self.contents
        for letter in letters:
            held.posted += 1
            if letter.message not in held.waiting.keys() | held.dead.keys():
                held.waiting[letter.message] = held.posted, letter

    def replay(self, principal: str, message: str | None, due_ms: int) -> int:
        held, back = self.contents, list[str]()
        for name, (place, letter) in list(held.dead.items()):
            whose = held.subscriptions[letter.subscription]
            if whose.principal == principal and message in (None, name):
                del held.dead[name]
                held.waiting[name] = place, replace(letter, due_ms=due_ms, attempts=0)
                held.subscriptions[whose.id] = replace(whose, gone=False)
                back.append(name)
        return len(back)


class Broken(StoreUnavailable):
    """What a broken write raises."""

    def __init__(self) -> None:
        super().__init__("the disk is full")


class Breaking(MemoryStore):
    """A store whose next write breaks: before it is done, or after it was done."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks: str | None = None
        """`before`, `after` or None: what becomes of the next write."""

    @contextmanager
    def write(self) -> Iterator[MemoryWriting]:
        breaks, self.breaks = self.breaks, None
        with super().write() as writing:
            yield writing
            if breaks == "before":
                raise Broken
        if breaks == "after":
            raise Broken
