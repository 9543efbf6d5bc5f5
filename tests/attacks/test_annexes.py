"""Lists of a hundred thousand names: nobody waits for them longer than they must."""

from __future__ import annotations

import threading

from sluicegate.core.people import legal_names
from sluicegate.service import directives
from sluicegate.service.ledger import Ledger
from sluicegate_record.directives.names import ANNEX
from tests import worlds
from tests.fakes import MemoryStore
from tests.waiting import BOUND_S
from tests.worlds import AT_MS, ORIGIN, private_key


class Watched(Ledger):
    """A ledger that looks, whenever a name is made a tag, whether gateways could be answered meanwhile."""

    def tags(self, name: str) -> tuple[str, ...]:
        other = threading.Thread(target=self.size, daemon=True)
        other.start()
        other.join(BOUND_S)
        assert not other.is_alive(), "the state is held"
        return super().tags(name)


def test_names_become_tags_while_the_fleet_goes_on() -> None:
    ledger = Watched(
        MemoryStore(), private_key("log"), ORIGIN, wall_ms=lambda: AT_MS, boot_ms=lambda: 0.0, random=bytes
    )
    ledger.execute(worlds.start(vkey=ledger.vkey()), by="log", command_id="start")
    given = {ANNEX + "a": {"organizations": ["Example Utility"]}}
    found = directives.resolve(ledger, given, lambda _, __: False)
    assert isinstance(found, directives.Resolved)
    key = legal_names.tag_key(private_key("log"))
    assert found.named[ANNEX + "a"].names == [*legal_names.tags(key, "EXAMPLE  utility")]
