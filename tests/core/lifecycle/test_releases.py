from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluicegate.core.lifecycle.changes import changes
from sluicegate.core.lifecycle.directives import OpenLift
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import ApplyPlan, OpenStage
from sluicegate.errors import BadEnvelope, InvalidInput
from sluicegate_record.terms.rule import Rule
from tests.worlds import (
    AGENCIES,
    LOG,
    MODEL,
    OFFICER,
    OTHER_OFFICER,
    PINS,
    RELEASE,
    STAGE,
    World,
    looser,
    opening,
    plan_value,
    position,
    read_plan,
    signed,
    stage,
    stage_opening,
    start,
)


def terms_cases(world: World) -> list[Any]:
    return [case for case in world.cases() if case.kind == "terms"]


# Plans


def test_a_new_plan_asks_every_agency_each_stage_names_for_its_terms() -> None:
    world = World()
    asked = stage(basis={**stage()["basis"], "askedBy": ["caisi"]})
    result = world.apply(plan_value(stages=[asked, stage("later")]))
    assert [case.rule for case in terms_cases(world)] == [
        Rule("allOf", AGENCIES),
        Rule("allOf", ("oncd", "ostp")),
    ]
    assert result["cases"] == [case.id for case in terms_cases(world)]
    assert result["termsDigests"] == world.state.releases[RELEASE].terms
    for case, name in zip(terms_cases(world), (STAGE, "later"), strict=True):
        assert case.question.terms == world.state.releases[RELEASE].terms[name]
        assert case.question.case == case.id


def test_a_plan_applied_again_changes_nothing() -> None:
    world = World()
    world.apply(plan_value())
    size = world.state.size
    result = world.apply(plan_value())
    assert world.state.size == size
    assert (result["cases"], result["changes"]) == ([], [])


def test_what_is_no_term_asks_nobody_again() -> None:
    world = World.agreed()
    value = plan_value(onRefusal={"fallbackModel": "old"})
    value["metadata"]["title"] = "A title"
    result = world.apply(value)
    assert (result["cases"], result["superseded"]) == ([], [])
    assert world.state.releases[RELEASE].agreed


def test_how_long_a_gateway_goes_on_unled_is_a_term() -> None:
    world = World.agreed()
    assert len(world.apply(plan_value(leaseMs=9_000))["cases"]) == 1
    assert not world.state.releases[RELEASE].agreed


def test_new_terms_ask_again_and_admit_nobody_before() -> None:
    world = World.opened()
    before = world.state.releases[RELEASE].terms[STAGE]
    assert len(world.apply(plan_value(stages=[looser()]))["cases"]) == 1
    after = world.state.releases[RELEASE].terms[STAGE]
    assert after not in world.state.releases[RELEASE].agreed
    case = world.submit()
    assert world.refused(RecordPosition(position(case, "oncd"))) == "terms_not_agreed"
    result = world.apply(plan_value())
    assert world.state.releases[RELEASE].terms[STAGE] == before
    (asked,) = [each for each in terms_cases(world) if each.question.terms == after]
    assert result["superseded"] == [asked.id, case.id]
    assert world.refused(RecordPosition(position(case, "oncd"))) == "case_determined"
    assert world.refused(RecordPosition(position(asked, "oncd"))) == "case_determined"


def test_terms_that_come_back_are_asked_again() -> None:
    world = World.agreed()
    (first,) = terms_cases(world)
    world.apply(plan_value(stages=[looser()]))
    assert not world.state.releases[RELEASE].agreed
    (again,) = world.apply(plan_value())["cases"]
    second = world.case(again)
    assert second.id != first.id
    assert second.question == replace(first.question, case=second.id)
    assert not world.state.releases[RELEASE].agreed
    assert world.refused(OpenStage(opening(world.state))) == "terms_not_agreed"
    case = world.submit()
    assert world.refused(RecordPosition(position(case, "oncd"))) == "terms_not_agreed"
    for agency in ("oncd", "ostp"):
        world.say(second, agency)
    world.open()
    assert world.say(case, "oncd")["determination"] is None
    assert world.say(case, "ostp")["determination"] == "approved"


def test_only_terms_in_force_are_agreed() -> None:
    world = World.agreed(stages=[stage(), stage("later")])
    terms = world.state.releases[RELEASE].terms
    assert world.state.releases[RELEASE].agreed == set(terms.values())
    world.apply(plan_value(stages=[stage(), looser("later")]))
    assert world.state.releases[RELEASE].agreed == {terms[STAGE]}


