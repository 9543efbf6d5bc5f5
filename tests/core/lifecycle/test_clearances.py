"""What parties sign about requirements: adoptions, attestations, evaluations, holds."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle.clearances import RecordClearance
from sluicegate.errors import BadEnvelope
from sluicegate_record.entities.clearing import key_of
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms.clearances import CLEARANCES
from tests.worlds import DAY_MS, LOG, RELEASE, STAGE, World, plan_value, signed, stage

STANDARD = "frontier-testing"


def asking(**asked: Any) -> World:
    """A stage whose terms are agreed, and which requires this."""
    return World.agreed(stages=[stage(opensWhen={"allOf": [asked]})])


def word(world: World, party: str, says: str, about: str = STANDARD, **said: Any) -> Clearance:
    """A party's word that follows its last one."""
    known = world.state.record.clearances.get(key_of(RELEASE, CLEARANCES[says].kind, about, party))
    fields = {"log": LOG, "release": RELEASE, "previous": None if known is None else known.digest, **said}
    return Clearance(party=party, says=says, about=about, **fields)


def say(world: World, party: str, says: str, about: str = STANDARD, **said: Any) -> None:
    world.must(RecordClearance(signed(word(world, party, says, about, **said).payload(), party)))


def is_open(world: World) -> bool:
    return world.state.releases[RELEASE].terms[STAGE] in world.state.table.open_terms


ADOPTED = {"adopted": {"standard": STANDARD, "by": {"atLeast": {"n": 2, "of": ["caisi", "oncd", "ostp"]}}}}


def test_a_stage_opens_when_enough_agencies_have_adopted_a_standard() -> None:
    world = asking(**ADOPTED)
    say(world, "ostp", "adopts", version="1")
    say(world, "oncd", "adopts", "another", version="1")
    assert not is_open(world)
    say(world, "oncd", "adopts", version="2")
    assert is_open(world)


def test_another_version_than_the_plan_asks_for_does_not_count() -> None:
    world = asking(adopted={"standard": STANDARD, "by": ["ostp"], "version": "2"})
    say(world, "ostp", "adopts", version="1")
    assert not is_open(world)
    say(world, "ostp", "adopts", version="2")
    assert is_open(world)


def test_an_adoption_that_is_withdrawn_closes_the_stage_if_the_plan_says_so() -> None:
    world = asking(adopted={"standard": STANDARD, "by": ["ostp"]}, whenLost="close")
    say(world, "ostp", "adopts", version="1")
    say(world, "ostp", "withdraws", reason="it has a fault")
    assert not is_open(world)
    say(world, "ostp", "adopts", version="2")
    assert is_open(world)


def test_a_party_attests_that_a_standard_is_met() -> None:
    world = asking(attested={"standard": STANDARD, "by": ["caisi"]})
    say(world, "caisi", "attests")
    assert is_open(world)
    say(world, "caisi", "retracts")
    assert is_open(world)
    assert world.types()[-1] == "stage.lacking"


def evaluated(silence: str) -> World:
    return asking(evaluationTime={"atMost": "P30D", "by": ["caisi"], "silence": silence})


@pytest.mark.parametrize("silence", ["met", "unmet"])
def test_an_evaluation_that_ends_opens_the_stage(silence: str) -> None:
    world = evaluated(silence)
    world.later(100)
    assert not is_open(world)
    say(world, "caisi", "begins", STAGE)
    world.later(3)
    say(world, "caisi", "ends", STAGE)
    assert is_open(world)


def test_silence_at_the_end_of_an_evaluation_means_what_the_plan_says() -> None:
    for silence in ("met", "unmet"):
        world = evaluated(silence)
        say(world, "caisi", "begins", STAGE)
        world.later(29.9)
        assert not is_open(world)
        world.later(7)
        assert is_open(world) is (silence == "met")


def test_an_evaluator_may_take_longer_and_no_longer_than_the_plan_gives_it() -> None:
    world = evaluated("met")
    begun_ms = world.now_ms
    say(world, "caisi", "begins", STAGE, until_ms=begun_ms + 5 * DAY_MS)
    world.later(4)
    say(world, "caisi", "extends", STAGE, until_ms=begun_ms + 900 * DAY_MS)
    world.later(25.9)
    assert not is_open(world)
    world.later(0.1)
    assert is_open(world)


def test_a_stage_that_is_held_waits_for_its_holder() -> None:
    world = asking(hold={"by": "ostp", "reason": "a review is under way"})
    say(world, "oncd", "releases", STAGE)
    world.later(100)
    assert not is_open(world)
    say(world, "ostp", "releases", STAGE)
    assert is_open(world)
    say(world, "ostp", "holds", STAGE, reason="again")
    assert world.types()[-1] == "stage.lacking"


def test_a_word_is_its_partys_and_follows_the_last_one() -> None:
    world = asking(**ADOPTED)
    first = word(world, "ostp", "adopts", version="1")
    assert world.refused(RecordClearance(signed(first.payload(), "oncd"))) == "key_of_another_party"
    command = RecordClearance(signed(first.payload(), "ostp"))
    world.must(command)
    size = world.state.size
    world.must(command)
    assert world.state.size == size
    say(world, "ostp", "withdraws")
    assert world.refused(command) == "clearance_stale"
    again = word(world, "ostp", "withdraws")
    assert world.refused(RecordClearance(signed(again.payload(), "ostp"))) == "clearance_out_of_order"
    nowhere = word(world, "ostp", "holds", "none")
    assert world.refused(RecordClearance(signed(nowhere.payload(), "ostp"))) == "stage_unknown"
    other = word(world, "ostp", "holds", STAGE, log="other")
    assert world.refused(RecordClearance(signed(other.payload(), "ostp"))) == "other_log"


@pytest.mark.parametrize(
    "changes",
    [
        {"says": "likes"},
        {"version": None},
        {"says": "holds"},
        {"about": ""},
        {"until_ms": 5},
        {"reason": "a\u202eb"},
    ],
    ids=repr,
)
def test_what_is_no_word_is_refused(changes: dict[str, Any]) -> None:
    world = asking(**ADOPTED)
    fields: dict[str, Any] = {"says": "adopts", "about": STANDARD, "version": "1", **changes}
    said = Clearance(log=LOG, release=RELEASE, party="ostp", **fields)
    with pytest.raises(BadEnvelope):
        world.do(RecordClearance(signed(said.payload(), "ostp")))


def test_plans_are_written_with_the_names_of_those_who_sign() -> None:
    world = World()
    world.apply(
        plan_value(stages=[stage(opensWhen={"allOf": [{"adopted": {"standard": "s", "by": ["ostp"]}}]})])
    )
    asked = world.state.releases[RELEASE].plan.stages[STAGE].opens_when
    assert asked is not None
    assert [each.text for each in asked.leaves] == ['adopted: {"by":{"allOf":["ostp"]},"standard":"s"}']
