"""What a key signed, and what stops without it: worked out beside the writer, at a pace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sluicegate.acts import keys
from sluicegate.errors import Overloaded
from sluicegate.pace import Pace
from sluicegate.service.replays import Replays
from tests.plane import Plane, yes
from tests.worlds import STAGE, keyid


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


def test_it_names_the_grants_and_terms_that_rest_on_a_key(plane: Plane) -> None:
    grant = plane.admit()
    found = yes(plane.do("oncd", keys.EFFECTS, keyid=keyid("oncd"), since=0))
    assert (found.grants, found.terms, found.count) == ((grant,), (f"gpt-5.6/{STAGE}",), 2)
    assert found.pinned == ()
    later = yes(plane.do("oncd", keys.EFFECTS, keyid=keyid("oncd"), since=plane.size))
    assert (later.grants, later.terms, later.count) == ((), (), 0)


def test_who_asks_again_and_again_waits(plane: Plane) -> None:
    clock = [0.0]
    plane.services = replace(plane.services, replays=Replays(pace=Pace(1, 3, lambda: clock[0])))
    for _ in range(3):
        yes(plane.do("oncd", keys.EFFECTS, keyid=keyid("oncd")))
    with pytest.raises(Overloaded):
        plane.do("oncd", keys.EFFECTS, keyid=keyid("oncd"))
    yes(plane.do("ostp", keys.EFFECTS, keyid=keyid("ostp")))
    clock[0] += 1_000
    yes(plane.do("oncd", keys.EFFECTS, keyid=keyid("oncd")))
