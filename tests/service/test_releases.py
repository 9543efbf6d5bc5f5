from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import fleet
from sluicegate.acts import releases as acts
from sluicegate.acts.fleet import DayTotal, DayTotals
from sluicegate.cli import changes as shown
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidDocument
from sluicegate_record.statements.releases import StageClosing
from sluicegate_record.terms.exposure import Measure
from tests.plane import Plane, no, yes
from tests.worlds import DAY_MS, OFFICER, RELEASE, STAGE, looser, plan_value, signed, stage


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


def effect(told: Any, what: str) -> Any:
    (found,) = [each for each in told.effects if each.what == what]
    return found


def test_a_preview_tells_what_a_change_leads_to(plane):
    plane.opened(plan_value(stages=[stage(seats=3)]))
    plane.admit("applicant")
    plane.submit("rival", "Example Grid")
    told = preview(plane, plan_value(stages=[stage(seats=5)]))
    (group,) = told.groups
    assert (group.stage, group.part, group.changes) == (STAGE, "seats", told.changes)
    (found,) = told.effects
    assert (found.what, found.stage, found.because) == ("reopened", STAGE, ("raising seats",))
    assert (found.agree, found.closes, found.superseded, found.grants) == (("oncd", "ostp"), True, 1, 1)
    assert found.words == (
        f"raising seats reopens the terms of {STAGE}: the stage closes until oncd and ostp agree to its "
        "terms, and an officer opens it again; 1 open application ends as superseded; "
        "1 grant goes on under its terms"
    )
    applied = plane.apply(plan_value(stages=[stage(seats=5)]))
    assert len(applied.superseded) == found.superseded
    assert not status(plane, "developer").releases[0].stages[0].open


def test_a_preview_tells_that_stricter_terms_need_no_agreement(plane):
    plane.opened(plan_value(stages=[stage(seats=3)]))
    (found,) = preview(plane, plan_value(stages=[stage(seats=2)])).effects
    assert (found.what, found.agree, found.closes) == ("tightened", (), False)
    (found,) = preview(plane, plan_value(stages=[stage(seats=3), stage("later")])).effects
    assert (found.what, found.stage, found.agree) == ("new", "later", ("oncd", "ostp"))


def test_a_stage_that_is_split_in_two_says_what_becomes_of_its_grants(plane):
    plane.opened()
    plane.admit("applicant")
    plane.submit("rival", "Example Grid")
    split = [stage("labs"), stage("utilities")]
    found = effect(preview(plane, plan_value(stages=split)), "removed")
    assert (found.stage, found.grants, found.superseded) == (STAGE, 1, 1)
    assert "each until its end, without a renewal" in found.words
    basis, becomes = stage()["basis"], {STAGE: {"become": "general"}}
    wide = {"name": "general", "basis": basis, "audience": "everyone", "grants": becomes}
    found = effect(preview(plane, plan_value(stages=[stage(), wide])), "new")
    assert found.becoming == 1
    assert found.words.endswith(f"; when it opens, 1 grant of {STAGE} becomes part of it")


def test_a_stage_for_everyone_that_a_plan_leaves_out_is_said_to_end_at_once(plane):
    wide = {"name": STAGE, "basis": stage()["basis"], "audience": "everyone"}
    plane.opened(plan_value(stages=[wide]))
    found = effect(preview(plane, plan_value(stages=[stage("other")])), "removed")
    assert "all who have only an account are refused at once" in found.words
    slower = wide | {"ramp": [{"share": 5, "for": "P1D"}, {"share": 100}]}
    found = effect(preview(plane, plan_value(stages=[slower])), "reopened")
    assert not found.closes
    assert "everyone goes on under the terms by which it is open" in found.words


def test_a_preview_tells_of_models_and_surfaces_that_go(plane):
    plane.opened(plan_value(models=["gpt-5.6", "gpt-5.6-mini"]))
    plane.admit("applicant")
    told = preview(plane, plan_value(surfaces=["api"], announced=False))
    assert effect(told, "models").words == (
        "no longer offered to anyone: gpt-5.6-mini; 1 grant of this release loses them at once"
    )
    assert "no one applies for codex any more" in effect(told, "surfaces").words
    assert "do not exist any more" in effect(told, "hidden").words


