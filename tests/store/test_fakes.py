"""The fakes keep the contract: a test that uses one is a test of what a store does."""

from __future__ import annotations

import pytest

from sluicegate.ports import Ports, Store
from tests.fakes import Breaking, Broken, MemoryStore
from tests.store.contract import StoreContract
from tests.store.examples import ENTRIES, Log


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()


class TestBreaking(StoreContract):
    @pytest.fixture
    def store(self):
        return Breaking()

    @pytest.mark.parametrize(("breaks", "size"), [("before", 0), ("after", 4)])
    def test_a_write_breaks_before_or_after_it_was_done(self, breaks, size):
        store = Breaking()
        store.breaks = breaks
        with pytest.raises(Broken):
            Log(store).append(ENTRIES[:4])
        assert store.log.size() == size
        with store.write():
            pass


def test_the_fakes_implement_the_ports():
    store: Store = MemoryStore()
    with store.write() as opened:
        ports: Ports = opened
        assert ports.log.size() == store.log.size() == 0
