"""Drawn courses of findings, plans and time, against a literal reading of the log: no stage is open over an
open finding of its level, and what the developer owes is never missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.findings import RecordFinding
from sluicegate_record.entries import Entry
from sluicegate_record.log import times
from sluicegate_record.statements.findings import ACKNOWLEDGES, ASKS, DISPUTES, FIXES, GIVES, RETESTS
from tests.found import LEVELS, TESTED, command, is_open, report, retest, spec
from tests.worlds import DAY_MS, DEVELOPER, OFFICER, STAGE, World, plan_value

NAMES = [each["name"] for each in LEVELS]
PARTIES = ("caisi", "oncd", DEVELOPER)
DEVELOPERS = (ACKNOWLEDGES, ASKS, DISPUTES, FIXES)


class Plan(NamedTuple):
    """What a plan asks: the level of which none may be open, what follows if one comes, and the levels."""

    least: str | None
    when_lost: str
    answers: bool

    @property
    def value(self) -> dict[str, Any]:
        levels = LEVELS if self.answers else [{"name": name} for name in NAMES]
        return plan_value(**spec(self.least, self.when_lost, levels))


PLANS = st.builds(
    Plan, st.sampled_from([*NAMES, None]), st.sampled_from(["halt", "close", "tell"]), st.booleans()
)
STEPS = st.one_of(
    st.tuples(st.just("report"), st.sampled_from(PARTIES), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(DEVELOPERS), st.sampled_from(PARTIES), st.integers(0, 5)),
    st.tuples(st.just(GIVES), st.sampled_from(PARTIES), st.integers(0, 5)),
    st.tuples(st.sampled_from(["gone", "persists"]), st.sampled_from(PARTIES), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.just(""), st.sampled_from([0.5, 1, 2, 9, 40])),
    st.tuples(st.just("apply"), st.just(""), PLANS),
)


class Read(NamedTuple):
    """A finding as the log has it, read literally: its level, and what was said of it in what order."""

    level: str
    at_ms: int
    said: list[tuple[int, str, str]]

    @property
    def open_since_ms(self) -> int | None:
        """Since when it is open: the report, or the retest that found it again after one that closed it."""
        since_ms: int | None = self.at_ms
        for at_ms, says, outcome in self.said:
            if says == RETESTS:
                since_ms = None if outcome == "gone" else at_ms if since_ms is None else since_ms
        return since_ms


def read(entries: list[Entry]) -> dict[str, Read]:
    found: dict[str, Read] = {}
    for each in entries:
        if each.type == "finding.reported":
            found[each.public["finding"]] = Read(each.public["level"], each.at_ms, [])
        elif each.type == "finding.answered":
            said = (each.at_ms, each.public["says"], each.public.get("outcome", ""))
            found[each.public["finding"]].said.append(said)
    return found


def late(entries: list[Entry], name: str) -> bool:
    """Whether something is overdue of a finding, by the entries since it was closed last."""
    steps: set[str] = set()
    for each in (each for each in entries if each.public.get("finding") == name):
        if each.type == "finding.overdue":
            steps.add(each.public["step"])
        elif each.type == "finding.answered" and each.public["says"] in DEVELOPERS:
            steps.discard("acknowledge")
        elif each.type == "finding.answered" and each.public.get("outcome") == "gone":
            steps.clear()
    return bool(steps)


def takes(plan: Plan, entries: list[Entry]) -> Iterator[str]:
    """What each open finding takes from a stage by a plan: `tell`, `halt` or `close`."""
    for name, found in read(entries).items():
        if found.open_since_ms is None:
            continue
        if plan.least is not None and NAMES.index(found.level) >= NAMES.index(plan.least):
            yield plan.when_lost
        level = LEVELS[NAMES.index(found.level)] if plan.answers else {}
        given = [level.get("respond"), level.get("overdue") if late(entries, name) else None]
        yield from (each.replace("suspend", "close") for each in given if each)


def do(world: World, step: Any, plan: Plan) -> Plan:
    what, party, more = step
    names = list(world.state.record.findings)
    if what == "wait":
        world.later(more)
    elif what == "apply":
        world.apply(more.value)
        world.agree()
        return more  # type: ignore[no-any-return]
    elif what == "report":
        world.do(report(party, more, text=f"the {len(names)}th"))
    elif more < len(names):
        world.do(_word(world, names[more], what, party))
    return plan


def _word(world: World, name: str, what: str, party: str) -> RecordFinding:
    if what in {"gone", "persists"}:
        return retest(name, world, party, gone=what == "gone")
    return command(world, name, party, what, text="so")


BARE_PLAN = Plan("low", "halt", answers=False)


@example(
    BARE_PLAN._replace(answers=True),
    [("apply", "", BARE_PLAN), ("report", "caisi", "critical"), ("apply", "", BARE_PLAN), ("wait", "", 1)],
)
@settings(max_examples=60, deadline=None)
@given(PLANS, st.lists(STEPS, max_size=14))
def test_no_stage_is_open_over_an_open_finding_of_its_level(plan: Plan, steps: list[Any]) -> None:
    world = World()
    world.apply(plan.value)
    world.agree()
    for step in steps:
        size = len(world.entries)
        plan = do(world, step, plan)
        taken = set(takes(plan, world.entries))
        if "close" in taken:
            assert not is_open(world), (step, taken)
        if not taken:
            assert is_open(world), step
        opened = [each for each in world.entries[size:] if each.type == "stage.opened"]
        if opened:
            until = world.entries[: opened[-1].seq]
            answered = takes(Plan(None, "", plan.answers), until)
            required = plan.least is not None and any(takes(plan._replace(answers=False), until))
            assert not required, step
            assert not {"halt", "close"} & set(answered), step
        lost = world.state.record.lacking.get(world.state.releases["gpt-5.6"].terms[STAGE])
        if is_open(world):
            halts = lost is not None and lost.then == "halt"
            assert halts is ("halt" in taken), (step, taken, lost)


REPORT, WAIT = ("report", "caisi", "critical"), ("wait", "", 2)
AGAIN = ("persists", "oncd", 0)


@example([REPORT, ("gone", "caisi", 0), WAIT, AGAIN])
@example([REPORT, (FIXES, DEVELOPER, 0), ("wait", "", 9), AGAIN])
@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS.filter(lambda step: step[0] != "apply"), max_size=12))
def test_what_is_owed_is_never_missed(steps: list[Any]) -> None:
    """Every open finding past a time of its level has the entry that says so, and none has one before."""
    plan = Plan(None, "halt", answers=True)
    world = World()
    world.apply(plan.value)
    world.agree()
    for step in steps:
        do(world, step, plan)
    for name, found in read(world.entries).items():
        level, since_ms = LEVELS[NAMES.index(found.level)], found.open_since_ms
        noted = [
            each
            for each in world.entries
            if each.type == "finding.overdue" and each.public["finding"] == name
        ]
        answered = [says for _, says, _ in found.said if says in DEVELOPERS]
        for step_ in ("acknowledge", "fix"):
            within = level.get(step_)
            late_ = [each for each in noted if each.public["step"] == step_]
            for each in late_:
                opened_ms = read(world.entries[: each.seq])[name].open_since_ms
                assert within is not None
                assert opened_ms is not None
                due_ms = times.parse_time(each.public["due"])
                assert opened_ms + int(within[1:-1]) * DAY_MS == due_ms <= each.at_ms
            if within is None or since_ms is None:
                continue
            is_over = since_ms + int(within[1:-1]) * DAY_MS <= world.now_ms
            is_done = bool(answered) if step_ == "acknowledge" else _is_fixed(found)
            if is_over and not is_done:
                assert [each for each in late_ if each.at_ms >= since_ms], (name, step_)


def _is_fixed(found: Read) -> bool:
    """Whether the developer says that it is fixed, and no retest has found it since."""
    last = [says if says == FIXES else outcome for _, says, outcome in found.said if says in {FIXES, RETESTS}]
    return bool(last) and last[-1] == FIXES


def test_the_developer_alone_never_closes_one() -> None:
    world = World()
    world.apply(Plan("low", "close", answers=True).value)
    world.agree()
    world.must(report(DEVELOPER, "critical"))
    (name,) = world.state.record.findings
    for says in DEVELOPERS:
        world.must(command(world, name, DEVELOPER, says, text="so"))
    assert isinstance(world.do(retest(name, world, DEVELOPER, signer=OFFICER)), Refusal)
    assert not is_open(world)
    world.must(retest(name, world, tested=TESTED))
    assert is_open(world)
