from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sluicegate.core import events, merkle
from sluicegate.core.events import Entry
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import StoreUnavailable, VerificationFailed
from sluicegate.ports import Incarnation
from sluicegate.service import directives
from sluicegate.service.fleet import CONFIRM_EVERY_MS, FORGET_AFTER_MS, HISTORY_MAX
from tests.fakes import Breaking, Broken
from tests.plane import Plane, yes
from tests.worlds import AT_MS, plan_value

LEASE_MS = 5_000
ENDS_MS = 5_005
"""When a lease of `LEASE_MS` has surely ended: a thousandth later, for the gateway's clock."""


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened(plan_value(leaseMs=LEASE_MS))
    return plane


def row(plane: Plane, gateway: str = "gateway-1", name: str = "d-1") -> Any:
    status: Any = plane.fleet.directive_status(name)
    (found,) = [row for row in status["gateways"] if row["gateway"] == gateway]
    return found


def in_force(plane: Plane, name: str = "d-1") -> bool:
    status = plane.fleet.directive_status(name)
    assert not isinstance(status, Refusal)
    return bool(status["inForce"])


# Answers


def test_an_answer_is_the_rest_of_the_log_with_a_lease(plane):
    answer = plane.ask(0)
    assert [entry.seq for entry in answer.entries] == list(range(plane.size))
    assert (answer.size, answer.root) == (plane.size, plane.ledger.root(plane.size))
    assert answer.lease_ms == LEASE_MS
    assert answer.control_ms == AT_MS
    rest = plane.ask(plane.size - 2)
    assert [entry.seq for entry in rest.entries] == [plane.size - 2, plane.size - 1]


def test_the_lease_is_the_smallest_of_the_plans_in_force(plane):
    plane.apply(plan_value("other", models=["m"], leaseMs=700))
    assert plane.ask(0).lease_ms == 700


def test_a_part_of_the_log_carries_no_lease():
    plane = Plane(max_entries=4)
    after = 0
    while True:
        answer = plane.ask(after)
        assert len(answer.entries) <= 4
        assert (answer.lease_ms == 0) is (answer.size < plane.size)
        assert answer.root == plane.ledger.root(answer.size)
        after = answer.size
        if answer.lease_ms:
            break
    assert after == plane.size


def test_what_comes_while_the_question_waits_is_in_the_answer(plane):
    poll = plane.poll(plane.size)
    plane.fleet.heard(poll)
    plane.direct("d-1")
    assert [entry.type for entry in plane.opened_answer(poll).entries] == [events.DIRECTIVE_ISSUED]


def test_the_time_of_an_answer_is_the_logs(plane):
    plane.wall.at_ms -= 60_000
    assert plane.ask(0).control_ms == AT_MS


def test_a_gateway_that_has_more_than_there_is_is_told_that_the_log_goes_back(plane):
    with pytest.raises(VerificationFailed, match="goes back"):
        plane.fleet.heard(plane.poll(plane.size + 1))
    plane.direct("d-1")
    assert in_force(plane)
    assert plane.fleet.gateways() == []


def test_a_gateway_that_has_more_than_this_process_has_followed_is_followed(plane):
    """Another process on the same log has answered it before; this one would refuse it for good."""
    other = Plane(plane.store)
    plane.direct("d-1")
    assert other.size == plane.size - 1
    other.fleet.heard(other.poll(plane.size))
    assert other.size == plane.size
    assert in_force(other)


# Age


def test_the_age_counts_from_before_the_last_write(plane):
    assert plane.ask(0).age_ms == 1
    plane.boot.at_ms += CONFIRM_EVERY_MS - 1
    assert plane.ask(0).age_ms == CONFIRM_EVERY_MS
    plane.boot.at_ms += 1
    assert plane.ask(0).age_ms == 1
    assert plane.store.confirmed == 2


class Slow(Breaking):
    """A store whose confirmation takes its time, or fails."""

    def __init__(self) -> None:
        super().__init__()
        self.confirming: Callable[[], None] = lambda: None

    def confirm(self) -> None:
        self.confirming()
        super().confirm()


def test_the_age_counts_from_when_the_write_was_begun():
    store = Slow()
    plane = Plane(store)

    def slowly() -> None:
        plane.boot.at_ms += 3_000

    store.confirming = slowly
    assert plane.ask(0).age_ms == 3_001


def test_who_cannot_write_gives_no_lease():
    store = Slow()
    plane = Plane(store)
    plane.ask(0)
    plane.boot.at_ms += CONFIRM_EVERY_MS

    def failing() -> None:
        raise Broken

    store.confirming = failing
    plane.fleet.heard(plane.poll(plane.size))
    with pytest.raises(StoreUnavailable):
        plane.fleet.answer(plane.poll(plane.size))


def test_what_was_committed_and_not_followed_is_followed_before_a_lease_is_given(plane):
    """A directive whose fate was unknown is in the next answer, though nobody sends it again."""
    plane.store.breaks = "after"
    with pytest.raises(StoreUnavailable):
        plane.direct("d-1")
    plane.boot.at_ms += CONFIRM_EVERY_MS
    answer = plane.ask(0)
    assert answer.entries[-1].type == events.DIRECTIVE_ISSUED
    assert answer.lease_ms == LEASE_MS


