from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sluicegate.acts import directives as acts
from sluicegate.acts import points
from sluicegate.acts.directives import StateAtPoint
from sluicegate.core.access import feed, versions
from sluicegate.core.access.feed import CERTIFIED_MS
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import BadSignature, Drifted, StoreUnavailable, Unauthorized, VerificationFailed
from sluicegate.feed.head import Head
from sluicegate.feed.leases import CONFIRM_EVERY_MS, RUNS_MAX
from sluicegate.feed.run import FORGET_AFTER_MS, Poll
from sluicegate.ports import PublishedEntry, Run
from sluicegate.service.fleet import HISTORY_MAX
from sluicegate_record.form import replace
from sluicegate_record.log import merkle, proof, times
from sluicegate_record.statements.points import Enforcement
from tests.clock import Clock
from tests.fakes import Broken, Contents, MemoryFeedRegister
from tests.plane import Plane, yes
from tests.waiting import eventually
from tests.worlds import AT_MS, plan_value, public_key, set_point, state_point

LEASE_MS = 5_000
ENDS_MS = 5_005
"""When a lease of `LEASE_MS` has surely ended: a thousandth later, for the gateway's clock."""


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened(plan_value(leaseMs=LEASE_MS))
    return plane


def row(plane: Plane, gateway: str = "gateway-1", name: str = "d-1") -> Any:
    status: Any = plane.fleet.directive_status(name)
    (found,) = [row for row in status.gateways if row.gateway == gateway]
    return found


def in_force(plane: Plane, name: str = "d-1") -> bool:
    status = plane.fleet.directive_status(name)
    assert not isinstance(status, Refusal)
    return status.in_force


# Answers


def test_an_answer_is_the_rest_of_the_log_with_a_lease(plane):
    answer = plane.ask(0)
    assert [entry.seq for entry in answer.entries] == list(range(plane.size))
    assert (answer.size, answer.root) == (plane.size, plane.ledger.root(plane.size))
    assert answer.lease_ms == LEASE_MS
    assert answer.control_ms == AT_MS
    rest = plane.ask(plane.size - 2)
    assert [entry.seq for entry in rest.entries] == [plane.size - 2, plane.size - 1]


def test_the_lease_is_the_smallest_of_the_plans_in_force(plane):
    plane.apply(plan_value("other", models=["m"], leaseMs=700))
    assert plane.ask(0).lease_ms == 700


def test_a_part_of_the_log_carries_no_lease():
    plane = Plane(max_entries=4)
    after = 0
    while True:
        answer = plane.ask(after)
        assert len(answer.entries) <= 4
        assert (answer.lease_ms == 0) is (answer.size < plane.size)
        assert answer.root == plane.ledger.root(answer.size)
        after = answer.size
        if answer.lease_ms:
            break
    assert after == plane.size


def test_large_entries_come_one_answer_after_the_other(plane):
    plane.opened()
    plane.feed = plane.a_feed(max_entries=5_000, max_bytes=2_000)
    after, answers = 0, 0
    while after < plane.size:
        answer = plane.ask(after)
        held = [
            len(each.leaf) + sum(len(part.body) for part in each.gate.values()) for each in answer.entries
        ]
        assert len(held) == 1 or sum(held) <= 2_000
        assert (answer.lease_ms == 0) is (answer.size < plane.size)
        after, answers = answer.size, answers + 1
    assert 1 < answers < plane.size


def test_what_comes_while_the_question_waits_is_in_the_answer(plane):
    poll = plane.poll(plane.size)
    plane.hear(poll)
    plane.direct("d-1")
    assert [entry.type for entry in plane.opened_answer(poll).entries] == ["directive.issued"]


def test_the_time_of_an_answer_is_the_logs(plane):
    plane.wall.at_ms -= 60_000
    assert plane.ask(0).control_ms == AT_MS


def test_a_gateway_that_has_more_than_there_is_is_told_that_the_log_goes_back(plane):
    with pytest.raises(VerificationFailed, match="goes back"):
        plane.hear(plane.poll(plane.size + 1))
    plane.direct("d-1")
    assert in_force(plane)
    assert plane.fleet.gateways() == []


def test_a_gateway_that_has_more_than_this_feed_has_followed_is_followed(plane):
    """Another feed of this log has answered it before."""
    plane.direct("d-1")
    assert plane.feed.head.reached.size < plane.size
    plane.feed.heard(plane.poll(plane.size))
    plane.feed.keep()
    assert in_force(plane)


# Age


def test_the_age_counts_from_before_the_last_commit(plane):
    plane.boot.at_ms += CONFIRM_EVERY_MS
    assert plane.ask(0).age_ms == 1
    commits = plane.fleet_file.commits
    plane.boot.at_ms += CONFIRM_EVERY_MS - 1
    assert plane.ask(0).age_ms == CONFIRM_EVERY_MS
    assert plane.fleet_file.commits == commits
    plane.boot.at_ms += 1
    assert plane.ask(0).age_ms == 1
    assert plane.fleet_file.commits == commits + 1


def test_the_age_counts_from_when_the_commit_was_begun(plane):
    plane.ask(0)

    def slowly() -> None:
        plane.boot.at_ms += 3_000

    plane.fleet_file.committing = slowly
    plane.boot.at_ms += CONFIRM_EVERY_MS
    assert plane.ask(0).age_ms == 3_001


