"""Backups of a state folder: what they have, what is refused, and what is taken back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sluicegate.errors import InvalidInput, StoreUnavailable, StoreUnusable, VerificationFailed
from sluicegate.recovery import backups, completion, epochs
from sluicegate.store import lock, unsettled
from sluicegate.store.sqlite import SqliteStore
from sluicegate.store.unsettled import Restored
from sluicegate_record.entries import Entry
from sluicegate_record.log import checkpoint
from sluicegate_record.statements.epochs import TreeHead
from tests.forging import told
from tests.recovery.stored import gateway_of, note_of, state_of
from tests.worlds import AT_MS, LOG, ORIGIN, World, head_of, private_key


@pytest.fixture
def world() -> World:
    world = World.opened()
    world.credential(world.admit())
    return world


def backup_of(folder: Path, entries: list[Entry]) -> Path:
    backups.make(state_of(folder / "backed", entries), folder / "backup", AT_MS)
    return folder / "backup"


def alter(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as opened, opened:
        for statement in statements:
            opened.execute(statement)


def test_a_backup_has_the_log_and_no_private_key(world: World, tmp_path: Path) -> None:
    state = state_of(tmp_path / "state", world.entries)
    made = backups.make(state, tmp_path / "backup", AT_MS)
    assert (made["size"], made["log"]) == (len(world.entries), LOG)
    assert {path.name for path in (tmp_path / "backup").iterdir()} == {"ledger.db", "backup.json"}
    assert backups.verify(tmp_path / "backup", LOG).head == head_of(world.entries)
    with pytest.raises(InvalidInput, match="exists already"):
        backups.make(state, tmp_path / "backup", AT_MS)
    with pytest.raises(VerificationFailed, match="another log"):
        backups.verify(tmp_path / "backup", checkpoint.vkey(ORIGIN, bytes(32)))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET leaf = replace(CAST(leaf AS TEXT), 'tester', 'taster') WHERE seq = 8",
        "DELETE FROM parts WHERE seq = (SELECT max(seq) FROM parts WHERE part = 'gate')",
        "DELETE FROM entries WHERE seq = 8",
        "UPDATE head SET checkpoint = replace(checkpoint, '—', '-')",
    ],
)
def test_a_backup_that_was_altered_is_refused(world: World, tmp_path: Path, statement: str) -> None:
    backup = backup_of(tmp_path, world.entries)
    alter(backup / "ledger.db", "PRAGMA foreign_keys=OFF", statement)
    with pytest.raises((VerificationFailed, StoreUnusable)):
        backups.verify(backup)


def test_a_file_that_is_no_database_is_refused(world: World, tmp_path: Path) -> None:
    backup = backup_of(tmp_path, world.entries)
    (backup / "ledger.db").write_bytes(b"nothing of it can be read")
    with pytest.raises(StoreUnusable, match="cannot be read"):
        backups.verify(backup)


def test_a_backup_of_an_earlier_schema_is_read_and_stays_as_it_is(world: World, tmp_path: Path) -> None:
    backup = backup_of(tmp_path, world.entries)
    alter(backup / "ledger.db", "ALTER TABLE incarnations DROP COLUMN public_key", "PRAGMA user_version=3")
    before = (backup / "ledger.db").read_bytes()
    assert backups.verify(backup).head == head_of(world.entries)
    assert (backup / "ledger.db").read_bytes() == before


def test_what_a_newer_build_wrote_is_refused_and_stays_as_it_is(world: World, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    newer.mkdir()
    backup = backup_of(newer, world.entries)
    alter(backup / "ledger.db", "PRAGMA user_version=99")
    before = (backup / "ledger.db").read_bytes()
    with pytest.raises(StoreUnusable, match="schema version 99") as found:
        backups.verify(backup)
    assert "run the version" in found.value.remedy
    assert (backup / "ledger.db").read_bytes() == before


def test_an_entry_of_a_newer_build_is_named(world: World, tmp_path: Path) -> None:
    entries = [*world.entries, told(world.entries[-1], {}, seq=len(world.entries), type_="later.said")]
    state = state_of(tmp_path / "state", entries)
    with pytest.raises(VerificationFailed, match=r"later\.said") as found:
        backups.replay(state / "ledger.db")
    assert "newer" in found.value.remedy


def test_a_restore_says_what_is_lost(world: World, tmp_path: Path) -> None:
    backup = backup_of(tmp_path, world.entries)
    world.direct("d-lost")
    gateway = gateway_of(tmp_path / "gateway", world.entries)
    found = backups.compare(backup, tmp_path / "backed", [gateway])
    assert found.newer == {str(gateway): head_of(world.entries)}
    lost = backups.lost_lines(found.lost)
    (narrows,) = [line for line in lost if "narrows access" in line and "d-lost" in line]
    world.lift("d-lost")
    assert f"{narrows}, lifted since" in backups.lost_lines(world.entries)


def test_a_restore_moves_the_old_database_aside_and_is_not_served(world: World, tmp_path: Path) -> None:
    backup, size = backup_of(tmp_path, world.entries), len(world.entries)
    world.direct("d-lost")
    gateway = gateway_of(tmp_path / "gateway", world.entries)
    state = state_of(tmp_path / "state", world.entries)
    aside = backups.restore(backup, state, backups.compare(backup, state, [gateway]), AT_MS)
    assert aside is not None
    assert backups.replay(aside / "ledger.db").head == head_of(world.entries)
    assert backups.replay(state / "ledger.db").head.size == size
    with pytest.raises(StoreUnusable, match=r"newer ones were seen") as found:
        unsettled.check(state)
    assert found.value.code == "restored_unsettled"


def test_a_restore_touches_no_folder_in_use(world: World, tmp_path: Path) -> None:
    backup = backup_of(tmp_path, world.entries)
    state = state_of(tmp_path / "state", world.entries)
    before = (state / "ledger.db").read_bytes()
    lock.hold(state / "ledger.db", "control")
    with pytest.raises(StoreUnavailable, match="in use"):
        backups.restore(backup, state, backups.compare(backup, state, []), AT_MS)
    assert (state / "ledger.db").read_bytes() == before


def test_the_key_of_another_log_beside_it_is_found(world: World, tmp_path: Path) -> None:
    backup = backup_of(tmp_path, world.entries)
    state = tmp_path / "state"
    state.mkdir()
    from sluicegate.store import keyfile  # noqa: PLC0415

    keyfile.save_private(state / "log.key", private_key("another"))
    with pytest.raises(VerificationFailed, match="not the key of the log"):
        backups.compare(backup, state, [])


def restored_of(folder: Path, before: list[Entry], seen: TreeHead) -> Path:
    """A state folder that was restored at some entries, where more was seen."""
    state = state_of(folder, before)
    unsettled.write(state, Restored(log=LOG, restored=head_of(before), seen={"gateway": seen}))
    return state


def test_what_a_gateway_holds_is_taken_back_without_its_sealed_parts(world: World, tmp_path: Path) -> None:
    before = list(world.entries)
    world.admit("org-2")
    world.direct("d-lost")
    state = restored_of(tmp_path / "state", before, head_of(world.entries))
    gateway = gateway_of(tmp_path / "gateway", world.entries)
    was, size, lacking = completion.complete(state, [str(gateway)])
    assert (was, size) == (len(before), len(world.entries))
    assert lacking == sum(bool(entry.sealed) for entry in world.entries[len(before) :])
    assert unsettled.read(state) is None
    found = backups.replay(state / "ledger.db")
    assert found.head == head_of(world.entries)
    assert "d-lost" in found.record.directives
    with closing(SqliteStore(state / "ledger.db", read_only=True)) as store:
        assert store.log.checkpoint() == note_of(world.entries)


@pytest.mark.parametrize("lie", ["unsigned", "signed by another", "another entry"])
def test_what_the_log_did_not_sign_is_not_taken(world: World, tmp_path: Path, lie: str) -> None:
    before = list(world.entries)
    world.direct("d-lost")
    state = restored_of(tmp_path / "state", before, head_of(world.entries))
    held, head = list(world.entries), head_of(world.entries)
    note = note_of(held)
    if lie == "unsigned":
        note = ""
    elif lie == "signed by another":
        note = checkpoint.sign(ORIGIN, head.size, head.root, private_key("another"))
    else:
        held[-1] = told(held[-1], {}, at_ms=held[-1].at_ms + 1)
    gateway = gateway_of(tmp_path / "gateway", held, note)
    with pytest.raises(VerificationFailed):
        completion.complete(state, [str(gateway)])
    assert backups.replay(state / "ledger.db").head == head_of(before)


def test_an_epoch_names_each_head_that_was_seen(world: World) -> None:
    here = head_of(world.entries)
    seen = {str(at): TreeHead(size=here.size + at, root=bytes([at]) * 32) for at in (3, 1, 2)}
    seen["older"] = head_of(world.entries[:5])
    found = epochs.stated(Restored(log=LOG, restored=here, seen=seen), "the disk died")
    assert [head.size - here.size for head in found.abandoned] == [1, 2, 3]
    with pytest.raises(InvalidInput, match="nothing is abandoned"):
        epochs.stated(Restored(log=LOG, restored=here, seen={"older": seen["older"]}), "why")
