from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import releases as acts
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidDocument
from tests.plane import Plane
from tests.worlds import RELEASE, STAGE, looser, plan_value, stage


@pytest.fixture
def plane() -> Plane:
    return Plane()


def preview(plane: Plane, value: dict[str, Any]) -> Any:
    return plane.do("developer", acts.PREVIEW, text=json.dumps(value), file="plan.yaml")


def status(plane: Plane, who: str) -> Any:
    return plane.do(who, acts.STATUS)


def test_a_preview_tells_what_applying_would_do_and_does_nothing(plane):
    size = plane.size
    told = preview(plane, plan_value())
    assert (told.release, told.new, told.terms_to_agree) == (RELEASE, True, (STAGE,))
    assert told.affects == acts.AffectedCounts(organizations=0, grants=0, open_applications=0)
    assert plane.size == size
    applied = plane.apply()
    assert applied.terms_digests == told.terms_digests
    assert applied.changes == told.changes


def test_a_preview_tells_whom_a_change_affects(plane):
    plane.opened()
    plane.admit("applicant")
    plane.submit("rival", "Example Grid")
    told = preview(plane, plan_value(stages=[stage(seats=3)]))
    assert told.affects == acts.AffectedCounts(organizations=1, grants=1, open_applications=1)
    assert (told.terms_to_agree, told.tightened, told.loosened) == ((), (STAGE,), {})
    assert [change.field for change in told.changes] == [f"spec.stages[{STAGE}].seats"]
    looser_ = preview(plane, plan_value(stages=[looser()]))
    assert (looser_.terms_to_agree, looser_.tightened) == ((STAGE,), ())
    assert looser_.loosened == {STAGE: ("conditions",)}
    assert preview(plane, plan_value()).terms_to_agree == ()


@pytest.mark.parametrize("announced", [True, False])
def test_a_public_plan_names_no_model_of_a_release_that_is_not_announced(plane, announced):
    plane.apply(plan_value("secret", models=["m"], announced=False))
    size = plane.size
    naming = plan_value(onRefusal={"fallbackModel": "m"}, announced=announced)
    for result in (preview(plane, naming), plane.apply(naming)):
        assert isinstance(result, Refusal) is announced
        assert not announced or result.code == "model_unannounced"
    assert (plane.size == size) is announced
    plane.apply(plan_value("secret", models=["m"]))
    assert not isinstance(plane.apply(plan_value(onRefusal={"fallbackModel": "m"})), Refusal)


def test_a_plan_that_named_a_model_before_it_was_hidden_can_be_applied_again(plane):
    naming = plan_value(onRefusal={"fallbackModel": "m"})
    plane.apply(naming)
    plane.apply(plan_value("secret", models=["m"], announced=False))
    assert not isinstance(plane.apply(naming), Refusal)


def test_a_preview_is_refused_as_applying_would_be(plane):
    value = plan_value()
    value["metadata"]["developer"] = "anthropic"
    for result in (preview(plane, value), plane.apply(value)):
        assert isinstance(result, Refusal)
        assert result.code == "other_developer"


@pytest.mark.parametrize("text", ["", "x", "{", "spec: {}", "&a x"])
def test_a_malformed_plan_is_refused_with_its_places(plane, text):
    size = plane.size
    for use in (
        lambda: plane.do("developer", acts.PREVIEW, text=text, file="plan.yaml"),
        lambda: plane.do("developer", acts.APPLY, text=text, file="plan.yaml"),
    ):
        with pytest.raises(InvalidDocument) as caught:
            use()
        assert caught.value.at
    assert plane.size == size


def test_status_tells_how_far_each_stage_is(plane):
    plane.apply()
    (found,) = status(plane, "developer").releases
    (first,) = found.stages
    assert (first.terms_agreed, first.open, first.awaiting) == (False, False, ("oncd", "ostp"))
    plane.say(first.terms_case, "oncd")
    assert status(plane, "oncd").releases[0].stages[0].awaiting == ("ostp",)
    plane.say(first.terms_case, "ostp")
    plane.open()
    (first,) = status(plane, "applicant").releases[0].stages
    assert (first.terms_agreed, first.open, first.awaiting) == (True, True, ())
    assert first.basis.kind == "voluntary"
    assert first.agencies == ("oncd", "ostp")


def test_status_counts_seats_and_tells_applicants_no_small_number(plane):
    plane.opened(plan_value(stages=[stage(seats=9)]))
    for i in range(4):
        plane.admit("applicant", f"Example {i}")
    seated = {
        who: status(plane, who).releases[0].stages[0].seated for who in ("developer", "oncd", "applicant")
    }
    assert seated == {"developer": 4, "oncd": 4, "applicant": None}
    plane.admit("applicant", "Example 5")
    assert status(plane, "applicant").releases[0].stages[0].seated == 5


def test_status_hides_what_is_unannounced(plane):
    plane.opened()
    plane.apply(plan_value("secret", models=["gpt-secret"], announced=False))
    names = {
        who: [found.release for found in status(plane, who).releases]
        for who in ("developer", "oncd", "applicant")
    }
    assert names == {"developer": [RELEASE, "secret"], "oncd": [RELEASE, "secret"], "applicant": [RELEASE]}
    assert "gpt-secret" not in json.dumps(status(plane, "applicant").to_json())


def test_status_names_the_directives_in_force(plane):
    plane.opened()
    plane.direct("d-2")
    plane.direct("d-1")
    assert status(plane, "oncd").directives_in_force == ("d-1", "d-2")


def test_what_an_officer_signs_is_given_out(plane):
    plane.apply()
    found = plane.do("developer", acts.OPENING, release=RELEASE, stage=STAGE)
    with plane.ledger.reading() as state:
        terms = state.releases[RELEASE].terms[STAGE]
    assert found == acts.OpeningToSign(log=plane.ledger.vkey(), release=RELEASE, stage=STAGE, terms=terms)


def test_a_stage_under_new_terms_is_shown_closed_until_it_is_opened(plane):
    plane.opened()
    case = plane.submit().application
    changed = plan_value(stages=[looser()])
    result = plane.apply(changed)
    assert result.superseded == (case,)
    shown = status(plane, "developer").releases[0].stages[0]
    assert (shown.open, shown.terms_agreed) == (False, False)
    for agency in ("oncd", "ostp"):
        plane.say(result.cases[0], agency)
    assert not status(plane, "developer").releases[0].stages[0].open
    plane.open()
    assert status(plane, "developer").releases[0].stages[0].open


@pytest.mark.parametrize(
    ("release", "name"), [("x", STAGE), (RELEASE, "x"), ("", ""), ("x" * 500, "y" * 500)]
)
def test_a_stage_that_is_not_there_is_refused(plane, release, name):
    plane.apply()
    refused = plane.do("developer", acts.OPENING, release=release, stage=name)
    assert isinstance(refused, Refusal)
    assert refused.code == "stage_unknown"
    assert len(refused.message) < 200


def test_opening_without_agreement_is_refused(plane):
    plane.apply()
    refused = plane.open()
    assert isinstance(refused, Refusal)
    assert refused.code == "terms_not_agreed"


def test_status_names_the_newest_case_about_the_terms(plane):
    (denied,) = plane.apply().cases
    plane.say(denied, "oncd", "object")
    (again,) = plane.apply().cases
    (found,) = status(plane, "developer").releases[0].stages
    assert (found.terms_case, found.awaiting) == (again, ("oncd", "ostp"))
    assert again != denied
