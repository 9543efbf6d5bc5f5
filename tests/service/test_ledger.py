from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.credentials import IssueCredential, RevokeCredential
from sluicegate.core.lifecycle.releases import ApplyPlan
from sluicegate.errors import (
    InvalidInput,
    SluicegateError,
    StoreUnavailable,
    StoreUnusable,
    VerificationFailed,
)
from sluicegate.ports import Ports
from sluicegate.service.follower import NEWEST as KEPT
from sluicegate.service.ledger import Ledger
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record import entries
from sluicegate_record.audit import audit
from sluicegate_record.log import canonical, checkpoint, merkle
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.merkle import Frontier
from tests import worlds
from tests.fakes import Breaking, MemoryStore
from tests.plane import Plane, yes
from tests.waiting import BOUND_S
from tests.worlds import ORIGIN, RELEASE, content, plan_value, private_key, read_plan, start

APPLY = ApplyPlan(read_plan(plan_value()))
VERIFIER = checkpoint.parse_vkey(checkpoint.vkey(ORIGIN, worlds.public_key("log")))


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    plane.credential(plane.admit())
    plane.direct("d-1", ["Example Utility"])
    return plane


def state_of(ledger: Ledger) -> Any:
    with ledger.reading() as state:
        return content(state)


def verified(ledger: Ledger) -> int:
    """The size of a log that verifies with nothing but its key."""
    leaves = ledger.store.log.leaves(0, 100_000)
    found = audit(ledger.checkpoint(), VERIFIER, leaves)
    assert found.ok, found
    assert found.size == ledger.size() == ledger.store.log.size()
    assert ledger.root(found.size) == found.root
    return found.size


# Commands


def test_a_command_is_answered_with_the_size_that_holds_it(plane):
    result = plane.ledger.execute(
        ApplyPlan(read_plan(plan_value(onRefusal={"fallbackModel": "older"}))),
        by="d",
        command_id="apply-12345",
    )
    assert result["size"] == plane.size == verified(plane.ledger)
    entry = plane.store.log.entries(plane.size - 1, 1)[0]
    assert (entry.by, entry.id) == ("d", recorded("d", "apply-12345"))
    assert b"apply-12345" not in entry.leaf


def test_the_same_command_again_returns_its_first_result(plane):
    ledger = Plane().ledger
    first = ledger.execute(APPLY, by="d", command_id="apply-12345", request="a plan")
    size = ledger.size()
    assert ledger.execute(APPLY, by="d", command_id="apply-12345", request="a plan") == first
    assert ledger.size() == size


def test_the_first_result_stands_when_everything_has_changed_since(plane):
    name, digest = "issue-12345", hashlib.sha256(b"other").hexdigest()
    grant = next(iter(plane.case(case).grant for case in _cases(plane) if plane.case(case).grant))
    first = plane.ledger.execute(IssueCredential(grant, digest), by="a", command_id=name, request="r")
    plane.ledger.execute(RevokeCredential(first["credential"]), by="a", command_id="revoke-1234")
    plane.restart()
    assert plane.ledger.execute(IssueCredential(grant, digest), by="a", command_id=name, request="r") == first


def _cases(plane: Plane) -> list[str]:
    with plane.ledger.reading() as state:
        return list(state.cases)


@pytest.mark.parametrize(("by", "request_"), [("d", "another"), ("d", None)])
def test_the_same_id_for_another_command_is_refused(plane, by, request_):
    plane.ledger.execute(APPLY, by="d", command_id="apply-12345", request="a plan")
    size = plane.size
    other = ApplyPlan(read_plan(plan_value(onRefusal={"fallbackModel": "older"})))
    refused = plane.ledger.execute(other, by=by, command_id="apply-12345", request=request_)
    assert isinstance(refused, Refusal)
    assert refused.code == "command_id_reused"
    assert plane.size == size


def test_an_id_is_its_callers_own(plane):
    """Nobody keeps another from a command by using its id, nor learns that it was used."""
    first = plane.ledger.execute(APPLY, by="d", command_id="apply-12345", request="a plan")
    other = ApplyPlan(read_plan(plan_value(onRefusal={"fallbackModel": "older"})))
    second = plane.ledger.execute(other, by="e", command_id="apply-12345", request="a plan")
    assert second["size"] == first["size"] + 1
    entry = plane.store.log.entries(plane.size - 1, 1)[0]
    assert (entry.by, entry.id) == ("e", recorded("e", "apply-12345"))


