"""A lane never waits for another: its own requests in flight, its own threads."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack

import pytest

from sluicegate.acts import directives
from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, GATEWAY, PERSON, ROLES
from sluicegate.acts.table import ACTS, UNTOKENED
from sluicegate.errors import TOO_MANY, Overloaded
from sluicegate.http.lanes import BODIES_MAX, BODIES_OF_CALLER_MAX, AllLanes, Lane
from sluicegate.http.threads import Threads
from tests.waiting import BOUND_S


def test_what_changes_something_wants_a_token_but_for_what_checks_its_own_proof():
    """Who adds such an act says so in the table, where everyone sees it."""
    changing = {act.name for act in ACTS.values() if act.kind != "question"}
    assert {act.name for act in ACTS.values() if not act.roles and act.name in changing} == {
        act.name for act in UNTOKENED
    }
    assert {act.name for act in UNTOKENED} == set()


def test_every_role_has_a_lane_and_no_two_kinds_of_callers_share_one():
    lanes = AllLanes()
    kinds = [lanes.of(role, None) for role in (DEVELOPER, AGENCY, APPLICANT, GATEWAY)]
    kinds.append(lanes.strangers)
    assert len({id(lane) for lane in kinds}) == 5
    assert len({id(lane.threads) for lane in kinds}) == 5
    assert lanes.of(PERSON, None) is lanes.of(APPLICANT, None)
    assert all(lanes.of(role, act) for role in ROLES for act in ACTS.values())


ORDERS = [act for act in ACTS.values() if act.is_order]


def test_what_takes_access_away_is_one_column_of_the_table():
    assert {act.name for act in ORDERS} == {
        "directive.issue",
        "directive.confirm",
        "deployment.end",
        "grant.suspend",
        "account.close",
        "licence.end",
        "stage.close",
        "release.recall",
        "ramp.move",
        "grant.surrender",
        "credential.revoke",
        "token.revoke",
        "keys.record",
    }
    assert {act.effect for act in ORDERS} == {"narrows", "directs"}


@pytest.mark.parametrize(("role", "other"), [(DEVELOPER, AGENCY), (AGENCY, DEVELOPER)])
def test_orders_have_a_lane_of_their_own_which_staff_and_agencies_do_not_share(role, other):
    lanes = AllLanes()
    orders = lanes.of(role, directives.ISSUE)
    assert orders not in [*(lanes.of(each, None) for each in ROLES), lanes.strangers]
    assert orders is not lanes.of(other, directives.ISSUE)
    assert {act.name for act in ACTS.values() if lanes.of(role, act) is orders} == {
        act.name for act in ORDERS
    }
    for act in ORDERS:
        assert lanes.of(APPLICANT, act) is lanes.of(APPLICANT, None)


def test_a_caller_with_all_its_requests_in_flight_is_refused_and_others_are_not():
    lane = Lane("callers", 3, 2, Threads(1))
    with lane.enter("a"), lane.enter("a"):
        with pytest.raises(Overloaded) as caught, lane.enter("a"):
            pass
        assert caught.value.code == TOO_MANY
        with lane.enter("b"):
            with pytest.raises(Overloaded) as caught, lane.enter("c"):
                pass
            assert caught.value.code == "server_busy"
        with lane.enter("c"):
            pass
    with ExitStack() as stack:
        for caller in ("a", "a", "b"):
            stack.enter_context(lane.enter(caller))


def test_a_request_that_fails_is_no_longer_in_flight():
    lane = Lane("callers", 1, 1, Threads(1))
    with pytest.raises(ZeroDivisionError), lane.enter("a"):
        raise ZeroDivisionError
    with lane.enter("a"):
        pass


def test_what_arrives_is_bounded_by_its_bytes_for_each_caller_and_each_lane():
    lane, other = Lane("callers", 3, 2, Threads(1)), Lane("others", 3, 2, Threads(1))
    with lane.body("a") as take:
        take(BODIES_OF_CALLER_MAX - 1)
        with lane.body("a") as more:
            more(1)
            with pytest.raises(Overloaded, match="of yours") as caught:
                more(1)
            assert caught.value.code == TOO_MANY
        take(1)
        with lane.body("b") as others:
            others(BODIES_MAX - BODIES_OF_CALLER_MAX)
            with lane.body("c") as last, pytest.raises(Overloaded, match="bodies of callers") as caught:
                last(1)
            assert caught.value.code == "server_busy"
        with other.body("a") as elsewhere:
            elsewhere(BODIES_OF_CALLER_MAX)
    with lane.body("a") as take:
        take(BODIES_OF_CALLER_MAX)
    with lane.body("a") as take:
        take(BODIES_OF_CALLER_MAX)


def test_a_lane_whose_threads_are_all_taken_keeps_no_other_waiting():
    free = threading.Event()

    async def doing() -> None:
        lanes = AllLanes()
        full = [asyncio.create_task(lanes.strangers.run(free.wait, BOUND_S)) for _ in range(50)]
        await asyncio.sleep(0)
        for role in ROLES:
            assert await lanes.of(role, None).run(lambda: 1) == 1
        assert await lanes.of(DEVELOPER, directives.ISSUE).run(lambda: 1) == 1
        free.set()
        await asyncio.gather(*full)

    asyncio.run(doing())
