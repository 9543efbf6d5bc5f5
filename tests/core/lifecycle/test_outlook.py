"""The course of a release: its time line, its cases by clock, and when the next stage probably opens."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts.outlook import OpeningForecast
from sluicegate.core.lifecycle import outlook, timing
from sluicegate.core.lifecycle.releases import CloseStage
from sluicegate.core.lifecycle.trail import TURN, stage_name
from sluicegate.service.outlook import turn
from sluicegate_record.log import times
from tests.worlds import AT_MS, DAY_MS, RELEASE, STAGE, World, plan_value, receipt, stage, stage_closing

SECOND = "second"
AGREED = {"agreedBy": {"allOf": ["caisi", "ostp"]}}


def course(asked: Any = None, **first: Any) -> World:
    """Two stages; the first is open, and what the second asks for is still to come."""
    return World.opened(stages=[stage(**first), stage(SECOND, opensWhen=asked)])


def forecast(world: World) -> OpeningForecast:
    release = world.state.releases[RELEASE]
    took = outlook.answers(world.state.docket.sections.items())
    found = outlook.forecast(world.state, release, took, world.now_ms)
    assert found is not None
    return found


def answered(world: World, **days: tuple[float, ...]) -> None:
    """Agencies answer applications, each after so many days."""
    for number in range(max(map(len, days.values()))):
        case = world.submit(f"org-{number}")
        begun_ms = world.now_ms
        said = sorted((took[number], agency) for agency, took in days.items() if number < len(took))
        for after, agency in said:
            world.now_ms = begun_ms + round(after * DAY_MS)
            world.say(case, agency)


def days(world: World, at_ms: int | None) -> float:
    assert at_ms is not None
    return (at_ms - world.now_ms) / DAY_MS


def test_what_only_time_is_missing_for_has_its_date() -> None:
    found = forecast(course({"allOf": [{"soak": "P10D"}]}))
    assert (found.basis, found.stage, found.waits_for) == ("time", SECOND, ())
    assert found.at_ms == found.earliest_ms == found.latest_ms == AT_MS + 10 * DAY_MS
    assert found.words.startswith("second opens by itself on ")


def test_every_stage_is_open() -> None:
    world = World.opened()
    release = world.state.releases[RELEASE]
    assert outlook.forecast(world.state, release, {}, world.now_ms) is None


def test_agencies_without_a_history_are_said_plainly_and_nothing_is_guessed() -> None:
    world = World()
    world.apply(plan_value(stages=[stage(opensWhen={"allOf": [{"terms": "agreed"}]})]))
    found = forecast(world)
    assert (found.basis, found.at_ms, found.history) == ("none", None, ())
    assert found.waits_for == ("oncd (no history yet)", "ostp (no history yet)")
    assert found.words == (
        f"when {STAGE} opens cannot be said: it waits for oncd (no history yet); ostp (no history yet)"
    )


def test_an_opening_is_expected_by_how_long_those_who_are_awaited_took_before() -> None:
    world = course()
    answered(world, oncd=(1, 2, 9), ostp=(3, 3, 4))
    world.apply(plan_value(stages=[stage(), stage(SECOND, opensWhen={"allOf": [{"terms": "agreed"}]})]))
    found = forecast(world)
    assert found.basis == "history"
    assert [days(world, each) for each in (found.earliest_ms, found.at_ms, found.latest_ms)] == [0, 3, 9]
    (oncd, ostp) = found.history
    took = [each / DAY_MS for each in (oncd.median_ms, oncd.shortest_ms, oncd.longest_ms)]
    assert (oncd.agency, oncd.cases, took) == ("oncd", 5, [1, 0, 9])
    world.say(world.cases()[-1], "oncd")
    found = forecast(world)
    assert [each.agency for each in found.history] == ["ostp"]
    assert ostp.median_ms / DAY_MS == days(world, found.at_ms) == 3
    assert "ostp took 3 days in the median of 5 cases (0 to 4)" in found.words


def test_what_is_late_is_expected_now_and_not_before() -> None:
    world = course()
    answered(world, oncd=(1, 1, 1), ostp=(1, 1, 1))
    world.apply(plan_value(stages=[stage(), stage(SECOND, opensWhen={"allOf": [{"terms": "agreed"}]})]))
    world.later(30)
    found = forecast(world)
    assert (found.earliest_ms, found.at_ms, found.latest_ms) == (world.now_ms,) * 3


def test_the_last_of_a_date_and_an_answer_is_when_all_holds() -> None:
    day = times.format_time(AT_MS + 20 * DAY_MS)[:10]
    asked = {"allOf": [{"terms": "agreed"}, {"date": day}]}
    world = course()
    answered(world, oncd=(1, 1, 1), ostp=(2, 2, 50))
    world.apply(plan_value(stages=[stage(), stage(SECOND, opensWhen=asked)]))
    found = forecast(world)
    assert (found.earliest_ms, found.latest_ms) == (
        max(world.now_ms, AT_MS + 20 * DAY_MS),
        world.now_ms + 50 * DAY_MS,
    )


@pytest.mark.parametrize(
    ("asked", "waits_for"),
    [
        (None, ("an officer's 'sluicegate stage open'",)),
        ({"allOf": [AGREED]}, ("an officer's 'sluicegate stage open', which asks agencies",)),
        (
            {"allOf": [{"attested": {"standard": "s", "by": ["caisi"]}}, {"after": STAGE}]},
            ("an attestation of s by caisi",),
        ),
    ],
)
def test_what_has_no_time_is_named(asked: Any, waits_for: tuple[str, ...]) -> None:
    found = forecast(course(asked))
    assert (found.basis, found.at_ms, found.waits_for) == ("none", None, waits_for)


def test_of_requirements_in_a_group_as_many_are_awaited_as_must_hold() -> None:
    either = {"anyOf": [{"attested": {"standard": "s", "by": ["caisi"]}}, {"soak": "P3D"}]}
    world = course({"allOf": [AGREED, either]})
    world.say(world.case(world.open(name=SECOND)["case"]), "caisi")
    found = forecast(world)
    assert (found.basis, found.at_ms) == ("history", AT_MS + 3 * DAY_MS)


def test_a_stage_that_an_officer_opens_is_expected_to_be_agreed() -> None:
    world = course()
    answered(world, oncd=(2,), ostp=(2,))
    world.apply(plan_value(stages=[stage(seats=5)]))
    world.apply(plan_value(stages=[stage(seats=9)]))
    found = forecast(world)
    assert found.basis == "history"
    assert "are expected to be agreed, so that an officer can open it" in found.words


def test_a_stage_that_an_officer_closed_waits_for_an_officer() -> None:
    world = course({"allOf": [{"after": STAGE}]})
    world.must(CloseStage(stage_closing(name=SECOND)))
    found = forecast(world)
    assert found.waits_for == ("an officer's 'sluicegate stage open'",)


def line(world: World, name: str = STAGE) -> Any:
    release = world.state.releases[RELEASE]
    found = outlook.forecast(world.state, release, {}, world.now_ms)
    turned = [turn(world.entries[at]) for at in world.state.trail.of(TURN, stage_name(RELEASE, name))]
    return outlook.course(world.state, release, release.plan.stages[name], found, turned)


def test_the_time_line_has_what_happened_and_what_comes_in_its_order() -> None:
    basis = stage()["basis"] | {"until": "2027-01-01", "afterUntil": "lapse"}
    world = World()
    world.apply(
        plan_value(stages=[stage(basis=basis), stage(SECOND, opensWhen={"allOf": [{"soak": "P10D"}]})])
    )
    assert line(world).state == "waits"
    world.later(1)
    world.agree()
    world.later(1)
    world.open()
    told = line(world)
    assert told.state == "open"
    assert [(each.what, each.comes) for each in told.events] == [
        ("asked", False),
        ("agreed", False),
        ("opened", False),
        ("until", True),
    ]
    assert [(each.at_ms - AT_MS) / DAY_MS for each in told.events][:3] == [0, 1, 2]
    assert [each.what for each in line(world, SECOND).events if each.comes] == ["opens"]
    world.must(CloseStage(stage_closing()))
    told = line(world)
    assert (told.state, [each.text for each in told.events if each.what == "closed"]) == (
        "closed",
        ["it is unsafe"],
    )


def test_a_stage_that_lacks_something_is_halted() -> None:
    world = course({"allOf": [{"after": STAGE}]})
    world.must(CloseStage(stage_closing()))
    assert line(world, SECOND).state == "halted"


def test_cases_are_in_the_order_in_which_their_times_run_out() -> None:
    clock = {"within": 5, "unit": "days", "silence": "deny"}
    admission = stage()["admission"] | {"clock": clock}
    world = course(admission=admission)
    world.apply(plan_value(stages=[stage(admission=admission), stage(SECOND), stage("third")]))
    first, second = (world.submit(name) for name in ("org-1", "org-2"))
    world.must(receipt(second, "oncd"))
    world.later(1)
    world.must(receipt(first, "oncd"))
    names = world.state.docket.by_due(lambda heading: heading.release == RELEASE)
    found = [world.state.cases[name] for name in names]
    assert [each.id for each in found][:2] == [second.id, first.id]
    assert timing.first_due_ms(found[0]) is not None
    assert timing.first_due_ms(found[-1]) is None
