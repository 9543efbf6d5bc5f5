"""All that keeps a request out, against `decide` on drawn tables."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import event, given, settings
from hypothesis import strategies as st

from sluicegate.core.access import decision, obstacles
from sluicegate.core.access.decision import Allow, Ask, Instant, Now
from sluicegate.core.access.obstacles import LAYER_OF, LAYERS, OBSTACLES_MAX
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from tests.core.access.test_decision import Facts, asks, facts, instants, nows, table_of

UNREAD = Deny(Reason.REQUEST_INVALID, "two models")
ENDS = {
    *(Reason.CREDENTIAL_MISSING, Reason.CREDENTIAL_UNKNOWN, Reason.GATE_STALE, Reason.GATE_CLOCK_DIFFERS),
    *(Reason.MODEL_NOT_FOUND, Reason.APPLICATION_PENDING, Reason.SURFACE_NOT_GRANTED, Reason.NOT_ADMITTED),
    Reason.PERSON_REQUIRED,
}
"""What only another request, or another grant, can pass."""


def all_asks(found: Facts) -> list[Ask]:
    """Every ask of a drawn table; some of them cannot be read."""
    drawn = asks(found)
    return [*drawn, *(replace(each, unread=UNREAD) for each in drawn[::5])]


def check(found: Facts, table: Table, now: Now, *, may_know: bool) -> None:
    for ask in all_asks(found):
        decided = decision.decide(ask, table, now)
        seen = obstacles.find(ask, table, now, may_know=may_know)
        assert seen.decided == decided
        assert list(seen.refusals[:1]) == ([] if isinstance(decided, Allow) else [decided])
        assert (seen.allowed is None) is (bool(seen.refusals) and seen.stuck)
        if isinstance(decided, Allow):
            assert seen.allowed == decided
        elif seen.stuck:
            event(f"ends with {seen.refusals[-1].reason}")
            assert seen.refusals[-1].reason in ENDS
        else:
            event(f"{len(seen.refusals)} obstacles")
        assert len(set(seen.refusals)) == len(seen.refusals) < OBSTACLES_MAX


@settings(max_examples=250)
@given(facts, nows, st.booleans())
def test_the_first_obstacle_is_the_decision_and_the_others_are_behind_it(
    found: Facts, now: Now, may_know: bool
) -> None:
    check(found, table_of(found.rough), now, may_know=may_know)


@given(facts, nows)
def test_looking_for_obstacles_changes_nothing(found: Facts, now: Now) -> None:
    table = table_of(found.rough)
    before = repr(vars(table))
    for ask in all_asks(found):
        obstacles.find(ask, table, now, may_know=True)
    assert repr(vars(table)) == before


@given(facts, instants)
def test_each_directive_that_covers_a_request_is_found(found: Facts, now: Instant) -> None:
    """Found one by one, they are those without which no directive refuses."""
    table = table_of(found.rough)
    for ask in all_asks(found):
        seen = obstacles.find(ask, table, now)
        named = [each.directive or "" for each in seen.refusals if each.directive is not None]
        if not named:
            continue
        event(f"{len(named)} directives")
        part = table_of(found.rough)
        for name in named:
            covers = decision.decide(replace(ask, unread=None), part, now)
            is_known = not isinstance(covers, Deny) or covers.reason not in {
                Reason.CREDENTIAL_REVOKED,
                Reason.CREDENTIAL_EXPIRED,
            }
            assert not is_known or (isinstance(covers, Deny) and covers.directive in named)
            part.undirect(name)
        after = decision.decide(replace(ask, unread=None), part, now)
        assert isinstance(after, Allow) or after.directive is None


@given(facts, nows)
def test_who_may_not_know_of_a_release_sees_what_the_refusal_says_and_no_more(found: Facts, now: Now) -> None:
    table = table_of(found.rough)
    for ask in all_asks(found):
        decided = decision.decide(ask, table, now)
        if isinstance(decided, Deny) and decided.reason is Reason.MODEL_NOT_FOUND:
            assert obstacles.find(ask, table, now).refusals == (decided,)


def test_each_reason_is_in_one_layer_and_the_layers_are_in_their_order() -> None:
    assert LAYER_OF.keys() == set(Reason)
    assert sum(len(each.reasons) for each in LAYERS) == len(Reason)
    here = [each for each in LAYERS if each.is_here]
    order = list(Reason)
    for earlier, later in pairwise(here):
        assert max(map(order.index, earlier.reasons)) < max(map(order.index, later.reasons))
