"""The lock on a database, between real processes: who gets it, what others hear, when it is free again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sluicegate.errors import StoreUnavailable
from sluicegate.store import lock

HOLDS = """
import subprocess, sys
from pathlib import Path
from sluicegate.errors import StoreUnavailable
from sluicegate.store import lock

try:
    lock.hold(Path(sys.argv[1]), "serve")
except StoreUnavailable as error:
    print(f"{error.code}: {error.message}", flush=True)
else:
    print("held", flush=True)
    sys.stdin.read()
"""
"""Holds a database's lock until its input ends, or says why it cannot."""

FORKS = HOLDS.replace('print("held", flush=True)', 'import os; os.fork() or print("held", flush=True)')
RUNS_ANOTHER = HOLDS.replace(
    'print("held", flush=True)',
    'subprocess.Popen([sys.executable, "-c", "import sys; print(\'held\', flush=True); sys.stdin.read()"], '
    "close_fds=False)",
)


@contextmanager
def holding(database: Path, program: str = HOLDS) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that holds a lock, or was refused; and what it says."""
    command = [sys.executable, "-c", program, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.communicate()


def refusal(database: Path) -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as refused:
        lock.hold(database, "up")
    return refused.value


@pytest.fixture
def database(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder / "ledger.db"


def test_a_second_process_is_told_which_one_holds_it_and_changes_nothing(database):
    with holding(database) as (first, said):
        assert said == "held"
        before = {path.name: path.read_bytes() for path in database.parent.iterdir()}
        error = refusal(database)
        assert error.code == "store_in_use"
        assert f"{database.parent} is in use by process {first.pid} (serve)" in error.message
        assert "--state" in error.remedy
        assert {path.name: path.read_bytes() for path in database.parent.iterdir()} == before


def test_a_database_has_one_lock_by_whatever_name_it_is_reached(database, tmp_path):
    folder, other = tmp_path / "same", tmp_path / "other"
    folder.symlink_to(database.parent)
    other.mkdir()
    (other / "ledger.db").symlink_to(database)
    with holding(other / "ledger.db") as (first, said):
        assert said == "held"
        for path in (database, folder / "ledger.db", folder / ".." / "state" / "ledger.db"):
            assert f"process {first.pid} " in refusal(path).message


def test_deleting_the_file_with_the_name_frees_nothing(database):
    with holding(database):
        for path in database.parent.iterdir():
            path.unlink()
        assert "process unknown" in refusal(database).message


@pytest.mark.parametrize("left", ["", "1 serve\n", "999999999 serve and more than is written now\n"])
def test_what_an_earlier_process_left_does_not_matter(left, database):
    name = database.with_name("ledger.db.pid")
    name.write_text(left)
    with holding(database) as (first, said):
        assert said == "held"
        assert name.read_text() == f"{first.pid} serve\n"


@pytest.mark.parametrize("program", [HOLDS, FORKS, RUNS_ANOTHER], ids=["alone", "forked", "ran another"])
def test_killed_it_is_free_at_once_and_no_child_keeps_it(program, database):
    with holding(database, program) as (first, said):
        assert said == "held"
        assert f"process {first.pid} " in refusal(database).message
        first.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)
        with holding(database) as (_, said_next):  # the child is still there: its input has not ended
            assert said_next == "held"


def test_of_many_that_start_at_one_instant_one_holds_it(database):
    command = [sys.executable, "-c", HOLDS, str(database)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)
    ]
    said = {process.pid: process.stdout.readline().strip() for process in processes if process.stdout}
    for process in processes:
        process.communicate()
    (winner,) = [pid for pid, line in said.items() if line == "held"]
    refused = [line for pid, line in said.items() if pid != winner]
    assert all(line.startswith("store_in_use:") and f"process {winner} (serve)" in line for line in refused)


def test_a_full_disk_is_told_and_the_lock_is_free_again(database):
    name = database.with_name("ledger.db.pid")
    name.symlink_to("/dev/full")
    error = refusal(database)
    assert (error.code, str(name) in error.message) == ("store_unavailable", True)
    assert "No space left" in error.message
    assert "free space" in error.remedy
    name.unlink()
    with holding(database) as (_, said):
        assert said == "held"


def test_what_cannot_be_opened_is_told(database):
    database.with_name("ledger.db.pid").mkdir()
    assert "Is a directory" in refusal(database).message
    assert "No such file" in refusal(database.parent / "none" / "ledger.db").message
