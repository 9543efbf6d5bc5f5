"""What a person says through their link is no administrator's to find out."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts import directives as acts
from sluicegate.core.people.persons import DEFINITIONS
from sluicegate_record.log.times import DAY_MS
from tests import worlds
from tests.plane import Plane, yes
from tests.service.test_persons import SAYS, Staffed

MEANT = DEFINITIONS["ear-foreign-person"]
FOREIGN = {
    "definition": MEANT.name,
    "unknown": "covered",
    "statuses": sorted(MEANT.statuses),
    "source": MEANT.source,
}


@pytest.fixture
def plane() -> Staffed:
    plane = Staffed()
    plane.credential(plane.rivals, "rival", who="rival")
    signed = worlds.directive(worlds.directive_value("d-1", covers={"persons": FOREIGN}))
    yes(plane.issue(signed))
    return plane


def affected(plane: Plane) -> Any:
    return yes(plane.do("rival", acts.AFFECTED, directive="d-1"))


@pytest.mark.parametrize("said", ["other", "unknown"])
def test_how_many_are_covered_does_not_tell_what_one_of_them_said(plane: Staffed, said: str) -> None:
    before = affected(plane)
    assert before.covered.members == before.not_known.members == 1
    person = plane.linked(plane.eve, "rival")
    yes(plane.correct(person, said))
    assert affected(plane) == before
    yes(plane.correct(person, None))
    assert affected(plane) == before


def test_nor_after_the_organizations_own_word_has_ended(plane: Staffed) -> None:
    member = plane.register("rival", plane.rivals, "person-2", **SAYS, until="2026-07-01")
    plane.wall.at_ms += 15 * DAY_MS
    before = affected(plane)
    assert [each.why for each in before.not_known.settled_by] == ["expired", "not_claimed", "not_named"]

    yes(plane.correct(plane.linked(member, "rival"), "other"))
    assert affected(plane) == before


def test_of_others_people_nothing_is_told(plane: Staffed) -> None:
    assert affected(plane).covered.organizations == 1
    assert "organizations" not in affected(plane).to_json()