def recorded(by: str, command_id: str) -> str:
    """The name under which a command is recorded."""
    named = json.dumps([by, command_id], separators=(",", ":"))
    return "cmd_" + hashlib.sha256(named.encode()).hexdigest()[:40]


def test_a_refusal_leaves_no_trace(plane):
    size, before, head = plane.size, state_of(plane.ledger), plane.ledger.checkpoint()
    refused = plane.ledger.execute(
        RevokeCredential("cred_unknown"), by="a", command_id="revoke-1234", request="r"
    )
    assert isinstance(refused, Refusal)
    assert (plane.size, state_of(plane.ledger), plane.ledger.checkpoint()) == (size, before, head)
    with plane.store.write() as ports:
        assert ports.log.done(recorded("a", "revoke-1234")) is None


def test_what_was_refused_may_be_allowed_later_under_the_same_id():
    plane = Plane()
    grant, digest = "grant_x", hashlib.sha256(b"other").hexdigest()
    refused = plane.ledger.execute(
        IssueCredential(grant, digest), by="a", command_id="issue-12345", request="r"
    )
    assert isinstance(refused, Refusal)
    plane.opened()
    done = plane.ledger.execute(
        IssueCredential(plane.admit(), digest), by="a", command_id="issue-12345", request="r"
    )
    assert not isinstance(done, Refusal)


def test_a_refusal_takes_back_what_was_looked_up_for_it(plane):
    """An application that is refused leaves no pseudonym behind."""
    refused = plane.submit(name="Example Bank", surface="cloud")
    assert isinstance(refused, Refusal)
    assert plane.pseudonyms("Example Bank") == []
    plane.submit(name="Example Bank")
    assert len(plane.pseudonyms("Example Bank")) == 1


@pytest.mark.parametrize("error", [InvalidInput("malformed"), ZeroDivisionError()])
def test_a_command_that_falls_over_leaves_no_trace(plane, error):
    size, before = plane.size, state_of(plane.ledger)

    def command(ports: Ports) -> Any:
        ports.principals.add_organization("org_1", "a", "Example Bank", "US")
        raise error

    with pytest.raises(type(error)):
        plane.ledger.execute(command, by="a", command_id="fall-12345")
    assert (plane.size, state_of(plane.ledger)) == (size, before)
    assert plane.store.principals.organizations("Example Bank") == []
    verified(plane.ledger)


def test_a_command_that_changes_nothing_adds_nothing_and_is_remembered(plane):
    plane.apply()
    size = plane.size
    result = plane.ledger.execute(APPLY, by="d", command_id="apply-12345", request="r")
    assert (result["cases"], result["size"], plane.size) == ([], size, size)
    with plane.store.write() as ports:
        assert ports.log.done(recorded("d", "apply-12345")) is not None


def test_considering_a_command_does_nothing(plane):
    size, before = plane.size, state_of(plane.ledger)
    considered = plane.ledger.consider(ApplyPlan(read_plan(plan_value(onRefusal={"fallbackModel": "older"}))))
    assert not isinstance(considered, Refusal)
    assert considered.result.release == RELEASE
    assert (plane.size, state_of(plane.ledger)) == (size, before)


# Time


def test_time_in_the_log_never_goes_back(plane):
    plane.wall.at_ms -= 3_600_000
    plane.submit("rival", "Example Bank")
    times = [entry.at_ms for entry in plane.store.log.entries(0, 1_000)]
    assert times == sorted(times)
    assert plane.ledger.now_ms() == times[-1]
    plane.wall.at_ms += 7_200_000
    assert plane.ledger.now_ms() == plane.wall.at_ms


# Starting


def test_starting_again_gives_the_same_state(plane):
    before, size = state_of(plane.ledger), plane.size
    later = plane.again()
    assert (state_of(later), later.size()) == (before, size)
    assert verified(later) == size


def test_starting_again_from_the_disk_gives_the_same_state(tmp_path):
    with closing(SqliteStore(tmp_path / "ledger.db")) as disk:
        plane = Plane(disk)  # type: ignore[arg-type]
        plane.opened()
        plane.credential(plane.admit())
        plane.direct("d-1", ["Example Utility"])
        before = state_of(plane.ledger)
    with closing(SqliteStore(tmp_path / "ledger.db")) as disk:
        later = plane.again(store=disk)
        assert state_of(later) == before
        assert verified(later) == plane.size


def test_a_log_goes_on_after_starting_again(plane):
    plane.fleet.tick()
    size = plane.size
    plane.restart()
    assert plane.size == size
    plane.submit("rival", "Example Bank")
    assert verified(plane.ledger) == size + 2


