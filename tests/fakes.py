"""Fakes that implement a port."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sluicegate.core.events import Entry, Opening
from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.ports import Done, Incarnation, Node, Principal


@dataclass
class Contents:
    """All that a store holds."""

    entries: list[Entry] = field(default_factory=list)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    checkpoint: str = ""
    done: dict[str, Done] = field(default_factory=dict)
    organizations: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def copy(self) -> Contents:
        return Contents(
            list(self.entries), dict(self.nodes), self.checkpoint, dict(self.done), dict(self.organizations)
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
            writing = MemoryWriting(self.contents.copy())
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

    def organizations(self, name: str) -> Sequence[str]:
        return [
            pseudonym for (_, known, _), pseudonym in self.contents.organizations.items() if known == name
        ]

    def principal(self, token_digest: bytes) -> Principal | None:
        return self._principals.get(token_digest)

    def add_principal(self, token_digest: bytes, principal: Principal) -> None:
        self._principals[token_digest] = principal

    def principals(self) -> Sequence[Principal]:
        return list(self._principals.values())

    def incarnations(self) -> Sequence[Incarnation]:
        return list(self._incarnations.values())

    def register(self, incarnation: Incarnation) -> None:
        self._incarnations[incarnation.gateway, incarnation.incarnation] = incarnation

    def retire(self, incarnation: Incarnation) -> None:
        self._incarnations.pop((incarnation.gateway, incarnation.incarnation), None)

    def close(self) -> None:
        """Nothing is held."""


class MemoryWriting:
    """`ports.Writing` on a copy, which becomes the contents when the write ends well."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents

    def size(self) -> int:
        return len(self.contents.entries)

    def entries(self, after: int) -> Sequence[Entry]:
        return self.contents.entries[after:]

    def append(self, entries: Sequence[Entry], nodes: Sequence[Node], checkpoint: str) -> None:
        self.contents.entries += entries
        self.contents.nodes |= {(level, index): node for level, index, node in nodes}
        self.contents.checkpoint = checkpoint

    def done(self, command: str) -> Done | None:
        return self.contents.done.get(command)

    def remember(self, command: str, done: Done) -> None:
        self.contents.done[command] = done

    def organization(self, owner: str, name: str, registered_in: str) -> str | None:
        return self.contents.organizations.get((owner, name, registered_in))

    def add_organization(self, pseudonym: str, owner: str, name: str, registered_in: str) -> None:
        self.contents.organizations[owner, name, registered_in] = pseudonym


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
