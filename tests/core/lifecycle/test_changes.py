"""The changes of a plan in groups: each field finds its group by its place."""

from __future__ import annotations

import pytest

from sluicegate.core.lifecycle import changes
from sluicegate_record.entities.release import Release
from tests.worlds import RELEASE, STAGE, plan_value, read_plan, stage


@pytest.mark.parametrize(
    ("field", "group"),
    [
        ("spec.models[gpt-6].digest", (None, "models")),
        ("spec.surfaces[1]", (None, "surfaces")),
        ("spec.agencies.oncd.concerns[0]", (None, "agencies")),
        ("spec.evaluators.caisi.name", (None, "agencies")),
        ("spec.leaseMs", (None, "release")),
        ("metadata.title", (None, "release")),
        ("spec.stages", (None, "release")),
        ("spec.aFieldOfANewerBuild.x", (None, "release")),
        ("spec.stages[first.one].seats", ("first.one", "seats")),
        ("spec.stages[first].ramp[0].share", ("first", "seats")),
        ("spec.stages[first].admission.clock.within", ("first", "rules")),
        ("spec.stages[first].basis.until", ("first", "rules")),
        ("spec.stages[first].conditions.mfa.value", ("first", "conditions")),
        ("spec.stages[first].opensWhen.allOf[0].soak", ("first", "requirements")),
        ("spec.stages[first].exposure.people", ("first", "exposure")),
        ("spec.stages[first].grants.second.become", ("first", "grants")),
        ("spec.stages[first].aFieldOfANewerBuild", ("first", "rules")),
    ],
)
def test_a_field_is_in_the_group_of_its_place(field, group):
    assert changes.group_of(field) == group


def test_the_release_is_first_and_then_each_stage_in_its_order():
    before = read_plan(plan_value(stages=[stage("zebra", seats=2), stage("ant", seats=2)]))
    after = read_plan(
        plan_value(
            leaseMs=900,
            stages=[
                stage("zebra", seats=3, exposure={"people": 5}, conditions={"validFor": "P1D"}),
                stage("ant", seats=9),
            ],
        )
    )
    release = Release(name=RELEASE, given=before, terms=before.terms)
    found = changes.changes(release.plan, after)
    groups = changes.groups(found)
    assert [(each.stage, each.part) for each in groups] == [
        (None, "release"),
        ("zebra", "seats"),
        ("zebra", "conditions"),
        ("zebra", "exposure"),
        ("ant", "seats"),
    ]
    assert sorted(each.field for group in groups for each in group.changes) == sorted(
        each.field for each in found
    )


def test_no_change_has_no_group():
    plan = read_plan(plan_value(stages=[stage(STAGE)]))
    assert changes.groups(changes.changes(plan, plan)) == ()
