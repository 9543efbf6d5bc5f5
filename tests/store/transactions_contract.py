"""What is done together in every store, through all four ports, and what others see meanwhile."""

from __future__ import annotations

import threading

import pytest

from sluicegate.errors import StoreUnusable
from sluicegate_record.log import merkle
from tests.store.examples import AGENCY, DONE, DRAFTS, ENTRIES, HOOK, Contract, Log, letter
from tests.waiting import BOUND_S


class TransactionContract(Contract):
    def test_a_new_store_is_empty(self, store):
        assert (store.log.size(), store.log.checkpoint()) == (0, "")
        assert list(store.log.entries(0, 10)) == list(store.log.leaves(0, 10)) == []
        assert list(store.principals.all()) == list(store.principals.organizations("A")) == []
        assert self._seen(store) == self.EMPTY
        assert store.log.sealed([0]) == {}
        with store.write() as ports:
            assert ports.log.size() == 0
            assert list(ports.log.entries(0, 99)) == []

    def test_a_write_sees_what_it_writes_through_every_port(self, store):
        log = Log(store)
        nodes, head = log.grow(ENTRIES[:4])
        with store.write() as ports:
            self._fill(ports, ENTRIES[:4], nodes, head)
            assert self._seen(ports) == self.FILLED
            assert ports.log.size() == 4
            assert list(ports.log.entries(1, 9)) == ENTRIES[1:4]
        assert self._seen(store) == self.FILLED
        assert store.log.size() == 4

    def test_a_write_that_fails_leaves_no_trace_in_any_port(self, store):
        log = Log(store)
        head = log.append(ENTRIES[:3])
        nodes, later = log.grow(ENTRIES[3:6])

        def fail():
            with store.write() as ports:
                self._fill(ports, ENTRIES[3:6], nodes, later)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert (store.log.size(), store.log.checkpoint()) == (3, head)
        assert list(store.log.entries(0, 99)) == ENTRIES[:3]
        assert list(store.log.leaves(3, 6)) == []
        assert store.log.sealed([5]) == {}
        assert self._seen(store) == self.EMPTY
        for level, index, _ in nodes:
            with pytest.raises(StoreUnusable):
                store.log.nodes([(level, index)])
        with store.write() as ports:
            assert self._seen(ports) == self.EMPTY
            self._fill(ports, ENTRIES[3:6], nodes, later)
        assert list(store.log.entries(0, 99)) == ENTRIES[:6]
        assert self._seen(store) == self.FILLED

    def test_what_is_done_by_itself_is_a_write_by_itself(self, store):
        nodes, head = Log(store).grow(ENTRIES[:4])
        self._fill(store, ENTRIES[:4], nodes, head)
        assert store.log.size() == 4
        assert self._elsewhere(lambda: self._seen(store)) == self.FILLED

    def test_a_write_that_does_nothing_changes_nothing(self, full):
        head = full.log.checkpoint()
        with full.write():
            pass
        assert (full.log.size(), full.log.checkpoint()) == (len(ENTRIES), head)

    def test_what_is_not_yet_written_nobody_else_sees(self, store):
        log = Log(store)
        nodes, head = log.grow(ENTRIES[:3])
        with store.write() as ports:
            ports.log.append(ENTRIES[:3], nodes, head)
            seen = self._elsewhere(
                lambda: (store.log.size(), store.log.checkpoint(), list(store.log.entries(0, 9)))
            )
            assert seen == (0, "", [])
        assert store.log.size() == 3

    def test_one_writes_at_a_time_and_sees_all_before(self, store):
        """Each of several threads appends the next entry, whichever that is."""
        log, failures = Log(store), []
        started = threading.Barrier(4)

        def work():
            try:
                started.wait(BOUND_S)
                for _ in range(3):
                    with store.write() as ports:
                        at = ports.log.size()
                        assert at == log.frontier.size
                        nodes, head = log.grow(ENTRIES[at : at + 1])
                        ports.log.append(ENTRIES[at : at + 1], nodes, head)
            except BaseException as error:  # noqa: BLE001 - told by the thread that waits
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(BOUND_S)
        assert failures == []
        assert list(store.log.entries(0, 99)) == ENTRIES[:12]
        assert merkle.root(12, store.log.nodes) == log.frontier.root()

    def test_a_store_is_closed_once_or_twice(self, full):
        full.close()
        full.close()

    EMPTY: tuple[object, ...] = (None, None, [], [], None, {})
    FILLED: tuple[object, ...] = (DONE, "org_1", [HOOK], [DRAFTS[0]], "{}", {"cred_1": 5})

    def _fill(self, ports, entries, nodes, head):
        """Do something at each port."""
        ports.log.append(entries, nodes, head)
        ports.log.remember("cmd_1", DONE)
        ports.principals.add(b"\x01" * 32, AGENCY)
        ports.principals.add_organization("org_1", "applicant_1", "Example Utility", "US")
        ports.principals.add_draft(DRAFTS[0])
        ports.outbox.add_subscription(HOOK)
        ports.outbox.post([letter(1)])
        ports.feed_keys.certify("feed-1", "{}")
        ports.key_uses.note(["cred_1"], 5)

    def _seen(self, ports):
        """What is there of it."""
        assert bool(ports.outbox.due(0, (), 9)) == bool(ports.outbox.subscriptions(AGENCY.id))
        return (
            ports.log.done("cmd_1"),
            ports.principals.organization("applicant_1", "Example Utility", "US"),
            list(ports.outbox.subscriptions(AGENCY.id)),
            list(ports.principals.drafts(DRAFTS[0].principal)),
            ports.feed_keys.certificate("feed-1"),
            ports.key_uses.last(["cred_1"]),
        )

    def _elsewhere(self, what):
        """What another thread sees."""
        seen: list[object] = []
        thread = threading.Thread(target=lambda: seen.append(what()))
        thread.start()
        thread.join(BOUND_S)
        (found,) = seen
        return found