@pytest.mark.parametrize("title", [None, "Another title"])
def test_terms_that_were_denied_are_asked_again_when_the_plan_is_applied_again(title: str | None) -> None:
    world = World()
    world.apply(plan_value())
    (denied,) = terms_cases(world)
    world.say(denied, "oncd", "object")
    size = world.state.size
    result = world.apply(plan_value(stages=[stage(title=title)]))
    assert result["superseded"] == []
    (again,) = result["cases"]
    assert again != denied.id
    applied = ["release.applied"] if title else []
    assert [entry.type for entry in world.entries[size:]] == [*applied, "case.opened"]
    assert world.apply(plan_value(stages=[stage(title=title)]))["cases"] == []
    world.agree()
    assert world.state.releases[RELEASE].agreed == set(world.state.releases[RELEASE].terms.values())


def test_terms_that_are_being_asked_are_not_asked_twice() -> None:
    world = World()
    world.apply(plan_value())
    (asked,) = terms_cases(world)
    world.say(asked, "oncd")
    result = world.apply(plan_value(stages=[stage(title="Another title")]))
    assert (result["cases"], result["superseded"]) == ([], [])
    assert asked.positions.keys() == {"oncd"}


def test_changes_are_told_field_by_field() -> None:
    world = World()
    world.apply(plan_value())
    changed = read_plan(plan_value(leaseMs=900, stages=[stage(seats=3)], surfaces=["api"]))
    told = {
        change.field: (change.before, change.after)
        for change in changes(world.state.releases[RELEASE].plan, changed)
    }
    assert told == {
        "spec.leaseMs": (5_000, 900),
        f"spec.stages[{STAGE}].seats": (None, 3),
        "spec.surfaces[1]": ("codex", None),
    }
    assert changes(None, changed)


def _two_models(order: int) -> dict[str, Any]:
    return plan_value(models=[MODEL, "other"][::order])


def _directing(**directs: Any) -> dict[str, Any]:
    return plan_value(agencies={agency: {"name": agency, **directs} for agency in AGENCIES})


@pytest.mark.parametrize(
    ("one", "other", "field"),
    [
        (_directing(), _directing(directs=[]), "spec.agencies.caisi.directs"),
        (_directing(directs=[MODEL]), _directing(directs=[]), "spec.agencies.caisi.directs"),
        (_two_models(1), _two_models(-1), "spec.models"),
        (
            plan_value(stages=[stage(), stage("later")]),
            plan_value(stages=[stage("later"), stage()]),
            "spec.stages",
        ),
    ],
)
def test_only_the_plan_in_force_changes_nothing(
    one: dict[str, Any], other: dict[str, Any], field: str
) -> None:
    for before, after in ((one, other), (other, one)):
        world = World()
        world.apply(before)
        size = world.state.size
        told = {change["field"] for change in world.apply(after)["changes"]}
        assert world.state.size > size
        assert field in told


@pytest.mark.parametrize("agency", ["commerce", "ostp"])
def test_an_agency_without_a_pinned_key_is_refused(agency: str) -> None:
    world = World(started=False)
    world.must(start(pins=[pin for pin in PINS if pin.owner != agency]))
    value = plan_value(
        agencies={agency: {"name": "x"}, "oncd": {"name": "y"}},
        stages=[stage(admission={"mode": "approve", "grant": {"anyOf": [agency, "oncd"]}})],
    )
    assert world.refused(ApplyPlan(read_plan(value))) == "agency_unknown"


def test_an_agency_that_only_asked_needs_a_key_too() -> None:
    value = plan_value(
        agencies={"oncd": {"name": "x"}, "ostp": {"name": "y"}, "commerce": {"name": "z"}},
        stages=[stage(basis={**stage()["basis"], "askedBy": ["commerce"]})],
    )
    assert World().refused(ApplyPlan(read_plan(value))) == "agency_unknown"


def test_a_plan_of_another_developer_is_refused() -> None:
    value = plan_value()
    value["metadata"]["developer"] = "anthropic"
    assert World().refused(ApplyPlan(read_plan(value))) == "other_developer"


