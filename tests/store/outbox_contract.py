"""How letters wait in every store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sluicegate.ports import EMAIL, UNCONFIRMED, Store
from tests.store.examples import AGENCY, APPLICANT, HOOK, MAIL, OTHER, Contract, letter


class OutboxContract(Contract):
    @pytest.fixture
    def posting(self, store: Store) -> Store:
        """A store with three subscriptions of two principals."""
        store.principals.add(b"\x01" * 32, AGENCY)
        store.principals.add(b"\x02" * 32, APPLICANT)
        with store.write() as ports:
            for subscription in (HOOK, MAIL, OTHER):
                ports.outbox.add_subscription(subscription)
        return store

    def test_subscriptions_are_their_principals_own(self, posting):
        assert list(posting.outbox.subscriptions(AGENCY.id)) == [HOOK, MAIL]
        assert list(posting.outbox.subscriptions(APPLICANT.id)) == [OTHER]
        assert list(posting.outbox.subscriptions("nobody")) == []
        with posting.write() as ports:
            assert list(ports.outbox.subscriptions(AGENCY.id)) == [HOOK, MAIL]
            agencies = [(HOOK, AGENCY), (MAIL, AGENCY)]
            for applicants in ((), ("nobody",), (AGENCY.id,)):
                found = sorted(ports.outbox.subscribers(applicants), key=lambda each: each[0].id)
                assert found == agencies
            found = sorted(ports.outbox.subscribers({APPLICANT.id}), key=lambda each: each[0].id)
            assert found == [*agencies, (OTHER, APPLICANT)]
            ports.outbox.remove_subscription(HOOK.id)
            assert list(ports.outbox.subscriptions(AGENCY.id)) == [MAIL]
        assert list(posting.outbox.subscriptions(AGENCY.id)) == [MAIL]

    def test_who_acts_for_an_applicant_hears_what_it_does(self, posting):
        colleague = replace(APPLICANT, id="applicant_2", name="ana", colleague_of=APPLICANT.id)
        own = replace(OTHER, id="sub_4", principal=colleague.id)
        posting.principals.add(b"\x03" * 32, colleague)
        posting.outbox.add_subscription(own)
        told = [*posting.outbox.subscribers({APPLICANT.id})]
        assert (own, colleague) in told
        assert (OTHER, APPLICANT) in told
        assert all(principal == AGENCY for _, principal in posting.outbox.subscribers(()))
        posting.principals.end(APPLICANT.id)
        assert (own, colleague) in [*posting.outbox.subscribers({APPLICANT.id})]

    def test_an_unconfirmed_address_hears_nothing_until_it_is_confirmed(self, posting):
        asked = replace(MAIL, id="sub_9", kind=UNCONFIRMED, created_at_ms=5_000)
        with posting.write() as ports:
            ports.outbox.add_subscription(asked)
            assert asked not in [each for each, _ in ports.outbox.subscribers({asked.principal})]
            assert list(ports.outbox.unconfirmed(5_000)) == [asked]
            ports.outbox.post([letter(9, asked)])
        assert list(posting.outbox.due(0, (), 9)) == [(asked, letter(9, asked))]
        with posting.write() as ports:
            ports.outbox.confirm_subscription(asked.id)
            assert list(ports.outbox.unconfirmed(9_000)) == []
            assert replace(asked, kind=EMAIL) in [
                each for each, _ in ports.outbox.subscribers({asked.principal})
            ]

    def test_what_was_not_confirmed_in_time_is_forgotten_and_nothing_else(self, posting):
        asked = replace(OTHER, id="sub_9", kind=UNCONFIRMED, target=MAIL.target, created_at_ms=5_000)
        with posting.write() as ports:
            ports.outbox.add_subscription(asked)
            ports.outbox.post([letter(9, asked)])
            assert list(ports.outbox.unconfirmed(5_001)) == []
            assert list(ports.outbox.subscriptions(AGENCY.id)) == [HOOK, MAIL]
            assert list(ports.outbox.subscriptions(APPLICANT.id)) == [OTHER]
        assert posting.outbox.counts() == {"waiting": 0, "dead": 0}

    def test_letters_of_a_case_are_due_one_after_the_other(self, posting):
        self._post(posting, letter(1), letter(2), letter(3))
        for number in (1, 2, 3):
            assert list(posting.outbox.due(0, (), 9)) == [(HOOK, letter(number))]
            posting.outbox.delivered(f"msg_{number}")
        assert list(posting.outbox.due(0, (), 9)) == []
        assert posting.outbox.counts() == {"waiting": 0, "dead": 0}

    def test_a_letter_that_waits_holds_up_its_case_and_nothing_else(self, posting):
        self._post(posting, letter(1), letter(2), letter(3, case="case_2"), letter(4, OTHER))
        posting.outbox.put_off("msg_1", 5_000, "it said 503")
        waits = replace(letter(1), due_ms=5_000, attempts=1, error="it said 503")
        assert sorted(posting.outbox.due(4_999, (), 9), key=repr) == [
            (HOOK, letter(3, case="case_2")),
            (OTHER, letter(4, OTHER)),
        ]
        posting.outbox.delivered("msg_3")
        posting.outbox.delivered("msg_4")
        assert list(posting.outbox.due(4_999, (), 9)) == []
        assert posting.outbox.next_due_ms(()) == 5_000
        assert list(posting.outbox.due(5_000, (), 9)) == [(HOOK, waits)]

    def test_one_letter_a_subscription_is_due_the_longest_waiting_first(self, posting):
        self._post(posting, letter(1, due_ms=30), letter(2, case="case_2", due_ms=20), letter(3, MAIL))
        assert [found.message for _, found in posting.outbox.due(99, (), 9)] == ["msg_3", "msg_2"]
        assert [found.message for _, found in posting.outbox.due(99, (), 1)] == ["msg_3"]
        assert [found.message for _, found in posting.outbox.due(99, {MAIL.id}, 9)] == ["msg_2"]
        assert list(posting.outbox.due(19, {MAIL.id}, 9)) == []
        assert (posting.outbox.next_due_ms(()), posting.outbox.next_due_ms({MAIL.id})) == (0, 20)
        assert posting.outbox.next_due_ms({MAIL.id, HOOK.id}) is None

    def test_of_letters_due_at_one_time_the_one_posted_first_comes_first(self, posting):
        cases = ["case_3", "case_1", "case_2"]
        self._post(posting, *(letter(number, case=case) for number, case in enumerate(cases)))
        assert [found.message for _, found in posting.outbox.due(0, (), 9)] == ["msg_0"]

    def test_dead_letters_come_in_the_order_in_which_they_were_posted(self, posting):
        self._post(posting, letter(1, MAIL), letter(2), letter(3, MAIL), letter(4))
        for number in (4, 1, 3, 2):
            posting.outbox.bury(f"msg_{number}", "no answer")
        found = [dead.message for _, dead in posting.outbox.dead(AGENCY.id, 9)]
        assert found == ["msg_1", "msg_2", "msg_3", "msg_4"]

    def test_a_letter_posted_again_is_there_once(self, posting):
        self._post(posting, letter(1), letter(1))
        posting.outbox.put_off("msg_1", 7, "it said 500")
        self._post(posting, letter(1))
        assert posting.outbox.counts() == {"waiting": 1, "dead": 0}
        assert posting.outbox.next_due_ms(()) == 7

    def test_a_dead_letter_lets_its_case_go_on_and_can_be_sent_again_first(self, posting):
        self._post(posting, letter(1), letter(2), letter(3, OTHER))
        posting.outbox.put_off("msg_1", 5, "it said 500")
        posting.outbox.bury("msg_1", "it said 502")
        posting.outbox.bury("msg_3", "no answer")
        gave_up = replace(letter(1), due_ms=5, attempts=2, error="it said 502")
        assert list(posting.outbox.dead(AGENCY.id, 9)) == [(HOOK, gave_up)]
        assert list(posting.outbox.dead(AGENCY.id, 0)) == []
        assert posting.outbox.counts() == {"waiting": 1, "dead": 2}
        assert [found.message for _, found in posting.outbox.due(9, (), 9)] == ["msg_2"]
        with posting.write() as ports:
            assert ports.outbox.replay(AGENCY.id, "msg_3", 8) == 0
            assert ports.outbox.replay(AGENCY.id, "msg_2", 8) == 0
            assert ports.outbox.replay(AGENCY.id, "msg_1", 8) == 1
        assert list(posting.outbox.due(9, (), 9)) == [(HOOK, replace(gave_up, due_ms=8, attempts=0))]
        with posting.write() as ports:
            assert ports.outbox.replay(AGENCY.id, None, 8) == 0
            assert ports.outbox.replay(APPLICANT.id, None, 8) == 1

    def test_a_receiver_that_is_gone_hears_nothing_until_it_is_back(self, posting):
        self._post(posting, letter(1), letter(2), letter(3, case="case_2"), letter(4, MAIL))
        posting.outbox.end_subscription(HOOK.id, "it said 410")
        assert [found.message for _, found in posting.outbox.dead(AGENCY.id, 9)] == [
            "msg_1",
            "msg_2",
            "msg_3",
        ]
        assert [found.message for _, found in posting.outbox.due(0, (), 9)] == ["msg_4"]
        assert list(posting.outbox.subscriptions(AGENCY.id)) == [replace(HOOK, gone=True), MAIL]
        with posting.write() as ports:
            assert HOOK.id not in [found.id for found, _ in ports.outbox.subscribers(())]
            assert ports.outbox.replay(AGENCY.id, None, 0) == 3
            assert HOOK in [found for found, _ in ports.outbox.subscribers(())]

    def test_a_subscription_takes_its_letters_with_it(self, posting):
        self._post(posting, letter(1), letter(2, case="case_2"), letter(3, OTHER))
        posting.outbox.bury("msg_1", "no answer")
        with posting.write() as ports:
            ports.outbox.remove_subscription(HOOK.id)
        assert posting.outbox.counts() == {"waiting": 1, "dead": 0}
        posting.outbox.delivered("msg_2")
        assert [found.message for _, found in posting.outbox.due(0, (), 9)] == ["msg_3"]

    def test_a_principal_whose_token_has_ended_has_no_subscription_until_it_gets_another(self, posting):
        assert posting.outbox.subscribers({APPLICANT.id})
        whose = {principal.id for _, principal in posting.outbox.subscribers({APPLICANT.id})}
        for principal in whose:
            posting.principals.end(principal)
        assert list(posting.outbox.subscribers({APPLICANT.id})) == []
        posting.principals.replace(b"\x09" * 32, AGENCY)
        assert {principal.id for _, principal in posting.outbox.subscribers({APPLICANT.id})} == {AGENCY.id}

    def test_what_became_of_a_letter_that_was_removed_meanwhile_is_no_news(self, posting):
        posting.outbox.delivered("msg_9")
        posting.outbox.put_off("msg_9", 5, "it said 500")
        posting.outbox.bury("msg_9", "it said 500")
        posting.outbox.end_subscription("sub_9", "it said 410")
        assert posting.outbox.counts() == {"waiting": 0, "dead": 0}

    def _post(self, store, *letters):
        with store.write() as ports:
            ports.outbox.post(letters)
