"""A log that goes on after a loss: what a gateway asks before it crosses, and what it carries over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.epochs import BeginEpoch
from sluicegate.errors import BadFeed
from sluicegate.gate.engine import Engine
from sluicegate.gate.feed import MachineClock, Tail
from sluicegate.gate.kept import Memory
from sluicegate_record.log import checkpoint
from sluicegate_record.statements.epochs import Epoch, LogHead
from tests.clock import Clock
from tests.core.access.test_vouch import KEY, trust
from tests.gate.test_tail import Control
from tests.worlds import (
    API,
    AT_MS,
    LOG,
    MODEL,
    OFFICER,
    ORIGIN,
    OTHER_OFFICER,
    World,
    public_key,
    signed,
)

HEADS = 1_000_000


class Kept:
    """A gateway's folder, through several runs of it."""

    def __init__(self, folder: Path, table: type[Table] = VouchedTable) -> None:
        self.folder, self._table = folder, table
        self.start()

    def start(self) -> None:
        """A run begins."""
        self.memory = Memory(self.folder)
        table = VouchedTable(trust()) if self._table is VouchedTable else Table()
        clock = Clock()
        self.engine = Engine(API, clock, table)
        verifier = checkpoint.parse_vkey(checkpoint.vkey(ORIGIN, public_key("log")))
        machine = MachineClock(clock, lambda: AT_MS)
        self.tail = Tail(self.engine, verifier, "gateway-1", machine, self.memory.load(), self.memory)

    def polls(self, *logs: Control) -> None:
        """It follows a log, and keeps what it saw."""
        for control in logs:
            seen = self.tail.take(control.answer(self.tail.question(0)))
            self.memory.save(seen, self.tail.new)
            self.tail.new = []

    def refuses(self, control: Control, why: str) -> None:
        """It takes no lease by a log, neither as it runs nor when it starts again."""
        for begin in (self.tail.begin_again, self.start):
            begin()
            with pytest.raises(BadFeed, match=why):
                self.polls(control)
            assert self.engine.lease is None or begin == self.tail.begin_again

    @property
    def table(self) -> Table:
        return self.engine.table

    def answers(self, key: bytes = KEY) -> Allow | Deny:
        return decision.decide(Ask(key, MODEL, API), self.table, Instant(AT_MS + 1_000, AT_MS + 1_000))


def head(control: Control, size: int | None = None) -> LogHead:
    size = len(control.entries) if size is None else size
    return LogHead(size=size, root=control.root(size))


def epoch(
    restored: World, *abandoned: LogHead, signers: Sequence[str] = (OFFICER, OTHER_OFFICER), **said: Any
) -> BeginEpoch:
    """The command with which a restored log goes on."""
    heads = tuple(sorted(abandoned, key=lambda each: (each.size, each.root)))
    fields = {
        "log": LOG,
        "restored": head(Control(restored.entries)),
        "abandoned": heads,
        "reason": "the disk died",
    }
    stated = Epoch(**{**fields, "signed_at_ms": restored.now_ms, **said})
    return BeginEpoch(signed(stated.payload(), *signers))


@pytest.fixture
def lost() -> tuple[World, World]:
    """A log as it was backed up, and as it was when it was lost."""
    worlds = []
    for _ in range(2):
        world = World.opened()
        world.credential(world.admit())
        worlds.append(world)
    assert worlds[0].entries == worlds[1].entries
    return worlds[0], worlds[1]


def narrowed(world: World) -> str:
    """A directive is in force, and a key is revoked, of an organization of its own."""
    world.direct("d-lost")
    return "d-lost"


def test_the_first_directive_holds(lost: tuple[World, World], tmp_path: Path) -> None:
    backed, later = lost
    gateway = Kept(tmp_path)
    gateway.polls(Control(backed.entries))
    assert isinstance(gateway.answers(), Allow)
    later.direct("d-lost")
    gateway.polls(Control(later.entries))
    assert isinstance(gateway.answers(), Deny)
    seen = head(Control(later.entries))
    gateway.refuses(Control(backed.entries), "goes back")
    backed.must(epoch(backed, seen))
    gateway.polls(Control(backed.entries))
    assert isinstance(gateway.answers(), Deny)
    gateway.start()
    gateway.polls(Control(backed.entries))
    assert isinstance(gateway.answers(), Deny)