def test_a_model_belongs_to_one_release() -> None:
    world = World()
    world.apply(plan_value())
    assert world.refused(ApplyPlan(read_plan(plan_value("other")))) == "model_taken"


def test_a_plan_too_large_for_an_entry_is_refused() -> None:
    stages = [stage(f"s{i}", title="x" * 500) for i in range(50)]
    models = [f"{'m' * 100}{i}" for i in range(100)]
    with pytest.raises(InvalidInput, match="65535"):
        World().do(ApplyPlan(read_plan(plan_value(models=models, stages=stages))))


def test_the_stages_of_an_unannounced_plan_are_still_agreed_to() -> None:
    world = World.opened(announced=False)
    assert world.admit()
    assert world.state.releases[RELEASE].plan.spec.models[0].id == MODEL


# Openings


def test_an_officer_opens_a_stage_on_the_record() -> None:
    world = World.agreed()
    terms = world.state.releases[RELEASE].terms[STAGE]
    assert world.state.table.open_terms == set()
    world.must(OpenStage(opening(world.state, signer=OTHER_OFFICER)))
    assert world.state.table.open_terms == {terms}
    entry = world.entries[-1]
    assert entry.type == "stage.opened"
    assert entry.public["officer"] == OTHER_OFFICER
    assert (entry.public["terms"], entry.public["log"]) == (terms, LOG)


def test_a_stage_is_opened_once() -> None:
    world = World.opened()
    size = world.state.size
    world.open()
    assert world.state.size == size


@pytest.mark.parametrize(
    ("signer", "code"),
    [("oncd", "key_of_another_party"), ("stranger", "signature_invalid")],
)
def test_nobody_but_an_officer_opens_a_stage(signer: str, code: str) -> None:
    world = World.agreed()
    assert world.refused(OpenStage(opening(world.state, signer=signer))) == code


def test_an_opening_altered_after_signing_does_not_verify() -> None:
    world = World.agreed()
    given = opening(world.state)
    other = stage_opening(LOG, RELEASE, STAGE, "sha256:" + "0" * 64)
    forged = type(given)(given.payload_type, other, given.signatures)
    assert world.refused(OpenStage(forged)) == "signature_invalid"


@pytest.mark.parametrize("agreeing", [(), ("oncd",), ("ostp",)])
def test_a_stage_opens_only_on_terms_that_every_agency_signed(agreeing: tuple[str, ...]) -> None:
    world = World()
    world.apply(plan_value())
    (case,) = terms_cases(world)
    for agency in agreeing:
        world.say(case, agency)
    assert world.refused(OpenStage(opening(world.state))) == "terms_not_agreed"


def test_an_opening_for_other_terms_is_refused() -> None:
    world = World.agreed()
    old = opening(world.state)
    world.apply(plan_value(stages=[looser()]))
    world.agree()
    assert world.refused(OpenStage(old)) == "terms_changed"
    world.open()


@pytest.mark.parametrize(("release", "name"), [("gpt-7", STAGE), (RELEASE, "general"), ("", "")])
def test_a_stage_that_is_not_there_is_refused(release: str, name: str) -> None:
    world = World.agreed()
    terms = world.state.releases[RELEASE].terms[STAGE]
    payload = stage_opening(LOG, release, name, terms)
    assert world.refused(OpenStage(signed(payload, OFFICER))) == "stage_unknown"


@pytest.mark.parametrize("log", [LOG.replace("openai", "other"), LOG.upper(), "v", ""])
def test_an_opening_for_another_log_is_refused(log: str) -> None:
    world = World.agreed()
    terms = world.state.releases[RELEASE].terms[STAGE]
    payload = stage_opening(log, RELEASE, STAGE, terms)
    assert world.refused(OpenStage(signed(payload, OFFICER))) == "other_log"
    assert world.state.table.open_terms == set()


def test_every_question_is_bound_to_the_log() -> None:
    world = World.opened()
    world.submit()
    world.direct("d-1")
    world.must(OpenLift("d-1"))
    assert {case.kind for case in world.cases()} == {"terms", "admission", "lift"}
    assert {case.question.log for case in world.cases()} == {LOG}


# Tightening


