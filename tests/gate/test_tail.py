"""The gateway's end of the feed: what an answer may change, and how long it may be trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.access import versions
from sluicegate.core.access.decision import Ask, Instant
from sluicegate.core.access.leases import SLOWEST
from sluicegate.core.access.rate import WHOLE, RatePart
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.errors import BadFeed, VerificationFailed
from sluicegate.gate.engine import Engine, Flight
from sluicegate.gate.feed import ASK_AGAIN_MS, MachineClock, Tail, wait_ms
from sluicegate.gate.kept import Memory, TrustedHead
from sluicegate.gate.rate import Rates
from sluicegate_record.entries import Entry
from sluicegate_record.log import acknowledgement, checkpoint, merkle, times
from sluicegate_record.log.leaf import VERSION
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.statements.discussion import Discussion
from tests.clock import Clock
from tests.core.access.test_vouch import trust
from tests.feed.surface import Notes
from tests.forging import answer_json, forged
from tests.worlds import (
    API,
    AT_MS,
    DAY_MS,
    MODEL,
    ORIGIN,
    RELEASE,
    STAGE,
    World,
    plan_value,
    position,
    private_key,
    public_key,
    stage,
)

LOG = private_key("log")


class Control:
    """A control plane's answers; `changes` make them lie."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries

    def root(self, size: int) -> bytes:
        frontier = Frontier()
        for entry in self.entries[:size]:
            frontier.append(merkle.leaf_hash(entry.leaf))
        return frontier.root()

    def answer(self, question: dict[str, Any], size: int | None = None, **changes: Any) -> bytes:
        size = len(self.entries) if size is None else size
        signed = {
            **{name: question[name] for name in ("gateway", "incarnation", "nonce", "after")},
            "size": size,
            "root": self.root(size).hex(),
            "controlTime": times.format_time(AT_MS),
            "leaseMs": 5_000,
            "ageMs": 0,
            **changes,
        }
        return json.dumps(answer_json(signed, self.entries[signed["after"] : size], LOG)).encode()


class Gateway:
    """A tail, its engine and its clock."""

    def __init__(
        self, seen: TrustedHead | None = None, table: Table | None = None, rates: Rates | None = None
    ) -> None:
        self.clock, self.wall_ahead_ms = Clock(), 0
        """How far the machine's own clock is ahead of the control plane's."""
        self._began_ms = self.clock.at_ms
        self.engine = Engine(API, self.clock, table, rates)
        verifier = checkpoint.parse_vkey(checkpoint.vkey(ORIGIN, public_key("log")))
        clock = MachineClock(self.clock, lambda: AT_MS + self.passed_ms + self.wall_ahead_ms)
        self.tail = Tail(self.engine, verifier, "gateway-1", clock, seen or TrustedHead())

    @property
    def passed_ms(self) -> int:
        """How long it has run."""
        return self.clock.at_ms - self._began_ms

    def poll(self, control: Control, size: int | None = None, **changes: Any) -> TrustedHead:
        return self.tail.take(control.answer(self.tail.question(0), size, **changes))

    def refuses(self, data: bytes, match: str = ".") -> None:
        """An answer is refused and changes nothing."""
        size, lease = self.engine.table.size, self.engine.lease
        with pytest.raises(BadFeed, match=match):
            self.tail.take(data)
        assert (self.engine.table.size, self.engine.lease, self.tail.halted) == (size, lease, None)


@pytest.fixture
def world() -> World:
    return World.opened()


@pytest.fixture
def control(world: World) -> Control:
    return Control(world.entries)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


# Advancing


def test_an_answer_advances_and_the_next_question_goes_on_from_there(
    world: World, control: Control, gateway: Gateway
) -> None:
    seen = gateway.poll(control)
    assert seen == TrustedHead(len(world.entries), control.root(len(world.entries)))
    assert gateway.engine.table.size == len(world.entries)
    assert gateway.tail.question(0)["after"] == len(world.entries)
    world.admit()
    gateway.poll(control)
    assert vars(gateway.engine.table).keys() == vars(world.state.table).keys()
    assert gateway.engine.table.grants == world.state.table.grants


def test_each_question_has_its_own_nonce_and_each_run_its_own_incarnation(gateway: Gateway) -> None:
    nonces = {gateway.tail.question(0)["nonce"] for _ in range(50)}
    assert len(nonces) == 50
    assert {len(nonce) for nonce in nonces} == {32}
    assert Gateway().tail.incarnation != gateway.tail.incarnation


