"""Observations: what each shows beside the directives on the record, and what of it is put there."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from sluicegate.core.lifecycle import observations
from sluicegate.core.lifecycle.directives import LIFTED, OpenLift
from sluicegate.core.lifecycle.fleet import NoteInForce
from sluicegate_record.directives.scope import Scope
from sluicegate_record.entities.observation import Observation
from sluicegate_record.log.leaf import Opening
from sluicegate_record.terms.observations import DUE_MS, HEARTBEAT_MS, ProbeOutcome
from tests.worlds import AT_MS, CODEX, DAY_MS, MODEL, OFFICER, RELEASE, World, observation, opened_names

ANSWERED = ProbeOutcome(got="answered", status=200)
REFUSED = ProbeOutcome(got="refused", status=403, reason="not_admitted")
FAILED = ProbeOutcome(got="failed", status=503, reason="gate_stale")
ALL: dict[str, Any] = {"covers": "everyone"}
SOME: dict[str, Any] = {"covers": {"registeredIn": ["RU"]}}


def by(name: str = "d-1") -> ProbeOutcome:
    return ProbeOutcome(got="refused", status=451, reason="directive_in_force", directive=name)


@pytest.fixture
def world() -> World:
    return World.opened()


def force(world: World, name: str = "d-1") -> None:
    """An entry says that a directive is in force everywhere: no gateway holds a lease."""
    world.must(NoteInForce(name, world.state.directives[name].size, ()))


def sees(world: World, outcome: ProbeOutcome, observer: str = "caisi", **said: Any) -> str:
    """What an observation shows, as who handed it in hears it."""
    world.now_ms += 1
    receipt = world.must(observation(world.state, RELEASE, outcome, observer, **said))
    assert receipt["recorded"]
    return f"{receipt['verdict']} {receipt['dueBy'] or ''}".strip()


def lift(world: World, name: str = "d-1", opened: Opening | None = None, **scope: Any) -> None:
    case = world.must(OpenLift(name, Scope.from_json(scope) if scope else None, opened))["case"]
    world.say(world.case(case), "oncd")


# What it shows


def test_an_answer_after_a_directive_is_in_force_everywhere_contradicts_it(world: World) -> None:
    assert sees(world, ANSWERED) == "as_due"
    world.direct(**ALL)
    assert sees(world, ANSWERED) == "undecided"
    force(world)
    assert sees(world, ANSWERED) == "still_served d-1"
    assert sees(world, by()) == "as_due d-1"


def test_what_its_observer_asked_before_that_contradicts_nothing(world: World) -> None:
    world.direct(**ALL)
    size = world.state.size
    force(world)
    assert sees(world, ANSWERED, size=size) == "undecided"


def test_an_hour_after_it_began_no_gateway_and_no_point_is_waited_for(world: World) -> None:
    world.direct(**ALL)
    world.now_ms += DUE_MS - 2
    at_ms = world.now_ms
    assert sees(world, ANSWERED, signed_at_ms=at_ms) == "undecided"
    world.now_ms += 2
    before = observation(world.state, RELEASE, ANSWERED, "ostp", size=1, signed_at_ms=world.now_ms)
    assert world.must(before)["verdict"] == "undecided"  # it had not seen that it was issued
    assert sees(world, ANSWERED, signed_at_ms=world.now_ms) == "still_served d-1"


def test_a_clock_that_is_ahead_makes_no_contradiction(world: World) -> None:
    world.direct(**ALL)
    assert sees(world, ANSWERED, signed_at_ms=world.now_ms + DUE_MS) == "undecided"


def test_what_is_lifted_is_not_in_the_way_and_a_part_only_for_some_may_be(world: World) -> None:
    world.direct(**ALL)
    force(world)
    size = world.state.size
    named = opened_names(["org-1"])
    lift(world, opened=named, organizations={"count": 1, "commitment": named.commitment("sealed", LIFTED)})
    assert sees(world, ANSWERED) == "undecided"
    lift(world, surfaces=[CODEX])
    assert sees(world, ANSWERED, surface=CODEX, size=size) == "undecided"  # lifted since it was asked
    assert sees(world, ANSWERED, surface=CODEX) == "as_due"
    lift(world)
    assert sees(world, ANSWERED) == "as_due"
    assert sees(world, by()) == "not_served"


def test_a_directive_for_some_covers_a_key_only_if_its_observer_says_so(world: World) -> None:
    world.direct(**SOME)
    force(world)
    assert sees(world, ANSWERED) == "as_due"
    assert sees(world, by()) == "as_due"
    assert sees(world, ANSWERED, covered_by="d-1") == "still_served d-1"
    assert sees(world, by(), covered_by="d-1") == "as_due d-1"


@pytest.mark.parametrize("changes", [{"surfaces": [CODEX]}, {"action": "restrict"}], ids=str)
def test_a_directive_about_something_else_is_not_in_the_way(world: World, changes: dict[str, Any]) -> None:
    more: dict[str, Any] = {"conditions": {"requestsPerMinute": 1}} if "action" in changes else {}
    world.direct(**ALL, **changes, **more)
    force(world)
    assert sees(world, ANSWERED) == "as_due"
    assert sees(world, by()) == "not_served"


def test_a_key_without_access_is_refused_and_one_with_it_answered(world: World) -> None:
    assert sees(world, REFUSED) == "not_served"
    assert sees(world, REFUSED, expects="refused") == "as_due"
    assert sees(world, ANSWERED, expects="refused") == "still_served"
    assert sees(world, FAILED) == "failed"


def test_another_programme_than_was_asked_for_is_not_served(world: World) -> None:
    red, blue = "cyber: daybreak_red", "cyber: daybreak_blue"
    for ran, shows in ((red, "as_due"), (None, "as_due"), (blue, "not_served")):
        said = ProbeOutcome(got="answered", status=200, programme=ran)
        assert sees(world, said, programme=red, observer="caisi") == shows


# What is put on the record


def test_what_stays_the_same_is_an_entry_once_an_hour(world: World) -> None:
    size = world.state.size
    for _ in range(180):  # an hour and a half
        world.now_ms += HEARTBEAT_MS // 120
        world.must(observation(world.state, RELEASE, ANSWERED, size=world.state.size))
    assert world.types(size) == ["observation.recorded"] * 2
    said = ProbeOutcome(got="answered", status=200, size=7)  # another size of the log is no news
    assert not world.must(observation(world.state, RELEASE, said))["recorded"]


def test_an_answer_that_stays_the_same_is_news_when_a_directive_comes(world: World) -> None:
    sees(world, ANSWERED)
    world.direct(**ALL)
    force(world)
    assert sees(world, ANSWERED) == "still_served d-1"
    (found,) = world.state.record.observations.values()
    again = observation(world.state, RELEASE, ANSWERED, "caisi")
    assert not world.must(again)["recorded"]
    world.now_ms += HEARTBEAT_MS
    assert world.must(observation(world.state, RELEASE, ANSWERED, "caisi"))["recorded"]
    (later,) = world.state.record.observations.values()
    assert (later.since_ms, later.seq > found.seq) == (found.at_ms, True)


def test_forged_replayed_and_older_observations_are_refused(world: World) -> None:
    first = observation(world.state, RELEASE, ANSWERED, "caisi")
    world.must(first)
    assert world.must(first)["recorded"]  # handed in twice: it is there
    world.now_ms += 1
    world.must(observation(world.state, RELEASE, REFUSED, "caisi"))
    assert world.refused(first) == "observation_moved"
    state = world.state
    for code, said in (
        ("key_of_another_party", {"signer": "ostp"}),
        ("key_of_another_party", {"signer": OFFICER}),
        ("signature_invalid", {"signer": "nobody"}),
        ("other_log", {"log": "other"}),
        ("observation_moved", {"previous": None}),
        ("observation_moved", {"signed_at_ms": AT_MS - 1}),
        ("observation_moved", {"size": state.size + 1}),
        ("observation_moved", {"size": 0}),
    ):
        assert world.refused(observation(state, RELEASE, ANSWERED, "caisi", **said)) == code, said


def test_one_observer_has_so_many_probes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "PROBES_MAX", 2)
    for host in ("a", "b"):
        sees(world, ANSWERED, address=f"https://{host}")
    more = observation(world.state, RELEASE, ANSWERED, "caisi", address="https://c")
    assert world.refused(more) == "too_many_probes"
    sees(world, ANSWERED, "ostp", address="https://c")
    world.later(7)
    sees(world, ANSWERED, address="https://c")


def test_what_no_one_watches_any_more_alarms_no_one(world: World) -> None:
    assert sees(world, REFUSED) == "not_served"
    at_ms = world.now_ms
    assert observations.verdicts(world.state, at_ms)["not_served"] == 1
    assert not observations.verdicts(world.state, at_ms + 2 * HEARTBEAT_MS)
    assert [*observations.against(world.state, RELEASE, at_ms + 6 * DAY_MS)]
    assert not [*observations.against(world.state, RELEASE, at_ms + 7 * DAY_MS)]


def test_what_begins_and_ceases_to_contradict_is_news(world: World) -> None:
    told = []
    for outcome in (ANSWERED, REFUSED, REFUSED, ANSWERED):
        world.now_ms += HEARTBEAT_MS
        before = observation(world.state, RELEASE, outcome, "caisi")
        state = world.state
        known = dict(state.record.observations)
        world.must(before)
        entry = world.entries[-1]
        after, state.record.observations = state.record.observations, known
        found = observations.news(entry, state)
        state.record.observations = after
        told.append(None if found is None else found.verdict)
    assert told == [None, "not_served", None, "as_due"]


# Drawn courses, beside a literal reading of what happened


@dataclass
class Course:
    """What happened to one directive for everyone, by the place in the log."""

    issued: int = 0
    begun_ms: int = 0
    forced: int | None = None
    lifted: int | None = None

    def shows(self, got: str, size: int, at_ms: int) -> str:
        """What an observation shows: by words of the rule, not by its code."""
        was_there = self.forced is not None and self.forced < size
        was_there |= 0 < self.issued < size and at_ms >= self.begun_ms + DUE_MS
        is_over = self.lifted is not None
        if was_there and not is_over:
            return "still_served" if got == "answered" else "as_due"
        if is_over and self.lifted is not None and self.lifted < size:
            return "as_due" if got == "answered" else "not_served"
        if self.issued:
            return "undecided"
        return "as_due" if got == "answered" else "not_served"


@pytest.mark.parametrize("seed", range(12))
def test_drawn_courses_show_what_a_literal_reading_of_the_log_says(seed: int) -> None:
    random, world, course = Random(seed), World.opened(), Course()
    last = 0
    for step in range(14):
        world.now_ms += 1
        move = random.randrange(6)
        if move == 0 and not course.issued:
            world.direct(**ALL)
            found = world.state.directives["d-1"]
            course.issued, course.begun_ms = found.seq, found.at_ms
        elif move == 1 and course.issued and course.forced is None and course.lifted is None:
            force(world)
            course.forced = world.entries[-1].seq
        elif move == 2 and course.issued and course.lifted is None and random.random() < 0.3:
            lift(world)
            ended = world.state.directives["d-1"].ended
            assert ended is not None
            course.lifted = ended.seq
        else:
            last = size = random.randint(last, world.state.size)
            outcome = random.choice([ANSWERED, REFUSED])
            world.now_ms += HEARTBEAT_MS if step % 2 else 1
            at_ms = world.now_ms
            said = observation(world.state, RELEASE, outcome, "caisi", size=size, signed_at_ms=at_ms)
            known: Observation | None = next(iter(world.state.record.observations.values()), None)
            receipt = world.must(said)
            expected = course.shows(outcome.got, size, at_ms)
            if not receipt["recorded"]:
                assert known is not None
                assert (known.outcome.got, known.verdict) == (outcome.got, expected), (seed, step)
            assert receipt["verdict"] == expected, (seed, step, course, size)
    assert DAY_MS > HEARTBEAT_MS
    assert all(each.probe.model == MODEL for each in world.state.record.observations.values())
