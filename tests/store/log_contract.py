"""What the log does in every store."""

from __future__ import annotations

import pytest

from sluicegate.errors import StoreUnusable
from sluicegate.ports import PastCommand
from sluicegate_record.log import checkpoint, merkle
from tests.store.examples import DONE, ENTRIES, Contract, Log
from tests.worlds import ORIGIN, World, plan_value, private_key


class LogContract(Contract):
    def test_entries_come_back_with_all_their_parts(self, full):
        assert list(full.log.entries(0, len(ENTRIES) + 5)) == ENTRIES
        with full.write() as ports:
            assert list(ports.log.entries(0, 99)) == ENTRIES
            assert ports.log.size() == len(ENTRIES)
        assert full.log.size() == len(ENTRIES)

    @pytest.mark.parametrize(
        ("after", "limit"), [(0, 0), (0, 1), (3, 4), (len(ENTRIES) - 1, 9), (len(ENTRIES), 9), (99, 9)]
    )
    def test_a_part_of_the_entries(self, full, after, limit):
        assert list(full.log.entries(after, limit)) == ENTRIES[after : after + limit]

    @pytest.mark.parametrize("seqs", [[], [0], [5, 2, 2, 9], range(len(ENTRIES)), [len(ENTRIES) - 1, 99]])
    def test_entries_at_some_places_come_in_the_order_of_the_log(self, full, seqs):
        assert list(full.log.at(seqs)) == [entry for entry in ENTRIES if entry.seq in set(seqs)]

    @pytest.mark.parametrize(
        ("start", "end"), [(0, 0), (0, 1), (3, 7), (0, len(ENTRIES)), (5, 3), (0, 99), (99, 100)]
    )
    def test_leaves(self, full, start, end):
        assert list(full.log.leaves(start, end)) == [entry.leaf for entry in ENTRIES[start:end]]

    def test_the_tail_is_what_gateways_get_of_the_entries(self, full):
        assert [(each.leaf, each.gate) for each in full.log.tail(2, 99)] == [
            (entry.leaf, entry.gate) for entry in ENTRIES[2:]
        ]
        assert any(entry.gate for entry in ENTRIES[2:])
        assert [each.leaf for each in full.log.tail(2, 5)] == [entry.leaf for entry in ENTRIES[2:7]]
        assert list(full.log.tail(len(ENTRIES), 5)) == []

    def test_plans_come_in_the_order_of_the_log(self, store):
        world = World.opened()
        world.apply(plan_value("secret", models=["gpt-6"]))
        Log(store).append(world.entries)
        expected = [entry.leaf for entry in world.entries if entry.type == "release.applied"]
        assert len(expected) == 2
        assert [entry.leaf for entry in store.log.plans()] == expected

    def test_the_plans_are_the_entries_that_put_one_in_force(self, full):
        expected = [entry for entry in ENTRIES if entry.type == "release.applied"]
        assert expected
        assert [entry.leaf for entry in full.log.plans()] == [entry.leaf for entry in expected]

    def test_the_head_has_the_size_and_its_checkpoint(self, store, full):
        assert store.log.head() == (store.log.size(), store.log.checkpoint())
        assert full.log.head() == (len(ENTRIES), full.log.checkpoint())

    def test_sealed_parts_of_each_entry(self, full):
        assert any(entry.sealed for entry in ENTRIES)
        for entry in ENTRIES:
            assert full.log.sealed([entry.seq]).get(entry.seq, {}) == entry.sealed
        assert full.log.sealed(range(len(ENTRIES) + 9)) == {
            entry.seq: entry.sealed for entry in ENTRIES if entry.sealed
        }
        assert full.log.sealed([len(ENTRIES)]) == full.log.sealed([]) == {}

    def test_nodes_lead_to_the_root_that_was_signed(self, full):
        verifier = checkpoint.parse_vkey(
            checkpoint.vkey(ORIGIN, private_key("log").public_key().public_bytes_raw())
        )
        head = checkpoint.open_checkpoint(full.log.checkpoint(), verifier)
        assert head.size == len(ENTRIES)
        assert merkle.root(head.size, full.log.nodes) == head.root

    @pytest.mark.parametrize(
        ("level", "index"), [(0, len(ENTRIES)), (1, len(ENTRIES) // 2), (9, 0), (0, 2**40)]
    )
    def test_a_node_that_is_not_complete_is_not_there(self, full, level, index):
        with pytest.raises(StoreUnusable, match=f"{level}/{index}"):
            full.log.nodes([(level, index)])

    def test_the_head_is_the_newest(self, store):
        log = Log(store)
        heads = [log.append([entry]) for entry in ENTRIES[:3]]
        assert store.log.checkpoint() == heads[-1]

    def test_a_command_is_remembered_with_what_was_asked(self, store):
        with store.write() as ports:
            ports.log.remember("cmd_1", DONE)
            ports.log.remember("cmd_2", PastCommand("sha256:" + "1" * 64, {}))
        with store.write() as ports:
            assert ports.log.done("cmd_1") == DONE
            assert ports.log.done("cmd_2") == PastCommand("sha256:" + "1" * 64, {})
            assert ports.log.done("cmd_3") is None
            assert ports.log.done("CMD_1") is None