def test_a_question_reports_what_was_cut(gateway: Gateway) -> None:
    gateway.engine.cut_by["d-1"] = 3
    assert gateway.tail.question(700)["report"] == {"streamsCut": {"d-1": 3}}
    assert gateway.tail.question(700)["waitMs"] == 700
    assert gateway.tail.question(700)["surface"] == API


def test_a_question_is_signed_by_its_run_and_says_what_was_folded(control: Control, gateway: Gateway) -> None:
    for size in (0, len(control.entries)):
        question = gateway.tail.question(700)
        found = acknowledgement.read(json.loads(json.dumps(question)))
        assert found is not None
        assert (found.ask.after, found.ask.root) == (size, control.root(size).hex())
        assert found.ask.fold == versions.FOLD_VERSION
        gateway.tail.take(control.answer(question))


def folds(gateway: Gateway, times: int = 3) -> list[int]:
    """The versions of the fold that are said, each after the one before was refused."""
    said = []
    for _ in range(times):
        said.append(gateway.tail.question(0)["fold"])
        gateway.tail.drifted()
    return said


def test_the_earlier_versions_of_the_fold_are_said_in_turn_while_they_are_true(
    world: World, control: Control, gateway: Gateway
) -> None:
    tried = [*range(versions.FOLD_VERSION, versions.OLDEST_FOLD_VERSION - 1, -1)]
    assert folds(gateway, len(tried) + 1) == [*tried, tried[0]]
    gateway.poll(control)
    assert gateway.tail.question(0)["fold"] == tried[1]
    assert folds(gateway, len(tried)) == [*tried[1:], tried[0]]


@pytest.mark.parametrize("field", ["signedAt", "said", "weighs"])
def test_an_earlier_version_of_the_fold_is_not_said_of_a_log_that_it_could_not_read(
    world: World, control: Control, gateway: Gateway, field: str
) -> None:
    case, oldest = world.submit(), 3
    if field == "weighs":  # a condition that is repeated
        oldest = 4
        limited: Any = {"conditions": {"requestsPerMinute": 60}}
        for _ in range(2):
            now = world.state.cases[case.id]
            world.must(RecordPosition(position(now, "oncd", "approve-with-conditions", **limited)))
    else:
        newer = {"signed_at_ms": world.now_ms} if field == "signedAt" else {"said": Discussion.of(())}
        world.must(RecordPosition(position(case, "oncd", **newer)))
    while gateway.tail.question(0)["fold"] > versions.OLDEST_FOLD_VERSION:
        gateway.tail.drifted()
    gateway.poll(control)
    tried = [*range(versions.FOLD_VERSION, oldest - 1, -1)]
    assert folds(gateway, len(tried) + 1) == [*tried, versions.FOLD_VERSION]


def test_a_run_keeps_its_key_and_another_run_has_another(gateway: Gateway) -> None:
    keys = [tail.question(0)["key"] for tail in (gateway.tail, gateway.tail, Gateway().tail)]
    assert keys[0] == keys[1] != keys[2]


def test_a_large_log_comes_in_parts_and_only_the_last_carries_a_lease(
    control: Control, gateway: Gateway
) -> None:
    for size in (3, 3, 5, len(control.entries) - 1):
        gateway.poll(control, size, leaseMs=0)
        assert gateway.engine.table.size == size
        assert gateway.engine.lease is None
    gateway.poll(control)
    assert isinstance(gateway.engine.now(), Instant)


# The lease


@cache
def long_leases() -> Control:
    """Its plan allows the longest leases."""
    return Control(World.opened(leaseMs=60_000).entries)


def test_a_question_waits_for_a_third_of_the_lease_and_half_of_what_is_left(
    control: Control, gateway: Gateway
) -> None:
    """An answer may be old when it comes: a third of a short lease later is too late."""
    assert wait_ms(gateway.engine) == 0
    gateway.poll(control)
    assert wait_ms(gateway.engine) == 5_000 // 3
    gateway.poll(control, ageMs=4_000)
    assert wait_ms(gateway.engine) == 500
    gateway.clock.at_ms += 1_000
    assert wait_ms(gateway.engine) == 0


