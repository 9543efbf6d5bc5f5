"""Scrutiny that follows from a comparison: which results lead to it, what it changes, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle.evidence import RecordEvidence
from sluicegate.errors import InvalidDocument
from sluicegate_record.form import replace
from sluicegate_record.record import Record
from tests.evaluated import (
    COMPARED,
    NAME,
    TESTED,
    asked,
    command,
    compared,
    comparing,
    envelope,
    evaluation_of,
    run,
    tell,
    withdraw,
)
from tests.worlds import RELEASE, STAGE, World, digest, plan_value, read_plan, stage


def ran(hits: int, **changes: Any) -> Any:
    return run(hits=hits, metric="accuracy", **changes)


def levels(world: World) -> tuple[str, ...]:
    """The scrutiny levels that hold."""
    release = world.state.releases[RELEASE]
    return world.state.record.levels(RELEASE, release.stated)


def rule(world: World) -> Any:
    """The rule of admission in force."""
    return world.state.releases[RELEASE].plan.stages[STAGE].admission.grant.to_json()


def test_a_result_that_may_be_comparable_puts_the_level_in_force() -> None:
    world = comparing()
    own = world.state.releases[RELEASE].own_terms
    assert "not comparable" in tell(world, ran(120))["says"]
    assert (levels(world), rule(world)) == ((), {"allOf": ["oncd", "ostp"]})
    found = tell(world, ran(126))
    assert "; comparable to mythos-5, which begins at 0.66, so scrutiny level close holds" in found["says"]
    release = world.state.releases[RELEASE]
    assert (levels(world), rule(world)) == (("close",), {"allOf": ["oncd", "ostp", "caisi"]})
    assert release.plan.stages[STAGE].seats == 2
    assert (release.own_terms, release.terms[STAGE] in release.agreed) == (own, True)
    assert release.terms[STAGE] in world.state.table.open_terms
    (entry,) = [
        each for each in world.entries if each.type == "evidence.recorded" and each.public.get("raised")
    ]
    assert entry.public["raised"] == {STAGE: release.terms[STAGE]}


@pytest.mark.parametrize("hits", [120, 0])
def test_a_result_that_proves_to_be_weaker_raises_nothing(hits: int) -> None:
    world = comparing()
    before = world.state.releases[RELEASE].terms
    tell(world, ran(hits))
    assert (levels(world), world.state.releases[RELEASE].terms) == ((), before)


def test_few_questions_do_not_prove_that_a_model_is_weaker() -> None:
    """Who asks less learns less, and the doubt counts against the model."""
    world = comparing()
    tell(world, ran(1, trials=3))
    assert levels(world) == ("close",)


@pytest.mark.parametrize(
    "changes",
    [{"status": "cancelled"}, {"dataset": 14_042}, {"ran": "mockllm/gpt-5.6"}, {"task": "another"}],
    ids=repr,
)
def test_what_proves_nothing_raises_nothing(changes: dict[str, Any]) -> None:
    world = comparing()
    tell(world, ran(200, **changes))
    assert levels(world) == ()


@pytest.mark.parametrize("which", ["worst", "newest", "best"])
def test_a_weaker_result_after_it_takes_nothing_back(which: str) -> None:
    evaluations = {NAME: {**compared()["evaluations"][NAME], "ifDisagree": which}}
    world = comparing(evaluations=evaluations)
    tell(world, ran(150))
    tell(world, ran(0))
    assert levels(world) == ("close",)


def test_a_second_comparable_result_changes_no_terms() -> None:
    world = comparing()
    tell(world, ran(150))
    before = world.state.releases[RELEASE].terms
    tell(world, ran(160))
    assert world.state.releases[RELEASE].terms == before
    assert [each.public.get("raised") for each in world.entries if each.type == "evidence.recorded"][
        -1
    ] is None


def test_other_weights_are_compared_anew_and_a_withdrawal_ends_the_level() -> None:
    world = comparing()
    own = dict(world.state.releases[RELEASE].terms)
    found = tell(world, ran(150))
    value = plan_value(**compared())
    value["spec"]["models"][0]["digest"] = digest("newer")
    world.apply(value)
    assert levels(world) == ()
    world.apply(plan_value(**compared()))
    assert levels(world) == ("close",)
    withdraw(world, found["evidence"])
    assert (levels(world), world.state.releases[RELEASE].terms) == ((), own)


def test_open_cases_end_where_the_level_changes_how_they_are_decided() -> None:
    world = comparing()
    case = world.submit("org-1").id
    found = tell(world, ran(150))
    assert found["superseded"] == [case]
    assert world.state.cases[case].outcome == "superseded"
    again = world.submit("org-1").id
    assert withdraw(world, found["evidence"])["superseded"] == [again]


def test_a_level_that_asks_for_other_evidence_halts_the_stage_until_it_is_there() -> None:
    level = {"scrutiny": {"close": {"requires": {"allOf": [{"evidence": ["safe"]}]}}}}
    evaluations = {**compared()["evaluations"], "safe": asked()}
    world = World.agreed(
        **compared(
            **level, evaluations=evaluations, stages=[stage(opensWhen={"allOf": [{"terms": "agreed"}]})]
        )
    )
    tell(world, ran(150))
    assert world.types()[-1] == "stage.lacking"
    other = evaluation_of(world, "safe")
    world.must(RecordEvidence(envelope(other, run(), evaluation="safe")))
    assert world.types()[-1] == "stage.lacking"
    assert not world.entries[-1].public["lost"]


def test_the_record_reads_back_under_the_level() -> None:
    world = comparing()
    found = tell(world, ran(150))
    for _ in range(2):
        read = Record.from_json(world.state.record.to_json())
        assert read.to_json() == world.state.record.to_json()
        assert read.levels(RELEASE, read.releases[RELEASE].stated) == levels(world)
        withdraw(world, found["evidence"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"evaluations": {NAME: asked(**COMPARED, whenComparable={"scrutiny": "closer"})}},
            "a scrutiny level: close",
        ),
        ({"evaluations": {NAME: asked(whenComparable={"scrutiny": "close"})}}, "beside it 'compareTo'"),
        (
            {"evaluations": {NAME: asked(**COMPARED)}},
            "a level to which a class of 'designations' leads, or a",
        ),
        (
            {"scrutiny": {"close": {"requires": {"allOf": [{"evidence": ["nothing"]}]}}}},
            "one of jailbreak-res",
        ),
    ],
    ids=["no such level", "no reference", "no one leads there", "no such evaluation"],
)
def test_what_a_plan_says_wrongly_of_it_is_refused_with_its_place(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_plan(plan_value(**compared(**changes)))
    assert any(each.expected.startswith(said) for each in caught.value.at), caught.value.at


def test_the_digests_count_that_are_in_force() -> None:
    world = comparing()
    newer = replace(TESTED, digest=digest("newer"))
    world.must(command(world, ran(150), tested=newer))
    assert levels(world) == ()
