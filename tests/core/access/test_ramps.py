"""Ramps that an officer moves: who is in stays in, unless an officer takes the ramp back."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.membership import membership
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.clearances import RecordClearance
from sluicegate.core.lifecycle.ramps import shown
from sluicegate.core.lifecycle.releases import CloseStage
from sluicegate.errors import BadEnvelope
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms import audience
from tests.core.access.test_audience import AGREED, GENERAL, account, key
from tests.core.access.test_vouch import folded, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.worlds import (
    API,
    DAY_MS,
    LOG,
    MODEL,
    RELEASE,
    STAGE,
    World,
    moving,
    plan_value,
    signed,
    stage,
    stage_closing,
)

SHARES = (5, 40, 70, 100)
RAMP = [*({"share": each, "for": "P2D"} for each in SHARES[:-1]), {"share": 100}]
BOTH = {**AGREED["basis"], "askedBy": ["oncd", "ostp"]}
STANDARD = {"adopted": {"standard": "s", "by": ["ostp"]}, "whenLost": "close"}


@cache
def names() -> list[str]:
    """Organizations in the order of their places: about one in each hundredth part of those."""
    by_place = {audience.place_of(RELEASE, f"org-{i}") // 250: f"org-{i}" for i in range(400)}
    return [by_place[part] for part in sorted(by_place)]


def general(per_minute: int = 60, **changes: Any) -> dict[str, Any]:
    """A stage for everyone that ramps."""
    body = {"audience": "everyone", "admission": None, "conditions": {"requestsPerMinute": per_minute}}
    return stage(GENERAL, **{"basis": BOTH, "ramp": RAMP, **body, **changes})


def ramped(**changes: Any) -> World:
    """The stage, open since now."""
    made = World.opened(stages=[stage(), general(**changes)])
    made.open(name=GENERAL)
    return made


def move(made: World, says: str, **said: Any) -> Any:
    return made.must(moving(made.state, says, name=GENERAL, **said))


def refused(made: World, says: str, **said: Any) -> str:
    return made.refused(moving(made.state, says, name=GENERAL, **said))


def share(made: World) -> int:
    found = shown(made.state.record, RELEASE, GENERAL, made.now_ms)
    assert found is not None
    return found.share


def keyed(made: World) -> dict[str, bytes]:
    """A key under an account for each organization."""
    return {name: key(made, account(made, name), name) for name in names()}


def let_in(table: Table, keys: dict[str, bytes], at_ms: int) -> set[str]:
    """The organizations whose keys are answered."""
    now = Instant(at_ms, at_ms)
    asked = {name: decide(Ask(each, MODEL, API), table, now) for name, each in keys.items()}
    return {name for name, answer in asked.items() if isinstance(answer, Allow)}


def test_a_ramp_that_is_paused_keeps_its_share_and_goes_on_from_there() -> None:
    made = ramped()
    made.later(3)
    move(made, "pauses")
    made.later(30)
    assert share(made) == 40
    move(made, "continues")
    made.now_ms += DAY_MS - 1
    assert share(made) == 40
    made.now_ms += 1
    assert share(made) == 70


def test_a_ramp_that_was_taken_back_stands_still_and_then_has_the_whole_time_of_its_share() -> None:
    made = ramped()
    keys = keyed(made)
    made.later(5)
    before = let_in(made.state.table, keys, made.now_ms)
    move(made, "returns", share=5)
    left = let_in(made.state.table, keys, made.now_ms)
    assert left == {name for name in keys if audience.place_of(RELEASE, name) < 500}
    assert left < before
    made.later(30)
    assert share(made) == 5
    move(made, "continues")
    made.now_ms += 2 * DAY_MS - 1
    assert share(made) == 5
    made.now_ms += 1
    assert share(made) == 40


def test_going_back_also_takes_out_who_was_in_by_earlier_terms() -> None:
    made = ramped()
    made.later(3)
    made.apply(plan_value(stages=[stage(), general(70)]))
    made.agree()
    made.open(name=GENERAL)
    assert share(made) == 40
    move(made, "returns", share=5)
    assert share(made) == 5


def test_everyone_is_out_again_of_what_was_over_when_it_is_taken_back() -> None:
    made = ramped()
    made.later(30)
    assert refused(made, "pauses") == "ramp_over"
    move(made, "returns", share=70)
    assert share(made) == 70


@pytest.mark.parametrize(
    ("says", "said", "code"),
    [
        ("continues", {}, "ramp_stands"),
        ("returns", {"share": 40}, "no_such_share"),
        ("returns", {"share": 70}, "no_such_share"),
        ("returns", {"share": 6}, "no_such_share"),
        ("pauses", {"name": STAGE}, "no_ramp"),
        ("pauses", {"name": "none"}, "stage_unknown"),
        ("pauses", {"log": "other"}, "other_log"),
        ("pauses", {"previous": "sha256:00"}, "ramp_moved"),
        ("pauses", {"signer": "oncd"}, "key_of_another_party"),
    ],
)
def test_what_moves_no_ramp_is_refused(says: str, said: dict[str, Any], code: str) -> None:
    made = ramped()
    made.later(3)
    assert made.refused(moving(made.state, says, **{"name": GENERAL, **said})) == code


@pytest.mark.parametrize(
    ("says", "said"),
    [("says", {}), ("pauses", {"share": 5}), ("returns", {}), ("pauses", {"reason": " "})],
)
def test_a_word_that_says_nothing_of_a_ramp_is_refused(says: str, said: dict[str, Any]) -> None:
    made = ramped()
    with pytest.raises(BadEnvelope):
        made.do(moving(made.state, says, name=GENERAL, **said))


def test_a_ramp_of_a_closed_stage_is_not_moved_and_begins_again_with_an_officers_opening() -> None:
    made = ramped()
    made.later(5)
    made.must(CloseStage(stage_closing(name=GENERAL)))
    assert refused(made, "pauses") == "stage_not_open"
    made.open(name=GENERAL)
    assert share(made) == 5


def test_a_stage_that_closed_by_itself_has_the_same_organizations_in_when_it_opens_again() -> None:
    made = World.opened(stages=[stage(), general(opensWhen={"allOf": [STANDARD]})])
    said: dict[str, Any] = {"log": LOG, "release": RELEASE, "party": "ostp", "about": "s", "reason": ""}
    words = [Clearance(says="adopts", version="1", **said)]
    words.append(Clearance(says="withdraws", previous=signed(words[0].payload(), "ostp").digest, **said))
    last = signed(words[1].payload(), "ostp").digest
    words.append(Clearance(says="adopts", version="2", previous=last, **said))
    made.must(RecordClearance(signed(words[0].payload(), "ostp")))
    keys = keyed(made)
    made.later(3)
    before = let_in(made.state.table, keys, made.now_ms)
    made.must(RecordClearance(signed(words[1].payload(), "ostp")))
    assert let_in(made.state.table, keys, made.now_ms) == set()
    made.later(30)
    made.must(RecordClearance(signed(words[2].payload(), "ostp")))
    assert let_in(made.state.table, keys, made.now_ms) == before
    made.later(4)
    assert share(made) == 70


# A slow reading of plan, days and an officer's words


@dataclass
class Reading:
    """A ramp read day by day: how many of its days are over, and whether they go on."""

    days: int = 0
    runs: bool = True
    least: int = 0

    @property
    def share(self) -> int:
        """The share of the step in which its last day is."""
        return max(self.least, SHARES[min(self.days // 2, len(SHARES) - 1)])

    def later(self, days: int) -> None:
        for _ in range(days):
            self.days += self.runs

    def back(self, share: int) -> None:
        self.days, self.runs, self.least = 2 * SHARES.index(share), False, 0

    def again(self) -> None:
        self.days, self.least = 0, self.share


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("later"), st.integers(1, 3)),
        st.tuples(st.just("pauses"), st.just(0)),
        st.tuples(st.just("continues"), st.just(0)),
        st.tuples(st.just("returns"), st.sampled_from(SHARES[:-1])),
        st.tuples(st.just("terms"), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(STEPS)
def test_a_share_only_grows_unless_an_officer_moved_it_back(steps: list[tuple[str, int]]) -> None:
    made, read, per_minute = ramped(), Reading(), 60
    keys = keyed(made)
    inside = let_in(made.state.table, keys, made.now_ms)
    for what, number in steps:
        if what == "later":
            made.later(number)
            read.later(number)
        elif what == "terms":
            per_minute += 1
            made.apply(plan_value(stages=[stage(), general(per_minute)]))
            made.agree()
            made.open(name=GENERAL)
            read.again()
        elif what == "returns" and number < read.share:
            move(made, "returns", share=number)
            read.back(number)
        elif what in {"pauses", "continues"} and read.share < 100 and read.runs is (what == "pauses"):
            move(made, what)
            read.runs = what == "continues"
        now = let_in(made.state.table, keys, made.now_ms)
        assert now == {name for name in keys if audience.place_of(RELEASE, name) < read.share * 100}
        assert what == "returns" or inside <= now
        inside = now
    vouched = folded(made.entries, VouchedTable(trust()))
    assert let_in(vouched, keys, made.now_ms) == inside
    assert isinstance(vouched, VouchedTable)
    assert not vouched.findings


# Who loses access


def test_a_preview_says_who_loses_access_and_who_keeps_it_by_a_grant() -> None:
    made = ramped(grants={STAGE: {"become": GENERAL}})
    keys = keyed(made)
    holder = names()[-1]
    made.credential(made.admit(holder), key="k-holder")
    made.later(7)
    found = membership(made.state.table, RELEASE, 500, made.now_ms, nullcontext)
    before = let_in(made.state.table, keys, made.now_ms)
    move(made, "returns", share=5)
    after = let_in(made.state.table, keys, made.now_ms)
    assert (found.now, found.losing, found.kept) == (len(before), len(before - after) - 1, 1)


# A control plane that lies, to a gateway that checks signatures itself


def lied(made: World, public: dict[str, Any], type_: str = "stage.ramped") -> tuple[int, int]:
    """How many are in by a table that believes, and by one that checks, after an entry is said otherwise."""
    keys = keyed(made)
    liar = Liar(made)
    liar.again(liar.last(type_), public)
    tables = folded(liar.entries, Table()), folded(liar.entries, VouchedTable(trust()))
    believed, checked = (len(let_in(table, keys, made.now_ms)) for table in tables)
    return believed, checked


def test_a_ramp_that_an_officer_paused_does_not_go_on_by_another_word() -> None:
    made = ramped()
    made.later(1)
    move(made, "pauses")
    believed, checked = lied(made, {"says": "continues", "overMs": 30 * DAY_MS})
    assert believed == len(names())
    assert checked == sum(audience.place_of(RELEASE, name) < 500 for name in names())


def test_a_ramp_that_was_taken_back_does_not_stand_further_than_it_was_signed() -> None:
    made = ramped()
    made.later(30)
    move(made, "returns", share=5)
    believed, checked = lied(made, {"overMs": 4 * DAY_MS})
    assert believed > checked
    assert checked == sum(audience.place_of(RELEASE, name) < 500 for name in names())


def test_an_officers_word_is_not_said_a_second_time() -> None:
    made = ramped()
    made.later(1)
    move(made, "pauses")
    move(made, "continues")
    move(made, "pauses", reason="once more")
    made.later(10)
    liar = Liar(made)
    second = [each for each in liar.entries if each.type == "stage.ramped"][1]
    liar.again(second)
    table = folded(liar.entries, VouchedTable(trust()))
    assert table.audiences[RELEASE].ramp.is_paused
    assert not folded(liar.entries, Table()).audiences[RELEASE].ramp.is_paused


def test_a_ramp_that_no_officer_took_back_is_taken_back_all_the_same_and_reported() -> None:
    made = ramped()
    made.later(30)
    liar = Liar(made)
    envelope = moving(made.state, "returns", name=GENERAL, share=5, signer="oncd").envelope
    said = {"log": LOG, "release": RELEASE, "stage": GENERAL, "says": "returns", "share": 5, "overMs": 0}
    signs = {"officer": "release-officer", "digest": envelope.digest, "envelope": envelope.to_json()}
    liar.write("stage.ramped", {**said, "reason": "errors", **signs})
    table = VouchedTable(trust())
    folded(liar.entries, table)
    assert table.findings["stage.ramped"] == 1
    row = table.audiences[RELEASE]
    assert row.ramp.places(row.asked.shares, made.now_ms) == 500


@pytest.mark.parametrize("word", [("pauses", {}), ("returns", {"share": 5})], ids=["paused", "taken back"])
@pytest.mark.parametrize("is_closed", [False, True], ids=["while it is open", "after a closing by itself"])
@pytest.mark.parametrize("by_itself", [False, True], ids=["signed before", "by itself"])
def test_a_ramp_that_an_officer_stopped_does_not_run_by_an_opening_that_forgets_it(
    word: tuple[str, dict[str, Any]], is_closed: bool, by_itself: bool
) -> None:
    made = self_opening() if by_itself else ramped()
    made.later(3)
    move(made, word[0], **word[1])
    in_before = share(made) * audience.PLACES // 100
    liar = Liar(made)
    opened = next(e for e in liar.entries if e.type == "stage.opened" and e.public["stage"] == GENERAL)
    if is_closed:
        terms = made.state.releases[RELEASE].terms[GENERAL]
        about = {"log": LOG, "release": RELEASE, "stage": GENERAL, "terms": [terms], "lost": ["adopted"]}
        liar.write("stage.closed", about)
    liar.again(opened)
    made.later(30)
    believed, checked = folded(liar.entries, Table()), folded(liar.entries, VouchedTable(trust()))
    rows = [each.audiences[RELEASE] for each in (believed, checked)]
    places = [each.ramp.places(each.asked.shares, made.now_ms) for each in rows]
    assert places[0] == audience.PLACES, "not even believed"
    assert places[1] <= in_before


def self_opening() -> World:
    """The stage, opened by itself."""
    made = World.opened(stages=[stage(), general(opensWhen={"allOf": [STANDARD]})])
    said = Clearance(says="adopts", version="1", log=LOG, release=RELEASE, party="ostp", about="s", reason="")
    made.must(RecordClearance(signed(said.payload(), "ostp")))
    return made


def test_an_opening_takes_over_no_larger_share_than_was_in() -> None:
    made = ramped()
    made.apply(plan_value(stages=[stage(), general(70)]))
    made.agree()
    made.open(name=GENERAL)
    assert made.entries[-1].public["ramp"] == {"places": 500}
    keys = keyed(made)
    liar = Liar(made)
    at = next(i for i, each in enumerate(liar.entries) if "ramp" in each.public)
    liar.again(liar.entries[at], {"ramp": {"places": 10_000}})
    liar.entries[at] = liar.entries.pop()
    believed = folded(liar.entries, Table())
    checked = folded(liar.entries, VouchedTable(trust()))
    assert let_in(believed, keys, made.now_ms) == set(keys)
    assert let_in(checked, keys, made.now_ms) == {n for n in keys if audience.place_of(RELEASE, n) < 500}
