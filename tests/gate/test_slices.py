"""Many requests in flight are decided again some at a time, and none of them writes meanwhile."""

from __future__ import annotations

from hashlib import sha256

import pytest

from sluicegate.core.access.decision import Ask
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.gate.engine import SLICE, Engine, Flight
from tests.clock import Clock
from tests.gate.test_tail import Gateway
from tests.gate.world import MODEL, OTHER_MODEL, SURFACE, World, engine

MANY = 3 * SLICE


class Crowd:
    """An engine with requests in flight; half of them are for a model that is then suspended."""

    def __init__(self) -> None:
        self.world = World.with_release()
        key = self.world.customer()
        self.engine: Engine = engine(self.world, Clock())
        self.cut: list[Deny] = []
        models = [MODEL, OTHER_MODEL] * (MANY // 2)
        self.flights = [self._admitted(Ask(sha256(key.encode()).digest(), each, SURFACE)) for each in models]
        self.world.suspend("d-1", [MODEL])

    def _admitted(self, ask: Ask) -> Flight:
        flight = self.engine.admit(ask, self.cut.append)
        assert isinstance(flight, Flight)
        return flight

    def advance(self) -> None:
        self.engine.advance(self.world.take())


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


def test_they_are_decided_in_slices(crowd: Crowd) -> None:
    crowd.advance()
    assert 0 < len(crowd.cut) <= SLICE
    assert crowd.engine.redecide_more()
    assert len(crowd.cut) < MANY // 2
    assert not crowd.engine.redecide_more()
    assert len(crowd.cut) == MANY // 2
    assert crowd.engine.cut_by == {"d-1": MANY // 2}
    assert not crowd.engine.redecide_more()


def test_what_was_not_decided_yet_is_decided_before_it_writes(crowd: Crowd) -> None:
    crowd.advance()
    for flight in crowd.flights:
        deny = flight.check()
        assert (deny is not None) is (flight.ask.model == MODEL)
        assert deny is None or deny.reason is Reason.DIRECTIVE_IN_FORCE
    assert len(crowd.cut) == MANY // 2
    while crowd.engine.redecide_more():
        pass
    assert len(crowd.cut) == MANY // 2  # each once
    assert crowd.engine.cut_by == {"d-1": MANY // 2}


def test_what_has_ended_meanwhile_is_not_cut(crowd: Crowd) -> None:
    crowd.advance()
    count = len(crowd.cut)
    for flight in crowd.flights:
        crowd.engine.land(flight)
    while crowd.engine.redecide_more():
        pass
    assert len(crowd.cut) == count


def test_an_until_is_kept_until_the_new_ones_are_known(crowd: Crowd) -> None:
    crowd.advance()
    while crowd.engine.redecide_more():
        pass
    crowd.engine._note_until(5)
    crowd.engine.redecide_soon()
    crowd.engine.redecide_more()
    assert crowd.engine._until_ms == 5
    crowd.engine._note_until(4)
    while crowd.engine.redecide_more():
        pass
    assert crowd.engine._until_ms == 4


def test_nothing_is_acknowledged_before_all_were_decided(crowd: Crowd) -> None:
    gateway = Gateway()
    gateway.tail._engine = crowd.engine
    crowd.advance()
    gateway.tail.question(0)
    assert len(crowd.cut) == MANY // 2
