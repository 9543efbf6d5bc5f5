"""What a gateway has let through is there for its next run, however it ended; and for no one else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from sluicegate.core.access.rate import WINDOW_MS
from sluicegate.gate import spending
from sluicegate.gate.rate import PastRequest
from sluicegate.gate.spending import FILE, RECORDS, SpendingFile

BOOT = "boot-1"
ONE, OTHER = b"12345678", b"abcdefgh"
NOTES = """
import sys, time
from pathlib import Path
from sluicegate.gate.spending import SpendingFile
file = SpendingFile(Path(sys.argv[1]), "boot-1", 0.0)
for number in range(100):
    file.note(b"12345678", float(number))
print(file.spender, flush=True)
time.sleep(600)
"""


@contextmanager
def opened(folder: Path, at_ms: float = 0.0, boot: str = BOOT) -> Iterator[SpendingFile]:
    with closing(SpendingFile(folder, boot, at_ms)) as file:
        yield file


def noted(folder: Path) -> str:
    """A run that lets three requests through; its spender."""
    with opened(folder) as file:
        for key, at_ms in ((ONE, 1.0), (OTHER, 2.0), (ONE, 30_000.0)):
            file.note(key, at_ms)
        return file.spender


def test_the_next_run_is_the_same_spender_and_knows_the_last_minute(tmp_path):
    spender = noted(tmp_path)
    with opened(tmp_path, 40_000.0) as file:
        assert file.spender == spender
        assert file.earlier == [PastRequest(ONE, 1.0), PastRequest(OTHER, 2.0), PastRequest(ONE, 30_000.0)]
        file.note(OTHER, 41_000.0)
    with opened(tmp_path, WINDOW_MS + 1.0) as file:
        assert file.earlier == [
            PastRequest(OTHER, 2.0),
            PastRequest(ONE, 30_000.0),
            PastRequest(OTHER, 41_000.0),
        ]


def test_what_a_killed_process_has_noted_is_there(tmp_path):
    command = [sys.executable, "-c", NOTES, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        spender = process.stdout.readline().strip()
        with opened(tmp_path, 99.0) as meanwhile:
            assert meanwhile.spender != spender
            assert meanwhile.earlier == []
            meanwhile.note(ONE, 99.0)
        os.kill(process.pid, signal.SIGKILL)
    with opened(tmp_path, 99.0) as file:
        assert file.spender == spender
        assert file.earlier == [PastRequest(ONE, float(number)) for number in range(100)]


def test_after_the_machine_has_started_again_it_is_someone_else(tmp_path):
    spender = noted(tmp_path)
    with opened(tmp_path, 40_000.0, "boot-2") as file:
        assert file.spender != spender
        assert file.earlier == []


def test_a_copy_is_someone_else(tmp_path):
    spender = noted(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    for folder, is_same in (("two", False), ("one", True)):
        with opened(tmp_path / folder, 40_000.0) as file:
            assert (file.spender == spender, bool(file.earlier)) == (is_same, is_same)


def test_a_file_that_is_broken_begins_anew(tmp_path):
    spender = noted(tmp_path)
    (tmp_path / FILE).write_bytes(b"something else")
    with opened(tmp_path, 40_000.0) as file:
        assert file.spender != spender
        assert file.earlier == []


@pytest.mark.parametrize(("more", "is_same"), [(0, False), (-2, True)])
def test_where_more_was_let_through_than_is_known_it_is_someone_else(tmp_path, more, is_same):
    with opened(tmp_path) as file:
        spender = file.spender
        for number in range(RECORDS + more):
            file.note(ONE, 1.0 + number / 1000)
    with opened(tmp_path, 50_000.0) as file:
        assert (file.spender == spender) == is_same
        assert len(file.earlier) == (RECORDS + more if is_same else 0)


def test_a_ring_that_has_come_round_goes_on_behind_the_newest(tmp_path):
    with opened(tmp_path) as file:
        for number in range(RECORDS + 5):
            file.note(ONE, float(number))
    for at_ms in (RECORDS + 1.0, RECORDS + 2.0):
        with opened(tmp_path, at_ms) as file:
            file.note(OTHER, at_ms)
    with opened(tmp_path, RECORDS + 3.0) as file:
        assert [each.key for each in file.earlier[-3:]] == [ONE, OTHER, OTHER]
        assert len(file.earlier) < RECORDS


def test_a_folder_that_cannot_be_written_leaves_a_gateway_that_serves(tmp_path):
    (tmp_path / "file").write_text("")
    with opened(tmp_path / "file") as file:
        file.note(ONE, 1.0)
        assert file.earlier == []
        assert len(file.spender) == len(spending.SpendingFile(tmp_path / "file", BOOT, 0.0).spender) == 32
