"""A log whose own key was replaced: which key a gateway follows, and under which it takes a lease."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.errors import BadFeed
from sluicegate.gate.kept import TrustedHead
from sluicegate_record.entries import Entry
from sluicegate_record.log import checkpoint
from sluicegate_record.log.dsse import Envelope
from tests.core.access.test_vouch import trust
from tests.forging import answer_json, told
from tests.gate.test_epochs import Kept
from tests.gate.test_tail import Control, Gateway
from tests.worlds import (
    LOG_2,
    LOG_3,
    OFFICER,
    OTHER_OFFICER,
    World,
    epoch,
    handover,
    head_of,
    log_vkey,
    private_key,
)


class Keyed(Control):
    """A feed that signs by a key of the log, and sends the handovers after what its asker has."""

    def __init__(self, entries: list[Entry], key: str) -> None:
        super().__init__(entries)
        self.key = key

    def answer(self, question: dict[str, Any], size: int | None = None, **changes: Any) -> bytes:
        given = json.loads(super().answer(question, size, **changes))
        entries = self.entries[question["after"] : given["size"]]
        signed = {name: each for name, each in given.items() if name not in {"entries", "sig"}}
        made = answer_json(signed, entries, private_key(self.key))
        later = (each for each in self.entries[question["after"] :] if each.type == "log.key_replaced")
        handovers = [each.public["envelope"] for each in later]
        return json.dumps({**made, **({"handovers": handovers} if handovers else {})}).encode()


def knowing(key: str, table: Table | None = None, seen: TrustedHead | None = None) -> Gateway:
    """A gateway that starts with a key of the log."""
    gateway = Gateway(seen, table)
    gateway.tail._given = gateway.tail._log = checkpoint.parse_vkey(log_vkey(key))
    return gateway


def replaced(*signers: str, world: World | None = None, new: str = LOG_2, before: str = "log") -> World:
    world = World.opened() if world is None else world
    world.must(handover(world.entries, new, new, *signers, before=before))
    return world


@pytest.mark.parametrize("table", [Table, lambda: VouchedTable(trust())])
def test_a_gateway_follows_the_key_that_the_key_before_signed(table: Any) -> None:
    world = World.opened()
    running = knowing("log", table())
    running.poll(Keyed(world.entries, "log"))
    replaced("log", world=world)
    for gateway in (running, knowing("log", table()), knowing(LOG_2, table())):
        gateway.poll(Keyed(world.entries, LOG_2))
        assert gateway.engine.lease is not None
        assert gateway.engine.table.log_key == log_vkey(LOG_2)
        gateway.poll(Keyed(world.entries, LOG_2))
    replaced(LOG_2, world=world, new=LOG_3, before=LOG_2)
    running.poll(Keyed(world.entries, LOG_3))
    knowing("log", table()).poll(Keyed(world.entries, LOG_3))


def test_a_gateway_that_reads_the_log_in_parts_follows_a_key_that_comes_later() -> None:
    world = replaced("log")
    gateway = knowing("log", VouchedTable(trust()))
    for size in (3, len(world.entries) - 1):
        gateway.poll(Keyed(world.entries, LOG_2), size, leaseMs=0)
        assert gateway.engine.lease is None
    gateway.poll(Keyed(world.entries, LOG_2))
    assert gateway.engine.lease is not None


def test_a_lease_under_the_new_key_needs_the_entry_that_names_it() -> None:
    """Else the log could keep its key, and someone else could give leases."""
    world = replaced("log")
    gateway, lacking = knowing("log"), Keyed(world.entries[:-1], LOG_2)
    question = gateway.tail.question(0)
    given = json.loads(lacking.answer(question))
    given["handovers"] = [world.entries[-1].public["envelope"]]
    with pytest.raises(BadFeed, match="by its entries"):
        gateway.tail.take(json.dumps(given).encode())
    assert gateway.engine.lease is None


def test_who_has_the_replaced_key_gives_no_lease_and_adds_no_entry() -> None:
    world = replaced("log")
    running = knowing("log", VouchedTable(trust()))
    running.poll(Keyed(world.entries, LOG_2))
    world.direct("d-1")
    thief = Keyed(world.entries, "log")
    running.refuses(thief.answer(running.tail.question(0)), "did not sign")
    fork = World.opened()
    fork.direct("d-1")
    fork.direct("d-2")
    again = knowing("log", VouchedTable(trust()), TrustedHead(len(world.entries) - 1, head_of_all(world)))
    with pytest.raises(BadFeed, match="fork"):
        again.poll(Keyed(fork.entries, "log"))
    assert again.engine.lease is None


def head_of_all(world: World) -> bytes:
    return head_of(world.entries[:-1]).root


def test_officers_are_followed_by_who_knows_them_and_the_new_key_by_everyone() -> None:
    world = replaced(OFFICER, OTHER_OFFICER)
    control = Keyed(world.entries, LOG_2)
    running = knowing("log", VouchedTable(trust()))
    running.poll(control)
    plain = knowing("log", Table())
    plain.refuses(control.answer(plain.tail.question(0)), "officers who are not known here")
    knowing(LOG_2, Table()).poll(control)
    assert running.engine.table.log_key == log_vkey(LOG_2)


@pytest.mark.parametrize("signers", [(), (OFFICER,), (OFFICER, "oncd"), ("stranger", "another")])
def test_a_key_that_was_not_handed_over_is_not_followed(signers: Sequence[str]) -> None:
    """A control plane that was taken over writes the entry all the same."""
    world = replaced("log")
    *before, entry = world.entries
    command = handover(before, LOG_2, LOG_2, *signers)
    envelope: Envelope = command.envelope
    lie = told(entry, {"digest": envelope.digest, "envelope": envelope.to_json()})
    for table in (Table(), VouchedTable(trust())):
        gateway = knowing("log", table)
        control = Keyed([*before, lie], LOG_2)
        gateway.refuses(control.answer(gateway.tail.question(0)), "not known here")


def test_a_key_that_was_replaced_in_what_was_lost_does_not_sign_again(tmp_path: Path) -> None:
    backed, later = World.opened(), replaced("log")
    gateway = Kept(tmp_path)
    gateway.polls(Keyed(later.entries, LOG_2))
    backed.must(epoch(head_of(backed.entries), head_of(later.entries), at_ms=backed.now_ms))
    gateway.refuses(Keyed(backed.entries, "log"), "was replaced in what was abandoned")
    replaced("log", world=backed, new=LOG_3)
    gateway.start()
    gateway.polls(Keyed(backed.entries, LOG_3))
    assert gateway.engine.lease is not None