@given(
    waited=st.integers(0, 10_000),
    lease_ms=st.integers(1, 60_000),
    age_ms=st.integers(0, 70_000),
    later=st.integers(0, 70_000),
)
def test_the_lease_ends_at_sent_plus_lease_minus_age(
    waited: int, lease_ms: int, age_ms: int, later: int
) -> None:
    """However late the answer comes: what counts is the moment the question was sent."""
    gateway, control = Gateway(), long_leases()
    sent_ms = gateway.clock.at_ms
    question = gateway.tail.question(0)
    gateway.clock.at_ms += waited
    gateway.tail.take(control.answer(question, leaseMs=lease_ms, ageMs=age_ms))
    assert gateway.engine.lease is not None
    assert gateway.engine.lease.ends_ms == sent_ms + lease_ms - age_ms
    gateway.clock.at_ms += later
    assert (isinstance(gateway.engine.now(), Instant)) is (waited + later < lease_ms - age_ms)


@given(waited=st.integers(0, 3_000), later=st.integers(0, 1_000))
def test_the_time_is_known_as_well_as_the_answer_travelled(waited: int, later: int) -> None:
    gateway, control = Gateway(), Control(World().entries)
    question = gateway.tail.question(0)
    gateway.clock.at_ms += waited
    gateway.tail.take(control.answer(question))
    gateway.clock.at_ms += later
    now = gateway.engine.now()
    assert isinstance(now, Instant)
    assert AT_MS + int(SLOWEST * later) == now.early_ms <= AT_MS + later
    assert AT_MS + waited + later <= now.late_ms <= AT_MS + int((waited + later) / SLOWEST) + 1


def test_a_shorter_lease_replaces_a_longer_one(control: Control, gateway: Gateway) -> None:
    gateway.poll(control, leaseMs=60_000)
    gateway.poll(control, leaseMs=500)
    gateway.clock.at_ms += 500
    assert gateway.engine.now() is Reason.GATE_STALE


def test_a_lease_of_none_renews_nothing(control: Control, gateway: Gateway) -> None:
    gateway.poll(control, leaseMs=500)
    gateway.clock.at_ms += 400
    gateway.poll(control, leaseMs=0)
    gateway.clock.at_ms += 100
    assert gateway.engine.now() is Reason.GATE_STALE


def test_nothing_is_admitted_before_the_first_answer(gateway: Gateway) -> None:
    assert gateway.engine.now() is Reason.GATE_STALE
    refused = gateway.engine.admit(Ask(bytes(32), MODEL, API), lambda _: None)
    assert isinstance(refused, Deny)
    assert refused.reason is Reason.GATE_STALE


def test_what_is_in_flight_is_decided_again_before_the_lease_counts(world: World) -> None:
    """A directive that comes with a lease cuts before the lease is there to be written under."""
    key, _ = world.credential(world.admit())
    control, gateway = Control(world.entries), Gateway()
    gateway.poll(control, leaseMs=500)
    ends: list[tuple[Reason, float]] = []
    flight = gateway.engine.admit(
        Ask(key, MODEL, API), lambda deny: ends.append((deny.reason, gateway.engine.lease_left_ms()))
    )
    assert isinstance(flight, Flight)
    world.direct("d-1")
    gateway.poll(control, leaseMs=60_000)
    assert ends == [(Reason.DIRECTIVE_IN_FORCE, 500.0)]
    assert gateway.engine.cut_by == {"d-1": 1}


# The part of the rates


@pytest.fixture
def spender() -> Gateway:
    """A gateway that says who spends."""
    return Gateway(rates=Rates(Notes()))


def test_a_lease_comes_with_its_part_of_the_rates(control: Control, spender: Gateway) -> None:
    assert spender.tail.question(0)["spender"] == spender.engine.rates.spender
    for bounds in ([0, 420], [0, 280], [0, 100, 700, 840], []):
        spender.poll(control, part=bounds)
        assert spender.engine.lease is not None
        assert spender.engine.lease.part == RatePart(tuple(bounds))


def test_an_answer_to_who_spends_has_a_part(control: Control, spender: Gateway) -> None:
    spender.refuses(control.answer(spender.tail.question(0)), "without the part")
    spender.poll(control, part=[0, 420])
    spender.refuses(control.answer(spender.tail.question(0)), "without the part")