def test_tighter_terms_are_agreed_at_once_and_stay_open() -> None:
    world = World.opened()
    old = world.state.releases[RELEASE].terms[STAGE]
    result = world.apply(plan_value(stages=[stage(seats=5)], leaseMs=900))
    new = world.state.releases[RELEASE].terms[STAGE]
    assert (result["tightened"], result["loosened"], result["cases"]) == ([STAGE], {}, [])
    assert world.entries[-1].public["tightened"] == {STAGE: old}
    assert world.state.releases[RELEASE].agreed == {new}
    assert world.state.table.open_terms == {old, new}
    assert world.state.table.grants_by_id[world.admit()].terms == new


def test_an_open_case_goes_on_under_tighter_terms_and_is_decided_on_them() -> None:
    world = World.opened()
    case = world.submit()
    world.say(case, "oncd")
    for seats in (5, 4):
        tighter = {"requestsPerMinute": seats, "validFor": "P30D"}
        assert world.apply(plan_value(stages=[stage(seats=seats, conditions=tighter)]))["superseded"] == []
    world.say(case, "ostp")
    grant = world.state.table.grants_by_id[case.grant or ""]
    assert grant.requests_per_minute == 4
    assert grant.terms == world.state.releases[RELEASE].terms[STAGE] != case.question.terms


@pytest.mark.parametrize(
    "change",
    [
        {"eligibility": {"registeredIn": ["US"]}},
        {"admission": {**stage()["admission"], "countersign": ["oncd"]}},
    ],
)
def test_who_may_apply_and_who_decides_is_asked_again(change: dict[str, Any]) -> None:
    world = World.opened()
    case = world.submit()
    result = world.apply(plan_value(stages=[stage(**change)]))
    assert (result["tightened"], result["superseded"]) == ([STAGE], [case.id])


def test_a_change_that_is_tighter_here_and_looser_there_is_asked() -> None:
    world = World.opened()
    changed = stage(seats=1, conditions={"requestsPerMinute": 601, "validFor": "P30D"})
    result = world.apply(plan_value(stages=[changed]))
    assert (result["tightened"], result["loosened"]) == ([], {STAGE: ["conditions"]})
    assert len(result["cases"]) == 1


def test_terms_that_were_never_agreed_are_not_tightened() -> None:
    world = World()
    world.apply(plan_value())
    result = world.apply(plan_value(stages=[stage(seats=1)]))
    assert (result["tightened"], len(result["cases"])) == ([], 1)


def test_terms_that_come_back_from_tighter_ones_are_asked_again() -> None:
    world = World.opened()
    world.apply(plan_value(stages=[stage(seats=1)]))
    result = world.apply(plan_value())
    assert (result["tightened"], len(result["cases"])) == ([], 1)
    assert not world.state.releases[RELEASE].agreed


def test_an_opening_that_agencies_are_asked_for_is_signed_again_for_tighter_terms() -> None:
    asked: dict[str, Any] = {"opensWhen": {"allOf": [{"agreedBy": {"allOf": ["oncd"]}}]}}
    world = World.agreed(stages=[stage(**asked)])
    first = world.open()
    assert not world.state.table.open_terms
    result = world.apply(plan_value(stages=[stage(**asked, seats=5)]))
    assert result["superseded"] == [first["case"]]
    case = world.case(world.open()["case"])
    world.say(case, "oncd")
    assert world.state.table.open_terms == {world.state.releases[RELEASE].terms[STAGE]}


def test_new_terms_are_opened_anew() -> None:
    world = World.opened()
    old = world.state.releases[RELEASE].terms[STAGE]
    world.apply(plan_value(stages=[looser()]))
    world.agree()
    new = world.state.releases[RELEASE].terms[STAGE]
    assert world.state.table.open_terms == {old}
    world.open()
    assert world.state.table.open_terms == {old, new}


def test_a_position_is_no_opening() -> None:
    world = World()
    world.apply(plan_value())
    with pytest.raises(BadEnvelope, match="predicateType"):
        world.do(OpenStage(position(terms_cases(world)[0], "oncd", signer=OFFICER)))


def test_the_terms_of_one_stage_open_only_that_stage() -> None:
    world = World()
    world.apply(plan_value(stages=[stage(), stage("later")]))
    world.agree()
    terms = world.state.releases[RELEASE].terms[STAGE]
    swapped = stage_opening(LOG, RELEASE, "later", terms)
    assert world.refused(OpenStage(signed(swapped, OFFICER))) == "terms_changed"
    assert world.state.releases[RELEASE].plan.stages.keys() == {STAGE, "later"}
