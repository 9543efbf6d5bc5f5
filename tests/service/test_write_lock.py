from __future__ import annotations

import threading
from functools import partial

import pytest

from sluicegate.service.write_lock import WriteLock
from tests.waiting import BOUND_S, eventually


def _grown(lock: WriteLock, waiting: int) -> bool:
    return lock.waiting() > waiting


def test_who_waits_in_the_first_queue_goes_before_all_others_and_each_queue_in_order() -> None:
    lock, order, threads = WriteLock(), list[str](), list[threading.Thread]()

    def take(name: str, *, first: bool) -> None:
        with lock.hold(first=first):
            order.append(name)

    with lock.hold():
        for name in ("a", "b", "first 1", "c", "first 2"):
            waiting = lock.waiting()
            threads.append(
                threading.Thread(target=take, args=(name,), kwargs={"first": name.startswith("first")})
            )
            threads[-1].start()
            eventually(partial(_grown, lock, waiting))
        assert order == []
    for thread in threads:
        thread.join(BOUND_S)
    assert order == ["first 1", "first 2", "a", "b", "c"]
    assert lock.waiting() == 0


def test_who_takes_it_again_and_again_keeps_no_one_out() -> None:
    lock, over = WriteLock(), threading.Event()

    def take() -> None:
        with lock.hold():
            over.set()

    other = threading.Thread(target=take)
    with lock.hold():
        other.start()
        eventually(lambda: lock.waiting() == 1)
    with lock.hold():
        assert over.is_set()
    other.join(BOUND_S)


def test_the_holder_may_take_it_again_and_an_error_gives_it_back() -> None:
    lock, taken = WriteLock(), threading.Event()
    with pytest.raises(ZeroDivisionError), lock.hold(), lock.hold(first=True):
        raise ZeroDivisionError

    def take() -> None:
        with lock.hold():
            taken.set()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(BOUND_S)
    assert taken.is_set()