def _releaf(store: MemoryStore, seq: int, old: bytes, new: bytes) -> None:
    entry = store.contents.entries[seq]
    assert old in entry.leaf
    read = entries.read(entry.leaf.replace(old, new), entry.gate, entry.sealed)
    store.contents.entries[seq] = read


def _alter_leaf(store: MemoryStore) -> None:
    _releaf(store, 3, b'"from":"configuration"', b'"from":"nowhere"')


def _alter_and_rehash(store: MemoryStore) -> None:
    """An entry, and every node over it, as somebody would who knows how the tree is made."""
    _alter_leaf(store)
    frontier = merkle.Frontier()
    for entry in store.contents.entries:
        for level, index, node in frontier.append(merkle.leaf_hash(entry.leaf)):
            store.contents.nodes[level, index] = node


def _alter_node(store: MemoryStore) -> None:
    """One that the root is made of. Those below are not read at start; proofs made of them do not verify."""
    store.contents.nodes[max(store.contents.nodes)] = bytes(32)


def _swap(store: MemoryStore) -> None:
    entries = store.contents.entries
    entries[2], entries[3] = entries[3], entries[2]


def _drop_last(store: MemoryStore) -> None:
    store.contents.entries.pop()


def _drop_first(store: MemoryStore) -> None:
    del store.contents.entries[0]


def _drop_node(store: MemoryStore) -> None:
    del store.contents.nodes[max(store.contents.nodes)]


def _alter_gate(store: MemoryStore) -> None:
    (entry,) = [e for e in store.contents.entries if e.type == "credential.issued"]
    opened = Opening(entry.gate["digest"].salt, b'"' + b"0" * 64 + b'"')
    store.contents.entries[entry.seq] = entries.read(entry.leaf, {"digest": opened})


def _drop_gate(store: MemoryStore) -> None:
    (entry,) = [e for e in store.contents.entries if e.type == "credential.issued"]
    store.contents.entries[entry.seq] = entries.read(entry.leaf)


def _other_head(store: MemoryStore) -> None:
    size = len(store.contents.entries)
    store.contents.checkpoint = checkpoint.sign(ORIGIN, size, bytes(32), private_key("log"))


def _older_head(store: MemoryStore) -> None:
    size = len(store.contents.entries) - 1
    root = merkle.root(size, store.log.nodes)
    store.contents.checkpoint = checkpoint.sign(ORIGIN, size, root, private_key("log"))


def _unsigned_head(store: MemoryStore) -> None:
    store.contents.checkpoint = store.contents.checkpoint.replace(ORIGIN, "log.example/other", 1)


def _no_head(store: MemoryStore) -> None:
    store.contents.checkpoint = ""


def _unknown_type(store: MemoryStore) -> None:
    _releaf(store, 3, b'"key.pinned"', b'"key.pinched"')


def _unknown_version(store: MemoryStore) -> None:
    _releaf(store, 3, b'"v":1}', b'"v":2}')


ALTERATIONS = [
    *(_alter_leaf, _alter_and_rehash, _alter_node, _swap, _drop_last, _drop_first, _drop_node, _alter_gate),
    *(_drop_gate, _other_head, _older_head, _unsigned_head, _no_head, _unknown_type),
    _unknown_version,
]


@pytest.mark.parametrize("alter", ALTERATIONS)
def test_a_log_that_was_altered_is_not_started(plane, alter):
    verified(plane.again())
    with pytest.raises((StoreUnusable, VerificationFailed)) as caught:  # noqa: PT012 - either end may notice
        alter(plane.store)
        plane.again()
    assert isinstance(caught.value, SluicegateError)


def test_an_altered_database_is_not_started(tmp_path):
    path: Path = tmp_path / "ledger.db"
    with closing(SqliteStore(path)) as disk:
        plane = Plane(disk)  # type: ignore[arg-type]
        plane.opened()
        plane.admit()
    for statement in (
        "UPDATE entries SET leaf = replace(leaf, 'configuration', 'nowhere') WHERE seq = 3",
        "UPDATE nodes SET hash = zeroblob(32) WHERE level = (SELECT max(level) FROM nodes)",
        "UPDATE nodes SET hash = 'text' WHERE level = (SELECT max(level) FROM nodes)",
        "UPDATE parts SET body = 'text'",
        "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)",
        "UPDATE head SET checkpoint = replace(checkpoint, 'a', 'b')",
    ):
        copy = tmp_path / "copy.db"
        _copied(path, copy, statement)
        with closing(SqliteStore(copy)) as disk, pytest.raises((StoreUnusable, VerificationFailed)):
            plane.again(store=disk)
        copy.unlink()


