"""What a desk keeps, in its file: people, and what each has seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sluicegate.desk import people
from sluicegate.store.desk import FILE, SqliteDeskMemory, desk_database


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


V1 = """
DROP TABLE to_sign;
CREATE TABLE prepared (id VARCHAR(80) PRIMARY KEY, body BLOB);
INSERT INTO prepared VALUES ('statement_1', 'not public');
PRAGMA user_version=1;
"""
"""Makes a desk's file one of version 1, with a statement that waits there."""


def changed(folder: Path, statements: str) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.executescript(statements)


def columns(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names}


def test_a_file_of_version_1_loses_the_statements_that_waited_and_nothing_else(tmp_path: Path) -> None:
    with closing(desk_database(tmp_path)) as database:
        SqliteDeskMemory(database).let_in("anna")
    changed(tmp_path, V1)
    for _ in range(2):  # the second time there is nothing to do
        with closing(desk_database(tmp_path)) as database:
            assert list(SqliteDeskMemory(database).people()) == ["anna"]
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:  # an earlier build refuses it
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    with closing(desk_database(tmp_path / "fresh")):
        assert columns(tmp_path) == columns(tmp_path / "fresh")
