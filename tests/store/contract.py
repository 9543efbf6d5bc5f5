"""What every store does: the suite that each backend passes, the fake too.

A backend's tests subclass `StoreContract` and say how a store is made.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from sluicegate.errors import StoreUnusable
from sluicegate.ports import (
    Incarnation,
    Letter,
    Node,
    PastCommand,
    Principal,
    Registration,
    SavedDraft,
    Store,
    Subscription,
)
from sluicegate_record.entries import Entry
from sluicegate_record.log import checkpoint, merkle
from sluicegate_record.log.merkle import Frontier
from tests.waiting import BOUND_S
from tests.worlds import ORIGIN, World, private_key

GATEWAY = Incarnation("gateway-1", "incarnation-1", "api")
DONE = PastCommand(
    "sha256:" + "0" * 64, {"grant": "grant_1", "size": 3, "list": [1, None, True], "text": "é"}
)
AGENCY = Principal("agency_1", "agency", "oncd", "oncd")
APPLICANT = Principal("applicant_1", "applicant", "example")
HOOK = Subscription("sub_1", AGENCY.id, "webhook", "https://example.org/hook", 1_000)
MAIL = Subscription("sub_2", AGENCY.id, "email", "reviews@example.org", 2_000)
OTHER = Subscription("sub_3", APPLICANT.id, "webhook", "https://example.com/hook", 1_500)


def letter(number: int, subscription: Subscription = HOOK, case: str = "case_1", due_ms: int = 0) -> Letter:
    return Letter(f"msg_{number}", subscription.id, case, b'{"n":%d}' % number, due_ms)


def history() -> list[Entry]:
    """Entries with every kind of part."""
    world = World.opened()
    world.credential(world.admit())
    world.direct("d-1", ["org-1"])
    return world.entries


ENTRIES = history()


class Log:
    """Appends to a store as the ledger does."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.frontier = Frontier()

    def grow(self, entries: Sequence[Entry]) -> tuple[list[Node], str]:
        """The nodes that entries complete, and the signed head that holds them."""
        nodes = [node for entry in entries for node in self.frontier.append(merkle.leaf_hash(entry.leaf))]
        head = checkpoint.sign(ORIGIN, self.frontier.size, self.frontier.root(), private_key("log"))
        return nodes, head

    def append(self, entries: Sequence[Entry]) -> str:
        nodes, head = self.grow(entries)
        with self.store.write() as writing:
            writing.append(entries, nodes, head)
        return head


DRAFTS = [SavedDraft(f"draft_{i}", "applicant", "{}", i) for i in range(3)]


