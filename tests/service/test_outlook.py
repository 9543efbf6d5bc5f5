"""One release on one screen: who sees what of it."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts import outlook as acts
from sluicegate.acts.explanations import EXPLAIN
from sluicegate.acts.ramps import MOVE
from sluicegate.acts.releases import CLOSE, OPEN
from sluicegate.core.lifecycle import Refusal
from sluicegate.service.outlook import TURNS_MAX
from sluicegate_record.statements.releases import StageClosing
from tests import worlds
from tests.plane import Plane, yes
from tests.vectors.themes.stages import AGREED
from tests.worlds import MODEL, RELEASE, STAGE, looser, plan_value, stage

LATER = {"allOf": [{"agreedBy": {"allOf": ["ostp"]}}]}


@pytest.fixture
def plane() -> Plane:
    made = Plane()
    made.opened(plan_value(stages=[stage(), stage("later", opensWhen=LATER)]))
    return made


def show(plane: Plane, who: str) -> acts.ReleaseOutlook:
    found = plane.do(who, acts.SHOW, release=RELEASE)
    assert isinstance(found, acts.ReleaseOutlook), found
    return found


def test_a_reader_sees_its_own_cases_and_a_forecast_from_those_it_sees(plane):
    plane.submit("applicant")
    plane.submit("rival", "Example Grid")
    with plane.ledger.reading() as state:
        envelope = worlds.opening(state, RELEASE, "later")
    plane.do("developer", OPEN, envelope=envelope.to_json())
    seen = {who: show(plane, who) for who in ("developer", "caisi", "ostp", "applicant")}
    assert {who: each.open_cases for who, each in seen.items()} == {
        "developer": 3,
        "caisi": 0,
        "ostp": 3,
        "applicant": 1,
    }
    named = {
        who: [case.organization for case in each.cases if case.organization] for who, each in seen.items()
    }
    both = ["Example Utility", "Example Grid"]
    assert {who: sorted(each) for who, each in named.items()} == {
        "developer": sorted(both),
        "caisi": [],
        "ostp": sorted(both),
        "applicant": both[:1],
    }
    made = {who: each.forecast for who, each in seen.items() if each.forecast is not None}
    history = {who: [row.agency for row in each.history] for who, each in made.items()}
    assert history == {"developer": ["ostp"], "caisi": [], "ostp": ["ostp"], "applicant": []}
    assert made["applicant"].waits_for == made["caisi"].waits_for == ("ostp (no history yet)",)


@pytest.mark.parametrize(
    ("recalls", "waits"), [(False, "'sluicegate stage open'"), (True, "'sluicegate release restore'")]
)
def test_the_forecast_names_the_command_that_brings_a_stage_back(recalls, waits):
    plane = Plane()
    plane.opened()
    said: dict[str, Any] = {"log": plane.ledger.vkey(), "release": RELEASE, "stage": STAGE, "reason": "r"}
    envelope = worlds.signed(StageClosing(**said, recalls=recalls).payload(), worlds.OFFICER)
    yes(plane.do("developer", CLOSE, envelope=envelope.to_json()))
    forecast = show(plane, "developer").forecast
    assert forecast is not None
    assert waits in forecast.words


def test_it_says_why_a_stage_was_closed_and_which_directives_are_on_its_models(plane):
    closing = StageClosing(log=plane.ledger.vkey(), release=RELEASE, stage=STAGE, reason="a jailbreak")
    envelope = worlds.signed(closing.payload(), worlds.OFFICER)
    plane.do("developer", CLOSE, envelope=envelope.to_json())
    plane.apply(plan_value("other", models=["gpt-other"]))
    plane.direct("d-1", models=[MODEL, "gpt-other"])
    yes(plane.direct("d-2", models=["gpt-other"]))
    found = show(plane, "developer")
    assert [each.text for each in found.timeline[0].events if each.what == "closed"] == ["a jailbreak"]
    (directive,) = found.directives
    assert (directive.directive, directive.models) == ("d-1", (MODEL,))


def test_other_terms_take_nothing_from_the_time_line_and_why_says_what_they_mean(plane):
    grant = plane.admit()
    key = plane.credential(grant).credential
    yes(plane.apply(plan_value(stages=[looser(), stage("later", opensWhen=LATER)])))
    found = show(plane, "applicant").timeline[0]
    assert (found.state, [each.what for each in found.events]) == (
        "waits",
        ["asked", "agreed", "opened", "asked"],
    )
    why = yes(plane.do("applicant", EXPLAIN, credential=key, model=MODEL))
    (said,) = (each.text for each in why.because if each.what == "stage")
    assert why.allowed
    assert "under the terms of this grant; under those in force now it is not open" in said


def test_all_that_happened_has_the_entry_that_says_so(plane):
    said = {"log": plane.ledger.vkey(), "release": RELEASE, "stage": STAGE, "reason": "r"}
    envelope = worlds.signed(StageClosing(**said).payload(), worlds.OFFICER)
    yes(plane.do("developer", CLOSE, envelope=envelope.to_json()))
    found = show(plane, "applicant").timeline[0].events
    entries = plane.ledger.entries(0, plane.ledger.size())
    types = {each.what: entries[each.entry or 0].type for each in found}
    assert types == {
        "asked": "case.opened",
        "agreed": "case.determined",
        "opened": "stage.opened",
        "closed": "stage.closed",
    }


def test_no_number_of_moves_of_a_ramp_takes_an_opening_from_the_time_line():
    plane = Plane()
    ramp = [{"share": 5, "for": "P2D"}, {"share": 100}]
    wide = stage(audience="everyone", admission=None, conditions={}, basis=AGREED, ramp=ramp)
    plane.opened(plan_value(stages=[wide]))
    for number in range(TURNS_MAX + 1):
        with plane.ledger.reading() as state:
            move = worlds.moving(state, "continues" if number % 2 else "pauses", log=plane.ledger.vkey())
        yes(plane.do("developer", MOVE, envelope=move.envelope.to_json()))
    assert "opened" in {each.what for each in show(plane, "applicant").timeline[0].events}


def test_a_release_that_its_reader_may_not_know_of_does_not_exist(plane):
    plane.apply(plan_value("secret", models=["gpt-secret"], announced=False))
    for who, name in (("applicant", "secret"), ("developer", "none")):
        found = plane.do(who, acts.SHOW, release=name)
        assert isinstance(found, Refusal)
        assert found.code == "release_unknown"
    assert plane.do("developer", acts.SHOW, release="secret").status.release == "secret"