def test_no_lease_ends_after_the_term_that_was_committed_before_it(plane):
    """However long the plan in force lets a lease be that was read after the commit."""
    plane.ask(0)
    plane.apply(plan_value(leaseMs=60_000))
    assert plane.ask(0).lease_ms == LEASE_MS
    plane.boot.at_ms += CONFIRM_EVERY_MS
    plane.ask(0)
    plane.boot.at_ms += CONFIRM_EVERY_MS
    assert plane.ask(0).lease_ms == 60_000


def test_a_feed_that_cannot_commit_gives_no_lease(plane):
    plane.ask(0)
    plane.boot.at_ms += CONFIRM_EVERY_MS

    def failing() -> None:
        raise Broken

    plane.fleet_file.committing = failing
    plane.feed.heard(plane.poll(plane.size))
    with pytest.raises(StoreUnavailable):
        plane.feed.answer(plane.poll(plane.size))


def test_what_was_committed_and_not_followed_is_followed_before_a_lease_is_given(plane):
    """A directive whose fate was unknown is in the next answer, though nobody sends it again."""
    plane.store.breaks = "after"
    with pytest.raises(StoreUnavailable):
        plane.direct("d-1")
    plane.boot.at_ms += CONFIRM_EVERY_MS
    answer = plane.ask(0)
    assert "directive.issued" in [entry.type for entry in answer.entries]
    assert answer.lease_ms == LEASE_MS


# Many at once


class Queue:
    """A lock that counts who has come to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.came = 0

    def __enter__(self) -> None:
        self.came += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@pytest.mark.parametrize(("are_known", "commits"), [(True, 1), (False, 2)])
def test_of_all_who_wait_for_the_disk_one_commits_for_all(plane, are_known, commits):
    """Who came before a commit began has its own with it."""
    queues: list[Queue] = []

    def queue() -> Queue:
        queues.append(Queue())
        return queues[-1]

    plane.feed = plane.a_feed(lock=queue)
    polls = [plane.poll(plane.size, gateway=f"gateway-{number}") for number in range(4)]
    for poll in polls:
        plane.hear(poll)
        if are_known:
            plane.feed.answer(poll)
            plane.boot.at_ms += 1
    plane.boot.at_ms += CONFIRM_EVERY_MS if are_known else 0
    (confirming,) = queues
    before, confirming.came = plane.fleet_file.commits, 0

    def slowly() -> None:
        eventually(lambda: confirming.came >= len(polls))
        plane.boot.at_ms += 1

    plane.fleet_file.committing = slowly
    with ThreadPoolExecutor(len(polls)) as threads:
        answers = list(threads.map(plane.feed.answer, polls))
    assert plane.fleet_file.commits == before + commits
    assert all(run.leased for run in plane.fleet_file.runs.values())
    assert len(answers) == len(polls)


# Registration


def runs(plane: Plane) -> list[str]:
    """The gateways of the runs that the feed has committed."""
    return sorted(run.gateway for run in plane.fleet_file.runs.values())


def test_a_run_is_committed_as_one_that_may_hold_a_lease_before_its_first(plane):
    plane.hear(plane.poll(0))
    run = Run("gateway-1", "gateway-1-run-1", "api", at_ms=AT_MS)
    assert list(plane.fleet_file.runs.values()) == [run]
    committed = []

    def committing() -> None:
        committed.append(plane.feed.head.reached.size)

    plane.fleet_file.committing = committing
    plane.feed.answer(plane.poll(0))
    assert list(plane.fleet_file.runs.values()) == [dataclasses.replace(run, leased=True)]
    assert len(committed) == 1


def test_the_head_that_a_first_lease_comes_with_is_read_after_that_commit(plane):
    """Whoever reads the feed's file before, finds no lease to wait for."""
    plane.hear(plane.poll(plane.size))
    size = plane.size

    def directed_meanwhile() -> None:
        plane.fleet_file.committing = lambda: None
        plane.direct("d-1")
        assert in_force(plane)

    plane.fleet_file.committing = directed_meanwhile
    assert plane.opened_answer(plane.poll(size)).entries[0].type == "directive.issued"


@pytest.mark.parametrize("fails", ["commit", "head"])
def test_a_run_whose_end_may_be_on_the_disk_is_committed_again_before_its_next_lease(plane, fails):
    """Its lease has ended, that is committed, and the commit or what follows it seems to fail."""
    poll = plane.poll(plane.size)
    plane.asked(poll)
    plane.boot.at_ms += ENDS_MS - 5
    plane.ask(plane.size, "gateway-2")  # a confirmation, just before the first lease ends
    plane.boot.at_ms += 10

    def failing(*_: Any) -> None:
        raise Broken

    commit, follow = plane.fleet_file.commit, plane.feed.head.follow
    if fails == "head":
        plane.feed.head.follow = failing
    else:

        def committing(*given: Any) -> None:
            commit(*given)
            failing()

        plane.fleet_file.commit = committing
    with pytest.raises(StoreUnavailable):
        plane.feed.keep()
    plane.feed.head.follow, plane.fleet_file.commit = follow, commit
    assert not plane.fleet_file.runs[poll.run].leased
    assert plane.opened_answer(poll).lease_ms
    assert plane.fleet_file.runs[poll.run].leased


def test_a_gateway_has_no_more_than_so_many_runs(plane):
    for number in range(RUNS_MAX):
        plane.ask(plane.size, incarnation=f"run-{number}")
    with pytest.raises(Unauthorized, match="64 runs that may hold leases"):
        plane.ask(plane.size, incarnation="one-more")
    plane.ask(plane.size, "gateway-2")
    plane.boot.at_ms += 60_000
    plane.feed.keep()
    plane.ask(plane.size, incarnation="one-more")
    plane.feed.keep()
    assert len([run for run in plane.fleet_file.runs.values() if run.gateway == "gateway-1"]) == RUNS_MAX


