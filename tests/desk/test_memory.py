"""What a desk keeps, in its file: people, and what each has seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sluicegate.desk import people
from sluicegate.store.desk import SqliteDeskMemory, desk_database


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


def test_who_is_let_in_is_known_until_they_are_shut_out(memory: SqliteDeskMemory) -> None:
    memory.let_in("anna")
    memory.let_in("anna")
    assert list(memory.people()) == ["anna"]
    assert people.known(memory, "person_anna") == people.principal_of("anna")
    assert people.known(memory, "person_ben") is None
    memory.shut_out("anna")
    assert people.known(memory, "person_anna") is None
