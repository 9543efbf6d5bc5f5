"""Lifts that state nothing, or come when nothing is left: an entry that cannot be folded stops everybody."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle.directives import LIFTED, OpenLift
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record.directives.scope import Scope
from tests.worlds import API, CODEX, MODEL, Followed, World, covering, opened_names, position

NAMES = ["Example Utility"]
OPENED = opened_names(NAMES)
COMMITTED = {"count": 1, "commitment": OPENED.commitment("sealed", LIFTED)}


@pytest.fixture
def world() -> World:
    world = World.opened()
    world.direct("d-1")
    return world


def lifting(world: World, **scope: Any) -> Followed:
    return world.case(world.must(OpenLift("d-1", Scope.from_json(scope) if scope else None))["case"])


@pytest.mark.parametrize(
    "scope",
    [
        {"models": []},
        {"surfaces": []},
        {"annexes": []},
        {"surfaces": [CODEX], "models": []},
        {"registeredIn": ["US"]},
        {"surfaces": [CODEX], "everyone": True},
    ],
    ids=str,
)
def test_a_part_that_states_nothing_we_know_is_no_part(world: World, scope: dict[str, Any]) -> None:
    assert world.refused(OpenLift("d-1", Scope.from_json(scope))) == "scope_invalid"


def test_nothing_rides_beside_a_commitment(world: World) -> None:
    scope = Scope.from_json({"organizations": {**COMMITTED, "also": "everyone"}})
    assert world.refused(OpenLift("d-1", scope, OPENED)) == "scope_invalid"


def test_what_was_lifted_part_by_part_is_not_lifted_whole_once_more(world: World) -> None:
    part, whole = lifting(world, models=[MODEL]), lifting(world)
    world.say(part, "oncd")
    assert world.ended("d-1") == "lifted"
    assert (whole.outcome, whole.reason_code) == ("superseded", "directive_lifted")
    assert world.refused(RecordPosition(position(whole, "oncd"))) == "case_determined"


def test_what_remains_of_a_directive_can_be_lifted_still(world: World) -> None:
    surface, both = lifting(world, surfaces=[CODEX]), lifting(world, surfaces=[CODEX, API])
    world.say(surface, "oncd")
    assert covering(world.state.table, MODEL, API, "o") == ["d-1"]
    world.say(both, "oncd")
    assert not covering(world.state.table, MODEL, API, "o")
