"""A developer that applies another plan, to which no one agreed, to get around what a finding leads to."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle.grants import ResumeGrant
from tests.found import BARE, LEVELS, close, finding, misuse, reported, retest, spec
from tests.worlds import RELEASE, STAGE, World, plan_value, stage

TWO: dict[str, Any] = {name: {"name": name.upper()} for name in ("oncd", "ostp")}
FRIEND: dict[str, Any] = {"evaluators": {"caisi": {"name": "A friend"}}}


def is_served(world: World) -> bool:
    """Whether requests under grants of some terms of the stage are served."""
    return bool(world.state.record.open_terms(RELEASE, STAGE))


@pytest.mark.parametrize(
    ("agreed", "newest"),
    [
        (spec(None, levels=LEVELS), {}),
        (spec(None, levels=LEVELS), spec(None, levels=BARE)),
        (spec(when_lost="close"), spec(None)),
        (spec(when_lost="close"), spec(when_lost="halt")),
        (spec(None, levels=LEVELS), {"stages": [stage("another")]}),
    ],
)
def test_a_plan_that_drops_what_follows_keeps_no_earlier_terms_open(
    agreed: dict[str, Any], newest: dict[str, Any]
) -> None:
    world = World.agreed(**agreed)
    grant = world.admit()
    world.apply(plan_value(**newest))
    assert is_served(world)
    name = reported(world, level="critical")
    assert not is_served(world)
    assert grant in world.state.grants
    close(world, name)
    assert not is_served(world), "the newest terms are not agreed"
    world.apply(plan_value(**agreed))
    world.agree()
    assert is_served(world)


def test_a_plan_that_drops_what_follows_after_the_report_opens_nothing() -> None:
    agreed = spec(None, levels=LEVELS)
    world = World.agreed(**agreed)
    reported(world, level="critical")
    world.apply(plan_value())
    assert not is_served(world)
    world.apply(plan_value(**agreed))
    world.agree()
    assert not is_served(world)


def test_what_agencies_agreed_to_since_holds_also_for_earlier_terms() -> None:
    world = World.agreed(**spec(None, levels=LEVELS))
    world.apply(plan_value(**spec(None)))
    world.agree()
    reported(world, level="critical")
    assert is_served(world)


def test_a_party_that_only_a_new_plan_names_closes_no_misuse() -> None:
    terms: dict[str, Any] = {"agencies": TWO, "findings": {"misuse": {"suspendedBy": ["oncd"]}}}
    world = World.opened(**terms)
    grant = world.admit()
    name = world.must(misuse(world, grant, "oncd"))["finding"]
    world.apply(plan_value(**terms, **FRIEND))
    assert world.refused(retest(name, world, "caisi", tested=None)) == "not_to_retest"
    assert world.refused(ResumeGrant(grant)) == "finding_open"
    world.must(retest(name, world, "ostp", tested=None))
    world.must(ResumeGrant(grant))
    assert finding(world, name).state == "closed"


def test_whoever_a_new_plan_leaves_out_still_closes_a_misuse_under_earlier_terms() -> None:
    terms: dict[str, Any] = {"findings": {"misuse": {"suspendedBy": ["oncd"]}}}
    world = World.opened(**terms)
    grant = world.admit()
    name = world.must(misuse(world, grant, "oncd"))["finding"]
    world.apply(plan_value(**terms, agencies=TWO))
    world.must(retest(name, world, "caisi", tested=None))
    world.must(ResumeGrant(grant))