@pytest.mark.parametrize("part", [[0], [5, 5], [0, 841], [-1, 5], [0, 5, 4, 6], ["0", "5"], 840, None, "x"])
def test_a_part_that_is_none_is_not_taken(control: Control, spender: Gateway, part: Any) -> None:
    spender.refuses(control.answer(spender.tail.question(0), part=part))


def test_a_part_that_was_altered_or_taken_out_is_not_taken(control: Control, spender: Gateway) -> None:
    for changes in ({"part": [0, 840]}, None):
        answer = json.loads(control.answer(spender.tail.question(0), part=[0, 420]))
        altered = {name: value for name, value in answer.items() if name != "part"} | (changes or {})
        spender.refuses(json.dumps(altered).encode(), "did not sign")


def test_a_feed_that_knows_no_parts_leaves_a_gateway_the_whole_of_the_rates_and_no_more(
    control: Control, spender: Gateway
) -> None:
    spender.tail.misread()
    assert "spender" not in spender.tail.question(0)
    spender.poll(control)
    assert spender.engine.lease is not None
    assert spender.engine.lease.part == WHOLE
    spender.clock.at_ms += ASK_AGAIN_MS
    assert "spender" in spender.tail.question(0), "it may have been replaced"


def test_a_feed_that_has_given_a_part_is_asked_for_it_from_then_on(
    control: Control, spender: Gateway
) -> None:
    spender.poll(control, part=[0, 420])
    spender.tail.misread()
    assert "spender" in spender.tail.question(0)
    spender.refuses(control.answer(spender.tail.question(0)), "without the part")


# The budgets of a day


def limited() -> tuple[World, Control]:
    """A world whose open stage answers seven requests a day."""
    made = World.opened(stages=[stage(exposure={"requestsPerDay": {"value": 7, "enforced": True}})])
    return made, Control(made.entries)


