"""Who held which model: by application or list, as evaluator, everyone or staff; and what readers see."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sluicegate.acts import accounts, early_access, grants, releases
from sluicegate.errors import InvalidInput, Overloaded
from sluicegate.service import early_access as service
from sluicegate.service.replays import Replays
from sluicegate_record.log import times
from sluicegate_record.terms.quorum import parties_of
from tests.core.access.test_audience import GENERAL, general
from tests.plane import Plane, no, yes
from tests.worlds import AT_MS, DAY_MS, MODEL, RELEASE, STAGE, plan_value, stage

AGREED = {"basis": {"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"}}
PARTNERS = stage("partners", audience={"organizations": "partners.csv"}, admission={"mode": "approve",
                 "grant": {"allOf": ["oncd", "ostp"]}}, **AGREED)  # fmt: skip
TESTED = stage("tested", audience="evaluators", admission={"mode": "approve", "grant": {"anyOf": ["caisi"]}},
               **AGREED)  # fmt: skip


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


def asked(plane: Plane, who: str = "developer", of: str = RELEASE, **more: Any) -> Any:
    return plane.do(who, early_access.LIST, of=of, **more)


def rows(plane: Plane, who: str = "developer", of: str = RELEASE, **more: Any) -> Any:
    return yes(asked(plane, who, of, **more)).stretches


def applied(name: str = "Example Utility", **more: Any) -> str:
    return json.dumps({"name": name, "registeredIn": "US", "intendedUse": "defence of the grid", **more})


def later(plane: Plane, days: float) -> None:
    plane.wall.at_ms += round(days * DAY_MS)
    plane.ledger.tick()


def test_a_grant_is_held_suspended_held_directed_out_and_over(plane):
    grant = plane.admit(organization=applied())
    begun_ms = plane.wall.at_ms
    later(plane, 1)
    yes(plane.do("developer", grants.SUSPEND, grant=grant, code="misuse"))
    later(plane, 1)
    yes(plane.do("developer", grants.RESUME, grant=grant))
    later(plane, 1)
    plane.direct("d-1", ["Example Utility"])
    later(plane, 1)
    yes(plane.do("applicant", grants.SURRENDER, grant=grant))
    later(plane, 1)
    found = rows(plane)
    states = [(each.state, each.from_ms - begun_ms, each.until_ms - begun_ms) for each in found]
    assert states == [
        ("held", 0, DAY_MS),
        ("grant_suspended", DAY_MS, 2 * DAY_MS),
        ("held", 2 * DAY_MS, 3 * DAY_MS),
        ("directive_in_force", 3 * DAY_MS, 4 * DAY_MS),
    ]
    assert {each.organization for each in found} == {"Example Utility"}
    assert {each.purpose for each in found} == {"defence of the grid"}
    assert found[-1].directives == ("d-1",)
    first = found[0]
    assert (first.how, first.stage, first.surface, first.model) == ("application", STAGE, "api", MODEL)
    assert (first.under, first.staff, first.basis.kind) == (grant, False, "voluntary")
    assert first.basis.asked_by == ("oncd",)
    with plane.ledger.reading() as state:
        assert first.terms == state.releases[RELEASE].terms[STAGE]
        assert first.case == state.grants[grant].case


def test_a_grant_ends_by_time_alone_and_a_renewal_goes_on(plane):
    plane.admit(organization=applied())
    later(plane, 40)
    (found,) = rows(plane)
    assert found.until_ms - found.from_ms == 30 * DAY_MS


def test_a_time_and_a_model_bound_what_is_shown(plane):
    grant = plane.admit(organization=applied())
    later(plane, 2)
    yes(plane.do("developer", grants.SUSPEND, grant=grant, code="misuse"))
    day = times.format_time(AT_MS + DAY_MS)[:10]
    assert [each.state for each in rows(plane, until=day)] == ["held"]
    assert [each.state for each in rows(plane, since=times.format_time(AT_MS + 2 * DAY_MS))] == [
        "grant_suspended"
    ]
    assert [each.state for each in rows(plane, of=MODEL)] == ["held", "grant_suspended"]
    assert no(asked(plane, of="gpt-9")) == "release_unknown"
    with pytest.raises(InvalidInput):
        asked(plane, since=day, until=day)
    with pytest.raises(InvalidInput):
        asked(plane, since="yesterday")


def test_each_reader_sees_what_it_may(plane):
    plane.admit(organization=applied())
    plane.admit("rival", organization=applied("Example Grid"))
    staff = rows(plane)
    assert {each.organization for each in staff} == {"Example Utility", "Example Grid"}
    own = rows(plane, "applicant")
    assert [(each.organization, each.purpose) for each in own] == [("Example Utility", "defence of the grid")]
    assert {each.organization for each in rows(plane, "oncd")} == {"Example Utility", "Example Grid"}
    others = yes(asked(plane, "caisi"))
    assert [(each.organization, each.purpose, each.staff) for each in others.stretches] == 2 * [(None,) * 3]
    assert others.organizations == 2
    assert "Example" not in repr(others)


def test_a_release_that_is_not_announced_is_unknown_to_who_may_not_know(plane):
    plane.apply(plan_value("secret", models=["gpt-6"], announced=False))
    for of in ("secret", "gpt-6"):
        hidden, missing = asked(plane, "applicant", of), asked(plane, "applicant", "x" * len(of))
        assert repr(hidden).replace(of, "x" * len(of)) == repr(missing)
        assert yes(asked(plane, of=of)).stretches == ()
    assert no(plane.do("applicant", early_access.COUNTS, release="secret")) == "release_unknown"


def test_staff_are_shown_as_the_developers_own(plane):
    plane.admit("developer", organization=applied("Example Lab", kind="staff"))
    (found,) = rows(plane)
    assert (found.organization, found.staff, found.how) == ("Example Lab", True, "application")


def test_lists_evaluators_and_everyone_are_each_shown_as_such():
    plane = Plane()
    value = plan_value(
        stages=[stage(), PARTNERS, TESTED, general()], evaluators={"lab": {"name": "Example Test"}}
    )
    lists = {"partners.csv": ["Example Listed"]}
    done = yes(plane.do("developer", releases.APPLY, text=json.dumps(value), file="plan.yaml", lists=lists))
    for case in done.cases:
        for agency in sorted(parties_of(plane.case(case).rule)):
            yes(plane.say(case, agency))
    yes(plane.open())
    for name in ("partners", "tested", GENERAL):
        yes(plane.open(stage=name))
    plane.admit(organization=applied())
    opened = {
        name: yes(plane.do("developer", accounts.OPEN, organization=applied(name))).account
        for name in ("Example Listed", "Example Test", "Example Labs")
    }
    found = {each.organization: each for each in rows(plane) if each.surface == "api"}
    how = {name: (each.how, each.stage) for name, each in found.items()}
    assert how["Example Utility"] == ("application", STAGE)
    assert how["Example Labs"] == ("everyone", GENERAL)
    assert found["Example Labs"].under == opened["Example Labs"]
    assert found["Example Labs"].purpose == "defence of the grid"
    assert {each.how for each in rows(plane)} == {"application", "list", "evaluators", "everyone"}
    listed = [each for each in rows(plane) if each.how in {"list", "evaluators"}]
    assert {each.organization for each in listed} == {"Example Listed", "Example Test"}


def test_what_a_list_gave_stays_a_lists_where_it_goes_on_as_part_of_a_stage_for_applicants(plane):
    lists = {"partners.csv": ["Example Listed"]}
    first = plan_value(stages=[PARTNERS])
    later_ = plan_value(stages=[stage("wider", grants={"partners": {"become": "wider"}}, **AGREED)])
    for value, name, beside in ((first, "partners", lists), (later_, "wider", {})):
        text = json.dumps(value)
        done = yes(plane.do("developer", releases.APPLY, text=text, file="plan.yaml", lists=beside))
        for case in done.cases:
            for agency in sorted(parties_of(plane.case(case).rule)):
                yes(plane.say(case, agency))
        yes(plane.open(stage=name))
        if name == "partners":
            yes(plane.do("developer", accounts.OPEN, organization=applied("Example Listed")))
        later(plane, 1)
    found = [(each.how, each.stage, each.organization) for each in rows(plane) if each.surface == "api"]
    assert found == [("list", name, "Example Listed") for name in ("partners", "wider")]


def test_anyone_sees_counts_from_five_on(plane):
    counted = yes(plane.do("applicant", early_access.COUNTS, release=RELEASE))
    assert [(each.stage, each.organizations) for each in counted.stages] == [(STAGE, None)]
    for number in range(5):
        plane.admit(organization=applied(f"Example {number}"))
    (found,) = yes(plane.do("applicant", early_access.COUNTS, release=RELEASE)).stages
    assert found.organizations == 5
    assert early_access.COUNTS.roles == frozenset()


def test_what_is_too_much_is_cut_and_said(plane, monkeypatch):
    plane.admit(organization=applied())
    plane.admit("rival", organization=applied("Example Grid"))
    monkeypatch.setattr(service, "STRETCHES_MAX", 1)
    found = yes(asked(plane))
    assert (len(found.stretches), found.cut, found.organizations) == (1, True, 2)


def test_it_costs_no_more_the_more_applications_there_are(plane):
    plane.admit(organization=applied())
    with plane.ledger.reading() as state:
        size, costs = state.size, len(state.trail.of_access(state.table.held))
    for number in range(20):
        yes(plane.submit(organization=applied(f"Example {number}")))
    plane.services = replace(plane.services, replays=Replays(most=costs))
    assert plane.size > size + 20
    assert [each.state for each in rows(plane)] == ["held"]


def test_one_fold_at_a_time(plane):
    with plane.services.replays._locks["developer"], pytest.raises(Overloaded):
        asked(plane)
