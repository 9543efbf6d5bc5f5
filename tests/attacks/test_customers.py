"""A customer whose own lists are long, or who keeps writing: the fleet does not wait for either."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sluicegate.acts import members
from sluicegate.acts.members import ROWS_MAX
from sluicegate.core.access.coverage import Held
from sluicegate.core.access.table import Table
from sluicegate.core.lifecycle import State
from sluicegate.core.people.members import PART_ROWS
from sluicegate.service import counting
from sluicegate.service.context import Services
from sluicegate.service.ledger import Ledger
from tests.plane import yes
from tests.service.test_persons import Staffed, row
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
    rows = [row(f"someone {n}") for n in range(ROWS_MAX)]
    yes(plane.do("applicant", members.REGISTER, grant=plane.grant, rows=rows))
    ledger = Counting(
        plane.store,
        private_key("log"),
        ORIGIN,
        wall_ms=plane.wall,
        boot_ms=plane.boot,
        random=plane.random,
    )
    plane.services = Services.over(ledger, plane.fleet)
    page = yes(plane.do("applicant", members.LIST, grant=plane.grant))
    found = list(page.members)
    while page.next is not None:
        page = yes(plane.do("applicant", members.LIST, grant=plane.grant, before=page.next))
        found += page.members
    assert [each.identifiers for each in found[1:]] == [each.identifiers for each in rows]
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
