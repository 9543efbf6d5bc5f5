"""What is known of gateways in every store."""

from __future__ import annotations

from sluicegate.ports import Incarnation
from tests.store.examples import GATEWAY, Contract


class FleetContract(Contract):
    def test_incarnations_are_registered_until_they_retire(self, store):
        other = Incarnation("gateway-1", "incarnation-2", "codex", bytes(range(32)))
        store.fleet.register(GATEWAY)
        store.fleet.register(other)
        store.fleet.register(GATEWAY)
        assert sorted(store.fleet.incarnations(), key=repr) == [GATEWAY, other]
        store.fleet.retire(GATEWAY)
        store.fleet.retire(GATEWAY)
        assert list(store.fleet.incarnations()) == [other]
