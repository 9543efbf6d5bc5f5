"""Stages that open by themselves: when, in which order, with which proofs, and never before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.core import lifecycle
from sluicegate.core.access.decision import Ask, Instant, decide
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.lifecycle import stages, ticks
from sluicegate.core.lifecycle.releases import CloseStage, OpenStage
from sluicegate_record.entries import place_all
from sluicegate_record.law.requirements import facts_of
from sluicegate_record.log import times
from sluicegate_record.log.leaf import Entropy
from tests.worlds import (
    API,
    AT_MS,
    DAY_MS,
    LOG,
    MODEL,
    OFFICER,
    RELEASE,
    STAGE,
    World,
    looser,
    opening,
    plan_value,
    signed,
    stage,
    stage_closing,
    stage_opening,
)

SECOND, THIRD = "second", "third"
TERMS = {"terms": "agreed"}


def plan(*later: dict[str, Any] | None, first: Any = None) -> dict[str, Any]:
    """Stages in a row: the first, opened by hand if it requires nothing, and those after it."""
    names = (SECOND, THIRD)
    after = [stage(name, opensWhen=asked) for name, asked in zip(names, later, strict=False)]
    return plan_value(stages=[stage(opensWhen=first), *after])


def agreed(*later: dict[str, Any] | None, first: Any = None) -> World:
    world = World()
    world.apply(plan(*later, first=first))
    world.agree()
    return world


def is_open(world: World, name: str) -> bool:
    return world.state.releases[RELEASE].terms[name] in world.state.table.open_terms


def opened(world: World) -> list[str]:
    """The stages in the order in which they opened."""
    return [entry.public["stage"] for entry in world.entries if entry.type == "stage.opened"]


def test_a_stage_without_requirements_waits_for_an_officer() -> None:
    world = agreed(None)
    world.later(1_000)
    assert opened(world) == []
    world.open()
    assert opened(world) == [STAGE]


def test_a_stage_opens_when_its_terms_are_agreed_if_it_says_so() -> None:
    world = World()
    world.apply(plan(first={"allOf": [TERMS]}))
    (case,) = world.cases()
    world.say(case, "oncd")
    assert not is_open(world, STAGE)
    world.say(case, "ostp")
    (entry,) = [entry for entry in world.entries if entry.type == "stage.opened"]
    assert (entry.by, entry.public.get("officer")) == ("clock", None)
    assert entry.public["met"] == [{"requirement": "terms", "since": times.format_time(AT_MS)}]


def test_a_stage_opens_once_the_one_before_has_been_open_for_its_time() -> None:
    world = agreed({"allOf": [{"soak": "P10D"}]})
    world.later(30)
    assert opened(world) == []
    world.open()
    world.later(9.99)
    assert opened(world) == [STAGE]
    world.later(0.01)
    assert opened(world) == [STAGE, SECOND]
    assert world.entries[-1].public["met"] == [
        {"requirement": "soak", "since": times.format_time(AT_MS + 40 * DAY_MS)}
    ]


def test_a_stage_opens_on_its_day_and_not_before_its_terms_are_agreed() -> None:
    day = times.format_time(AT_MS + 3 * DAY_MS)[:10]
    world = World()
    world.apply(plan({"allOf": [{"date": day}]}))
    world.later(10)
    assert opened(world) == []
    world.agree()
    assert opened(world) == [SECOND]


def test_openings_that_a_week_of_downtime_held_up_happen_in_their_order() -> None:
    day = times.format_time(AT_MS + 2 * DAY_MS)[:10]
    world = agreed(
        {"allOf": [{"soak": "P1D"}]}, {"allOf": [{"after": SECOND}]}, first={"allOf": [{"date": day}]}
    )
    world.later(7)
    assert opened(world) == [STAGE]  # a soak begins when the log says that the stage is open
    world.later(1)
    assert opened(world) == [STAGE, SECOND, THIRD]


def test_an_officer_cannot_open_what_waits_for_something_else() -> None:
    world = agreed({"allOf": [{"after": STAGE}]})
    assert world.refused(OpenStage(opening(world.state, name=SECOND))) == "requirements_unmet"
    world.open()
    assert opened(world) == [STAGE, SECOND]
    assert world.must(OpenStage(opening(world.state, name=SECOND)))["stage"] == SECOND


def test_terms_that_are_within_agreed_ones_are_not_among_what_a_stage_waits_for() -> None:
    asked = {"allOf": [TERMS, {"date": "2099-01-01"}]}
    world = agreed(first=asked)
    world.apply(plan_value(stages=[stage(opensWhen=asked, seats=1)]))
    facts = facts_of(world.state.record, RELEASE, STAGE, world.now_ms)
    refusal = stages.requirements_unmet(facts, world.state.releases[RELEASE].plan.stages[STAGE])
    assert refusal.message.endswith("it waits for the date 2099-01-01")


AGREED = {"agreedBy": {"allOf": ["caisi"]}}


def test_agencies_agree_to_an_opening_that_then_waits_for_its_time() -> None:
    world = agreed({"allOf": [{"soak": "P10D"}, AGREED]})
    case = world.case(world.open(name=SECOND)["case"])
    world.say(case, "caisi")
    assert (case.outcome, opened(world)) == ("approved", [])
    assert world.refused(OpenStage(opening(world.state, name=SECOND))) == "requirements_unmet"
    world.open()
    world.later(10)
    assert opened(world) == [STAGE, SECOND]
    entry = next(
        each for each in world.entries if each.public.get("stage") == SECOND and each.type == "stage.opened"
    )
    assert (entry.public["officer"], entry.public["case"]) == ("release-officer", case.id)
    assert [each["requirement"] for each in entry.public["met"]] == ["soak", "agreedBy"]


def test_agencies_that_agree_last_open_the_stage_at_once() -> None:
    world = agreed({"allOf": [{"after": STAGE}, AGREED]})
    case = world.case(world.open(name=SECOND)["case"])
    world.open()
    assert opened(world) == [STAGE]
    world.say(case, "caisi")
    assert opened(world) == [STAGE, SECOND]


@pytest.mark.parametrize("asked", [{"allOf": [AGREED]}, None], ids=["asked before", "asked now"])
def test_tighter_terms_of_an_open_stage_ask_no_one_again_to_agree_to_its_opening(asked: Any) -> None:
    world = agreed(asked)
    result = world.open(name=SECOND)
    if asked is not None:
        world.say(world.case(result["case"]), "caisi")
    before = world.state.releases[RELEASE].terms[SECOND]
    world.apply(plan_value(stages=[stage(), stage(SECOND, opensWhen={"allOf": [AGREED]}, seats=1)]))
    assert world.state.releases[RELEASE].terms[SECOND] != before
    assert is_open(world, SECOND)
    case = world.submit(name=SECOND)
    for agency in ("oncd", "ostp"):
        world.say(case, agency)
    assert case.outcome == "approved"


def test_what_is_not_on_the_plan_any_more_does_not_open() -> None:
    world = agreed({"allOf": [{"soak": "P10D"}]})
    world.open()
    world.apply(plan(None))
    world.later(20)
    assert opened(world) == [STAGE]


def test_what_a_stage_waits_for_is_shown_with_who_can_clear_it() -> None:
    world = agreed({"allOf": [TERMS, {"soak": "P10D"}, {**AGREED, "whenLost": "close"}]})
    shown = [(each.requirement, each.state, each.clears) for each in _shown(world)]
    assert shown == [
        ("terms: agreed", "met", ()),
        ("soak: P10D", "missing", (f"the opening of {STAGE}",)),
        (
            'agreedBy: {"allOf":["caisi"]}',
            "missing",
            ("an officer's 'sluicegate stage open', which asks caisi",),
        ),
    ]
    world.open(name=SECOND)
    assert _shown(world)[2].clears == ("caisi",)
    world.open()
    soak = _shown(world)[1]
    assert (soak.state, soak.at_ms, soak.clears) == ("comes", AT_MS + 10 * DAY_MS, ())
    world.later(10)
    assert (_shown(world)[1].state, _shown(world)[1].since_ms) == ("met", AT_MS + 10 * DAY_MS)


def _shown(world: World) -> list[Any]:
    return list(stages.shown(world.state.record, RELEASE, SECOND, world.now_ms))


# No path by which a stage is open while a requirement is not met

DAY = [times.format_time(AT_MS + days * DAY_MS)[:10] for days in (1, 4, 9)]
LEAF = st.one_of(
    st.just(TERMS),
    st.sampled_from(DAY).map(lambda day: {"date": day}),
    st.sampled_from([{"soak": "P1D"}, {"soak": "P3D"}, {"soak": "P2D", "of": STAGE}, {"after": STAGE}]),
)
ASKED = st.builds(
    lambda of, members: {of: members},
    st.sampled_from(["allOf", "anyOf"]),
    st.lists(
        st.one_of(
            LEAF, st.lists(LEAF, min_size=2, max_size=3).map(lambda of: {"atLeast": {"n": 2, "of": of}})
        ),
        min_size=1,
        max_size=3,
    ),
)
STEPS = st.lists(
    st.one_of(st.just("open"), st.just("agree"), st.sampled_from([0.5, 1, 2, 7])), min_size=1, max_size=8
)


def holds(asked: Any, opened_at: dict[str, int], before: str, at_ms: int) -> bool:  # noqa: PLR0911 - one a kind
    """Whether a requirement holds, read literally from when each stage opened."""
    if "allOf" in asked:
        return all(holds(each, opened_at, before, at_ms) for each in asked["allOf"])
    if "anyOf" in asked:
        return any(holds(each, opened_at, before, at_ms) for each in asked["anyOf"])
    if "atLeast" in asked:
        of = asked["atLeast"]
        return bool(sum(holds(each, opened_at, before, at_ms) for each in of["of"]) >= of["n"])
    if "date" in asked:
        return bool(times.format_time(at_ms)[:10] >= asked["date"])
    if "after" in asked:
        return asked["after"] in opened_at
    if "soak" in asked:
        base = opened_at.get(asked.get("of", before))
        return base is not None and at_ms - base >= int(asked["soak"][1:-1]) * DAY_MS
    return True


@settings(max_examples=60, deadline=None)
@given(ASKED, ASKED, STEPS)
def test_no_stage_opens_before_all_holds_and_none_stays_closed_after(
    second: Any, third: Any, steps: list[Any]
) -> None:
    world = World()
    world.apply(plan(second, third))
    for step in (*steps, 1):
        if step == "agree":
            world.agree()
        elif (
            step == "open"
            and world.state.releases[RELEASE].terms[STAGE] in world.state.releases[RELEASE].agreed
        ):
            world.open()
        elif not isinstance(step, str):
            world.later(step)
        is_agreed = bool(world.state.releases[RELEASE].agreed)
        seen: dict[str, int] = {}
        for entry in (each for each in world.entries if each.type == "stage.opened"):
            name = entry.public["stage"]
            if name != STAGE:
                before = STAGE if name == SECOND else SECOND
                assert holds({SECOND: second, THIRD: third}[name], seen, before, entry.at_ms)
            seen[name] = entry.at_ms
        for name, asked, before in ((SECOND, second, STAGE), (THIRD, third, SECOND)):
            if is_agreed and holds(asked, seen, before, world.now_ms):
                assert name in seen


@pytest.mark.parametrize("days", [0, 3])
def test_the_moment_of_the_next_opening_is_known_before(days: int) -> None:
    world = agreed({"allOf": [{"soak": "P10D"}]})
    world.open()
    world.later(days)
    due_ms = stages.opens_ms(world.state.record, RELEASE, SECOND, world.now_ms)
    assert due_ms == AT_MS + 10 * DAY_MS


# Closed, and what follows if a requirement no longer holds


def close(world: World, name: str = STAGE, **said: Any) -> None:
    world.must(CloseStage(stage_closing(name=name, **said)))


def test_a_closed_stage_stops_its_grants_until_an_officer_opens_it_again() -> None:
    world = World.opened()
    digest, _ = world.credential(world.admit())
    close(world)
    assert _decided(world, digest) == Reason.STAGE_NOT_OPEN
    assert world.refused(OpenStage(signed(stage_opening(LOG, RELEASE, STAGE, _terms(world)), OFFICER))) == (
        "stage_closed"
    )
    world.open()
    assert _decided(world, digest) == "allowed"


def test_a_stage_that_an_officer_closed_does_not_open_by_itself() -> None:
    world = agreed({"allOf": [{"soak": "P1D"}]})
    world.open()
    world.later(1)
    close(world, SECOND)
    world.later(10)
    assert not is_open(world, SECOND)
    world.open(name=SECOND)
    assert is_open(world, SECOND)
    close(world, SECOND, reason="again")
    assert not is_open(world, SECOND)


def test_a_closing_counts_once_and_only_an_officers() -> None:
    world = World.opened()
    close(world)
    size = world.state.size
    close(world)
    assert world.state.size == size
    world.open()
    assert world.refused(CloseStage(stage_closing())) == "closing_used"
    assert world.refused(CloseStage(stage_closing(name="none"))) == "stage_unknown"
    assert world.refused(CloseStage(stage_closing(signer="oncd"))) == "key_of_another_party"


def test_a_stage_that_is_closed_before_it_opens_waits_for_an_officer() -> None:
    world = agreed({"allOf": [{"soak": "P1D"}]})
    close(world, SECOND)
    world.open()
    world.later(5)
    assert opened(world) == [STAGE]
    world.open(name=SECOND)
    assert is_open(world, SECOND)


def test_terms_that_were_open_before_open_again_with_the_stage() -> None:
    world = World.opened()
    digest, _ = world.credential(world.admit())
    world.apply(plan_value(stages=[looser()]))
    world.agree()
    world.open()
    close(world)
    assert _decided(world, digest) == Reason.STAGE_NOT_OPEN
    world.open()
    assert _decided(world, digest) == "allowed"
    assert not world.state.record.closings[f"{RELEASE}/{STAGE}"].terms


def _terms(world: World) -> str:
    return world.state.releases[RELEASE].terms[STAGE]


def _decided(world: World, digest: bytes) -> str:
    answer = decide(Ask(digest, MODEL, API), world.state.table, Instant(world.now_ms, world.now_ms))
    return answer.reason if isinstance(answer, Deny) else "allowed"


def lost(when: str | None) -> World:
    """A stage that is open because the one before it is, which then closes."""
    asked = {"after": STAGE, **({"whenLost": when} if when else {})}
    world = agreed({"allOf": [asked]})
    world.open()
    assert is_open(world, SECOND)
    world.credential(world.admit(name=SECOND))
    close(world)
    return world


def test_a_stage_closes_with_the_one_that_it_needs_and_opens_again_with_it() -> None:
    world = lost("close")
    assert not is_open(world, SECOND)
    entry = world.entries[-1]
    assert (entry.type, entry.by, entry.public["lost"]) == ("stage.closed", "clock", [f"after: {STAGE}"])
    world.open()
    assert is_open(world, SECOND)


@pytest.mark.parametrize("when", [None, "halt"])
def test_a_stage_that_lacks_something_admits_no_one_until_it_has_it_again(when: str | None) -> None:
    world = lost(when)
    assert is_open(world, SECOND)
    case = world.submit("org-2", name=SECOND)
    world.all_say(case, "oncd approve", "ostp approve")
    before = case.grant
    world.open()
    assert (before, case.grant is None) == (None, False)
    told = [
        (entry.public["lost"], entry.public.get("then"))
        for entry in world.entries
        if entry.type == "stage.lacking"
    ]
    assert told == [([f"after: {STAGE}"], "halt"), ([], None)]


def test_a_loss_that_is_only_told_changes_nothing_else() -> None:
    world = lost("tell")
    assert world.entries[-1].public["then"] == "tell"
    case = world.submit("org-2", name=SECOND)
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.grant is not None
    size = world.state.size
    world.later(30)
    assert "stage.lacking" not in world.types(size)


def test_a_requirement_that_a_plan_adds_to_an_open_stage_is_lacking_at_once() -> None:
    world = agreed({"allOf": [{"after": STAGE}]})
    world.open()
    more = {"allOf": [{"after": STAGE}, {"date": "2099-01-01", "whenLost": "close"}]}
    assert world.apply(plan(more))["tightened"] == [SECOND]
    assert not is_open(world, SECOND)


def test_agencies_are_asked_again_about_a_stage_that_was_closed() -> None:
    world = agreed({"allOf": [AGREED]})
    world.say(world.case(world.open(name=SECOND)["case"]), "caisi")
    assert is_open(world, SECOND)
    close(world, SECOND)
    world.later(1)
    assert not is_open(world, SECOND)
    case = world.case(world.open(name=SECOND)["case"])
    assert not is_open(world, SECOND)
    world.say(case, "caisi")
    assert is_open(world, SECOND)


# What is said before a stage opens


FORESEEN = {"grants": {STAGE: {"become": "general"}}}


def foreseeing(**changes: Any) -> World:
    """A stage for everyone that opens ten days after the first one, of which grants become a part."""
    basis = {"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"}
    body = {"audience": "everyone", "admission": None, "conditions": None, "basis": basis, **FORESEEN}
    second = stage("general", opensWhen={"allOf": [{"soak": "P10D"}]}, **{**body, **changes})
    return World.opened(stages=[stage(), second])


def foreseen(world: World) -> list[int]:
    """The moments that were foreseen, as days after the first opening."""
    found = [each for each in world.entries if each.type == "stage.foreseen"]
    return [(times.parse_time(each.public["opens"]) - AT_MS) // DAY_MS for each in found]


def test_an_opening_is_foreseen_once_some_time_before() -> None:
    world = foreseeing()
    world.now_ms += 3 * DAY_MS - 1
    world.tick()
    assert foreseen(world) == []
    world.now_ms += 1
    world.tick()
    assert foreseen(world) == [10]
    world.later(6)
    assert foreseen(world) == [10]
    world.later(1)
    assert world.types()[-1] == "stage.opened"


def test_it_is_foreseen_as_long_before_as_the_plan_says_and_for_grants_alone() -> None:
    world = foreseeing(grants={STAGE: {"become": "general", "notice": "P2D"}})
    world.later(7)
    assert foreseen(world) == []
    world.later(1)
    assert foreseen(world) == [10]
    other = foreseeing(grants=None)
    other.later(9)
    assert foreseen(other) == []


def test_another_moment_of_it_is_foreseen_again() -> None:
    world = foreseeing()
    world.later(4)
    world.must(CloseStage(stage_closing()))
    world.later(2)
    world.open()
    world.later(4)
    assert foreseen(world) == [10, 16]


def test_after_a_downtime_over_it_the_stage_opens_and_is_not_foreseen() -> None:
    world = foreseeing()
    world.now_ms += 20 * DAY_MS
    world.tick()
    assert foreseen(world) == []
    assert world.types().count("stage.opened") == 2


def test_a_batch_after_a_downtime_opens_it_once() -> None:
    world = foreseeing()
    world.now_ms += 20 * DAY_MS
    ahead, opened = lifecycle.Ahead(world.state), []
    for drafts in ticks.batch(ahead, world.now_ms, Entropy(bytes(32))):
        for entry in place_all(drafts, seq=ahead.size, at_ms=world.now_ms, by="clock", command="c"):
            ahead.apply(entry)
            opened.append(entry.type)
    assert opened == ["stage.opened"]
