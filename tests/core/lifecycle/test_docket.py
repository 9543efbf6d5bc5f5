"""The docket is what a scan of all cases gives, after any history."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from statistics import mean, median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.acts.act import APPLICANT
from sluicegate.core.lifecycle import Command, State, reports
from sluicegate.core.lifecycle.applications import Answer, Withdraw
from sluicegate.core.lifecycle.docket import Docket, first_due, heading_of
from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.record import UseList
from sluicegate.core.lifecycle.releases import ApplyPlan
from sluicegate.core.lifecycle.waits import times
from sluicegate.core.terms.trust import Pin
from sluicegate_record.entities.case import Case
from tests.core.lifecycle.test_histories import MOVES, Player, folded
from tests.vectors.acts import history
from tests.worlds import (
    DAY_MS,
    DEVELOPER,
    PINS,
    Followed,
    World,
    content,
    pin,
    plan_value,
    position,
    read_plan,
    receipt,
    screened,
    stage,
    start,
)

_CLOCKED = {
    "mode": "approve",
    "grant": {"allOf": ["oncd", "ostp"]},
    "clock": {"within": 5, "silence": "no-objection", "warn": "P1D"},
}


def scanned(state: State, cases: Iterable[Case]) -> Docket:
    """The docket of some cases, each put in once."""
    docket = Docket(state.transcripts)
    docket.stale(case.id for case in cases)
    docket.settle(state.record)
    return docket


def check(state: State) -> None:
    """It is as if made anew, in another order; and a list of it is a filter over all cases."""
    state.settle()
    shuffled = Random(state.size).sample([*state.cases.values()], len(state.cases))
    assert content(state.docket) == content(scanned(state, shuffled))
    for case in shuffled:
        heading = heading_of(state.record, case)
        assert state.docket.heading(case.id) == heading
        alike = [each.id for each in state.docket.newest(heading.__eq__, case.seq)]
        assert alike == [
            each.id
            for each in sorted(state.cases.values(), key=lambda each: -each.seq)
            if each.seq < case.seq and heading_of(state.record, each) == heading
        ]
    assert {case.id for case in state.docket.open_cases()} == {
        case.id for case in shuffled if case.state != "determined"
    }
    by_due = sorted(first_due(case) for case in shuffled if case.state != "determined")
    assert [*state.docket.by_due(lambda _: True)] == [each.case for each in by_due]


def test_it_is_what_a_scan_gives_after_every_act() -> None:
    state = State()
    for entry in history().entries:
        state.apply(entry)
        state.settle()
        for case in state.cases.values():
            assert state.docket.heading(case.id) == heading_of(state.record, case), entry.seq
        if entry.seq % 50 == 0:
            check(state)
    check(state)


TWO = {name: {"name": name.upper()} for name in ("oncd", "ostp")}
"""With so few agencies, those who denied would have to hear the appeal: they lack keys."""
PLANS = [
    plan_value(agencies=TWO, stages=[stage(eligibility={"screening": "clear"})]),
    plan_value(agencies=TWO, stages=[stage(eligibility={"screening": "clear", "registeredIn": ["US"]})]),
    plan_value(agencies=TWO, stages=[stage(admission=_CLOCKED)]),
]


class Clerk(Player):
    """Does also what makes the developer or the applicant wait; and settles the docket now and then."""

    def play(self) -> World:
        self.plan()
        self.world.agree()
        self.world.open()
        for _ in range(self.random.randrange(10, 60)):
            self.random.choice([*MOVES, *CLERKS] if self.random.random() < 0.3 else CLERKS)(self)
            if self.random.random() < 0.3:
                self.world.state.settle()
        return self.world

    def deny(self) -> None:
        """An application that is denied, after a screening or not, and appealed."""
        self.submit()
        case = self.case()
        if case is not None:
            self.do(screened(case))
            self.do(RecordPosition(position(case, self.random.choice(["oncd", "ostp"]), "object")))
            self.do(self.world.appeal(case.id, "but"))

    def plan(self) -> None:
        self.do(ApplyPlan(read_plan(self.random.choice(PLANS))))

    def pin(self) -> None:
        party = self.random.choice(["oncd", "ostp", "caisi"])
        known = [Pin(key.owner, key.party, key.public) for key in self.world.state.keys.values()]
        self.do(start(pins=[*known, pin(f"{party}-{len(known)}", party)]))

    def about_a_case(self) -> None:
        case = self.case()
        if case is None:
            return
        agency = self.random.choice(sorted(case.parties))
        version = self.random.choice(["1", "2"])
        commands: list[Command] = [
            screened(case, self.random.choice(["clear", "match"]), version=version),
            UseList("the list", version),
            receipt(case, agency),
            RecordPosition(position(case, agency, "ask", reason="why?")),
            Answer(case.id, agency, "so"),
        ]
        self.do(self.random.choice(commands))


CLERKS = [
    Clerk.plan,
    Clerk.pin,
    *[Clerk.about_a_case] * 6,
    Player.submit,
    Player.say,
    Player.appeal,
    Player.reply,
]


def test_a_key_a_list_and_a_plan_change_who_a_case_waits_for() -> None:
    first: dict[str, Any] = {"agencies": TWO, "stages": [stage(eligibility={"screening": "clear"})]}
    world = World.opened(**first)
    denied, admitted = world.submit("org-1"), world.submit("org-2")
    for case in (denied, admitted):
        world.must(screened(case))
    world.all_say(denied, "oncd object")
    world.all_say(admitted, "oncd approve", "ostp approve")
    removal = world.case(world.must(OpenRemoval(admitted.grant, "misuse", "why"))["case"])
    world.all_say(removal, "oncd approve", "ostp approve")
    appeal = world.case(world.must(world.appeal(denied.id))["case"])

    def heading(case: Followed) -> tuple[tuple[str, ...], tuple[str, ...]]:
        found = world.state.docket.heading(case.id)
        return found.awaiting, found.unable

    assert heading(appeal) == (("oncd", "ostp", DEVELOPER), ("oncd",))
    world.must(start(pins=[*PINS, pin("oncd-2", "oncd"), pin("ostp-2", "ostp")]))
    assert heading(appeal) == (("oncd", "ostp"), ())
    world.must(UseList("the list", "2"))
    assert heading(appeal) == (("oncd", "ostp", DEVELOPER), ())
    world.later(12)
    world.apply(plan_value(**{**first, "stages": [stage(eligibility={"registeredIn": ["NO"]})]}))
    contested = world.case(world.must(world.appeal(removal.id))["case"])
    assert (appeal.outcome, heading(contested)) == ("superseded", (("oncd", "ostp"), ()))
    world.apply(plan_value(**first))
    assert (contested.outcome, heading(contested)) == (None, (("oncd", "ostp", DEVELOPER), ()))
    assert content(folded(world.entries).docket) == content(world.state.docket)


@pytest.mark.parametrize("what", ["removal", "amendment"])
def test_an_appeal_waits_for_a_screening_that_the_appealed_case_or_its_application_has_lost(
    what: str,
) -> None:
    world = World.opened(stages=[stage(eligibility={"screening": "clear"})])
    application = world.submit()
    world.must(screened(application))
    world.all_say(application, "oncd approve", "ostp approve")
    if what == "removal":
        case = world.case(world.must(OpenRemoval(application.grant, "misuse", "why"))["case"])
        world.all_say(case, "oncd approve", "ostp approve")
        world.later(12)
    else:
        case = world.case(world.must(world.amend(application.grant, renew=True))["application"])
        world.must(screened(case))
        world.all_say(case, "oncd object")
    appeal = world.case(world.must(world.appeal(case.id))["case"])
    assert world.state.docket.heading(appeal.id).awaiting == ("caisi",)
    world.must(UseList("the list", "2"))
    assert world.state.docket.heading(appeal.id).awaiting == ("caisi", DEVELOPER)


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_it_is_what_a_scan_gives_after_any_history(seed: int) -> None:
    world = Clerk(seed).play()
    check(world.state)
    assert content(folded(world.entries).docket) == content(world.state.docket)


@pytest.mark.parametrize(
    ("rule", "end", "outcome"),
    [("anyOf", "approve", "approved"), ("allOf", "object", "denied"), ("allOf", None, "withdrawn")],
)
def test_a_case_that_ends_with_a_question_open_waits_for_its_applicant_no_longer(
    rule: str, end: str | None, outcome: str
) -> None:
    world = World.opened(stages=[stage(admission={"mode": "approve", "grant": {rule: ["oncd", "ostp"]}})])
    case = world.submit()
    world.must(RecordPosition(position(case, "oncd", "ask", reason="why?")))
    world.later(3)
    world.must(Withdraw(case.id) if end is None else RecordPosition(position(case, "ostp", end)))
    assert case.outcome == outcome
    for _ in range(2):
        totals = reports.Totals(world.state.docket.sections.items(), world.now_ms)
        (row,) = [
            each
            for each in reports.report(totals, (), (), world.state.size).waiting
            if each.for_ == APPLICANT
        ]
        assert (row.cases, row.days) == (1, 3)
        world.later(40)


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(0, 40 * DAY_MS))
def test_a_report_adds_up_what_each_case_says(seed: int, later_ms: int) -> None:
    state = Clerk(seed).play().state
    now_ms = state.at_ms + later_ms
    report = reports.report(reports.Totals(state.docket.sections.items(), now_ms), (), (), state.size)
    cases = [*state.cases.values()]
    assert sum(row.cases for row in report.counts) == len(cases)
    each = [(case.kind, times(case)) for case in cases]
    for row in report.waiting:
        days = [found.waits[row.for_].at(now_ms) / DAY_MS for _, found in each if row.for_ in found.waits]
        assert row.days == pytest.approx(sum(days), abs=0.01)
        assert row.cases == sum(waited > 0 or row.for_ == APPLICANT for waited in days)
    for agency in report.agencies:
        took = [found.answers[agency.agency] / DAY_MS for _, found in each if agency.agency in found.answers]
        assert agency.cases == len(took)
        assert agency.median == pytest.approx(median(took), abs=0.01)
        assert agency.mean == pytest.approx(mean(took), abs=0.01)
    for row_ in report.overall:
        took = [found.whole / DAY_MS for kind, found in each if kind == row_.kind and found.whole is not None]
        assert row_.cases == len(took)
        assert row_.median == pytest.approx(median(took), abs=0.01)
        assert row_.mean == pytest.approx(mean(took), abs=0.01)
