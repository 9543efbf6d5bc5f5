from __future__ import annotations

import threading
from functools import partial

import pytest

from sluicegate.service.lanes import Lanes
from tests.waiting import BOUND_S, eventually


def _grown(lanes: Lanes, waiting: int) -> bool:
    return lanes.waiting() > waiting


def test_who_waits_in_the_first_lane_goes_before_all_others_and_each_lane_in_order() -> None:
    lanes, order, threads = Lanes(), list[str](), list[threading.Thread]()

    def take(name: str, *, first: bool) -> None:
        with lanes.hold(first=first):
            order.append(name)

    with lanes.hold():
        for name in ("a", "b", "first 1", "c", "first 2"):
            waiting = lanes.waiting()
            threads.append(
                threading.Thread(target=take, args=(name,), kwargs={"first": name.startswith("first")})
            )
            threads[-1].start()
            eventually(partial(_grown, lanes, waiting))
        assert order == []
    for thread in threads:
        thread.join(BOUND_S)
    assert order == ["first 1", "first 2", "a", "b", "c"]
    assert lanes.waiting() == 0


def test_who_takes_it_again_and_again_keeps_no_one_out() -> None:
    lanes, over = Lanes(), threading.Event()

    def take() -> None:
        with lanes.hold():
            over.set()

    other = threading.Thread(target=take)
    with lanes.hold():
        other.start()
        eventually(lambda: lanes.waiting() == 1)
    with lanes.hold():
        assert over.is_set()
    other.join(BOUND_S)


def test_the_holder_may_take_it_again_and_an_error_gives_it_back() -> None:
    lanes, taken = Lanes(), threading.Event()
    with pytest.raises(ZeroDivisionError), lanes.hold(), lanes.hold(first=True):
        raise ZeroDivisionError

    def take() -> None:
        with lanes.hold():
            taken.set()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(BOUND_S)
    assert taken.is_set()