# Registration


def test_an_incarnation_is_registered_before_its_first_lease(plane):
    plane.fleet.heard(plane.poll(0))
    assert list(plane.store.incarnations()) == [Incarnation("gateway-1", "gateway-1-run-1", "api")]


def test_an_incarnation_that_cannot_be_registered_gets_no_lease():
    class Full(Breaking):
        def register(self, incarnation: Incarnation) -> None:
            raise Broken

    plane = Plane(Full())
    with pytest.raises(StoreUnavailable):
        plane.fleet.heard(plane.poll(0))
    assert plane.fleet.gateways() == []


def test_each_run_is_an_incarnation_of_its_own(plane):
    plane.ask(0)
    plane.ask(0, incarnation="gateway-1-run-2")
    plane.ask(0, "gateway-2", surface="codex")
    assert [(row["gateway"], row["incarnation"], row["surface"]) for row in plane.fleet.gateways()] == [
        ("gateway-1", "gateway-1-run-1", "api"),
        ("gateway-1", "gateway-1-run-2", "api"),
        ("gateway-2", "gateway-2-run-1", "codex"),
    ]


def test_gateways_tell_what_they_have_and_how_long_they_may_go_on(plane):
    plane.ask(0)
    plane.boot.at_ms += 1_000
    (found,) = plane.fleet.gateways()
    assert (found["size"], found["leaseMs"]) == (0, ENDS_MS - 1_000)
    plane.ask(plane.size)
    assert plane.fleet.gateways()[0]["size"] == plane.size
    plane.boot.at_ms += 60_000
    assert plane.fleet.gateways()[0]["leaseMs"] == 0


# In force


def test_without_gateways_a_directive_is_in_force_everywhere(plane):
    plane.direct("d-1")
    assert in_force(plane)


