"""Casework in any order, beside a slow and obvious model of it that reads the entries alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sluicegate.core.lifecycle import Command, Refusal, State
from sluicegate.core.lifecycle.applications import Accept, Answer, Reply, Return, Withdraw
from sluicegate.core.lifecycle.credentials import IssueCredential, RevokeCredential
from sluicegate.core.lifecycle.grants import OpenRemoval, ResumeGrant, SurrenderGrant, SuspendGrant
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.record import UseList
from sluicegate.core.lifecycle.releases import ApplyPlan, OpenStage
from sluicegate_record import entries
from sluicegate_record.entities.case import Case
from sluicegate_record.log.times import HOUR_MS
from sluicegate_record.statements.discussion import Discussion
from tests.core.lifecycle import slow_model
from tests.worlds import (
    API,
    CODEX,
    STAGE,
    Followed,
    World,
    application,
    content,
    digest,
    opening,
    plan_value,
    position,
    proceeding,
    read_plan,
    receipt,
    screened,
    stage,
)

ORGANIZATIONS = tuple(f"org-{number}" for number in range(8))
ABROAD = frozenset(ORGANIZATIONS[::3])
"""The organizations that are registered in Norway; the others are in the United States."""
WORDS = ("approve", "no-objection", "approve-with-conditions", "object", "object", "abstain", "recuse", "ask")
LATE = (None, 0, 0, 1, 2, 4)
RULES: list[dict[str, Any]] = [
    {"allOf": ["oncd", "ostp"]},
    {"anyOf": ["oncd", "ostp"]},
    {"majorityOf": ["caisi", "oncd", "ostp"]},
    {"atLeast": {"n": 2, "of": ["caisi", "oncd", "ostp"]}},
]
ELIGIBILITY = ("screening", "registeredIn")
LADDER = ["deputy", {"name": "chief of staff", "within": 2}]

plans = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["approve", "approve", "approve", "notify"]),
        "grant": st.sampled_from(RULES),
        "remove": st.sampled_from([None, {"majorityOf": ["caisi", "oncd", "ostp"]}]),
        "silence": st.sampled_from([None, "no-objection", "deny", "escalate"]),
        "then": st.sampled_from([None, "wait", "no-objection", "deny"]),
        "unit": st.sampled_from(["days", "business-days"]),
        "warn": st.sampled_from([None, "P1D", "PT36H"]),
        "overall": st.sampled_from([None, None, "lapse", "escalate"]),
        "basis": st.sampled_from(["voluntary", "agreed"]),
        "reply": st.sampled_from([None, "P2D"]),
        "offer": st.sampled_from([None, "PT12H"]),
        "appeal": st.sampled_from([None, {"anyOf": ["caisi", "oncd"]}]),
        "seats": st.sampled_from([1, 1, 1, 2, 2, 3, None]),
        "screening": st.sampled_from([None, None, "clear"]),
        "registeredIn": st.sampled_from([None, ["US", "NO"], ["US"]]),
        "validFor": st.sampled_from([None, "P5D", "P30D"]),
        "agreedBy": st.sampled_from([None, None, {"allOf": ["ostp"]}]),
    }
)


def written(drawn: dict[str, Any]) -> dict[str, Any]:
    """The plan that some choices make."""
    clock: dict[str, Any] | None = None
    if drawn["silence"] is not None or drawn["mode"] == "notify":
        clock = {"within": 4, "unit": drawn["unit"], "silence": drawn["silence"] or "no-objection"}
        clock |= {"warn": drawn["warn"]} if drawn["warn"] else {}
        clock |= {"overall": {"within": 6, "then": drawn["overall"]}} if drawn["overall"] else {}
        if clock["silence"] == "escalate":
            clock |= {"to": LADDER} | ({"then": drawn["then"]} if drawn["then"] else {})
    kept = {name: drawn[name] for name in ("mode", "grant", "remove", "reply", "offer")}
    kept |= {"clock": clock, "appeal": {"decide": drawn["appeal"]} if drawn["appeal"] else None}
    return plan_value(
        stages=[
            stage(
                basis={"kind": drawn["basis"], "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"},
                admission={name: value for name, value in kept.items() if value is not None},
                seats=drawn["seats"],
                eligibility={name: drawn[name] for name in ELIGIBILITY if drawn[name]} or None,
                conditions={"validFor": drawn["validFor"]} if drawn["validFor"] else None,
                opensWhen={"allOf": [{"agreedBy": drawn["agreedBy"]}]} if drawn["agreedBy"] else None,
            )
        ]
    )


def looked_at(case: Followed, late: int | None) -> Discussion | None:
    """What a signer says had been said who looked so many contributions ago; None: it does not tell."""
    return None if late is None else case.discussed(max(len(case.discussion) - late, 0))


def is_open(case: Followed) -> bool:
    return case.now.state != "determined"


def is_listed(case: Followed) -> bool:
    return case.now.state in {"waitlisted", "offered"}


class Casework(RuleBasedStateMachine):
    """Commands on one world. Each that is done is done again: it must not take effect twice."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.drawn: dict[str, Any] = {}
        self.judged = 0
        self.keys = 0

    def do(self, command: Command) -> dict[str, Any] | Refusal:
        self.world.tick()
        before = self.world.state.size
        result = self.world.do(command)
        if isinstance(result, Refusal):
            assert self.world.state.size == before
            return result
        size, stood = self.world.state.size, self.standing()
        self.world.do(command)
        assert self.standing() == stood, (command, self.world.types(size))
        return result

    def standing(self) -> Any:
        state = self.world.state
        cases = [(case.id, case.standing, case.outcome, case.clocks) for case in state.cases.values()]
        standing = {name: grant.standing for name, grant in state.grants.items()}
        kept = (cases, standing, state.seats, state.waitlists, state.agenda)
        return content([*map(list, kept[:1]), *kept[1:]])

    def apply(self, drawn: dict[str, Any]) -> None:
        self.drawn = drawn
        self.do(ApplyPlan(read_plan(written(drawn))))

    def open_the_stage(self) -> None:
        """Whoever is asked for it agrees."""
        for kind in ("terms", "opening"):
            for case in self.cases(lambda case, kind=kind: case.kind == kind and case.state != "determined"):  # type: ignore[misc]
                self.all_approve(case)
            if kind == "terms":
                self.do(OpenStage(opening(self.world.state)))

    def all_approve(self, case: Followed) -> None:
        for agency in sorted(case.parties):
            self.do(RecordPosition(position(case, agency)))

    def cases(self, wanted: Callable[[Followed], bool] = lambda _: True) -> list[Followed]:
        return [case for case in self.world.cases() if wanted(case)]

    def one(self, data: st.DataObject, wanted: Callable[[Followed], bool] = lambda _: True) -> Followed:
        """A case, rather a late one."""
        found = self.cases(wanted)
        return found[-1 - data.draw(st.integers(0, min(5, len(found) - 1)))]

    def grant(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(list(self.world.state.grants)))

    @initialize(drawn=plans, admitted=st.integers(0, 2), applied=st.integers(0, 3))
    def begin(self, drawn: dict[str, Any], admitted: int, applied: int) -> None:
        self.apply(drawn)
        self.open_the_stage()
        for number in range(admitted):
            self.admit(ORGANIZATIONS[number], API)
        for number in range(applied):
            self.submit(ORGANIZATIONS[-1 - number], API, received=True)

    @rule(drawn=plans)
    def apply_another_plan(self, drawn: dict[str, Any]) -> None:
        self.apply(drawn)
        self.open_the_stage()

    @rule(
        field=st.sampled_from(
            ["seats", "seats", "validFor", "screening", "registeredIn", "registeredIn", "offer", "grant"]
        ),
        drawn=plans,
        agreed=st.booleans(),
    )
    def change_a_field(self, field: str, drawn: dict[str, Any], agreed: bool) -> None:
        """Tighter or looser; looser terms wait to be agreed to."""
        self.apply(self.drawn | {field: drawn[field]})
        if agreed:
            self.open_the_stage()

    @rule()
    def agree_and_open(self) -> None:
        self.open_the_stage()

    def application(self, organization: str, surface: str) -> Command:
        return application(organization, surface, country="NO" if organization in ABROAD else "US")

    @rule(
        organization=st.sampled_from(ORGANIZATIONS),
        surface=st.sampled_from([API, API, CODEX]),
        received=st.booleans(),
    )
    def submit(self, organization: str, surface: str, received: bool) -> None:
        result = self.do(self.application(organization, surface))
        if isinstance(result, dict) and received:
            case = self.world.case(result["application"])
            for agency in sorted(case.parties):
                self.do(receipt(case, agency))

    @rule(organization=st.sampled_from(ORGANIZATIONS), surface=st.sampled_from([API, API, CODEX]))
    def admit(self, organization: str, surface: str) -> None:
        result = self.do(self.application(organization, surface))
        if isinstance(result, dict):
            case = self.world.case(result["application"])
            self.do(screened(case, version=self.world.state.lists.get("the list", "1")))
            self.all_approve(case)

    @precondition(lambda self: self.cases(is_open))
    @rule(data=st.data())
    def receive(self, data: st.DataObject) -> None:
        case = self.one(data, is_open)
        self.do(receipt(case, data.draw(st.sampled_from(sorted(case.parties)))))

    @precondition(lambda self: self.cases(is_open))
    @rule(data=st.data(), word=st.sampled_from(WORDS), late=st.sampled_from(LATE))
    def say(self, data: st.DataObject, word: str, late: int | None) -> None:
        case = self.one(data, is_open)
        agency = data.draw(st.sampled_from(sorted(case.parties)))
        changes: dict[str, Any] = {"reason": "why", "said": looked_at(case, late)}
        if word == "approve-with-conditions":
            changes["conditions"] = {"requestsPerMinute": 5}
        self.do(RecordPosition(position(case, agency, word, **changes)))

    @precondition(lambda self: self.cases(is_open))
    @rule(data=st.data(), word=st.sampled_from(["approve", "approve", "object"]), late=st.sampled_from(LATE))
    def all_say(self, data: st.DataObject, word: str, late: int | None) -> None:
        case = self.one(data, is_open)
        for agency in sorted(case.parties):
            said = looked_at(case, late)
            self.do(RecordPosition(position(case, agency, word, reason="why", said=said)))

    @precondition(lambda self: self.cases(is_open))
    @rule(data=st.data(), word=st.sampled_from(["approve-with-conditions", "object", "ask", "approve"]))
    def all_agree_without_having_heard_the_first(self, data: st.DataObject, word: str) -> None:
        case = self.one(data, is_open)
        first, *others = data.draw(st.permutations(sorted(case.parties)))
        said = case.discussed()
        more: dict[str, Any] = {}
        if word == "approve-with-conditions":
            more = {"conditions": {"requestsPerMinute": 5}}
        self.do(RecordPosition(position(case, first, word, reason="why", said=said, **more)))
        for agency in others:
            self.do(RecordPosition(position(case, agency, reason="why", said=said)))

    @precondition(lambda self: self.cases(is_listed))
    @rule(data=st.data(), word=st.sampled_from(WORDS))
    def say_of_a_case_on_the_list(self, data: st.DataObject, word: str) -> None:
        case = self.one(data, is_listed)
        changes: dict[str, Any] = (
            {"conditions": {"requestsPerMinute": 5}} if word == "approve-with-conditions" else {}
        )
        for agency in data.draw(st.sets(st.sampled_from(sorted(case.parties)), min_size=1)):
            self.do(RecordPosition(position(case, agency, word, reason="why", **changes)))

    @precondition(lambda self: self.cases(lambda case: bool(case.asking)))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        case = self.one(data, lambda case: bool(case.asking))
        self.do(Answer(case.id, data.draw(st.sampled_from(sorted(case.asking))), "so it is"))

    @precondition(lambda self: self.cases(is_open))
    @rule(data=st.data(), act=st.sampled_from([Withdraw, Accept, Reply, Return]))
    def act(self, data: st.DataObject, act: Any) -> None:
        case = self.one(data)
        self.do(act(case.id) if act in {Withdraw, Accept} else act(case.id, "this is why"))

    @precondition(lambda self: self.cases(lambda case: case.outcome == "denied" or case.reply_by_ms))
    @rule()
    def every_denial_and_removal_is_replied_to(self) -> None:
        for case in self.cases():
            self.do(Reply(case.id, "but"))

    @precondition(lambda self: self.cases(lambda case: case.state == "offered"))
    @rule()
    def every_offer_is_accepted(self) -> None:
        for case in self.cases(lambda case: case.state == "offered"):
            self.do(Accept(case.id))

    @precondition(lambda self: self.cases(lambda case: case.outcome == "denied" or case.kind == "removal"))
    @rule()
    def every_denial_and_removal_is_appealed(self) -> None:
        for case in self.cases(lambda case: case.state == "determined"):
            self.do(self.world.appeal(case.id, "it is wrong"))

    @precondition(lambda self: self.world.state.grants)
    @rule(data=st.data(), renew=st.booleans())
    def amend(self, data: st.DataObject, renew: bool) -> None:
        dossier = None if renew else {"organization": {"name": "Renamed", "registeredIn": "US"}}
        self.do(self.world.amend(self.grant(data), renew=renew, dossier=dossier))

    @precondition(lambda self: self.world.state.grants)
    @rule(data=st.data(), how=st.sampled_from([SuspendGrant, ResumeGrant, SurrenderGrant, OpenRemoval]))
    def change(self, data: st.DataObject, how: Any) -> None:
        more = {SuspendGrant: ("misuse",), OpenRemoval: ("misuse", "why")}
        self.do(how(self.grant(data), *more.get(how, ())))

    @precondition(lambda self: self.cases(is_open))
    @rule(data=st.data())
    def proceed(self, data: st.DataObject) -> None:
        self.do(proceeding(self.one(data)))

    @precondition(lambda self: self.cases(is_open))
    @rule(data=st.data(), decision=st.sampled_from(["clear", "clear", "match"]))
    def screen(self, data: st.DataObject, decision: str) -> None:
        version = self.world.state.lists.get("the list", "1")
        self.do(screened(self.one(data, is_open), decision, version=version))

    @precondition(lambda self: self.drawn["screening"])
    @rule(version=st.sampled_from(["1", "2"]))
    def use_list(self, version: str) -> None:
        self.do(UseList("the list", version))

    @precondition(lambda self: self.world.state.grants)
    @rule(data=st.data())
    def issue_and_revoke(self, data: st.DataObject) -> None:
        self.keys += 1
        key = digest(f"key {self.keys}").removeprefix("sha256:")
        result = self.do(IssueCredential(self.grant(data), key))
        if isinstance(result, dict) and data.draw(st.booleans()):
            self.do(RevokeCredential(result["credential"]))

    @rule(hours=st.sampled_from([1, 11, 24, 36, 72, 120, 240, 720, 2_160]))
    def time_passes(self, hours: int) -> None:
        self.world.later(hours / 24)

    @rule()
    def what_is_due_next_comes(self) -> None:
        first = self.world.state.agenda.first()
        if first is not None:
            self.world.now_ms = max(self.world.now_ms, first[0])
            self.world.tick()

    @rule(hours=st.sampled_from([1, 30, 300]))
    def the_wall_clock_goes_back(self, hours: int) -> None:
        self.world.now_ms -= hours * HOUR_MS

    @precondition(lambda self: self.judged != self.world.state.size)
    @invariant()
    def it_is_what_the_slow_model_says(self) -> None:
        state = self.world.state
        now = slow_model.check(self.world.entries, self.judged)
        self.judged = state.size
        slow_model.settled(now)
        assert dict(state.agenda) == now.agenda()
        listed = [name for on in state.waitlists.values() for name in on]
        assert (listed, now.waiting) == (now.waiting, listed)
        place = ("gpt-5.6", STAGE)
        assert state.seated(*place) == now.seated(place)
        assert {grant for grant in state.grants if state.grants[grant].is_live} == {
            grant for grant in now.grants if now.live(grant)
        }
        for name, case in now.cases.items():
            known = state.cases[name]
            assert (known.state, known.outcome) == (_told(case, known), case.outcome), name

    def teardown(self) -> None:
        kept = content(self.world.state)
        assert content(folded(self.world.entries)) == kept
        assert content(folded([entries.read(e.leaf, e.gate, e.sealed) for e in self.world.entries])) == kept


def _told(case: slow_model.Matter, known: Case) -> str:
    """The model does not tell a case that nobody has begun with from one in review."""
    return known.state if case.state == "in_review" and known.state == "submitted" else case.state


def folded(entries: Sequence[entries.Entry]) -> State:
    state = State()
    for entry in entries:
        state.apply(entry)
    return state


SETTINGS = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.mark.timeout(600)  # making a failure small takes up to five minutes
class TestCasework(Casework.TestCase):  # type: ignore[misc, valid-type]
    settings = SETTINGS


@pytest.mark.long
@pytest.mark.timeout(1_800)
class TestCaseworkForLong(Casework.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(SETTINGS, max_examples=400, stateful_step_count=80)