def test_a_preview_doubts_words_that_this_log_does_not_know(plane):
    asked = {"allOf": [{"attested": {"standard": "s", "by": {"anyOf": ["caisi", "nsa"]}}}]}
    agencies = {
        **{name: {"name": name} for name in ("oncd", "ostp", "caisi")},
        "nsa": {"name": "n", "directs": ["gtp-5.6"]},
    }
    value = plan_value(
        agencies=agencies, onRefusal={"fallbackModel": "gpt-5.6x"}, stages=[stage(opensWhen=asked)]
    )
    told = [each.words for each in preview(plane, value).effects if each.what == "doubt"]
    assert told == [
        "the fallback 'gpt-5.6x' is no model of a release here: it answers no one",
        "nsa directs 'gtp-5.6', which is no model of a release here (did you mean 'gpt-5.6'?)",
    ]
    asked["allOf"][0]["attested"]["by"] = {"allOf": ["caisi", "nsa"]}
    (_, _, last) = [each for each in preview(plane, value).effects if each.what == "doubt"]
    assert (last.stage, last.words.partition(",")[0]) == (STAGE, "nsa must sign before it opens")


def test_a_new_release_is_shown_in_short(plane):
    told = preview(plane, plan_value(stages=[stage(seats=24, opensWhen={"allOf": [{"date": "2026-07-09"}]})]))
    (only,) = told.outline.stages
    assert (only.stage, only.seats, only.opens, only.requires) == (
        STAGE,
        24,
        "itself",
        ("the date 2026-07-09",),
    )
    plane.apply()
    assert preview(plane, plan_value(stages=[stage(seats=24)])).outline is None


def test_what_is_to_be_agreed_is_said_again_until_it_is(plane):
    (asked,) = plane.apply().to_agree
    assert (asked.stage, asked.awaiting, asked.opens) == (STAGE, ("oncd", "ostp"), "officer")
    plane.say(asked.case, "oncd")
    (again,) = plane.apply().to_agree
    assert (again.case, again.awaiting) == (asked.case, ("ostp",))
    plane.say(asked.case, "ostp")
    assert plane.apply().to_agree == ()


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


def test_the_newest_closing_of_a_stage_is_shown_also_once_it_is_open_again(plane):
    plane.opened()
    asked = {"release": RELEASE, "stage": STAGE}
    assert yes(plane.do("developer", acts.CLOSING, **asked)) == acts.LastClosing()
    said = StageClosing(log=plane.ledger.vkey(), release=RELEASE, stage=STAGE, reason="why")
    yes(plane.do("developer", acts.CLOSE, envelope=signed(said.payload(), OFFICER).to_json()))
    found = yes(plane.do("developer", acts.CLOSING, **asked))
    assert (found.closed_ms, found.officer) == (plane.ledger.now_ms(), OFFICER)
    plane.open()
    assert yes(plane.do("developer", acts.CLOSING, **asked)) == found
    with plane.ledger.reading() as state:
        assert state.record.closing_of(RELEASE, STAGE).seen == (found.signed,)
    assert no(plane.do("developer", acts.CLOSING, release="nope", stage=STAGE)) == "release_unknown"


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


EXPOSED = {"organizations": 24, "people": {"value": 2_000, "enforced": True}, "requestsPerDay": 10**6}