def test_a_run_that_cannot_be_committed_gets_no_lease(plane):
    def failing() -> None:
        raise Broken

    plane.feed.heard(plane.poll(0))
    plane.fleet_file.committing = failing
    with pytest.raises(StoreUnavailable):
        plane.feed.answer(plane.poll(0))
    assert plane.fleet.gateways() == []


def test_each_run_is_an_incarnation_of_its_own(plane):
    plane.ask(0)
    plane.ask(0, incarnation="gateway-1-run-2")
    plane.ask(0, "gateway-2", surface="codex")
    assert [(row.gateway, row.incarnation, row.surface) for row in plane.fleet.gateways()] == [
        ("gateway-1", "gateway-1-run-1", "api"),
        ("gateway-1", "gateway-1-run-2", "api"),
        ("gateway-2", "gateway-2-run-1", "codex"),
    ]


def test_gateways_tell_what_they_have_and_how_long_they_may_go_on(plane):
    plane.ask(0)
    plane.boot.at_ms += 1_000
    (found,) = plane.fleet.gateways()
    assert (found.size, found.lease_ms) == (0, ENDS_MS - 1_000)
    plane.ask(plane.size)
    assert plane.fleet.gateways()[0].size == plane.size
    plane.boot.at_ms += 60_000
    assert plane.fleet.gateways()[0].lease_ms == 0


# In force


def test_without_gateways_a_directive_is_in_force_everywhere(plane):
    plane.direct("d-1")
    assert in_force(plane)


