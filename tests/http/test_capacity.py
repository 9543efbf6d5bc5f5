"""Who goes when there are too many connections: never one whose request is being answered."""

from __future__ import annotations

import pytest

from sluicegate.http.capacity import Capacity, address_key
from sluicegate.pace import CALLERS_MAX, Pace
from tests.clock import Clock


class Fake:
    def __init__(self, address: str = "a", *, is_holder: bool = False) -> None:
        self.address = address
        self.is_holder = is_holder
        self.evicted = False

    def evict(self) -> None:
        self.evicted = True

    def stop(self) -> None:
        raise AssertionError

    reset = stop


def full(*members: Fake, most: int = 3, most_of_address: int = 99) -> Capacity:
    """A capacity in which these are idle, the first one for the longest time."""
    capacity = Capacity(most, most_of_address)
    for each in members:
        assert capacity.admit(each)
    return capacity


def evicted(*members: Fake) -> list[bool]:
    return [each.evicted for each in members]


def test_the_stranger_that_has_been_idle_longest_makes_room():
    holder, first, second = Fake(is_holder=True), Fake(), Fake()
    capacity = full(holder, first, second)
    assert capacity.admit(Fake())
    assert evicted(holder, first, second) == [False, True, False]
    assert len(capacity) == 3


def test_an_idle_holder_goes_when_no_stranger_is_idle():
    holder, stranger, other = Fake(is_holder=True), Fake(), Fake()
    capacity = full(holder, stranger, other)
    capacity.busy(stranger)
    capacity.busy(other)
    assert capacity.admit(Fake())
    assert evicted(holder, stranger, other) == [True, False, False]


def test_if_all_are_busy_the_newcomer_is_turned_away():
    members = [Fake(), Fake(), Fake(is_holder=True)]
    capacity = full(*members)
    for each in members:
        capacity.busy(each)
    newcomer = Fake()
    assert not capacity.admit(newcomer)
    assert (len(capacity), evicted(*members, newcomer)) == (3, [False] * 4)
    capacity.leave(newcomer)  # as every connection that is lost
    assert len(capacity) == 3


def test_a_stranger_who_leaves_answers_unread_makes_room_first_also_while_it_is_answered():
    """Else one that asks for long answers and reads none would hold its place for as long as it likes."""
    idle, hoarding, holder = Fake(), Fake(), Fake(is_holder=True)
    capacity = full(idle, hoarding, holder)
    for each in (hoarding, holder):
        capacity.busy(each)
        capacity.unread(each)
    assert capacity.admit(Fake())
    assert evicted(idle, hoarding, holder) == [False, True, False]
    assert capacity.admit(Fake())
    assert evicted(idle, hoarding, holder) == [True, True, False]


def test_one_that_has_read_everything_keeps_its_place():
    first, second = Fake(), Fake()
    capacity = full(first, second, most=2)
    capacity.unread(second)
    capacity.read(second)
    assert capacity.admit(Fake())
    assert evicted(first, second) == [True, False]


def test_one_that_becomes_idle_again_is_the_last_to_go():
    first, second, third = Fake(), Fake(), Fake()
    capacity = full(first, second, third)
    capacity.busy(first)
    capacity.idle(first)
    assert capacity.admit(Fake())
    assert evicted(first, second, third) == [False, True, False]


def test_one_that_shows_a_token_meanwhile_is_a_holder_from_then_on():
    first, second, third = Fake(), Fake(), Fake()
    capacity = full(first, second, third)
    capacity.busy(first)
    first.is_holder = True
    capacity.idle(first)
    assert capacity.admit(Fake())
    assert capacity.admit(Fake())
    assert evicted(first, second, third) == [False, True, True]


def test_an_address_that_has_all_it_may_have_makes_room_itself():
    other, first, holder = Fake("b"), Fake("a"), Fake("a", is_holder=True)
    capacity = full(other, first, holder, most=99, most_of_address=2)
    assert capacity.admit(Fake("a"))
    assert evicted(other, first, holder) == [False, True, False]


def test_an_address_whose_connections_are_all_busy_gets_no_more_and_others_do():
    first, second = Fake("a"), Fake("a")
    capacity = full(first, second, most=99, most_of_address=2)
    capacity.busy(first)
    capacity.busy(second)
    assert not capacity.admit(Fake("a"))
    assert capacity.admit(Fake("b"))


def test_who_stands_in_front_has_no_limit_of_its_own():
    capacity = full(*(Fake("") for _ in range(5)), most=99, most_of_address=2)
    assert len(capacity) == 5


def test_one_that_is_gone_is_counted_no_more():
    first, second = Fake(), Fake()
    capacity = full(first, second, most_of_address=2)
    capacity.leave(first)
    capacity.leave(first)
    assert capacity.admit(Fake())
    assert evicted(first, second) == [False, False]


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("not an address", "not an address"),
    ],
)
def test_one_address_is_what_one_customer_has(host: str, key: str):
    assert address_key(host) == key


def test_an_address_may_ask_in_a_burst_and_then_at_its_pace():
    clock = Clock()
    pace = Pace(10, 3, clock)
    assert [pace.wait_ms("a") for _ in range(3)] == [0, 0, 0]
    assert pace.wait_ms("a") == 100
    assert pace.wait_ms("a") == 100  # what was refused is not counted
    assert pace.wait_ms("b") == 0
    clock.at_ms += 100
    assert pace.wait_ms("a") == 0
    assert pace.wait_ms("a") == 100
    clock.at_ms += 10_000
    assert [pace.wait_ms("a") for _ in range(4)] == [0, 0, 0, 100]


def test_no_number_of_addresses_takes_all_memory():
    pace = Pace(10, 1, Clock())
    pace.wait_ms("first")
    for number in range(CALLERS_MAX):
        pace.wait_ms(f"{number}")
    assert len(pace._over_ms) == CALLERS_MAX
    assert pace.wait_ms("first") == 0
    assert pace.wait_ms(f"{CALLERS_MAX - 1}") > 0
