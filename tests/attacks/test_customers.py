"""A customer whose own lists are long: nobody else waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sluicegate.core.lifecycle import State
from sluicegate.core.lifecycle.persons import PART_ROWS, ROWS_MAX
from sluicegate.core.persons import identifier
from sluicegate.service import persons
from sluicegate.service.ledger import Ledger
from tests.plane import yes
from tests.service.test_persons import Staffed
from tests.worlds import ORIGIN, private_key


class Counting(Ledger):
    """A ledger that counts how often its state was held."""

    held = 0

    @contextmanager
    def reading(self) -> Iterator[State]:
        self.held += 1
        with super().reading() as state:
            yield state


def test_a_long_list_of_members_is_not_made_in_one_breath() -> None:
    plane = Staffed()
    rows = [{"identifiers": [identifier(f"someone {n}").hex()]} for n in range(ROWS_MAX)]
    yes(persons.register(plane.ledger, plane.who["applicant"], plane.id(), plane.grant, {"rows": rows}))
    ledger = Counting(plane.store, private_key("log"), ORIGIN, wall_ms=plane.wall, random=plane.random)
    found = yes(persons.listed(ledger, plane.who["applicant"], plane.grant))["members"]
    assert [each["identifiers"] for each in found[1:]] == [row["identifiers"] for row in rows]
    assert ledger.held >= 2 + ROWS_MAX // PART_ROWS
