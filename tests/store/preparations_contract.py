"""What is kept of statements that are to be signed, in every store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from sluicegate.ports import PreparedStatement
from sluicegate.store.preparations import PREPARED_MAX
from sluicegate_record.log.dsse import Signature
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.webauthn import AuthenticatorAssertion
from sluicegate_record.statements.statement import KEPT_MS
from tests.store.examples import Contract

OPENED = {"reason": Opening(bytes(32), '"why, ü"'.encode())}
MADE = PreparedStatement("a" * 64, b"{}", "person_anna", "anna", 5, "openai", OPENED, premise="p")
SIGNED = Signature("k", b"sig", AuthenticatorAssertion(b"authenticator", b"client"))


class PreparationsContract(Contract):
    def test_a_statement_is_kept_as_it_is_until_it_is_forgotten(self, store):
        kept = store.preparations
        assert kept.get(MADE.id) is None
        kept.put(MADE)
        assert kept.get(MADE.id) == MADE
        signed = replace(MADE, signatures=(SIGNED,))
        assert kept.sign(MADE.id, SIGNED) == signed
        kept.put(replace(MADE, by="person_ben", name="ben"))
        earlier = replace(MADE, id="b" * 64, at_ms=4, opened={})
        kept.put(earlier)
        assert list(kept.all()) == [earlier, signed]
        kept.forget(MADE.id)
        assert list(kept.all()) == [earlier]

    def test_the_oldest_of_the_same_person_goes_if_they_have_too_many(self, store):
        kept = store.preparations
        others = replace(MADE, id="b" * 64, by="person_ben", at_ms=1)
        kept.put(others)
        for number in range(PREPARED_MAX + 2):
            kept.put(replace(MADE, id=f"{number:064}", at_ms=10 + number))
        first, *own = kept.all()
        assert first == others
        assert [each.at_ms for each in own] == [10 + number for number in range(2, PREPARED_MAX + 2)]
        kept.put(replace(MADE, id="c" * 64, at_ms=2))
        assert kept.get("c" * 64) is not None
        assert len(kept.all()) == PREPARED_MAX + 1

    def test_a_set_is_kept_whole_counts_as_one_and_goes_whole(self, store):
        kept = store.preparations
        name = "c" * 64
        made = [replace(MADE, id=f"{name}-{place:03}", at_ms=7) for place in range(PREPARED_MAX + 1)]
        kept.put(*made)
        alone = [replace(MADE, id=f"{number:064}", at_ms=8 + number) for number in range(PREPARED_MAX)]
        for each in alone[1:]:
            kept.put(each)
        assert list(kept.of_set(made[3].id)) == made
        assert list(kept.of_set(alone[1].id)) == alone[1:2]
        kept.sign(made[1].id, SIGNED)
        kept.put(*made)
        assert [len(each.signatures) for each in kept.of_set(name)[:3]] == [0, 1, 0]
        kept.put(alone[0])
        assert not kept.of_set(made[0].id)
        assert list(kept.all()) == alone
        kept.put(*made[:3])
        kept.forget(made[2].id)
        assert list(kept.all()) == alone[1:]

    def test_what_the_record_would_refuse_for_its_age_goes(self, store):
        kept = store.preparations
        kept.put(MADE)
        kept.put(replace(MADE, id="b" * 64, by="person_ben", at_ms=MADE.at_ms + KEPT_MS - 1))
        assert kept.get(MADE.id) is not None
        kept.put(replace(MADE, id="c" * 64, by="person_ben", at_ms=MADE.at_ms + KEPT_MS))
        assert kept.get(MADE.id) is None

    def test_a_signature_is_added_to_those_that_a_statement_has_by_now(self, store):
        kept = store.preparations
        kept.put(MADE)
        others = [Signature(f"k{number}", b"sig") for number in range(8)]
        with ThreadPoolExecutor(len(others)) as threads:
            list(threads.map(partial(kept.sign, MADE.id), others))
        assert sorted(each.keyid for each in kept.get(MADE.id).signatures) == [each.keyid for each in others]
        assert kept.sign(MADE.id, others[0]) is None
        kept.forget(MADE.id)
        assert kept.sign(MADE.id, SIGNED) is None
        assert kept.get(MADE.id) is None
