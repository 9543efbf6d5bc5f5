"""What is due, many things in one commit: the same as one thing after the other."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.core import lifecycle
from sluicegate.core.lifecycle import Ahead, State
from sluicegate.core.lifecycle.directives import IssueDirective
from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.ticks import Tick, batch, due
from sluicegate_record import entries, law
from sluicegate_record.entries import Draft, Entry
from sluicegate_record.law import Support
from sluicegate_record.log import canonical, times
from sluicegate_record.log.leaf import Entropy
from tests.core.lifecycle import slow_model
from tests.core.lifecycle.test_histories import folded
from tests.worlds import DAY_MS, LOG, World, content, directive, directive_value, position, receipt, stage

CLOCKS: list[dict[str, Any]] = [
    {"within": 5, "silence": "no-objection", "warn": "P1D"},
    {"within": 5, "silence": "deny"},
    {
        "within": 5,
        "silence": "escalate",
        "to": [{"name": "deputy", "within": 1}],
        "then": "deny",
        "warn": "P3D",
    },
    {"within": 3, "silence": "no-objection", "overall": {"within": 6, "then": "lapse"}},
]


def crowd(random: Random) -> World:
    """A world in which much becomes due soon: silences, warnings, offers, seats, expiries."""
    mode = random.choice(["approve", "approve", "notify"])
    clock = random.choice(CLOCKS[:1] if mode == "notify" else CLOCKS)
    admission = {"mode": mode, "grant": {"allOf": ["oncd", "ostp"]}, "clock": clock, "offer": "P2D"}
    valid = {"requestsPerMinute": 600, "validFor": random.choice(["P5D", "P9D", "P30D"])}
    seats = random.choice([None, 1, 3, 20])
    world = World.opened(stages=[stage(seats=seats, admission=admission, conditions=valid)])
    for number in range(random.randrange(4, 14)):
        case = world.submit(f"org-{number}")
        for agency in ("oncd", "ostp"):
            if random.random() < 0.7:
                world.do(receipt(case, agency))
            elif random.random() < 0.7:
                word = random.choice(["approve", "approve", "object", "ask"])
                world.do(RecordPosition(position(case, agency, word, reason="why")))
        if case.outcome == "denied" and random.random() < 0.7:
            world.do(world.appeal(case.id))
        if case.grant is not None and random.random() < 0.5:
            world.do(
                OpenRemoval(case.grant, "misuse", "why")
                if random.random() < 0.5
                else world.amend(case.grant, renew=True)
            )
        world.now_ms += random.choice([0, 0, DAY_MS // 3])
    ends = directive_value("d", expires=_at(world, random.randrange(1, 9)))
    world.do(IssueDirective(directive(ends)))
    return world


def _at(world: World, days: int) -> str:
    return times.format_time(world.now_ms + days * DAY_MS)


def one_by_one(state: State, now_ms: int) -> list[Entry]:
    """What happens, each thing in a commit of its own."""
    found: list[Entry] = []
    while due(state, now_ms) is not None:
        decided = lifecycle.decide(state, Tick(), now_ms, _entropy(state.size))
        assert not isinstance(decided, lifecycle.Refusal)
        found += placed(state, decided.drafts, now_ms)
        for entry in found[-len(decided.drafts) :]:
            state.apply(entry)
    return found


def in_batches(state: State, now_ms: int, stops: Callable[[], bool]) -> list[Entry]:
    """What happens, some things in each commit; every entry lawful after those before it."""
    found: list[Entry] = []
    while due(state, now_ms) is not None:
        ahead, together = Ahead(state), list[Entry]()
        before = content(state)
        for drafts in batch(ahead, now_ms, _entropy(state.size)):
            made = placed(ahead, drafts, now_ms)
            for entry in made:
                record = ahead.record
                assert law.breach(record, entry, record.pinned(), LOG, Support.RECORD) is None
                ahead.apply(entry)
            together += made
            if stops():
                break
        assert together
        assert content(state) == before, "what is only ahead has changed the state"
        for entry in together:
            state.apply(entry)
        found += together
    return found


def placed(state: State, drafts: Sequence[Draft], now_ms: int) -> list[Entry]:
    name = f"cmd_{state.size}"
    return entries.place_all(drafts, seq=state.size, at_ms=now_ms, by="clock", command=name)


def _entropy(size: int) -> Entropy:
    return Entropy(hashlib.sha256(b"%d" % size).digest())


def said(found: list[Entry]) -> Counter[str]:
    """What happened, without random names and places in the log."""
    shown = (canonical.dumps([entry.type, dict(entry.public)]).decode() for entry in found)
    return Counter(re.sub(r"grant_[a-z2-7]+", "grant", each) for each in shown)


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_batches_come_to_what_one_by_one_comes_to(seed: int) -> None:
    random = Random(seed)
    world = crowd(random)
    alone, together = folded(world.entries), folded(world.entries)
    for _ in range(3):
        now_ms = max(world.now_ms, alone.at_ms) + random.choice(
            [DAY_MS // 2, 3 * DAY_MS, 7 * DAY_MS, 40 * DAY_MS]
        )
        world.now_ms = now_ms
        one, many = one_by_one(alone, now_ms), in_batches(together, now_ms, lambda: random.random() < 0.1)
        assert said(many) == said(one)
        assert alone.seats == together.seats
        assert {stage: list(each) for stage, each in alone.waitlists.items()} == {
            stage: list(each) for stage, each in together.waitlists.items()
        }
        assert {case.id: (case.standing, case.outcome) for case in alone.cases.values()} == {
            case.id: (case.standing, case.outcome) for case in together.cases.values()
        }
        world.entries += many
    slow_model.settled(slow_model.check(world.entries, 0))


SILENT = {"within": 5, "silence": "no-objection"}
BOTH = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "clock": SILENT}


def same(world: World, now_ms: int, stops: Callable[[], bool]) -> list[str]:
    """The types of what happens in batches, which is what happens one by one."""
    one = one_by_one(folded(world.entries), now_ms)
    many = in_batches(folded(world.entries), now_ms, stops)
    assert said(many) == said(one)
    return [entry.type for entry in many]


def test_an_appeal_sees_the_grant_that_the_same_organization_got_just_before() -> None:
    world = World.opened(stages=[stage(admission=BOTH)])
    denied = world.submit()
    world.all_say(denied, "oncd object")
    appeal = world.case(world.must(world.appeal(denied.id))["case"])
    again = world.submit()
    for agency in ("oncd", "ostp"):
        world.must(receipt(again, agency))
    world.now_ms += DAY_MS
    world.must(receipt(appeal, "caisi"))
    happened = same(world, world.now_ms + 20 * DAY_MS, lambda: False)
    assert happened.count("grant.approved") == 1
    assert happened[-1] == "case.determined"


def test_a_seat_that_was_taken_in_the_same_batch_is_offered_to_no_one() -> None:
    world = World.opened(stages=[stage(seats=1, admission=BOTH, conditions={"validFor": "P5D"})])
    first, listed, silent = world.submit("org-1"), world.submit("org-2"), world.submit("org-3")
    for case in (first, listed):
        world.all_say(case, "oncd approve", "ostp approve")
    world.now_ms += DAY_MS
    for agency in ("oncd", "ostp"):
        world.must(receipt(silent, agency))
    committed = iter([True])
    happened = same(world, world.now_ms + 20 * DAY_MS, lambda: next(committed, False))
    assert (listed.state, happened[0], happened[-1]) == ("waitlisted", "grant.ended", "grant.approved")
