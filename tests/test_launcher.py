"""What starts commands for tests says that it has ended, and goes on with the next test."""

from __future__ import annotations

import os
import signal
from contextlib import closing

import pytest

from tests.launcher import Launcher
from tests.proc import is_alive
from tests.waiting import eventually


def test_a_launcher_that_has_ended_is_told_and_the_next_run_begins_with_another(tmp_path):
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    with closing(Launcher()) as launcher:
        pid = launcher.run(["demo", "upstream", "--port", "0"], first)
        os.killpg(os.getpgid(pid), signal.SIGKILL)
        with pytest.raises((AssertionError, BrokenPipeError), match=r"ended|pipe"):
            launcher.wait(pid)
        assert launcher.wait(launcher.run(["--version"], second, at_once=True)) == 0
        assert second.read_text()


def test_the_launcher_takes_with_it_what_it_runs(tmp_path):
    launcher = Launcher()
    pid = launcher.run(["demo", "upstream", "--port", "0"], tmp_path / "said.txt")
    assert launcher.poll(pid) is None
    launcher.close()
    assert eventually(lambda: not is_alive(pid))


def test_a_run_ends_with_its_code_however_often_it_is_asked(launcher, tmp_path):
    pid = launcher.run(["no-such-command"], tmp_path / "said.txt")
    assert launcher.wait(pid) == launcher.wait(pid) == launcher.poll(pid) == 2
    assert "no-such-command" in (tmp_path / "said.txt").read_text()