class StoreContract:
    """Subclasses give the fixture `store`."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def full(self, store: Store) -> Store:
        """A store that holds `ENTRIES`, appended in two writes."""
        log = Log(store)
        log.append(ENTRIES[:5])
        log.append(ENTRIES[5:])
        return store

    def test_a_new_store_is_empty(self, store):
        assert (store.size(), store.checkpoint()) == (0, "")
        assert list(store.entries(0, 10)) == list(store.leaves(0, 10)) == []
        assert list(store.principals()) == list(store.incarnations()) == list(store.organizations("A")) == []
        assert store.sealed(0) == {}
        with store.write() as writing:
            assert writing.size() == 0
            assert list(writing.entries(0)) == []

    def test_a_draft_is_its_owners_until_it_is_removed(self, store):
        with store.write() as writing:
            for draft in DRAFTS:
                writing.add_draft(draft)
        with store.write() as writing:
            assert list(writing.drafts("applicant")) == DRAFTS
            assert list(writing.drafts("another")) == []
            writing.remove_draft(DRAFTS[1].id)
            writing.remove_draft("none")
        with store.write() as writing:
            assert list(writing.drafts("applicant")) == [DRAFTS[0], DRAFTS[2]]

    def test_entries_come_back_with_all_their_parts(self, full):
        assert list(full.entries(0, len(ENTRIES) + 5)) == ENTRIES
        with full.write() as writing:
            assert list(writing.entries(0)) == ENTRIES
            assert writing.size() == len(ENTRIES)
        assert full.size() == len(ENTRIES)

    @pytest.mark.parametrize(
        ("after", "limit"), [(0, 0), (0, 1), (3, 4), (len(ENTRIES) - 1, 9), (len(ENTRIES), 9), (99, 9)]
    )
    def test_a_part_of_the_entries(self, full, after, limit):
        assert list(full.entries(after, limit)) == ENTRIES[after : after + limit]

    @pytest.mark.parametrize("after", [0, 3, len(ENTRIES), len(ENTRIES) + 5])
    def test_the_entries_beyond_one(self, full, after):
        with full.write() as writing:
            assert list(writing.entries(after)) == ENTRIES[after:]

    @pytest.mark.parametrize(
        ("start", "end"), [(0, 0), (0, 1), (3, 7), (0, len(ENTRIES)), (5, 3), (0, 99), (99, 100)]
    )
    def test_leaves(self, full, start, end):
        assert list(full.leaves(start, end)) == [entry.leaf for entry in ENTRIES[start:end]]

    def test_sealed_parts_of_each_entry(self, full):
        assert any(entry.sealed for entry in ENTRIES)
        for entry in ENTRIES:
            assert full.sealed(entry.seq) == entry.sealed
        assert full.sealed(len(ENTRIES)) == {}

    def test_nodes_lead_to_the_root_that_was_signed(self, full):
        verifier = checkpoint.parse_vkey(
            checkpoint.vkey(ORIGIN, private_key("log").public_key().public_bytes_raw())
        )
        head = checkpoint.open_checkpoint(full.checkpoint(), verifier)
        assert head.size == len(ENTRIES)
        assert merkle.root(head.size, full.node) == head.root

    @pytest.mark.parametrize(
        ("level", "index"), [(0, len(ENTRIES)), (1, len(ENTRIES) // 2), (9, 0), (0, 2**40)]
    )
    def test_a_node_that_is_not_complete_is_not_there(self, full, level, index):
        with pytest.raises(StoreUnusable, match=f"{level}/{index}"):
            full.node(level, index)

    def test_the_head_is_the_newest(self, store):
        log = Log(store)
        heads = [log.append([entry]) for entry in ENTRIES[:3]]
        assert store.checkpoint() == heads[-1]

    def test_a_write_sees_what_it_writes(self, store):
        log = Log(store)
        nodes, head = log.grow(ENTRIES[:4])
        with store.write() as writing:
            writing.append(ENTRIES[:4], nodes, head)
            writing.remember("cmd_1", DONE)
            writing.add_organization("org_1", "applicant_1", "Example Utility", "US")
            assert writing.size() == 4
            assert list(writing.entries(1)) == ENTRIES[1:4]
            assert writing.done("cmd_1") == DONE
            assert writing.organization("applicant_1", "Example Utility", "US") == "org_1"
        assert store.size() == 4

    def test_a_write_that_fails_leaves_no_trace(self, store):
        log = Log(store)
        head = log.append(ENTRIES[:3])
        nodes, later = log.grow(ENTRIES[3:6])

        def fail():
            with store.write() as writing:
                writing.append(ENTRIES[3:6], nodes, later)
                writing.remember("cmd_1", DONE)
                writing.add_organization("org_1", "applicant_1", "Example Utility", "US")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert (store.size(), store.checkpoint()) == (3, head)
        assert list(store.entries(0, 99)) == ENTRIES[:3]
        assert list(store.leaves(3, 6)) == []
        assert store.sealed(5) == {}
        assert list(store.organizations("Example Utility")) == []
        for level, index, _ in nodes:
            with pytest.raises(StoreUnusable):
                store.node(level, index)
        with store.write() as writing:
            assert writing.done("cmd_1") is None
            assert writing.organization("applicant_1", "Example Utility", "US") is None
            writing.append(ENTRIES[3:6], nodes, later)
        assert list(store.entries(0, 99)) == ENTRIES[:6]

    def test_organizations_are_found_by_part_of_their_name_and_named_by_their_pseudonym(self, store):
        with store.write() as writing:
            writing.add_organization("org_1", "applicant_1", "Example Utility", "US")
            writing.add_organization("org_2", "applicant_2", "Example Grid", "US")
            writing.add_organization("org_3", "applicant_1", "100% Power_Co", "US")
        assert sorted(store.organizations_like("Example")) == ["org_1", "org_2"]
        assert list(store.organizations_like("Grid")) == ["org_2"]
        assert list(store.organizations_like("nobody")) == []
        assert list(store.organizations_like("%")) == list(store.organizations_like("_")) == ["org_3"]
        assert store.registered("org_2") == Registration("Example Grid", "US")
        assert store.registered("org_9") is None

    def test_a_write_that_does_nothing_changes_nothing(self, full):
        head = full.checkpoint()
        with full.write():
            pass
        full.confirm()
        assert (full.size(), full.checkpoint()) == (len(ENTRIES), head)

    def test_what_is_not_yet_written_nobody_else_sees(self, store):
        log = Log(store)
        nodes, head = log.grow(ENTRIES[:3])
        with store.write() as writing:
            writing.append(ENTRIES[:3], nodes, head)
            seen = self._elsewhere(lambda: (store.size(), store.checkpoint(), list(store.entries(0, 9))))
            assert seen == (0, "", [])
        assert store.size() == 3

    def test_one_writes_at_a_time_and_sees_all_before(self, store):
        """Each of several threads appends the next entry, whichever that is."""
        log, failures = Log(store), []
        started = threading.Barrier(4)

        def work():
            try:
                started.wait(BOUND_S)
                for _ in range(3):
                    with store.write() as writing:
                        at = writing.size()
                        assert at == log.frontier.size
                        nodes, head = log.grow(ENTRIES[at : at + 1])
                        writing.append(ENTRIES[at : at + 1], nodes, head)
            except BaseException as error:  # noqa: BLE001 - told by the thread that waits
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(BOUND_S)
        assert failures == []
        assert list(store.entries(0, 99)) == ENTRIES[:12]
        assert merkle.root(12, store.node) == log.frontier.root()

    def test_a_command_is_remembered_with_what_was_asked(self, store):
        with store.write() as writing:
            writing.remember("cmd_1", DONE)
            writing.remember("cmd_2", PastCommand("sha256:" + "1" * 64, {}))
        with store.write() as writing:
            assert writing.done("cmd_1") == DONE
            assert writing.done("cmd_2") == PastCommand("sha256:" + "1" * 64, {})
            assert writing.done("cmd_3") is None
            assert writing.done("CMD_1") is None

    def test_an_organization_has_one_pseudonym_for_who_named_it(self, store):
        with store.write() as writing:
            writing.add_organization("org_1", "applicant_1", "Example Utility", "US")
            writing.add_organization("org_2", "applicant_2", "Example Utility", "US")
            writing.add_organization("org_3", "applicant_1", "Example Utility", "NO")
            writing.add_organization("org_4", "applicant_1", "Example Grid", "US")
        with store.write() as writing:
            assert writing.organization("applicant_1", "Example Utility", "US") == "org_1"
            assert writing.organization("applicant_2", "Example Utility", "US") == "org_2"
            assert writing.organization("applicant_3", "Example Utility", "US") is None
            assert writing.organization("applicant_1", "example utility", "US") is None
        assert sorted(store.organizations("Example Utility")) == ["org_1", "org_2", "org_3"]
        assert list(store.organizations("Example")) == []

    def test_principals_are_found_by_the_digest_of_their_token(self, store):
        agency = Principal("agency_1", "agency", "oncd", "oncd")
        applicant = Principal("applicant_1", "applicant", "example", None)
        store.add_principal(b"\x01" * 32, agency)
        store.add_principal(b"\x02" * 32, applicant)
        assert store.principal(b"\x01" * 32) == agency
        assert store.principal(b"\x02" * 32) == applicant
        assert store.principal(b"\x03" * 32) is None
        assert store.principal(b"") is None
        assert sorted(found.id for found in store.principals()) == ["agency_1", "applicant_1"]

    def test_a_token_takes_the_place_of_its_holders_and_of_nobody_elses(self, store):
        first, other = Principal("person_1", "person", "mem_1"), Principal("person_2", "person", "mem_2")
        store.add_principal(b"\x01" * 32, first)
        store.add_principal(b"\x02" * 32, other)
        namesake = Principal("applicant_1", "applicant", "mem_1")
        store.add_principal(b"\x03" * 32, namesake)
        store.replace_principal(b"\x04" * 32, Principal("person_3", "person", "mem_1"))
        assert store.principal(b"\x01" * 32) is None
        assert store.principal(b"\x02" * 32) == other
        assert store.principal(b"\x03" * 32) == namesake
        assert store.principal(b"\x04" * 32).id == "person_3"
        store.replace_principal(b"\x05" * 32, Principal("person_3", "person", "mem_1"))
        assert store.principal(b"\x04" * 32) is None
        assert len(store.principals()) == 3

    def test_incarnations_are_registered_until_they_retire(self, store):
        other = Incarnation("gateway-1", "incarnation-2", "codex", bytes(range(32)))
        store.register(GATEWAY)
        store.register(other)
        store.register(GATEWAY)
        assert sorted(store.incarnations(), key=repr) == [GATEWAY, other]
        store.retire(GATEWAY)
        store.retire(GATEWAY)
        assert list(store.incarnations()) == [other]

    # Subscriptions and the outbox

    @pytest.fixture
    def posting(self, store: Store) -> Store:
        """A store with three subscriptions of two principals."""
        store.add_principal(b"\x01" * 32, AGENCY)
        store.add_principal(b"\x02" * 32, APPLICANT)
        with store.write() as writing:
            for subscription in (HOOK, MAIL, OTHER):
                writing.add_subscription(subscription)
        return store

    def test_subscriptions_are_their_principals_own(self, posting):
        assert list(posting.subscriptions(AGENCY.id)) == [HOOK, MAIL]
        assert list(posting.subscriptions(APPLICANT.id)) == [OTHER]
        assert list(posting.subscriptions("nobody")) == []
        with posting.write() as writing:
            assert list(writing.subscriptions(AGENCY.id)) == [HOOK, MAIL]
            found = sorted(writing.subscribers(), key=lambda each: each[0].id)
            assert found == [(HOOK, AGENCY), (MAIL, AGENCY), (OTHER, APPLICANT)]
            writing.remove_subscription(HOOK.id)
            assert list(writing.subscriptions(AGENCY.id)) == [MAIL]
        assert list(posting.subscriptions(AGENCY.id)) == [MAIL]

    def test_letters_of_a_case_are_due_one_after_the_other(self, posting):
        self._post(posting, letter(1), letter(2), letter(3))
        for number in (1, 2, 3):
            assert list(posting.due(0, (), 9)) == [(HOOK, letter(number))]
            posting.delivered(f"msg_{number}")
        assert list(posting.due(0, (), 9)) == []
        assert posting.outbox() == {"waiting": 0, "dead": 0}

    def test_a_letter_that_waits_holds_up_its_case_and_nothing_else(self, posting):
        self._post(posting, letter(1), letter(2), letter(3, case="case_2"), letter(4, OTHER))
        posting.put_off("msg_1", 5_000, "it said 503")
        waits = replace(letter(1), due_ms=5_000, attempts=1, error="it said 503")
        assert sorted(posting.due(4_999, (), 9), key=repr) == [
            (HOOK, letter(3, case="case_2")),
            (OTHER, letter(4, OTHER)),
        ]
        posting.delivered("msg_3")
        posting.delivered("msg_4")
        assert list(posting.due(4_999, (), 9)) == []
        assert posting.next_due_ms(()) == 5_000
        assert list(posting.due(5_000, (), 9)) == [(HOOK, waits)]

    def test_one_letter_a_subscription_is_due_the_longest_waiting_first(self, posting):
        self._post(posting, letter(1, due_ms=30), letter(2, case="case_2", due_ms=20), letter(3, MAIL))
        assert [found.message for _, found in posting.due(99, (), 9)] == ["msg_3", "msg_2"]
        assert [found.message for _, found in posting.due(99, (), 1)] == ["msg_3"]
        assert [found.message for _, found in posting.due(99, {MAIL.id}, 9)] == ["msg_2"]
        assert list(posting.due(19, {MAIL.id}, 9)) == []
        assert (posting.next_due_ms(()), posting.next_due_ms({MAIL.id})) == (0, 20)
        assert posting.next_due_ms({MAIL.id, HOOK.id}) is None

    def test_a_letter_posted_again_is_there_once(self, posting):
        self._post(posting, letter(1), letter(1))
        posting.put_off("msg_1", 7, "it said 500")
        self._post(posting, letter(1))
        assert posting.outbox() == {"waiting": 1, "dead": 0}
        assert posting.next_due_ms(()) == 7

    def test_what_a_write_that_fails_posts_is_never_due(self, posting):
        def fail():
            with posting.write() as writing:
                writing.post([letter(1)])
                writing.remove_subscription(MAIL.id)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert list(posting.due(0, (), 9)) == []
        assert list(posting.subscriptions(AGENCY.id)) == [HOOK, MAIL]

    def test_a_dead_letter_lets_its_case_go_on_and_can_be_sent_again_first(self, posting):
        self._post(posting, letter(1), letter(2), letter(3, OTHER))
        posting.put_off("msg_1", 5, "it said 500")
        posting.bury("msg_1", "it said 502")
        posting.bury("msg_3", "no answer")
        gave_up = replace(letter(1), due_ms=5, attempts=2, error="it said 502")
        assert list(posting.dead(AGENCY.id, 9)) == [(HOOK, gave_up)]
        assert list(posting.dead(AGENCY.id, 0)) == []
        assert posting.outbox() == {"waiting": 1, "dead": 2}
        assert [found.message for _, found in posting.due(9, (), 9)] == ["msg_2"]
        with posting.write() as writing:
            assert writing.replay(AGENCY.id, "msg_3", 8) == 0
            assert writing.replay(AGENCY.id, "msg_2", 8) == 0
            assert writing.replay(AGENCY.id, "msg_1", 8) == 1
        assert list(posting.due(9, (), 9)) == [(HOOK, replace(gave_up, due_ms=8, attempts=0))]
        with posting.write() as writing:
            assert writing.replay(AGENCY.id, None, 8) == 0
            assert writing.replay(APPLICANT.id, None, 8) == 1

    def test_a_receiver_that_is_gone_hears_nothing_until_it_is_back(self, posting):
        self._post(posting, letter(1), letter(2), letter(3, case="case_2"), letter(4, MAIL))
        posting.end_subscription(HOOK.id, "it said 410")
        assert [found.message for _, found in posting.dead(AGENCY.id, 9)] == ["msg_1", "msg_2", "msg_3"]
        assert [found.message for _, found in posting.due(0, (), 9)] == ["msg_4"]
        assert list(posting.subscriptions(AGENCY.id)) == [replace(HOOK, gone=True), MAIL]
        with posting.write() as writing:
            assert HOOK.id not in [found.id for found, _ in writing.subscribers()]
            assert writing.replay(AGENCY.id, None, 0) == 3
            assert HOOK in [found for found, _ in writing.subscribers()]

    def test_a_subscription_takes_its_letters_with_it(self, posting):
        self._post(posting, letter(1), letter(2, case="case_2"), letter(3, OTHER))
        posting.bury("msg_1", "no answer")
        with posting.write() as writing:
            writing.remove_subscription(HOOK.id)
        assert posting.outbox() == {"waiting": 1, "dead": 0}
        posting.delivered("msg_2")
        assert [found.message for _, found in posting.due(0, (), 9)] == ["msg_3"]

    def test_what_became_of_a_letter_that_was_removed_meanwhile_is_no_news(self, posting):
        posting.delivered("msg_9")
        posting.put_off("msg_9", 5, "it said 500")
        posting.bury("msg_9", "it said 500")
        posting.end_subscription("sub_9", "it said 410")
        assert posting.outbox() == {"waiting": 0, "dead": 0}

    def _post(self, store, *letters):
        with store.write() as writing:
            writing.post(letters)

    def test_a_store_is_closed_once_or_twice(self, full):
        full.close()
        full.close()

    def _elsewhere(self, what):
        """What another thread sees."""
        seen: list[object] = []
        thread = threading.Thread(target=lambda: seen.append(what()))
        thread.start()
        thread.join(BOUND_S)
        (found,) = seen
        return found