def reported(plane: Plane, total: int, *, spender: str = "5" * 32, name: str = STAGE, ahead: int = 0) -> None:
    row = DayTotal(stage=f"{RELEASE}/{name}", day=plane.ledger.now_ms() // DAY_MS + ahead, total=total)
    who = {"gateway": "gateway-1", "incarnation": "run-1"}
    plane.do("gateway-1", fleet.REPORT, **who, days=DayTotals(spender=spender, rows=(row,)))


def test_the_status_counts_the_requests_of_a_day_that_gateways_report(plane):
    plane.opened(plan_value(stages=[stage(exposure=EXPOSED)]))

    def today(who: str = "developer") -> Any:
        return status(plane, who).releases[0].stages[0].exposure.requests_today

    assert (today(), today("applicant")) == (0, None)
    for total in (3, 900, 900, 7):
        reported(plane, total)
    reported(plane, 40, spender="6" * 32)
    reported(plane, 500, name="other")
    reported(plane, 9, ahead=-1)
    reported(plane, 9, ahead=2)
    assert (today(), today("applicant")) == (940, 940)
    plane.wall.at_ms += DAY_MS
    assert today() == 0


def test_a_preview_shows_what_is_let_in_now_beside_each_measure_that_changes(plane):
    plane.opened(plan_value(stages=[stage(exposure=EXPOSED)]))
    plane.admit("applicant")
    reported(plane, 1_200)
    for value in (plan_value(stages=[stage(exposure=EXPOSED, seats=3)]), plan_value("other", models=["m"])):
        assert preview(plane, value).exposure == ()
    changed = {"organizations": {"value": 9, "enforced": True}, "people": EXPOSED["people"]}
    assert preview(plane, plan_value(stages=[stage(exposure=changed)])).exposure == (
        acts.ExposureChange(
            stage=STAGE, measure="organizations", now=1, before=Measure(24), after=Measure(9, enforced=True)
        ),
        acts.ExposureChange(
            stage=STAGE, measure="requestsPerDay", now=1_200, before=Measure(10**6), after=None
        ),
    )
    later = plan_value(stages=[stage(exposure=EXPOSED), stage("later", exposure={"people": 5})])
    assert [(each.stage, each.now, each.before) for each in preview(plane, later).exposure] == [
        ("later", 0, None)
    ]


def test_a_new_release_is_shown_as_people_think_of_it(plane, tmp_path):
    asked = {"task": "t", "metric": "m", "from": {"anyOf": ["caisi"]}, "atMost": 0.01}
    basis = {"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"}
    value = plan_value(
        programmes={"cyber": {"standard": {}, "red": {"asks": {"mfa": True}}}},
        evaluations={"safe": asked},
        designations={"by": ["oncd"], "classes": {"covered-frontier-model": {"scrutiny": "elevated"}}},
        scrutiny={"elevated": {"addAgencies": ["caisi"], "seats": 3}},
        stages=[
            stage(exposure={"people": {"value": 2_000, "enforced": True}}),
            stage("red", audience={"programme": "red"}, grants={STAGE: {"become": "red"}}),
            stage(
                "general",
                basis=basis,
                audience="everyone",
                admission=None,
                conditions=None,
                opensWhen={"allOf": [{"evidence": ["safe"]}]},
                ramp=[{"share": 5, "for": "P1D"}, {"share": 100}],
            ),
        ],
    )
    text = shown.preview(preview(plane, value), tmp_path / "plan.yaml")
    for line in (
        "  programmes of cyber: red (asks mfa",
        "  evaluation safe: t, m at most 0.01, by caisi",
        "  designations by oncd",
        "    covered-frontier-model leads to the scrutiny elevated: caisi must agree, too; at most 3 seats",
        "    lets in at most 2,000 people (enforced)",
        "  stage red: for the grants that have the programme cyber: red",
        f"    the grants of {STAGE} go on as part of it",
        "    requires results that meet safe",
        "    ramp: 5 per cent for 1 day, then 100 per cent",
    ):
        assert line in text, text


def test_a_plan_that_was_looked_at_is_not_put_in_the_place_of_another_one(plane):
    def apply(title: str, base: str) -> Any:
        return plane.do("developer", acts.APPLY, text=json.dumps(titled(title)), base=base)

    def titled(title: str) -> dict[str, Any]:
        value = plan_value()
        return {**value, "metadata": {**value["metadata"], "title": title}}

    assert preview(plane, titled("one")).base == "new"
    yes(apply("one", "new"))
    seen = preview(plane, titled("three")).base
    yes(apply("two", seen))
    size = plane.size
    for base in (seen, "new"):
        refused = apply("three", base)
        assert isinstance(refused, Refusal)
        assert refused.code == "plan_changed"
    assert plane.size == size
    yes(apply("three", preview(plane, titled("three")).base))