def test_a_gateway_asks_for_budgets_once_it_knows_the_day_and_takes_no_lease_without_them() -> None:
    _, control = limited()
    gateway = Gateway()
    assert "days" not in gateway.tail.question(0)
    gateway.poll(control)
    asked = gateway.tail.question(0)["days"]
    row = {"stage": f"{RELEASE}/{STAGE}", "day": AT_MS // DAY_MS, "limit": 7, "spent": 0, "held": 0}
    assert (asked["spender"], asked["rows"]) == (gateway.engine.days.spender, [row])
    gateway.refuses(control.answer(gateway.tail.question(0)), "without the budgets")
    gateway.refuses(control.answer(gateway.tail.question(0), budgets=[7, 7]), "without the budgets")
    gateway.poll(control, budgets=[5])
    assert gateway.tail.question(0)["days"]["rows"] == [{**row, "held": 5}]


def test_a_feed_that_lies_cannot_make_a_gateway_exceed_what_its_plan_says() -> None:
    made, control = limited()
    key, _ = made.credential(made.admit())
    gateway = Gateway()
    gateway.poll(control)
    gateway.poll(control, budgets=[10**9])
    asked = [gateway.engine.admit(Ask(key, MODEL, API), lambda _: None) for _ in range(8)]
    assert [isinstance(each, Flight) for each in asked] == [True] * 7 + [False]


def test_budgets_that_were_altered_or_taken_out_are_not_taken() -> None:
    _, control = limited()
    gateway = Gateway()
    gateway.poll(control)
    for changes in ({"budgets": [6]}, None):
        answer = json.loads(control.answer(gateway.tail.question(0), budgets=[5]))
        altered = {name: value for name, value in answer.items() if name != "budgets"} | (changes or {})
        gateway.refuses(json.dumps(altered).encode(), "did not sign")


def test_an_earlier_version_of_the_fold_is_not_said_of_a_plan_that_enforces_an_exposure() -> None:
    gateway = Gateway()
    gateway.poll(limited()[1])
    tried = [*range(versions.FOLD_VERSION, 6, -1)]
    assert folds(gateway, len(tried) + 1) == [*tried, versions.FOLD_VERSION]


# Answers that do not count


def test_an_answer_counts_once(control: Control, gateway: Gateway) -> None:
    answer = control.answer(gateway.tail.question(0))
    gateway.tail.take(answer)
    gateway.refuses(answer, "nobody asked")


def test_an_old_answer_is_not_replayed(control: Control, gateway: Gateway) -> None:
    old = control.answer(gateway.tail.question(0))
    gateway.tail.take(old)
    for _ in range(2):
        gateway.tail.question(0)
        gateway.refuses(old, "another question")
    gateway.clock.at_ms += 5_000
    assert gateway.engine.now() is Reason.GATE_STALE


def test_only_the_newest_question_counts(control: Control, gateway: Gateway) -> None:
    first = gateway.tail.question(0)
    gateway.tail.question(0)
    gateway.refuses(control.answer(first), "another question")


def test_a_refused_answer_closes_its_question(control: Control, gateway: Gateway) -> None:
    """Who could try many answers to one question would have longer to find one."""
    question = gateway.tail.question(0)
    gateway.refuses(b"{}")
    gateway.refuses(control.answer(question), "nobody asked")


def test_the_answer_to_another_run_is_refused(control: Control, gateway: Gateway) -> None:
    question = gateway.tail.question(0)
    gateway.refuses(control.answer({**question, "incarnation": Gateway().tail.incarnation}), "incarnation")


def test_an_unsigned_answer_is_refused(control: Control, gateway: Gateway) -> None:
    answer = json.loads(control.answer(gateway.tail.question(0)))
    answer["leaseMs"] = 60_000
    gateway.refuses(json.dumps(answer).encode(), "did not sign")


def test_a_truncated_answer_is_refused(control: Control, gateway: Gateway) -> None:
    gateway.refuses(control.answer(gateway.tail.question(0))[:-20])


def test_an_altered_entry_is_refused(world: World, control: Control, gateway: Gateway) -> None:
    """The entries are not signed: the root is, and they must lead to it."""
    world.admit()
    answer = json.loads(control.answer(gateway.tail.question(0)))
    answer["entries"][3]["leaf"] = answer["entries"][3]["leaf"].replace(
        '"from":"configuration"', '"from":"nowhere"'
    )
    gateway.refuses(json.dumps(answer).encode(), "forked")


def _gate_part(answer: Any) -> Any:
    return next(item for item in answer["entries"] if item["gate"])["gate"]


def _swap_value(answer: Any) -> None:
    part = _gate_part(answer)
    part["organization"][1] = '"org-9"'


def _drop_part(answer: Any) -> None:
    _gate_part(answer).clear()


def test_an_altered_gate_part_is_refused(world: World, control: Control, gateway: Gateway) -> None:
    world.admit()
    answer = json.loads(control.answer(gateway.tail.question(0)))
    _swap_value(answer)
    gateway.refuses(json.dumps(answer).encode(), "does not open")


def test_an_answer_with_a_gate_part_left_out_is_refused_and_the_next_is_taken(
    world: World, control: Control, gateway: Gateway
) -> None:
    world.admit()
    answer = json.loads(control.answer(gateway.tail.question(0)))
    _drop_part(answer)
    with pytest.raises(BadFeed, match="without all of its gate part"):
        gateway.tail.take(json.dumps(answer).encode())
    assert gateway.engine.now() is Reason.GATE_STALE
    gateway.tail.take(control.answer(gateway.tail.question(0)))
    assert isinstance(gateway.engine.now(), Instant)


# Forks and logs that go back


def fork(world: World, other: World) -> tuple[Control, Control]:
    return Control(world.entries), Control(other.entries)


def other_world() -> World:
    """The same beginning, another end: both signed by the log's key."""
    world = World.opened(leaseMs=700)
    world.submit("org-9")
    return world


def test_a_fork_is_refused_while_running(world: World, control: Control, gateway: Gateway) -> None:
    gateway.poll(control)
    forked = Control(other_world().entries)
    gateway.refuses(forked.answer(gateway.tail.question(0)), "forked")


def test_a_fork_of_the_same_size_is_refused(control: Control, gateway: Gateway) -> None:
    gateway.poll(control)
    other = Control(World.opened(leaseMs=700).entries)
    assert len(other.entries) == len(control.entries)
    gateway.refuses(other.answer(gateway.tail.question(0)), "forked")


def test_a_log_that_goes_back_is_refused_while_running(control: Control, gateway: Gateway) -> None:
    gateway.poll(control)
    shorter = Control(control.entries[:-2])
    gateway.refuses(shorter.answer(gateway.tail.question(0)))


def test_a_fork_is_refused_against_what_an_earlier_run_saw(control: Control) -> None:
    seen = Gateway().poll(control)
    later = Gateway(seen)
    later.refuses(Control(other_world().entries).answer(later.tail.question(0)), "forked")
    assert later.engine.table.size == 0


def test_a_fork_hidden_behind_the_head_that_was_seen_is_refused(world: World, control: Control) -> None:
    """The head seen before lies inside an answer, not at its end."""
    seen = Gateway().poll(control, size=len(control.entries))
    other = World.opened(leaseMs=700)
    for i in range(5):
        other.submit(f"org-{i}")
    later = Gateway(seen)
    later.refuses(Control(other.entries).answer(later.tail.question(0)), "forked")


def test_a_log_that_is_shorter_than_an_earlier_run_saw_gives_no_lease(control: Control) -> None:
    seen = Gateway().poll(control)
    later, shorter = Gateway(seen), Control(control.entries[:-2])
    for _ in range(2):
        with pytest.raises(BadFeed, match="goes back"):
            later.poll(shorter)
        assert later.engine.now() is Reason.GATE_STALE
    later.poll(control)
    assert isinstance(later.engine.now(), Instant)


def test_what_an_earlier_run_saw_is_reached_in_parts(control: Control) -> None:
    seen = Gateway().poll(control)
    later = Gateway(seen)
    for size in range(2, len(control.entries)):
        later.poll(control, size, leaseMs=0)
    later.poll(control)
    assert isinstance(later.engine.now(), Instant)


# Entries of the future


Unknown = Callable[[int], Entry]


def of_a_later_type(seq: int) -> Entry:
    return forged("grant.sparkled", {"grant": "grant_1"}, seq=seq, at_ms=AT_MS)


def of_a_later_version(seq: int) -> Entry:
    return forged("directive.expired", {"directive": "d-1"}, seq=seq, at_ms=AT_MS, v=VERSION + 1)


either = pytest.mark.parametrize("unknown", [of_a_later_type, of_a_later_version])


@either
def test_an_unknown_entry_halts_the_tail_and_the_lease_ends(
    control: Control, gateway: Gateway, unknown: Unknown
) -> None:
    gateway.poll(control, leaseMs=500)
    later = Control([*control.entries, unknown(len(control.entries))])
    with pytest.raises(VerificationFailed, match="unknown to this build"):
        gateway.poll(later, leaseMs=60_000)
    assert gateway.tail.halted is not None
    assert gateway.engine.table.size == len(control.entries)
    with pytest.raises(VerificationFailed, match="unknown to this build"):
        gateway.poll(later)
    gateway.clock.at_ms += 500
    assert gateway.engine.now() is Reason.GATE_STALE


@either
def test_what_came_before_an_unknown_entry_is_in_force(
    world: World, gateway: Gateway, unknown: Unknown
) -> None:
    """A directive is not lost because something unknown comes after it."""
    control = Control(world.entries)
    gateway.poll(control)
    world.direct("d-1")
    with pytest.raises(VerificationFailed):
        gateway.poll(Control([*world.entries, unknown(len(world.entries))]))
    assert MODEL in gateway.engine.table.directed


# Memory


def test_what_was_seen_is_remembered(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    assert memory.load() == TrustedHead()
    for size in (3, 5):
        memory.save(TrustedHead(size, bytes([size]) * 32))
        assert Memory(tmp_path / "state").load() == TrustedHead(size, bytes([size]) * 32)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-3]),
        lambda path: path.write_bytes(b"{}"),
        lambda path: path.write_bytes(b"[]"),
        lambda path: path.write_bytes(b'{"size": 3}'),
        lambda path: path.write_bytes(b'{"size": "three", "root": "00"}'),
        lambda path: path.write_bytes(b'{"size": 3, "root": "zz"}'),
        lambda path: path.write_bytes(b'{"size": 3, "root": 5}'),
        lambda path: path.write_bytes(b'{"size": 3, "root": "00"}'),
        lambda path: path.write_bytes(b'{"size": -3, "root": "' + b"00" * 32 + b'"}'),
        lambda path: path.write_bytes(b'{"size": true, "root": "' + b"00" * 32 + b'"}'),
        lambda path: path.write_bytes(b"\xff"),
    ],
)
def test_a_damaged_memory_is_not_taken_for_none(tmp_path: Path, damage: Callable[[Path], Any]) -> None:
    """Forgetting would be trusting whatever is shown next."""
    memory = Memory(tmp_path)
    memory.save(TrustedHead(3, bytes(32)))
    damage(tmp_path / "seen.json")
    with pytest.raises(VerificationFailed, match=r"seen\.json"):
        memory.load()


