"""The courier over the fake store: order, back-off, the dead, and ends at every instant."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sluicegate.errors import StoreUnavailable
from sluicegate.ports import Letter, Subscription
from sluicegate.post.carrier import DeliveryFailure
from sluicegate.post.courier import BACK_OFF_MS, JITTER, Courier
from tests.clock import Clock
from tests.fakes import MemoryOutbox, MemorySession, MemoryStore
from tests.store.examples import AGENCY, APPLICANT, HOOK, MAIL, OTHER, letter
from tests.waiting import BOUND_S


@dataclass
class Scripted:
    """A carrier that fails as `fails` says, and keeps what it was given."""

    fails: Callable[[Letter], DeliveryFailure | None] = lambda _: None
    sent: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    at_once: int = 0
    most_at_once: int = 0
    closed: bool = False

    async def deliver(self, subscription: Subscription, letter: Letter) -> DeliveryFailure | None:
        self.sent.append(letter.message)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.gate is not None:
                await self.gate.wait()
            return self.fails(letter)
        finally:
            self.at_once -= 1

    async def close(self) -> None:
        self.closed = True


class ForgetfulOutbox(MemoryOutbox):
    """An outbox that cannot note what became of letters while `full`."""

    full = False

    def __init__(self, session: MemorySession) -> None:
        super().__init__(session)
        self.emptied = threading.Event()
        """Set when a letter is forgotten."""

    def delivered(self, message: str) -> None:
        if self.full:
            raise StoreUnavailable("the disk is full")
        super().delivered(message)
        self.emptied.set()


class Forgetful(MemoryStore):
    """A store with such an outbox."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox: ForgetfulOutbox = ForgetfulOutbox(self.session)


@pytest.fixture
def store() -> Forgetful:
    made = Forgetful()
    made.principals.add(b"\x01" * 32, AGENCY)
    made.principals.add(b"\x02" * 32, APPLICANT)
    with made.write() as ports:
        for subscription in (HOOK, MAIL, OTHER):
            ports.outbox.add_subscription(subscription)
    return made


def post(store: MemoryStore, *letters: Letter) -> None:
    with store.write() as ports:
        ports.outbox.post(letters)


def courier(store: MemoryStore, carrier: Scripted, clock: Clock | None = None, **changes) -> Courier:
    given = {"wall_ms": clock or Clock(0), "chance": lambda: 0.0, "max_sending": 8, **changes}
    return Courier(store.outbox, {"webhook": carrier, "email": carrier}, **given)


def settle(store: MemoryStore, carrier: Scripted, clock: Clock | None = None, **changes) -> None:
    async def main():
        await courier(store, carrier, clock, **changes).settle()

    asyncio.run(main())


def failing(*messages: str, gone: bool = False) -> Callable[[Letter], DeliveryFailure | None]:
    return lambda letter: DeliveryFailure("it answered 500", gone) if letter.message in messages else None


def test_what_is_due_is_delivered_in_order_and_forgotten(store):
    post(store, letter(1), letter(2), letter(3, OTHER), letter(4), letter(5, due_ms=1))
    carrier = Scripted()
    settle(store, carrier)
    assert [name for name in carrier.sent if name != "msg_3"] == ["msg_1", "msg_2", "msg_4"]
    assert "msg_3" in carrier.sent
    assert store.outbox.counts() == {"waiting": 1, "dead": 0}


def test_a_letter_that_fails_holds_up_its_case_alone(store):
    clock = Clock(0)
    carrier = Scripted(failing("msg_1"))
    post(store, letter(1), letter(2), letter(3, case="case_2"), letter(4, MAIL), letter(5, OTHER))
    settle(store, carrier, clock)
    assert sorted(carrier.sent) == ["msg_1", "msg_3", "msg_4", "msg_5"]
    carrier.fails = failing()
    clock.at_ms = BACK_OFF_MS[0]
    settle(store, carrier, clock)
    assert carrier.sent[-2:] == ["msg_1", "msg_2"]
    assert store.outbox.counts() == {"waiting": 0, "dead": 0}


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_it_waits_longer_after_each_failure_and_then_the_letter_is_dead(store, chance):
    clock, carrier = Clock(0), Scripted(failing("msg_1"))
    post(store, letter(1), letter(2))
    for attempt, least_ms in enumerate(BACK_OFF_MS):
        settle(store, carrier, clock, chance=lambda: chance)
        assert len(carrier.sent) == attempt + 1
        wait_ms = int(least_ms * (1 + JITTER * chance))
        assert store.outbox.next_due_ms(()) == clock.at_ms + wait_ms
        clock.at_ms += wait_ms - 1
        settle(store, carrier, clock, chance=lambda: chance)
        assert len(carrier.sent) == attempt + 1
        clock.at_ms += 1
    settle(store, carrier, clock)
    assert carrier.sent == ["msg_1"] * (len(BACK_OFF_MS) + 1) + ["msg_2"]
    ((_, dead),) = store.outbox.dead(AGENCY.id, 9)
    assert (dead.message, dead.attempts, dead.error) == ("msg_1", len(BACK_OFF_MS) + 1, "it answered 500")


