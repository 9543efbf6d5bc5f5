"""What is kept of the last uses of keys in every store."""

from __future__ import annotations

from tests.store.examples import Contract


class KeyUsesContract(Contract):
    def test_the_latest_use_of_each_key_is_kept(self, store):
        assert store.key_uses.last(["a", "b"]) == {}
        store.key_uses.note(["a", "b"], 5)
        store.key_uses.note(["a"], 7)
        store.key_uses.note(["b"], 3)
        assert store.key_uses.last(["a", "b", "c"]) == {"a": 7, "b": 5}
        assert store.key_uses.last(["b"]) == {"b": 5}

    def test_of_no_key_nothing_is_asked_or_noted(self, store):
        store.key_uses.note([], 5)
        assert store.key_uses.last([]) == {}
