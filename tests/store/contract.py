"""What every store does: the suite that each backend passes, the fake too.

A backend's tests subclass `StoreContract` and say how a store is made.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from sluicegate.core import checkpoint, merkle
from sluicegate.core.events import Entry
from sluicegate.core.merkle import Frontier
from sluicegate.errors import StoreUnusable
from sluicegate.ports import Done, Incarnation, Node, Principal, Store
from tests.worlds import ORIGIN, World, private_key

GATEWAY = Incarnation("gateway-1", "incarnation-1", "api")
DONE = Done("sha256:" + "0" * 64, {"grant": "grant_1", "size": 3, "list": [1, None, True], "text": "é"})
BOUND_S = 20.0


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
        with self.store.write() as writing:
            writing.append(entries, nodes, head)
        return head


class StoreContract:
    """Subclasses give the fixture `store`."""

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

    def test_a_new_store_is_empty(self, store):
        assert (store.size(), store.checkpoint()) == (0, "")
        assert list(store.entries(0, 10)) == list(store.leaves(0, 10)) == []
        assert list(store.principals()) == list(store.incarnations()) == list(store.organizations("A")) == []
        assert store.sealed(0) == {}
        with store.write() as writing:
            assert writing.size() == 0
            assert list(writing.entries(0)) == []

    def test_entries_come_back_with_all_their_parts(self, full):
        assert list(full.entries(0, len(ENTRIES) + 5)) == ENTRIES
        with full.write() as writing:
            assert list(writing.entries(0)) == ENTRIES
            assert writing.size() == len(ENTRIES)
        assert full.size() == len(ENTRIES)

    @pytest.mark.parametrize(
        ("after", "limit"), [(0, 0), (0, 1), (3, 4), (len(ENTRIES) - 1, 9), (len(ENTRIES), 9), (99, 9)]
    )
    def test_a_part_of_the_entries(self, full, after, limit):
        assert list(full.entries(after, limit)) == ENTRIES[after : after + limit]

    @pytest.mark.parametrize("after", [0, 3, len(ENTRIES), len(ENTRIES) + 5])
    def test_the_entries_beyond_one(self, full, after):
        with full.write() as writing:
            assert list(writing.entries(after)) == ENTRIES[after:]

    @pytest.mark.parametrize(
        ("start", "end"), [(0, 0), (0, 1), (3, 7), (0, len(ENTRIES)), (5, 3), (0, 99), (99, 100)]
    )
    def test_leaves(self, full, start, end):
        assert list(full.leaves(start, end)) == [entry.leaf for entry in ENTRIES[start:end]]

    def test_sealed_parts_of_each_entry(self, full):
        assert any(entry.sealed for entry in ENTRIES)
        for entry in ENTRIES:
            assert full.sealed(entry.seq) == entry.sealed
        assert full.sealed(len(ENTRIES)) == {}

    def test_nodes_lead_to_the_root_that_was_signed(self, full):
        verifier = checkpoint.parse_vkey(
            checkpoint.vkey(ORIGIN, private_key("log").public_key().public_bytes_raw())
        )
        head = checkpoint.open_checkpoint(full.checkpoint(), verifier)
        assert head.size == len(ENTRIES)
        assert merkle.root(head.size, full.node) == head.root

    @pytest.mark.parametrize(
        ("level", "index"), [(0, len(ENTRIES)), (1, len(ENTRIES) // 2), (9, 0), (0, 2**40)]
    )
    def test_a_node_that_is_not_complete_is_not_there(self, full, level, index):
        with pytest.raises(StoreUnusable, match=f"{level}/{index}"):
            full.node(level, index)

    def test_the_head_is_the_newest(self, store):
        log = Log(store)
        heads = [log.append([entry]) for entry in ENTRIES[:3]]
        assert store.checkpoint() == heads[-1]

    def test_a_write_sees_what_it_writes(self, store):
        log = Log(store)
        nodes, head = log.grow(ENTRIES[:4])
        with store.write() as writing:
            writing.append(ENTRIES[:4], nodes, head)
            writing.remember("cmd_1", DONE)
            writing.add_organization("org_1", "applicant_1", "Example Utility", "US")
            assert writing.size() == 4
            assert list(writing.entries(1)) == ENTRIES[1:4]
            assert writing.done("cmd_1") == DONE
            assert writing.organization("applicant_1", "Example Utility", "US") == "org_1"
        assert store.size() == 4

    def test_a_write_that_fails_leaves_no_trace(self, store):
        log = Log(store)
        head = log.append(ENTRIES[:3])
        nodes, later = log.grow(ENTRIES[3:6])

        def fail():
            with store.write() as writing:
                writing.append(ENTRIES[3:6], nodes, later)
                writing.remember("cmd_1", DONE)
                writing.add_organization("org_1", "applicant_1", "Example Utility", "US")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert (store.size(), store.checkpoint()) == (3, head)
        assert list(store.entries(0, 99)) == ENTRIES[:3]
        assert list(store.leaves(3, 6)) == []
        assert store.sealed(5) == {}
        assert list(store.organizations("Example Utility")) == []
        for level, index, _ in nodes:
            with pytest.raises(StoreUnusable):
                store.node(level, index)
        with store.write() as writing:
            assert writing.done("cmd_1") is None
            assert writing.organization("applicant_1", "Example Utility", "US") is None
            writing.append(ENTRIES[3:6], nodes, later)
        assert list(store.entries(0, 99)) == ENTRIES[:6]

    def test_a_write_that_does_nothing_changes_nothing(self, full):
        head = full.checkpoint()
        with full.write():
            pass
        full.confirm()
        assert (full.size(), full.checkpoint()) == (len(ENTRIES), head)

    def test_what_is_not_yet_written_nobody_else_sees(self, store):
        log = Log(store)
        nodes, head = log.grow(ENTRIES[:3])
        with store.write() as writing:
            writing.append(ENTRIES[:3], nodes, head)
            seen = self._elsewhere(lambda: (store.size(), store.checkpoint(), list(store.entries(0, 9))))
            assert seen == (0, "", [])
        assert store.size() == 3

    def test_one_writes_at_a_time_and_sees_all_before(self, store):
        """Each of several threads appends the next entry, whichever that is."""
        log, failures = Log(store), []
        started = threading.Barrier(4)

        def work():
            try:
                started.wait(BOUND_S)
                for _ in range(3):
                    with store.write() as writing:
                        at = writing.size()
                        assert at == log.frontier.size
                        nodes, head = log.grow(ENTRIES[at : at + 1])
                        writing.append(ENTRIES[at : at + 1], nodes, head)
            except BaseException as error:  # noqa: BLE001 - told by the thread that waits
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(BOUND_S)
        assert failures == []
        assert list(store.entries(0, 99)) == ENTRIES[:12]
        assert merkle.root(12, store.node) == log.frontier.root()

    def test_a_command_is_remembered_with_what_was_asked(self, store):
        with store.write() as writing:
            writing.remember("cmd_1", DONE)
            writing.remember("cmd_2", Done("sha256:" + "1" * 64, {}))
        with store.write() as writing:
            assert writing.done("cmd_1") == DONE
            assert writing.done("cmd_2") == Done("sha256:" + "1" * 64, {})
            assert writing.done("cmd_3") is None
            assert writing.done("CMD_1") is None

    def test_an_organization_has_one_pseudonym_for_who_named_it(self, store):
        with store.write() as writing:
            writing.add_organization("org_1", "applicant_1", "Example Utility", "US")
            writing.add_organization("org_2", "applicant_2", "Example Utility", "US")
            writing.add_organization("org_3", "applicant_1", "Example Utility", "NO")
            writing.add_organization("org_4", "applicant_1", "Example Grid", "US")
        with store.write() as writing:
            assert writing.organization("applicant_1", "Example Utility", "US") == "org_1"
            assert writing.organization("applicant_2", "Example Utility", "US") == "org_2"
            assert writing.organization("applicant_3", "Example Utility", "US") is None
            assert writing.organization("applicant_1", "example utility", "US") is None
        assert sorted(store.organizations("Example Utility")) == ["org_1", "org_2", "org_3"]
        assert list(store.organizations("Example")) == []

    def test_principals_are_found_by_the_digest_of_their_token(self, store):
        agency = Principal("agency_1", "agency", "oncd", "oncd")
        applicant = Principal("applicant_1", "applicant", "example", None)
        store.add_principal(b"\x01" * 32, agency)
        store.add_principal(b"\x02" * 32, applicant)
        assert store.principal(b"\x01" * 32) == agency
        assert store.principal(b"\x02" * 32) == applicant
        assert store.principal(b"\x03" * 32) is None
        assert store.principal(b"") is None
        assert sorted(found.id for found in store.principals()) == ["agency_1", "applicant_1"]

    def test_incarnations_are_registered_until_they_retire(self, store):
        other = Incarnation("gateway-1", "incarnation-2", "codex")
        store.register(GATEWAY)
        store.register(other)
        store.register(GATEWAY)
        assert sorted(store.incarnations(), key=repr) == [GATEWAY, other]
        store.retire(GATEWAY)
        store.retire(GATEWAY)
        assert list(store.incarnations()) == [other]

    def test_a_store_is_closed_once_or_twice(self, full):
        full.close()
        full.close()

    def _elsewhere(self, what):
        """What another thread sees."""
        seen: list[object] = []
        thread = threading.Thread(target=lambda: seen.append(what()))
        thread.start()
        thread.join(BOUND_S)
        (found,) = seen
        return found