def _copied(path: Path, copy: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA foreign_keys=OFF")
        target.execute(statement)
        target.commit()


def test_a_log_is_not_gone_on_with_under_another_key(plane):
    """The log cannot change its key: whoever verifies it has only the one."""
    with pytest.raises(StoreUnusable, match="not signed with this key"):
        plane.again(key="stranger")


def test_a_log_of_another_name_is_refused_by_the_rules(plane):
    other = plane.again(origin="log.example/other")
    refused = other.execute(start(origin="log.example/other"), by="log", command_id="start-12345")
    assert isinstance(refused, Refusal)
    assert refused.code == "other_log"


def test_entries_are_the_stored_ones_be_they_kept_in_memory_or_not(plane):
    grant = plane.admit("applicant", "Example Grid Operator")
    for number in range(KEPT):
        plane.credential(grant, f"key {number}")
    size = plane.size
    for after in (0, size - KEPT - 1, size - KEPT, size - KEPT + 1, size - 2, size):
        for end in (after, min(after + 3, size), size):
            assert plane.ledger.entries(after, end) == plane.store.log.entries(after, end - after)


def test_entries_that_were_not_followed_yet_are_the_stored_ones(plane):
    plane.store.breaks = "after"
    with pytest.raises(StoreUnavailable):
        plane.direct("d-2")
    (entry,) = plane.ledger.entries(plane.size, plane.size + 1)
    assert entry == plane.store.log.entries(plane.size, 1)[0]


def test_every_root_is_that_of_the_entries(plane):
    frontier = Frontier()
    for entry in plane.store.log.entries(0, plane.size):
        assert plane.ledger.root(frontier.size) == frontier.root()
        frontier.append(merkle.leaf_hash(entry.leaf))
    assert plane.ledger.root(plane.size) == frontier.root()


def test_an_empty_log_starts_under_any_key():
    store = MemoryStore()
    ledger = Ledger(store, private_key("any"), ORIGIN, wall_ms=lambda: 0, boot_ms=lambda: 0.0, random=bytes)
    assert ledger.size() == 0
    assert ledger.root(0) == merkle.EMPTY_ROOT


# Writes that fail, both ways


@pytest.mark.parametrize("breaks", ["before", "after"])
def test_a_command_whose_fate_is_unknown_is_done_once(plane, breaks):
    assert isinstance(plane.store, Breaking)
    size = plane.size
    command = ApplyPlan(read_plan(plan_value(onRefusal={"fallbackModel": "older"})))
    plane.store.breaks = breaks
    with pytest.raises(StoreUnavailable):
        plane.ledger.execute(command, by="d", command_id="apply-12345", request="r")
    result = plane.ledger.execute(command, by="d", command_id="apply-12345", request="r")
    assert result["size"] == size + 1
    assert verified(plane.ledger) == size + 1
    assert state_of(plane.again()) == state_of(plane.ledger)


@pytest.mark.parametrize(("breaks", "more"), [("before", 0), ("after", 1)])
def test_a_command_whose_fate_is_unknown_is_found_out_when_the_log_is_followed(plane, breaks, more):
    size = plane.size
    told: list[int] = []
    plane.ledger.watch(lambda: told.append(plane.ledger.size()))
    plane.store.breaks = breaks
    with pytest.raises(StoreUnavailable):
        plane.direct("d-2")
    plane.ledger.catch_up()
    assert (plane.size, told) == (size + more, [size + 1] * more)
    assert verified(plane.ledger) == size + more
    assert state_of(plane.again()) == state_of(plane.ledger)


@pytest.mark.parametrize("breaks", ["before", "after"])
def test_another_command_after_one_that_failed_is_decided_on_the_log_as_it_is(plane, breaks):
    plane.store.breaks = breaks
    with pytest.raises(StoreUnavailable):
        plane.direct("d-2")
    result = plane.direct("d-2", models=[worlds.MODEL])
    assert isinstance(result, Refusal) is (breaks == "after")
    verified(plane.ledger)


def test_every_write_of_a_whole_history_broken_both_ways():
    """Each command fails, is found undone or done, and is sent again: the log is as if nothing had been."""
    for breaks in ("before", "after"):
        plane = Plane()
        store = plane.store

        def doing(
            what: Any, *args: Any, plane: Plane = plane, store: Breaking = store, breaks: str = breaks
        ) -> Any:
            store.breaks = breaks
            commands = plane._commands
            try:
                what(*args)
            except StoreUnavailable:
                plane._commands = commands  # the same id again
                return what(*args)
            raise AssertionError("the write did not break")

        terms = doing(plane.apply).cases[0]
        for agency in ("oncd", "ostp"):
            doing(plane.say, terms, agency)
        doing(plane.open)
        case = doing(plane.submit).application
        for agency in ("oncd", "ostp"):
            doing(plane.say, case, agency)
        doing(plane.credential, plane.case(case).grant)
        doing(plane.direct, "d-1", ["Example Utility"])
        assert plane.case(case).outcome == "approved"
        whole = Plane()
        whole.opened()
        whole.credential(whole.admit())
        whole.direct("d-1", ["Example Utility"])
        kinds = [entry.type for entry in whole.store.log.entries(0, 1_000)]
        assert [entry.type for entry in plane.store.log.entries(0, 1_000)] == kinds
        assert verified(plane.ledger) == len(kinds)
        assert state_of(plane.again()) == state_of(plane.ledger)


def test_a_log_that_goes_back_under_a_running_process_is_not_appended_to(plane):
    """Somebody has put an older database in its place."""
    older = plane.store.contents.copy()
    older.entries.pop()
    plane.store.contents = older
    size = len(older.entries)
    with pytest.raises(StoreUnusable, match="goes back"):
        plane.submit("rival", "Example Bank")
    assert len(plane.store.contents.entries) == size


# Two at once


def test_commands_from_many_threads_are_done_one_after_another(plane):
    size, results = plane.size, list[Any]()
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        barrier.wait(BOUND_S)
        for i in range(5):
            digest = hashlib.sha256(f"{number} {i}".encode()).hexdigest()
            command = IssueCredential(grant, digest)
            results.append(
                plane.ledger.execute(command, by="a", command_id=f"issue-{number}-{i}", request=[number, i])
            )

    grant = next(plane.case(case).grant for case in _cases(plane) if plane.case(case).grant)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_S)
    assert sorted(result["size"] for result in results) == list(range(size + 1, size + 21))
    assert verified(plane.ledger) == size + 20