def test_a_gateway_that_acknowledges_has_it_in_force(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    assert (row(plane).state, in_force(plane)) == ("waiting", False)
    plane.hear(plane.poll(plane.size - 1))
    assert row(plane).state == "waiting"
    plane.wall.at_ms += 5
    size = plane.size
    plane.hear(plane.poll(size, cut={"d-1": 3, "other": 5}))
    found = row(plane)
    assert (found.state, found.size, found.streams_cut) == ("acknowledged", size, 3)
    assert found.at_ms == AT_MS + 5
    assert in_force(plane)


def test_being_sent_is_not_acknowledging(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    answer = plane.ask(plane.size - 1)
    assert answer.entries[-1].type == "directive.issued"
    assert (row(plane).state, in_force(plane)) == ("waiting", False)


def test_a_later_acknowledgement_holds_for_everything_before(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.direct("d-2")
    plane.hear(plane.poll(plane.size))
    assert in_force(plane, "d-1")
    assert in_force(plane, "d-2")
    assert row(plane, name="d-1").at_ms == row(plane, name="d-2").at_ms


def test_the_time_of_an_acknowledgement_is_the_first(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    for later in range(HISTORY_MAX + 5):  # polls without news crowd nothing out
        plane.wall.at_ms = AT_MS + later
        plane.hear(plane.poll(plane.size))
    assert row(plane).at_ms == AT_MS


def test_who_is_silent_is_counted_out_when_its_lease_has_surely_ended(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.boot.at_ms += ENDS_MS - 1
    assert (row(plane).state, in_force(plane)) == ("waiting", False)
    plane.boot.at_ms += 1
    assert (row(plane).state, in_force(plane)) == ("counted_out", True)
    assert row(plane).at_ms is None


def test_it_is_in_force_only_where_it_is_in_force_everywhere(plane):
    plane.ask(plane.size)
    plane.ask(plane.size, "gateway-2")
    plane.direct("d-1")
    plane.hear(plane.poll(plane.size))
    assert not in_force(plane)
    assert [row(plane, name).state for name in ("gateway-1", "gateway-2")] == ["acknowledged", "waiting"]
    plane.hear(plane.poll(plane.size, "gateway-2"))
    assert in_force(plane)


def test_a_lease_that_came_with_the_directive_does_not_count_against_it(plane):
    """Such a lease is trusted only after the directive was applied; what came before has to end."""
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.boot.at_ms += 3_000
    plane.ask(plane.size - 1)  # a new lease, together with the directive, and silence
    plane.boot.at_ms += 2_006
    assert row(plane).state == "counted_out"


def test_an_older_lease_that_ends_later_counts(plane):
    """A plan with a shorter lease does not shorten those that were given."""
    plane.apply(plan_value(leaseMs=60_000))
    plane.ask(plane.size)
    plane.apply(plan_value(leaseMs=500))
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.boot.at_ms += 10_000
    assert row(plane).state == "waiting"
    plane.boot.at_ms += 50_060
    assert row(plane).state == "counted_out"


def test_a_gateway_without_a_lease_is_counted_out_at_once():
    plane = Plane(max_entries=4)
    plane.opened()
    plane.ask(0)
    plane.direct("d-1")
    assert row(plane).state == "counted_out"


def test_a_directive_that_was_lifted_is_not_in_force(plane):
    plane.direct("d-1")
    case = yes(plane.do("oncd", acts.LIFT, directive="d-1")).case
    plane.say(case, "oncd")
    status: Any = plane.fleet.directive_status("d-1")
    assert (status.in_force, status.lifted) == (False, True)


def test_an_unknown_directive_has_no_status(plane):
    refused = plane.fleet.directive_status("none")
    assert isinstance(refused, Refusal)
    assert refused.code == "directive_unknown"


# The race between a lease and a directive


def test_a_lease_that_is_being_given_without_a_directive_holds_its_being_in_force_up():
    """The answer was begun before the directive was committed and is sent after."""
    plane = Plane()
    plane.opened()
    plane.ask(plane.size)
    plane.boot.at_ms += 60_000
    plane.ask(plane.size)
    poll = plane.poll(plane.size)
    plane.hear(poll)
    states: list[str] = []

    usual = plane.wall

    class DirectedMeanwhile(Clock):
        def __call__(self) -> int:
            plane.wall = usual
            plane.direct("d-1")
            states.append(row(plane).state)
            return usual()

    plane.wall = DirectedMeanwhile(0)  # the answer reads the time when it has given its lease
    answer = plane.opened_answer(poll)
    assert answer.entries == []
    assert answer.lease_ms
    assert states == ["waiting"]
    assert not in_force(plane)


# Starting again


def test_after_a_restart_every_known_incarnation_is_waited_for(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.restart()
    assert (row(plane).state, in_force(plane)) == ("waiting", False)
    plane.boot.at_ms += ENDS_MS
    assert (row(plane).state, in_force(plane)) == ("counted_out", True)


def test_after_a_restart_an_acknowledgement_counts(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.restart()
    plane.hear(plane.poll(plane.size))
    assert in_force(plane)


def test_after_a_restart_the_longest_lease_that_was_ever_given_is_waited_for(plane):
    """Who was given a minute before the plan was shortened may still be in it."""
    plane.apply(plan_value(leaseMs=60_000))
    plane.ask(plane.size)
    plane.apply(plan_value(leaseMs=500))
    plane.direct("d-1")
    plane.restart()
    plane.boot.at_ms += 59_000
    assert not in_force(plane)
    plane.boot.at_ms += 1_060
    assert in_force(plane)


def test_a_log_without_plans_gives_leases_too_and_they_are_waited_for():
    plane = Plane()
    assert plane.ask(0).lease_ms == 5_000
    plane.opened(plan_value(leaseMs=500))
    plane.direct("d-1")
    plane.restart()
    plane.boot.at_ms += 4_900
    assert not in_force(plane)


# Forgetting


def test_an_incarnation_long_gone_is_forgotten_durably(plane):
    plane.ask(plane.size)
    plane.boot.at_ms += ENDS_MS + FORGET_AFTER_MS
    plane.ask(plane.size, "gateway-2")
    assert [row.gateway for row in plane.fleet.gateways()] == ["gateway-1", "gateway-2"]
    plane.boot.at_ms += 1
    plane.ask(plane.size, "gateway-2")
    assert [row.gateway for row in plane.fleet.gateways()] == ["gateway-2"]
    assert runs(plane) == ["gateway-2"]


def test_who_comes_back_after_being_forgotten_is_registered_again(plane):
    plane.ask(plane.size)
    plane.boot.at_ms += 2 * FORGET_AFTER_MS
    plane.ask(plane.size, "gateway-2")
    plane.ask(plane.size)
    assert runs(plane) == ["gateway-1", "gateway-2"]


def test_a_lease_given_since_the_last_look_is_waited_for(plane):
    """What was seen of the feed before the directive does not bound the leases without it."""
    plane.ask(plane.size)
    plane.fleet.look()
    plane.boot.at_ms += 2_000
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.boot.at_ms += ENDS_MS - 1
    assert (row(plane).state, in_force(plane)) == ("waiting", False)
    plane.boot.at_ms += 1
    assert (row(plane).state, in_force(plane)) == ("counted_out", True)


def test_the_head_is_read_after_the_term_is_committed(plane):
    """Who reads the feed's file before that commit does not know of the leases that it allows."""
    plane.ask(plane.size)
    plane.boot.at_ms += CONFIRM_EVERY_MS
    size = plane.size
    poll = plane.poll(size)
    plane.hear(poll)

    def directed_meanwhile() -> None:
        plane.fleet_file.committing = lambda: None
        plane.direct("d-1")

    plane.fleet_file.committing = directed_meanwhile
    assert [entry.type for entry in plane.opened_answer(poll).entries] == ["directive.issued"]


def test_two_feeds_are_looked_at_and_each_must_be_done(plane):
    other = MemoryFeedRegister()
    second = plane.a_feed("feed-2", other)
    plane.ask(plane.size)
    poll = plane.poll(plane.size, "gateway-2")
    second.heard(poll)
    second.answer(poll)
    plane.direct("d-1")
    plane.hear(plane.poll(plane.size))
    assert [row(plane, name).state for name in ("gateway-1", "gateway-2")] == ["acknowledged", "waiting"]
    assert noted(plane) == []
    plane.feed.heard(plane.poll(plane.size, "gateway-2"))  # to whichever feed
    plane.feed.keep()
    assert (in_force(plane), len(noted(plane))) == (True, 1)


def test_a_run_that_holds_a_lease_of_two_feeds_is_counted_out_when_both_are_over(plane):
    second = plane.a_feed("feed-2", MemoryFeedRegister())
    plane.ask(plane.size)
    plane.boot.at_ms += 2_000
    poll = plane.poll(plane.size)
    second.heard(poll)
    second.answer(poll)
    plane.direct("d-1")
    plane.boot.at_ms += ENDS_MS - 2_000
    assert row(plane).state == "waiting"
    plane.boot.at_ms += 2_000
    assert row(plane).state == "counted_out"


def test_the_term_of_another_boot_is_waited_out_by_its_length(plane):
    """The clock that it was read from has begun again, at any time."""
    plane.ask(plane.size)
    term = plane.fleet_file.term
    assert term is not None
    plane.fleet_file.term = dataclasses.replace(term, boot="boot-0", gives_until_ms=0.0)
    plane.direct("d-1")
    plane.boot.at_ms += ENDS_MS - 1
    assert row(plane).state == "waiting"
    plane.boot.at_ms += 1
    assert row(plane).state == "counted_out"


def test_the_runs_of_an_earlier_build_are_waited_for_and_then_forgotten(plane):
    plane.store.contents.has_earlier_runs = True
    plane.restart()
    plane.direct("d-1")
    plane.fleet.tick()
    assert (in_force(plane), noted(plane)) == (False, [])
    plane.boot.at_ms += ENDS_MS
    plane.fleet.tick()
    assert (in_force(plane), len(noted(plane))) == (True, 1)
    plane.fleet.tick()
    assert not plane.store.feed_keys.has_earlier_runs()


# Certified


def test_a_feeds_key_is_certified_for_a_day_and_again_after_half_of_it(plane):
    first = plane.store.feed_keys.certificate("feed-1")
    plane.fleet.tick()
    assert plane.store.feed_keys.certificate("feed-1") == first
    plane.wall.at_ms += CERTIFIED_MS // 2
    plane.fleet.tick()
    assert plane.store.feed_keys.certificate("feed-1") != first
    assert plane.ask(plane.size).lease_ms


def test_a_feed_without_a_good_certificate_gives_no_lease(plane):
    plane.ask(plane.size)
    plane.wall.at_ms += CERTIFIED_MS
    with pytest.raises(StoreUnavailable, match="no certificate that is good now"):
        plane.ask(plane.size)
    plane.fleet.tick()
    assert plane.ask(plane.size).lease_ms


def test_a_certificate_of_another_key_is_not_used(plane):
    plane.store.contents.certificates["feed-1"] = plane.store.contents.certificates["feed-1"].replace(
        public_key("feed-1").hex(), public_key("feed-2").hex()
    )
    again = plane.a_feed()
    again.heard(plane.poll(0))
    with pytest.raises(StoreUnavailable, match="no certificate"):
        again.answer(plane.poll(0))


def test_who_has_just_been_heard_of_is_not_forgotten_before_its_first_lease(plane):
    """It may be waiting for its answer, or be reading a large log in parts."""
    first = plane.poll(0)
    plane.hear(first)
    plane.ask(0, "gateway-2")
    assert runs(plane) == ["gateway-1", "gateway-2"]
    assert plane.opened_answer(first).lease_ms
    plane.restart()
    plane.direct("d-1")
    assert not in_force(plane)


def test_the_root_of_an_answer_is_of_exactly_its_entries():
    plane = Plane(max_entries=3)
    frontier = merkle.Frontier()
    while frontier.size < plane.size:
        answer = plane.ask(frontier.size)
        for entry in answer.entries:
            frontier.append(merkle.leaf_hash(entry.leaf))
        assert answer.root == frontier.root()


# Signed


def refused(plane: Plane, poll: Poll) -> None:
    """A poll is refused, and nothing of it is noted."""
    before = (plane.fleet.gateways(), list(plane.fleet_file.runs.values()), plane.size)
    with pytest.raises(BadSignature):
        plane.hear(poll)
    assert (plane.fleet.gateways(), list(plane.fleet_file.runs.values()), plane.size) == before


def test_a_run_is_registered_with_its_key_before_its_first_lease(plane):
    plane.hear(plane.signed(0))
    key = public_key("run of gateway-1")
    assert [run.key for run in plane.fleet_file.runs.values()] == [key]
    assert row_of(plane.fleet.gateways()).signed


def row_of(rows: Sequence[Any]) -> Any:
    (found,) = rows
    return found


def test_a_run_without_a_key_is_shown_as_unsigned(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    assert row(plane).signed is False
    assert row_of(plane.fleet.gateways()).signed is False


def test_who_has_shown_a_key_is_heard_under_it_alone(plane):
    plane.hear(plane.signed(0))
    size = plane.direct("d-1").size
    for poll in (plane.poll(size), plane.signed(size, key="another")):
        refused(plane, poll)
    assert row(plane).state == "counted_out"
    plane.hear(plane.signed(size))
    assert row(plane).state == "acknowledged"


def test_a_key_is_remembered_over_a_restart(plane):
    plane.hear(plane.signed(0))
    plane.restart()
    for poll in (plane.poll(plane.size), plane.signed(plane.size, key="another")):
        refused(plane, poll)
    plane.hear(plane.signed(plane.size))


def test_a_run_that_was_known_without_a_key_cannot_be_taken_over_with_one(plane):
    plane.ask(0)
    refused(plane, plane.signed(plane.size))
    plane.ask(plane.size)


def test_another_runs_key_moves_nobody(plane):
    plane.hear(plane.signed(0))
    plane.hear(plane.signed(0, "gateway-2"))
    refused(plane, plane.signed(plane.size, key="run of gateway-2"))


def test_an_older_question_that_comes_again_takes_nothing_back_and_gives_nothing(plane):
    old = plane.signed(plane.size)
    plane.hear(old)
    plane.feed.answer(old)
    plane.direct("d-1")
    plane.hear(old)
    assert row(plane).state == "waiting"
    size = plane.size
    plane.hear(plane.signed(size, cut={"d-1": 3}))
    plane.hear(old)
    found = row(plane)
    assert (found.state, found.size) == ("acknowledged", size)
    plane.hear(plane.signed(size, cut={"d-1": 2}))
    plane.hear(plane.signed(size, cut={"d-1": 3}))
    plane.hear(plane.signed(size, cut={"d-1": 1}))
    assert row(plane).streams_cut == 3


def test_an_older_question_that_comes_again_takes_no_proof_away(plane):
    for gateway in ("gateway-1", "gateway-2"):
        plane.hear(plane.signed(plane.size, gateway))
        plane.feed.answer(plane.signed(plane.size, gateway))
    old = plane.signed(plane.size)
    size = plane.direct("d-1").size
    plane.hear(plane.signed(size))
    plane.hear(old)
    plane.hear(plane.signed(size, "gateway-2"))
    assert proof.in_force(noted(plane)) == proof.Proven(2, 0, 0)


# Drift


def drifts(plane: Plane, poll: Poll, what: str, match: str) -> None:
    with pytest.raises(Drifted, match=match) as caught:
        plane.hear(poll)
    code = "log_forked" if what == "root" else "drifted"
    assert (caught.value.what, caught.value.code, bool(caught.value.remedy)) == (what, code, True)


@pytest.mark.parametrize("fold", [versions.FOLD_VERSION - 1, versions.FOLD_VERSION + 1])
def test_who_folds_otherwise_gets_no_lease_and_acknowledges_nothing(plane, fold):
    plane.ask(plane.size, fold=versions.FOLD_VERSION)
    plane.direct("d-1")
    drifts(plane, plane.poll(plane.size, fold=fold), "fold", f"version {fold}, .* by {versions.FOLD_VERSION}")
    found = row(plane)
    assert (found.state, found.drifted, plane.fleet.drifted()) == ("waiting", "fold", 1)
    waited = plane.poll(plane.size, fold=fold)
    assert plane.opened_answer(waited).lease_ms == 0


def test_who_has_another_log_gets_no_lease_and_acknowledges_nothing(plane):
    plane.hear(plane.signed(plane.size))
    plane.direct("d-1")
    for size in (plane.size, plane.size - 1, 0):
        drifts(plane, plane.signed(size, root="ab" * 32), "root", f"{'ab' * 32}' at size {size}, here it is")
    found = row(plane)
    assert (found.state, found.drifted) == ("counted_out", "root")
    assert row_of(plane.fleet.gateways()).drifted == "root"


def test_who_has_our_log_at_any_size_does_not_drift(plane):
    for size in range(plane.size + 1):
        plane.hear(plane.signed(size))
    assert plane.fleet.drifted() == 0


def test_who_has_drifted_is_counted_out_when_its_last_lease_has_ended(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    drifts(plane, plane.poll(plane.size, fold=9), "fold", "version 9")
    plane.boot.at_ms += ENDS_MS - 1
    drifts(plane, plane.poll(plane.size, fold=9), "fold", "version 9")
    assert row(plane).state == "waiting"
    plane.boot.at_ms += 1
    assert row(plane).state == "counted_out"


def test_drift_is_an_error_in_the_log_once_for_each_run(plane, caplog):
    for _ in range(3):
        drifts(plane, plane.poll(0, fold=9), "fold", "version 9")
    drifts(plane, plane.poll(0, "gateway-2", fold=9), "fold", "version 9")
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert [("gateway-1" in said, "gateway-2" in said) for said in told] == [(True, False), (False, True)]


def test_who_agrees_again_is_heard_again(plane):
    drifts(plane, plane.poll(0, fold=9), "fold", "version 9")
    assert plane.ask(plane.size, fold=versions.FOLD_VERSION).lease_ms == LEASE_MS
    assert (plane.fleet.drifted(), row_of(plane.fleet.gateways()).drifted) == (0, None)


# On the record


def noted(plane: Plane, name: str = "d-1") -> list[Any]:
    """The public parts of the entries that say a directive is in force everywhere."""
    found = [
        entry.public for entry in plane.store.log.entries(0, 9_999) if entry.type == "directive.in_force"
    ]
    return [public for public in found if public["directive"] == name]


def test_the_last_acknowledgement_puts_it_on_the_record_with_its_proof(plane):
    for gateway in ("gateway-1", "gateway-2"):
        plane.hear(plane.signed(plane.size, gateway))
        plane.feed.answer(plane.signed(plane.size, gateway))
    size = plane.direct("d-1").size
    plane.wall.at_ms += 7
    plane.hear(plane.signed(size, cut={"d-1": 3}))
    assert noted(plane) == []
    plane.wall.at_ms += 4
    plane.hear(plane.signed(size, "gateway-2", cut={"d-1": 2, "other": 9}))
    public = row_of(noted(plane))
    rows = public.pop("gateways")
    at = times.format_time(AT_MS + 11)
    assert public == {
        "directive": "d-1",
        "size": size,
        "at": at,
        "timeToZeroMs": 11,
        "acknowledged": 2,
        "countedOut": 0,
        "stated": 0,
        "streamsCut": 5,
        "part": 1,
        "of": 1,
        "points": [],
    }
    assert [row["at"] for row in rows] == [times.format_time(AT_MS + 7), at]
    assert proof.in_force([{**public, "gateways": rows}], plane.ledger.root) == proof.Proven(2, 0, 0)
    status: Any = plane.fleet.directive_status("d-1")
    assert (status.in_force_since_ms, status.entry) == (AT_MS + 11, plane.size - 1)


def test_until_then_the_status_says_since_never(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    status: Any = plane.fleet.directive_status("d-1")
    assert (status.in_force_since_ms, status.entry) == (None, None)


def test_a_tick_puts_it_on_the_record_when_the_last_is_counted_out(plane):
    plane.hear(plane.signed(plane.size))
    plane.feed.answer(plane.signed(plane.size))
    plane.direct("d-1")
    plane.boot.at_ms += ENDS_MS - 1
    plane.fleet.tick()
    assert noted(plane) == []
    plane.boot.at_ms += 900
    plane.wall.at_ms += ENDS_MS + 899
    plane.fleet.tick()
    public = row_of(noted(plane))
    found = row_of(public["gateways"])
    assert (found["state"], found["ask"], found["sig"]) == ("counted_out", None, None)
    assert public["at"] == found["at"] == times.format_time(AT_MS + ENDS_MS)
    assert (public["timeToZeroMs"], public["acknowledged"], public["countedOut"]) == (ENDS_MS, 0, 1)
    assert proof.in_force([public]) == proof.Proven(0, 0, 1)


def test_who_signs_nothing_is_on_the_record_without_proof(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.hear(plane.poll(plane.size))
    found = row_of(row_of(noted(plane))["gateways"])
    assert (found["state"], found["signed"], found["key"], found["ask"]) == (
        "acknowledged",
        False,
        None,
        None,
    )
    assert proof.in_force(noted(plane)) == proof.Proven(0, 1, 0)


def test_without_gateways_the_next_tick_notes_it(plane):
    plane.direct("d-1")
    plane.fleet.tick()
    public = row_of(noted(plane))
    assert (public["gateways"], public["timeToZeroMs"]) == ([], 0)


def test_it_is_noted_once_and_is_no_news_to_itself(plane):
    plane.hear(plane.signed(plane.size))
    plane.direct("d-1")
    for _ in range(3):
        plane.hear(plane.signed(plane.size))
        plane.fleet.tick()
    size = plane.size
    plane.restart()
    plane.boot.at_ms += 60_000
    plane.fleet.tick()
    plane.hear(plane.signed(plane.size))
    assert (len(noted(plane)), plane.size) == (1, size)


def test_one_that_was_lifted_before_gets_none(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    case = yes(plane.do("oncd", acts.LIFT, directive="d-1")).case
    plane.say(case, "oncd")
    plane.hear(plane.poll(plane.size))
    plane.fleet.tick()
    assert noted(plane) == []


def test_after_a_restart_it_is_noted_when_it_holds_and_no_sooner(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.restart()
    plane.fleet.tick()
    assert noted(plane) == []
    plane.hear(plane.poll(plane.size))
    assert row_of(noted(plane))["acknowledged"] == 1


def test_what_could_not_be_noted_is_noted_by_the_next_tick(plane):
    plane.hear(plane.signed(plane.size))
    plane.direct("d-1")
    size = plane.size
    plane.store.breaks = "before"
    plane.hear(plane.signed(size))
    assert (row(plane).state, noted(plane)) == ("acknowledged", [])
    plane.fleet.tick()
    assert len(noted(plane)) == 1


def test_what_was_noted_though_it_seemed_to_fail_is_noted_once(plane):
    plane.hear(plane.signed(plane.size))
    plane.direct("d-1")
    plane.store.breaks = "after"
    plane.hear(plane.signed(plane.size))
    plane.fleet.tick()
    assert len(noted(plane)) == 1


def test_each_directive_has_its_own_entry(plane):
    plane.ask(plane.size)
    plane.direct("d-1")
    plane.direct("d-2")
    plane.hear(plane.poll(plane.size))
    assert (len(noted(plane, "d-1")), len(noted(plane, "d-2"))) == (1, 1)


def test_many_gateways_go_over_several_entries(plane):
    names = [f"gateway-{i}" for i in range(150)]
    before = plane.size
    for name in names:
        plane.hear(plane.signed(before, name))
        plane.feed.answer(plane.signed(before, name))
    size = plane.direct("d-1").size
    for name in names:
        assert noted(plane) == []
        plane.hear(plane.signed(size, name))
    parts = noted(plane)
    assert len(parts) > 1
    assert [(public["part"], public["of"]) for public in parts] == [
        (i, len(parts)) for i in range(1, len(parts) + 1)
    ]
    assert proof.in_force(parts, plane.ledger.root) == proof.Proven(150, 0, 0)
    status: Any = plane.fleet.directive_status("d-1")
    assert status.entry == plane.size - len(parts)


# Points


def declared(plane: Plane, says: str = "declared") -> None:
    envelope = set_point("cloud", "codex", says).envelope.to_json()
    yes(plane.do("developer", points.PUT, envelope=envelope))


def word(plane: Plane, says: str = "enforced") -> None:
    """What the cloud says now."""
    plane.wall.at_ms += 1
    asked = yes(plane.do("developer", points.TO_STATE, point="cloud", directive="d-1"))
    said = Enforcement(**asked.to_json(), says=says, at_ms=plane.wall.at_ms)
    envelope = state_point(said).envelope.to_json()
    yes(plane.do("developer", points.STATE, envelope=envelope))


def points_of(plane: Plane) -> tuple[bool, list[Any]]:
    status: Any = plane.fleet.directive_status("d-1")
    return status.in_force, list(status.points)


def test_a_directive_waits_for_a_declared_point_for_as_long_as_it_takes(plane):
    declared(plane)
    plane.direct("d-1")
    waiting = StateAtPoint(point="cloud", surface="codex", kind="declared", state="waiting", at_ms=None)
    plane.boot.at_ms += 10 * FORGET_AFTER_MS
    plane.fleet.tick()
    assert (points_of(plane), noted(plane)) == ((False, [waiting]), [])
    word(plane)
    assert points_of(plane) == (True, [replace(waiting, state="stated", at_ms=plane.wall.at_ms)])
    plane.fleet.tick()
    public = row_of(noted(plane))
    stated = row_of(public["points"])
    assert (stated["point"], public["stated"]) == ("cloud", 1)
    assert plane.store.log.entries(stated["seq"], 1)[0].type == "point.stated"


def test_a_directive_for_other_surfaces_does_not_wait_for_it(plane):
    declared(plane)
    plane.direct("d-1", surfaces=["api"])
    assert points_of(plane) == (True, [])


def test_a_point_that_restores_access_ends_its_being_in_force_everywhere(plane):
    """What is on the record stays there; what holds now is told as it is."""
    declared(plane)
    plane.direct("d-1")
    word(plane)
    plane.fleet.tick()
    word(plane, "restored")
    in_force, (point,) = points_of(plane)
    assert (in_force, point.state, len(noted(plane))) == (False, "waiting", 1)
    word(plane)
    plane.fleet.tick()
    assert (points_of(plane)[0], len(noted(plane))) == (True, 1)


def test_a_point_that_is_retired_is_waited_for_no_more(plane):
    declared(plane)
    plane.direct("d-1")
    declared(plane, "retired")
    plane.fleet.tick()
    assert (points_of(plane), row_of(noted(plane))["points"]) == ((True, []), [])


def test_points_are_listed_with_their_newest_word(plane):
    declared(plane)
    plane.direct("d-1")
    word(plane)
    point = row_of(plane.do("developer", points.LIST).points)
    assert (point.point, point.surface, point.state) == ("cloud", "codex", "declared")
    said = row_of(point.stated)
    assert (said.directive, said.says) == ("d-1", "enforced")
    declared(plane, "retired")
    assert row_of(plane.do("developer", points.LIST).points).state == "retired"


def test_a_point_is_found_by_its_name_and_a_page_ends_with_the_last_one(plane):
    declared(plane)
    assert yes(plane.do("developer", points.LIST, point="other")).points == ()
    found = yes(plane.do("developer", points.LIST, point="cloud", limit=1))
    assert (row_of(found.points).point, found.next) == ("cloud", None)
    assert yes(plane.do("developer", points.LIST, before="cloud")).points == ()


@pytest.mark.parametrize(("point", "directive"), [("nobody", "d-1"), ("cloud", "d-9")])
def test_there_is_nothing_to_sign_where_there_is_nothing_to_say(plane, point, directive):
    declared(plane)
    plane.direct("d-1")
    assert isinstance(plane.do("developer", points.TO_STATE, point=point, directive=directive), Refusal)


# A database that was put back, runs that are put out, and what is counted


def put_back(plane: Plane, kept: Contents) -> None:
    """Put a copy of the ledger's file back; the feed's file and the gateways go on."""
    for name, value in vars(kept).items():
        setattr(plane.store.contents, name, value)
    plane.restart()


@pytest.mark.parametrize("by", ["feed", "fleet"])
def test_what_was_acknowledged_of_a_log_that_was_put_back_is_in_force_nowhere(plane, by):
    """It has grown since to as many entries as the gateway has, but they are others."""
    kept = plane.store.contents.copy()
    plane.direct("d-0")
    plane.direct("d-00")
    plane.asked(plane.signed(plane.size))
    runs = dict(plane.fleet_file.runs)
    put_back(plane, kept)
    if by == "fleet":  # whatever a feed has written
        plane.fleet_file.runs.update(runs)
    plane.direct("d-1")
    plane.direct("d-2")
    assert row(plane).state == "waiting"
    assert not in_force(plane)
    if by == "feed":
        plane.feed.keep()
        (run,) = plane.fleet_file.runs.values()
        assert (run.size, run.at_ms, run.ask) == (0, None, None)


def test_a_run_that_is_put_out_while_its_poll_waits_is_refused(plane):
    waiting = plane.poll(plane.size, incarnation="waits")
    plane.hear(waiting)
    for number in range(RUNS_MAX - 1):
        plane.ask(plane.size, incarnation=f"run-{number}")
    plane.hear(plane.poll(plane.size, incarnation="one-more"))
    assert ("gateway-1", "waits") not in plane.fleet_file.runs
    with pytest.raises(Unauthorized, match="put out while it waited"):
        plane.feed.answer(waiting)


def test_only_the_newest_cuts_of_a_run_are_known_and_no_count_goes_back(plane):
    for number in range(3 * feed.CUTS_MAX):
        plane.hear(plane.poll(0, cut={f"d-{number}": 5, "d-0": 7}))
    plane.hear(plane.poll(0, cut={"d-0": 2}))
    (run,) = plane.fleet_file.runs.values()
    assert len(run.cut) == feed.CUTS_MAX
    assert (run.cut["d-0"], run.cut[f"d-{3 * feed.CUTS_MAX - 1}"]) == (7, 5)


def test_an_answer_reads_its_entries_once(plane):
    read: list[tuple[int, int]] = []

    class Counting(Head):
        def entries(self, after: int, end: int) -> Sequence[PublishedEntry]:
            read.append((after, end))
            return super().entries(after, end)

    plane.ask(0)
    plane.feed.head = Counting(plane.store.log)
    plane.ask(0)
    assert read == [(0, plane.size)]


def test_however_much_a_gateway_reports_the_entry_of_being_in_force_has_room_for_its_proof(plane):
    plane.asked(plane.signed(plane.size))
    directed = yes(plane.direct("d-1"))
    lies = {f"{number:04}".ljust(200, "x"): 1 for number in range(300)}
    plane.hear(plane.signed(plane.size, cut={"d-1": 3, **lies}))
    (noted,) = plane.store.log.entries(directed.size, 100)
    (row,) = noted.public["gateways"]
    assert noted.type == "directive.in_force"
    assert len(noted.leaf) < 2_000
    assert (row["gateway"], row["state"]) == ("gateway-1", "acknowledged")
    assert plane.fleet.unnoted == set()