@pytest.mark.parametrize(
    ("asked_ms", "waited_ms"),
    [(1, BACK_OFF_MS[0]), (90_000, 90_000), (10 * BACK_OFF_MS[-1], BACK_OFF_MS[-1])],
)
def test_it_waits_as_long_as_the_receiver_asks_but_not_for_ever(store, asked_ms, waited_ms):
    clock = Clock(0)
    carrier = Scripted(lambda _: DeliveryFailure("it answered 429", wait_ms=asked_ms))
    post(store, letter(1))
    settle(store, carrier, clock)
    assert store.outbox.next_due_ms(()) == waited_ms


def test_a_dead_letter_that_is_replayed_has_all_its_attempts_again(store):
    clock, carrier = Clock(0), Scripted(failing("msg_1"))
    post(store, letter(1))
    store.outbox.bury("msg_1", "no answer")
    with store.write() as ports:
        assert ports.outbox.replay(AGENCY.id, None, 0) == 1
    settle(store, carrier, clock)
    assert store.outbox.next_due_ms(()) == BACK_OFF_MS[0]


def test_a_receiver_that_is_gone_is_left_alone(store):
    post(store, letter(1), letter(2), letter(3, case="case_2"), letter(4, MAIL))
    carrier = Scripted(failing("msg_1", gone=True))
    settle(store, carrier)
    assert sorted(carrier.sent) == ["msg_1", "msg_4"]
    assert store.outbox.counts() == {"waiting": 0, "dead": 3}


def test_ended_between_delivery_and_note_it_is_sent_again_under_the_same_id(store):
    """The store keeps failing until the process is gone; the next process knows nothing."""
    post(store, letter(1), letter(2))
    carrier = Scripted()
    store.outbox.full = True
    with pytest.raises(StoreUnavailable):
        settle(store, carrier)
    assert carrier.sent == ["msg_1"]
    store.outbox.full = False
    settle(store, carrier)
    assert carrier.sent == ["msg_1", "msg_1", "msg_2"]


def test_what_could_not_be_noted_is_noted_later_and_not_sent_again(store):
    async def test():
        carrier = Scripted()
        made = courier(store, carrier)
        store.outbox.full = True
        with pytest.raises(StoreUnavailable):
            await made.settle()
        store.outbox.full = False
        await made.settle()
        return carrier.sent

    post(store, letter(1), letter(2))
    assert asyncio.run(test()) == ["msg_1", "msg_2"]
    assert store.outbox.counts() == {"waiting": 0, "dead": 0}


def test_a_surprise_is_one_letters_failure(store, caplog):
    def fails(letter: Letter) -> DeliveryFailure | None:
        if letter.message == "msg_1":
            raise ZeroDivisionError
        return None

    post(store, letter(1), letter(2, case="case_2"))
    settle(store, Scripted(fails))
    assert store.outbox.counts() == {"waiting": 1, "dead": 0}
    assert store.outbox.next_due_ms(()) == BACK_OFF_MS[0]
    assert "ZeroDivisionError" in caplog.text


def test_what_nothing_here_delivers_waits_and_dies(store):
    async def main():
        made = Courier(store.outbox, {}, wall_ms=Clock(0), chance=lambda: 0.0, max_sending=8)
        await made.settle()

    post(store, letter(1, MAIL))
    asyncio.run(main())
    assert store.outbox.counts() == {"waiting": 1, "dead": 0}


def test_one_letter_at_a_time_for_a_subscription_and_so_many_for_all(store):
    async def test(most: int):
        gate = asyncio.Event()
        carrier = Scripted(gate=gate)
        made = courier(store, carrier, max_sending=most)
        started = [await made.start_due() for _ in range(3)]
        await asyncio.sleep(0)
        begun = list(carrier.sent)
        gate.set()
        await made.close()
        return started, begun

    post(store, letter(1), letter(2, case="case_2"), letter(3, MAIL), letter(4, OTHER))
    assert asyncio.run(test(2)) == ([2, 0, 0], ["msg_1", "msg_3"])
    assert asyncio.run(test(9))[0] == [3, 0, 0]


def test_it_runs_until_it_is_ended_and_wakes_for_news(store):
    async def test():
        carrier = Scripted()
        made = courier(store, carrier)
        running = asyncio.create_task(made.run())
        for number in (1, 2):
            store.outbox.emptied.clear()
            await asyncio.to_thread(post, store, letter(number))
            await asyncio.to_thread(made.wake)
            assert await asyncio.to_thread(store.outbox.emptied.wait, BOUND_S)
        running.cancel()
        await asyncio.wait({running})
        await made.close()
        return carrier

    carrier = asyncio.run(test())
    assert carrier.sent == ["msg_1", "msg_2"]
    assert carrier.closed


def test_ended_while_it_delivers_it_lets_go_and_the_letter_waits(store):
    async def test():
        carrier = Scripted(gate=asyncio.Event())
        made = courier(store, carrier)
        await made.start_due()
        await asyncio.sleep(0)
        await made.close()
        return carrier.sent

    post(store, letter(1))
    assert asyncio.run(test()) == ["msg_1"]
    assert store.outbox.counts() == {"waiting": 1, "dead": 0}


def test_a_wake_after_the_end_is_no_mishap(store):
    async def main():
        return courier(store, Scripted())

    made = asyncio.run(main())
    made.wake()