def test_two_processes_on_one_database_share_one_log(tmp_path):
    path = tmp_path / "ledger.db"
    with closing(SqliteStore(path)) as one, closing(SqliteStore(path)) as other:
        plane = Plane(one)  # type: ignore[arg-type]
        plane.opened()
        second = Ledger(
            other,
            private_key("log"),
            ORIGIN,
            wall_ms=plane.wall,
            boot_ms=plane.boot,
            random=lambda n: b"\x07" * n,
        )
        plane.submit(name="Example Bank")
        size = plane.size
        result = yes(
            second.execute(
                ApplyPlan(read_plan(plan_value(onRefusal={"fallbackModel": "older"}))),
                by="d",
                command_id="apply-12345",
            )
        )
        assert result["size"] == size + 1
        assert plane.size == size
        plane.submit("rival", name="Example Grid")
        assert verified(plane.ledger) == size + 3
        second.catch_up()
        assert state_of(second) == state_of(plane.ledger)


def test_watchers_are_told_once_an_advance_and_not_of_refusals(plane):
    told: list[int] = []
    plane.ledger.watch(lambda: told.append(plane.size))
    plane.submit("rival", "Example Bank")
    plane.ledger.execute(RevokeCredential("cred_unknown"), by="a", command_id="revoke-1234")
    plane.apply()
    assert told == [plane.size]


def test_what_is_remembered_is_canonical(plane):
    for name in list(plane.store.contents.done):
        with plane.store.write() as ports:
            done = ports.log.done(name)
        assert canonical.loads(canonical.dumps(done.result)) == done.result


@pytest.mark.parametrize("act", ["execute", "arrange"])
def test_what_was_done_is_answered_again_while_others_write(plane: Plane, act: str) -> None:
    with plane.ledger.reading() as state:
        (name,) = state.keyring.places

    def again() -> Any:
        if act == "arrange":
            return plane.ledger.arrange(lambda _: {"size": 0}, by="oncd", command_id="the-same", request=[1])
        revoke = RevokeCredential(name)
        return plane.ledger.execute(revoke, by="oncd", command_id="the-same", request=[1], effect="narrows")

    first, found = again(), list[Any]()
    thread = threading.Thread(target=lambda: found.append(again()))
    with plane.ledger._lock.hold():
        thread.start()
        thread.join(BOUND_S)
    assert found == [first]