def test_a_crash_while_saving_leaves_what_was_there(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.save(TrustedHead(3, bytes(32)))
    (tmp_path / "seen.new").write_text('{"size": 5')
    assert memory.load() == TrustedHead(3, bytes(32))
    memory.save(TrustedHead(6, bytes(32)))
    assert memory.load().size == 6


def test_a_plan_whose_lease_changes_is_followed(world: World, control: Control, gateway: Gateway) -> None:
    gateway.poll(control)
    assert gateway.engine.table.lease_ms == 5_000
    world.apply(plan_value(leaseMs=700))
    gateway.poll(control, leaseMs=700)
    assert gateway.engine.table.lease_ms == 700


# Time is bounded

MINUTE_MS = 60_000


@pytest.mark.parametrize("changes", [{"leaseMs": 60_000}, {"leaseMs": 10**12}])
def test_a_lease_is_as_long_as_the_plans_allow_at_most(
    control: Control, gateway: Gateway, changes: dict[str, int]
) -> None:
    gateway.poll(control, **changes)
    gateway.clock.at_ms += 4_999
    assert isinstance(gateway.engine.now(), Instant)
    gateway.clock.at_ms += 1
    assert gateway.engine.now() is Reason.GATE_STALE


def test_the_plan_that_comes_with_a_lease_bounds_it(world: World, control: Control, gateway: Gateway) -> None:
    gateway.poll(control)
    world.apply(plan_value(leaseMs=700))
    gateway.poll(control, leaseMs=5_000)
    gateway.clock.at_ms += 700
    assert gateway.engine.now() is Reason.GATE_STALE


def at(ms: int) -> dict[str, Any]:
    return {"controlTime": times.format_time(AT_MS + ms)}


def test_an_entry_is_not_later_than_the_answer_that_it_came_with(
    world: World, control: Control, gateway: Gateway
) -> None:
    newest_ms = world.entries[-1].at_ms - AT_MS
    gateway.refuses(
        control.answer(gateway.tail.question(0), **at(newest_ms - 1)), "earlier time than its newest"
    )
    gateway.poll(control, **at(newest_ms))
    gateway.refuses(
        control.answer(gateway.tail.question(0), **at(newest_ms - 1)), "earlier time than its newest"
    )


def test_an_entry_is_not_earlier_than_the_one_before_it(control: Control, gateway: Gateway) -> None:
    def later(at_ms: int) -> Entry:
        public = {"release": "another", "announced": False, "terms": {}}
        return forged("list.changed", public, seq=len(control.entries), at_ms=at_ms)

    newest_ms = control.entries[-1].at_ms
    for first in (0, len(control.entries)):
        gateway.poll(control, first, leaseMs=0)
        control.entries.append(later(newest_ms - 1))
        gateway.refuses(control.answer(gateway.tail.question(0)), "earlier than the one before it")
        control.entries.pop()


@pytest.mark.parametrize("off_ms", [-5 * MINUTE_MS - 1, 5 * MINUTE_MS + 1, 400 * DAY_MS, -400 * DAY_MS])
def test_a_clock_that_is_too_far_off_gives_no_lease_and_says_so(
    control: Control, gateway: Gateway, off_ms: int
) -> None:
    gateway.wall_ahead_ms = -off_ms
    gateway.refuses(control.answer(gateway.tail.question(0)), "ahead of" if off_ms > 0 else "behind")
    refused = gateway.engine.admit(Ask(bytes(32), MODEL, API), lambda _: None)
    assert isinstance(refused, Deny)
    assert refused.reason is Reason.GATE_CLOCK_DIFFERS
    assert gateway.engine.clock_offset_ms == off_ms
    gateway.wall_ahead_ms = 0
    gateway.poll(control)
    assert isinstance(gateway.engine.now(), Instant)
    gateway.clock.at_ms += 5_000
    assert gateway.engine.now() is Reason.GATE_STALE


def test_a_lease_that_is_there_is_kept_when_clocks_come_to_differ(control: Control, gateway: Gateway) -> None:
    gateway.poll(control)
    gateway.wall_ahead_ms = 6 * MINUTE_MS
    gateway.refuses(control.answer(gateway.tail.question(0)), "behind")
    gateway.clock.at_ms += 4_999
    assert isinstance(gateway.engine.now(), Instant)
    gateway.clock.at_ms += 1
    assert gateway.engine.now() is Reason.GATE_CLOCK_DIFFERS


@pytest.mark.parametrize("off_ms", [-5 * MINUTE_MS, -1, 1, 5 * MINUTE_MS])
def test_a_clock_that_is_a_little_off_is_good_enough(control: Control, gateway: Gateway, off_ms: int) -> None:
    gateway.wall_ahead_ms = -off_ms
    gateway.poll(control)
    now = gateway.engine.now()
    assert isinstance(now, Instant)
    assert now.early_ms == AT_MS
    assert gateway.engine.clock_offset_ms == off_ms


def test_an_answer_that_travelled_for_long_is_not_taken_for_a_clock_that_is_behind(
    control: Control, gateway: Gateway
) -> None:
    gateway.wall_ahead_ms = 5 * MINUTE_MS
    answer = control.answer(gateway.tail.question(0))
    gateway.clock.at_ms += 3_000
    gateway.tail.take(answer)
    assert isinstance(gateway.engine.now(), Instant)


def test_time_that_stands_still_is_found_out(control: Control, gateway: Gateway) -> None:
    """The gateway goes on by its own clock meanwhile, and refuses when the two are too far apart."""
    for _ in range(60):
        gateway.poll(control)
        now = gateway.engine.now()
        assert isinstance(now, Instant)
        assert now.early_ms >= AT_MS + 0.998 * gateway.passed_ms
        gateway.clock.at_ms += 5_000
    gateway.clock.at_ms += 1
    gateway.refuses(control.answer(gateway.tail.question(0)), "behind")
    assert gateway.engine.now() is Reason.GATE_CLOCK_DIFFERS


def test_small_steps_lead_no_further_than_one(control: Control, gateway: Gateway) -> None:
    """What counts is the machine's own clock, not the answer before."""
    for minutes in range(6):
        gateway.poll(control, **at(minutes * MINUTE_MS))
    gateway.refuses(control.answer(gateway.tail.question(0), **at(6 * MINUTE_MS)), "ahead of")


def test_a_time_that_was_taken_is_not_given_back_when_both_clocks_are_set_back(
    control: Control, gateway: Gateway
) -> None:
    gateway.wall_ahead_ms = 10 * MINUTE_MS
    gateway.poll(control, **at(10 * MINUTE_MS))
    gateway.wall_ahead_ms = 6 * MINUTE_MS
    gateway.poll(control, **at(6 * MINUTE_MS))
    assert gateway.engine.passed_ms(gateway.clock()) == AT_MS + 10 * MINUTE_MS
    gateway.wall_ahead_ms = 0
    gateway.refuses(control.answer(gateway.tail.question(0)), "ahead of")
    assert isinstance(gateway.engine.now(), Instant)  # by the lease that was given before


def test_an_answer_that_is_not_taken_ends_no_certificate(control: Control, gateway: Gateway) -> None:
    gateway.refuses(control.answer(gateway.tail.question(0), **at(400 * DAY_MS)), "ahead of")
    gateway.poll(control)
    assert gateway.tail._latest_ms == AT_MS


def test_a_plan_that_nobody_has_agreed_to_makes_no_lease_longer(world: World) -> None:
    """With a trust file, the lease is that of terms that agencies have signed."""
    control = Control(world.entries)
    gateway = Gateway(table=VouchedTable(trust()))
    gateway.poll(control)
    assert gateway.engine.table.lease_ms == 5_000
    world.apply(plan_value(leaseMs=60_000))
    gateway.poll(control, leaseMs=60_000)
    assert gateway.engine.table.lease_ms == 5_000
    world.apply(plan_value(leaseMs=700))
    gateway.poll(control)
    assert gateway.engine.table.lease_ms == 700


def test_a_plan_that_was_agreed_to_and_opened_makes_a_lease_longer() -> None:
    world = World.opened(leaseMs=60_000)
    gateway = Gateway(table=VouchedTable(trust()))
    opening = next(entry.seq for entry in world.entries if entry.type == "stage.opened")
    control = Control(world.entries)
    gateway.poll(control, opening, leaseMs=60_000)
    assert gateway.engine.table.lease_ms == 5_000
    gateway.poll(control, leaseMs=60_000)
    assert gateway.engine.table.lease_ms == 60_000