def test_a_gateway_that_acknowledges_has_it_in_force(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    assert (row(plane)["state"], in_force(plane)) == ("waiting", False)
    plane.fleet.heard(plane.poll(plane.size - 1))
    assert row(plane)["state"] == "waiting"
    plane.wall.at_ms += 5
    plane.fleet.heard(plane.poll(plane.size, cut={"d-1": 3, "other": 5}))
    found = row(plane)
    assert (found["state"], found["size"], found["streamsCut"]) == ("acknowledged", plane.size, 3)
    assert found["at"] == events.format_time(AT_MS + 5)
    assert in_force(plane)


def test_being_sent_is_not_acknowledging(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    answer = plane.ask(plane.size - 1)
    assert answer.entries[-1].type == events.DIRECTIVE_ISSUED
    assert (row(plane)["state"], in_force(plane)) == ("waiting", False)


def test_a_later_acknowledgement_holds_for_everything_before(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.direct("d-2")
    plane.fleet.heard(plane.poll(plane.size))
    assert in_force(plane, "d-1")
    assert in_force(plane, "d-2")
    assert row(plane, name="d-1")["at"] == row(plane, name="d-2")["at"]


def test_the_time_of_an_acknowledgement_is_the_first(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    for later in range(HISTORY_MAX + 5):  # polls without news crowd nothing out
        plane.wall.at_ms = AT_MS + later
        plane.fleet.heard(plane.poll(plane.size))
    assert row(plane)["at"] == events.format_time(AT_MS)


def test_who_is_silent_is_counted_out_when_its_lease_has_surely_ended(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.boot.at_ms += ENDS_MS - 1
    assert (row(plane)["state"], in_force(plane)) == ("waiting", False)
    plane.boot.at_ms += 1
    assert (row(plane)["state"], in_force(plane)) == ("counted_out", True)
    assert row(plane)["at"] is None


def test_it_is_in_force_only_where_it_is_in_force_everywhere(plane):
    plane.ask(plane.size)
    plane.ask(plane.size, "gateway-2")
    plane.direct("d-1")
    plane.fleet.heard(plane.poll(plane.size))
    assert not in_force(plane)
    assert [row(plane, name)["state"] for name in ("gateway-1", "gateway-2")] == ["acknowledged", "waiting"]
    plane.fleet.heard(plane.poll(plane.size, "gateway-2"))
    assert in_force(plane)


def test_a_lease_that_came_with_the_directive_does_not_count_against_it(plane):
    """Such a lease is trusted only after the directive was applied; what came before has to end."""
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.boot.at_ms += 3_000
    plane.ask(plane.size - 1)  # a new lease, together with the directive, and silence
    plane.boot.at_ms += 2_006
    assert row(plane)["state"] == "counted_out"


def test_an_older_lease_that_ends_later_counts(plane):
    """A plan with a shorter lease does not shorten those that were given."""
    plane.apply(plan_value(leaseMs=60_000))
    plane.ask(plane.size)
    plane.apply(plan_value(leaseMs=500))
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.boot.at_ms += 10_000
    assert row(plane)["state"] == "waiting"
    plane.boot.at_ms += 50_060
    assert row(plane)["state"] == "counted_out"


def test_a_gateway_without_a_lease_is_counted_out_at_once():
    plane = Plane(max_entries=4)
    plane.opened()
    plane.ask(0)
    plane.direct("d-1")
    assert row(plane)["state"] == "counted_out"


def test_a_directive_that_was_lifted_is_not_in_force(plane):
    plane.direct("d-1")
    case = yes(directives.open_lift(plane.ledger, plane.who["oncd"], plane.id(), "d-1"))
    plane.say(case["case"], "oncd")
    status: Any = plane.fleet.directive_status("d-1")
    assert (status["inForce"], status["lifted"]) == (False, True)


def test_an_unknown_directive_has_no_status(plane):
    refused = plane.fleet.directive_status("none")
    assert isinstance(refused, Refusal)
    assert refused.code == "directive_unknown"


# The race between a lease and a directive


class Interleaved(Breaking):
    """Something happens while an answer reads its entries."""

    def __init__(self) -> None:
        super().__init__()
        self.reading: Callable[[], None] | None = None

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        reading, self.reading = self.reading, None
        if reading is not None:
            reading()
        return super().entries(after, limit)


def test_a_lease_that_is_being_given_without_a_directive_holds_its_being_in_force_up():
    """The answer was begun before the directive was committed and is sent after."""
    store = Interleaved()
    plane = Plane(store)
    plane.opened()
    plane.ask(plane.size)
    plane.boot.at_ms += 60_000
    poll = plane.poll(plane.size)
    plane.fleet.heard(poll)
    states: list[str] = []

    def directed_meanwhile() -> None:
        plane.direct("d-1")
        states.append(row(plane)["state"])

    plane.fleet._confirm()  # just now: the answer goes on to its lease and its entries
    store.reading = directed_meanwhile
    answer = plane.opened_answer(poll)
    assert answer.entries == []
    assert answer.lease_ms
    assert states == ["waiting"]
    assert not in_force(plane)


# Starting again


def test_after_a_restart_every_known_incarnation_is_waited_for(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.restart()
    assert (row(plane)["state"], in_force(plane)) == ("waiting", False)
    plane.boot.at_ms += ENDS_MS
    assert (row(plane)["state"], in_force(plane)) == ("counted_out", True)


def test_after_a_restart_an_acknowledgement_counts(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.restart()
    plane.fleet.heard(plane.poll(plane.size))
    assert in_force(plane)


def test_after_a_restart_the_longest_lease_that_was_ever_given_is_waited_for(plane):
    """Who was given a minute before the plan was shortened may still be in it."""
    plane.apply(plan_value(leaseMs=60_000))
    plane.ask(plane.size)
    plane.apply(plan_value(leaseMs=500))
    plane.direct("d-1")
    plane.restart()
    plane.boot.at_ms += 59_000
    assert not in_force(plane)
    plane.boot.at_ms += 1_060
    assert in_force(plane)


def test_a_log_without_plans_gives_leases_too_and_they_are_waited_for():
    plane = Plane()
    assert plane.ask(0).lease_ms == 5_000
    plane.opened(plan_value(leaseMs=500))
    plane.direct("d-1")
    plane.restart()
    plane.boot.at_ms += 4_900
    assert not in_force(plane)


# Forgetting


def test_an_incarnation_long_gone_is_forgotten_durably(plane):
    plane.ask(plane.size)
    plane.boot.at_ms += ENDS_MS + FORGET_AFTER_MS
    plane.ask(plane.size, "gateway-2")
    assert [row["gateway"] for row in plane.fleet.gateways()] == ["gateway-1", "gateway-2"]
    plane.boot.at_ms += 1
    plane.ask(plane.size, "gateway-2")
    assert [row["gateway"] for row in plane.fleet.gateways()] == ["gateway-2"]
    assert [known.gateway for known in plane.store.incarnations()] == ["gateway-2"]


def test_who_comes_back_after_being_forgotten_is_registered_again(plane):
    plane.ask(plane.size)
    plane.boot.at_ms += 2 * FORGET_AFTER_MS
    plane.ask(plane.size, "gateway-2")
    plane.ask(plane.size)
    assert sorted(known.gateway for known in plane.store.incarnations()) == ["gateway-1", "gateway-2"]


def test_who_has_just_been_heard_of_is_not_forgotten_before_its_first_lease(plane):
    """It may be waiting for its answer, or be reading a large log in parts."""
    first = plane.poll(0)
    plane.fleet.heard(first)
    plane.ask(0, "gateway-2")
    assert [known.gateway for known in plane.store.incarnations()] == ["gateway-1", "gateway-2"]
    assert plane.opened_answer(first).lease_ms
    plane.restart()
    plane.direct("d-1")
    assert not in_force(plane)


def test_the_root_of_an_answer_is_of_exactly_its_entries():
    plane = Plane(max_entries=3)
    frontier = merkle.Frontier()
    while frontier.size < plane.size:
        answer = plane.ask(frontier.size)
        for entry in answer.entries:
            frontier.append(merkle.leaf_hash(entry.leaf))
        assert answer.root == frontier.root()
