"""What gateways report of answers that differ from a grant: on the record once a day, and told."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts import fleet, grants
from sluicegate.acts.fleet import Difference
from sluicegate.errors import InvalidInput
from sluicegate_record.terms.effective import NOT_GIVEN, NOT_GRANTED
from tests.plane import Plane, yes
from tests.service.test_subscriptions import subscribe, waiting
from tests.worlds import API, CODEX, DAY_MS


@pytest.fixture
def plane() -> Plane:
    made = Plane()
    made.opened()
    return made


def reported(plane: Plane, *found: tuple[str, str], surface: str = API) -> None:
    rows = tuple(Difference.from_json({"grant": grant, "kind": kind}) for grant, kind in found)
    who = {"gateway": "gateway-1", "incarnation": "run-1", "surface": surface}
    yes(plane.do("gateway-1", fleet.REPORT, **who, differences=rows))


def recorded(plane: Plane) -> list[Any]:
    entries = plane.ledger.entries(0, plane.size)
    return [entry for entry in entries if entry.type == "grant.differed"]


def test_each_kind_is_on_the_record_once_a_day_however_often_it_is_reported(plane: Plane) -> None:
    grant = plane.admit()
    for _ in range(3):
        reported(plane, (grant, NOT_GIVEN), (grant, NOT_GRANTED))
    assert [entry.public["kind"] for entry in recorded(plane)] == [NOT_GIVEN, NOT_GRANTED]
    plane.wall.at_ms += DAY_MS
    reported(plane, (grant, NOT_GIVEN))
    assert [entry.public["kind"] for entry in recorded(plane)] == [NOT_GIVEN, NOT_GRANTED, NOT_GIVEN]
    shown = yes(plane.do("applicant", grants.SHOW, grant=grant)).differs
    assert [shown[kind] for kind in (NOT_GRANTED, NOT_GIVEN)] == ["2026-06-21", "2026-06-22"]


def test_its_holder_and_the_parties_of_its_case_hear_of_it_and_no_one_else(plane: Plane) -> None:
    grant = plane.admit()
    heard = {who: subscribe(plane, who) for who in ("applicant", "oncd", "developer", "rival", "caisi")}
    reported(plane, (grant, NOT_GRANTED))
    letters = {who: waiting(plane, each) for who, each in heard.items()}
    assert letters["rival"] == letters["caisi"] == []
    for who in ("applicant", "oncd", "developer"):
        (told,) = letters[who]
        data: Any = told["data"]
        assert (told["type"], data["grant"], data["kind"]) == ("grant.differed", grant, NOT_GRANTED)


def test_a_gateway_reports_of_its_own_surface_and_of_grants_that_there_are(plane: Plane) -> None:
    grant = plane.admit()
    reported(plane, (grant, NOT_GIVEN), surface=CODEX)
    reported(plane, ("grant_none", NOT_GIVEN))
    assert recorded(plane) == []


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Difference.from_json({"grant": "grant_x", "kind": "other_model"})
