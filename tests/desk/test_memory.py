"""What a desk keeps, in its file: people, what each has seen, what is to be signed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from sluicegate.desk import people
from sluicegate.ports import PreparedStatement
from sluicegate.store.desk import PREPARED_MAX, SqliteDeskMemory, desk_database
from sluicegate_record.log.leaf import Opening

MADE = PreparedStatement("a" * 64, "openai", "ostp", b"{}", "person_anna", 5, Opening(bytes(32), b'"why"'))
SIGNED = {"keyid": "k", "sig": "c2ln"}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[SqliteDeskMemory]:
    with closing(desk_database(tmp_path / "desk")) as database:
        yield SqliteDeskMemory(database)


def test_what_each_person_has_seen_is_their_own_and_never_goes_back(memory: SqliteDeskMemory) -> None:
    memory.see("person_anna", "openai", "case_1", 7)
    memory.see("person_anna", "openai", "case_1", 5)
    memory.see("person_anna", "other", "case_1", 2)
    memory.see("person_ben", "openai", "case_1", 3)
    assert memory.seen("person_anna") == {("openai", "case_1"): 7, ("other", "case_1"): 2}
    assert memory.seen("person_ben") == {("openai", "case_1"): 3}


def test_a_statement_is_kept_as_it_is_until_it_is_forgotten(memory: SqliteDeskMemory) -> None:
    assert memory.prepared(MADE.id) is None
    memory.prepare(MADE)
    assert memory.prepared(MADE.id) == MADE
    signed = replace(MADE, signatures=(SIGNED,))
    assert memory.add_signature(MADE.id, SIGNED) == signed
    memory.prepare(MADE)
    later = replace(MADE, id="b" * 64, at_ms=4, opened=None)
    memory.prepare(later)
    assert list(memory.all_prepared()) == [later, signed]
    memory.forget(MADE.id)
    assert list(memory.all_prepared()) == [later]


def test_the_oldest_of_the_same_person_goes_if_they_have_too_many(memory: SqliteDeskMemory) -> None:
    others = replace(MADE, id="b" * 64, by="person_ben", at_ms=1)
    memory.prepare(others)
    for number in range(PREPARED_MAX + 2):
        memory.prepare(replace(MADE, id=f"{number:064}", at_ms=10 + number))
    kept = memory.all_prepared()
    assert kept[0] == others
    assert [each.at_ms for each in kept[1:]] == [10 + number for number in range(2, PREPARED_MAX + 2)]
    memory.prepare(replace(MADE, id="c" * 64, at_ms=2))
    assert memory.prepared("c" * 64) is not None
    assert len(memory.all_prepared()) == PREPARED_MAX + 1


def test_a_signature_is_added_to_those_that_a_statement_has_by_now(memory: SqliteDeskMemory) -> None:
    memory.prepare(MADE)
    others = [{"keyid": f"k{number}", "sig": "c2ln"} for number in range(8)]
    with ThreadPoolExecutor(len(others)) as threads:
        list(threads.map(partial(memory.add_signature, MADE.id), others))
    found = memory.prepared(MADE.id)
    assert found is not None
    assert sorted(each["keyid"] for each in found.signatures) == [each["keyid"] for each in others]
    assert memory.add_signature(MADE.id, others[0]) is None
    memory.forget(MADE.id)
    assert memory.add_signature(MADE.id, SIGNED) is None
    assert memory.prepared(MADE.id) is None


def test_who_is_let_in_is_known_until_they_are_shut_out(memory: SqliteDeskMemory) -> None:
    memory.let_in("anna")
    memory.let_in("anna")
    assert list(memory.people()) == ["anna"]
    assert people.known(memory, "person_anna") == people.principal_of("anna")
    assert people.known(memory, "person_ben") is None
    memory.shut_out("anna")
    assert people.known(memory, "person_anna") is None
