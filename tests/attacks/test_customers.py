"""A customer whose own lists are long, or who keeps writing: the fleet does not wait for either."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sluicegate.core.access.coverage import Held
from sluicegate.core.access.table import Table
from sluicegate.core.lifecycle import State
from sluicegate.core.lifecycle.persons import ROWS_MAX
from sluicegate.core.people.members import PART_ROWS
from sluicegate.core.people.persons import identifier
from sluicegate.service import counting, persons
from sluicegate.service.ledger import Ledger
from tests.plane import yes
from tests.service.test_persons import Staffed
from tests.waiting import BOUND_S
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
    ledger = Counting(
        plane.store,
        private_key("log"),
        ORIGIN,
        wall_ms=plane.wall,
        boot_ms=plane.boot,
        random=plane.random,
    )
    found = yes(persons.listed(ledger, plane.who["applicant"], plane.grant))["members"]
    assert [each["identifiers"] for each in found[1:]] == [row["identifiers"] for row in rows]
    assert ledger.held >= 2 + ROWS_MAX // PART_ROWS


def test_who_keeps_writing_makes_nobody_wait_for_a_count() -> None:
    plane = Staffed()
    answered = []

    def count(_: Table, __: Held) -> int:
        plane.register("rival", plane.rivals, f"person-{plane.size}")
        gateway = threading.Thread(target=plane.ledger.size, daemon=True)
        gateway.start()
        gateway.join(BOUND_S)
        answered.append(not gateway.is_alive())
        return len(answered)

    assert counting.settled(plane.ledger, count) == counting.TRIES
    assert answered == [True] * counting.TRIES
