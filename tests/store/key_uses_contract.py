"""What is kept of the last uses of keys in every store."""

from __future__ import annotations

from sluicegate.ports import KeyDay
from tests.store.examples import Contract


class KeyUsesContract(Contract):
    def test_the_latest_use_of_each_key_is_kept(self, store):
        assert store.key_uses.last(["a", "b"]) == {}
        store.key_uses.note(["a", "b"], 5)
        store.key_uses.note(["a"], 7)
        store.key_uses.note(["b"], 3)
        assert store.key_uses.last(["a", "b", "c"]) == {"a": 7, "b": 5}
        assert store.key_uses.last(["b"]) == {"b": 5}

    def test_counts_of_a_day_add_up_and_old_ones_are_forgotten_some_at_a_time(self, store):
        store.key_uses.count([KeyDay("a", 1, 5, 0), KeyDay("a", 2, 1, 1), KeyDay("b", 2, 0, 3)])
        store.key_uses.count([KeyDay("a", 2, 2, 1)])
        assert store.key_uses.days(["a", "c"], 0) == [KeyDay("a", 1, 5, 0), KeyDay("a", 2, 3, 2)]
        assert store.key_uses.days(["a", "b"], 2) == [KeyDay("a", 2, 3, 2), KeyDay("b", 2, 0, 3)]
        store.key_uses.forget_days(3, 2)
        assert len(store.key_uses.days(["a", "b"], 0)) == 1
        store.key_uses.forget_days(2, 2)
        assert len(store.key_uses.days(["a", "b"], 0)) == 1

    def test_counts_are_kept_by_model(self, store):
        store.key_uses.count([KeyDay("a", 1, 5, 0, "n"), KeyDay("a", 1, 1, 1), KeyDay("a", 1, 0, 2, "m")])
        store.key_uses.count([KeyDay("a", 1, 1, 1, "n")])
        kept = [KeyDay("a", 1, 1, 1), KeyDay("a", 1, 0, 2, "m"), KeyDay("a", 1, 6, 1, "n")]
        assert store.key_uses.days(["a"], 0) == kept

    def test_of_no_key_nothing_is_asked_or_noted(self, store):
        store.key_uses.note([], 5)
        assert store.key_uses.last([]) == {}
        store.key_uses.count([])
        assert store.key_uses.days([], 0) == []
