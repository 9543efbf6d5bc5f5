"""What the suites of the contract are about: a log, its entries, and some who want to be told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sluicegate.ports import (
    Letter,
    Node,
    PastCommand,
    Principal,
    SavedDraft,
    Store,
    Subscription,
)
from sluicegate_record.entries import Entry
from sluicegate_record.log import checkpoint, merkle
from sluicegate_record.log.merkle import Frontier
from tests.worlds import ORIGIN, World, private_key

DONE = PastCommand(
    "sha256:" + "0" * 64, {"grant": "grant_1", "size": 3, "list": [1, None, True], "text": "é"}
)
AGENCY = Principal("agency_1", "agency", "oncd", "oncd")
APPLICANT = Principal("applicant_1", "applicant", "example")
HOOK = Subscription("sub_1", AGENCY.id, "webhook", "https://example.org/hook", 1_000)
MAIL = Subscription("sub_2", AGENCY.id, "email", "reviews@example.org", 2_000)
OTHER = Subscription("sub_3", APPLICANT.id, "webhook", "https://example.com/hook", 1_500)


def letter(number: int, subscription: Subscription = HOOK, case: str = "case_1", due_ms: int = 0) -> Letter:
    return Letter(f"msg_{number}", subscription.id, case, b'{"n":%d}' % number, due_ms)


def history() -> list[Entry]:
    """Entries with every kind of part."""
    world = World.opened()
    world.credential(world.admit())
    world.direct("d-1", ["org-1"])
    return world.entries


ENTRIES = history()


class Log:
    """Appends to a store as the ledger does."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.frontier = Frontier()

    def grow(self, entries: Sequence[Entry]) -> tuple[list[Node], str]:
        """The nodes that entries complete, and the signed head that holds them."""
        nodes = [node for entry in entries for node in self.frontier.append(merkle.leaf_hash(entry.leaf))]
        head = checkpoint.sign(ORIGIN, self.frontier.size, self.frontier.root(), private_key("log"))
        return nodes, head

    def append(self, entries: Sequence[Entry]) -> str:
        nodes, head = self.grow(entries)
        with self.store.write() as ports:
            ports.log.append(entries, nodes, head)
        return head


DRAFTS = [SavedDraft(f"draft_{i}", "applicant", "{}", i) for i in range(3)]


class Contract:
    """A part of the contract. Subclasses give the fixture `store`."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def full(self, store: Store) -> Store:
        """A store that holds `ENTRIES`, appended in two writes."""
        log = Log(store)
        log.append(ENTRIES[:5])
        log.append(ENTRIES[5:])
        return store
