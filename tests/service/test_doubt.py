"""A control plane whose clock is in doubt after a start of its machine enters nothing at a wrong time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sluicegate.acts import credentials, grants
from sluicegate.errors import StoreUnavailable
from sluicegate.service.doubt import CLOCK_IN_DOUBT, Doubt
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.directives import DirectiveStatement
from tests import worlds
from tests.plane import Plane, no, yes
from tests.worlds import DAY_MS, MODEL


class DoubtedClock:
    """A wall clock that is in doubt while it says something."""

    def __init__(self) -> None:
        self.wall_ms: int | None = None

    def __call__(self) -> int | None:
        return self.wall_ms


@pytest.fixture
def doubt() -> DoubtedClock:
    return DoubtedClock()


@pytest.fixture
def plane(doubt: DoubtedClock) -> Plane:
    plane = Plane()
    plane.opened()
    plane.ledger.doubt = Doubt(doubt)
    return plane


def order(name: str, signed_at_ms: int | None) -> Envelope:
    value: Mapping[str, Any] = worlds.directive_value(name, models=[MODEL])
    bound = {**value, "metadata": {"log": worlds.LOG, **value["metadata"]}}
    stated = DirectiveStatement(document=dict(bound), signed_at_ms=signed_at_ms)
    return worlds.signed(stated.payload(), "oncd")


def newest_ms(plane: Plane) -> int:
    return plane.ledger.entries(plane.size - 1, plane.size)[0].at_ms


def test_in_doubt_only_what_narrows_is_accepted(plane: Plane, doubt: DoubtedClock) -> None:
    grant = plane.admit()
    key = yes(plane.credential(grant)).credential
    doubt.wall_ms, size = plane.wall() + 9 * DAY_MS, plane.size
    with pytest.raises(StoreUnavailable, match=r"the last time known is .*only what narrows") as refused:
        plane.do("applicant", grants.CHOOSE_FALLBACK, grant=grant, fallback=True)
    assert (refused.value.code, plane.size) == (CLOCK_IN_DOUBT, size)
    assert "--clock-is-right" in refused.value.remedy
    yes(plane.do("applicant", credentials.REVOKE, credential=key))
    yes(plane.do("developer", grants.SUSPEND, grant=grant, code="misuse"))
    assert newest_ms(plane) == plane.wall()
    doubt.wall_ms = None
    yes(plane.do("applicant", grants.CHOOSE_FALLBACK, grant=grant, fallback=True))


@pytest.mark.parametrize("wrong_ms", [0, 400 * DAY_MS])
def test_an_order_in_doubt_is_entered_when_it_was_signed_however_far_ahead_the_clock_is(
    plane: Plane, doubt: DoubtedClock, wrong_ms: int
) -> None:
    away_ms = 9 * DAY_MS
    doubt.wall_ms = plane.wall() + away_ms + 1_000 + wrong_ms
    yes(plane.issue(order("d-1", plane.wall() + away_ms)))
    assert newest_ms(plane) == plane.wall() + away_ms
    yes(plane.issue(order("d-2", None)))  # by an earlier program, which does not say when
    assert newest_ms(plane) == plane.wall() + away_ms


def test_an_order_that_was_signed_before_another_entry_takes_no_time_back(
    plane: Plane, doubt: DoubtedClock
) -> None:
    doubt.wall_ms = plane.wall() + 9 * DAY_MS
    yes(plane.issue(order("d-1", plane.wall() + 60_000)))
    yes(plane.issue(order("d-2", plane.wall() + 30_000)))
    assert newest_ms(plane) == plane.wall() + 60_000


def test_no_one_moves_the_time_of_the_log_beyond_the_clock_in_doubt(
    plane: Plane, doubt: DoubtedClock
) -> None:
    doubt.wall_ms = plane.wall() + 2 * DAY_MS
    assert no(plane.issue(order("d-1", plane.wall() + 3 * DAY_MS))) == "signed_at_another_time"
    yes(plane.issue(order("d-2", doubt.wall_ms + 60_000)))
    assert newest_ms(plane) == doubt.wall_ms


def test_without_doubt_when_it_was_signed_moves_no_time(plane: Plane) -> None:
    yes(plane.issue(order("d-1", plane.wall() + 60_000)))
    assert newest_ms(plane) == plane.wall()
