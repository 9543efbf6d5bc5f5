"""The supervisor: what ends is started again, and whatever ends the supervisor ends all."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proc import is_alive
from tests.waiting import BOUND_S, eventually

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from sluicegate.supervisor import Ended, supervising

folder = Path(sys.argv[1])

def serve(name):
    def serving(before, ready):
        if (folder / f"{name}.fails").exists():
            return 3
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        with (folder / name).open("a") as told:
            print(os.getpid(), before or "first", file=told)
        ready(f"{name} is here")
        while True:
            time.sleep(60)
    return serving

try:
    with supervising() as processes:
        for name, gives_way in (("one", 0), ("two", 3)):
            print(processes.start(name, serve(name), gives_way), flush=True)
        print("all are here", flush=True)
        processes.watch()
except Ended as ended:
    sys.exit(ended.code)
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        yield process
        if process.poll() is None:
            process.kill()


def runs(tmp_path: Path, name: str) -> list[tuple[int, str]]:
    """Each run of a process: its id, and what it was told that it said before."""
    path = tmp_path / name
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in lines]


def begun(supervisor: subprocess.Popen[str], tmp_path: Path) -> dict[str, int]:
    """The process ids, when all are there."""
    assert supervisor.stdout is not None
    said = [supervisor.stdout.readline().strip() for _ in range(3)]
    assert said == ["one is here", "two is here", "all are here"]
    return {name: runs(tmp_path, name)[0][0] for name in ("one", "two")}


def test_what_ends_is_started_again_and_the_others_go_on(supervisor, tmp_path):
    pids = begun(supervisor, tmp_path)
    os.kill(pids["one"], signal.SIGKILL)
    eventually(lambda: len(runs(tmp_path, "one")) == 2)
    again, before = runs(tmp_path, "one")[1]
    assert (again != pids["one"], before) == (True, "one is here")
    assert runs(tmp_path, "two") == [(pids["two"], "first")]
    assert is_alive(pids["two"])


def test_what_ends_again_and_again_is_started_again_each_time(supervisor, tmp_path):
    begun(supervisor, tmp_path)
    for number in range(1, 4):
        os.kill(runs(tmp_path, "two")[-1][0], signal.SIGKILL)
        eventually(lambda number=number: len(runs(tmp_path, "two")) == number + 1)  # type: ignore[misc]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_ends_all_in_order(supervisor, tmp_path, number):
    pids = begun(supervisor, tmp_path)
    supervisor.send_signal(number)
    assert supervisor.wait(BOUND_S) == 0
    assert not any(is_alive(pid) for pid in pids.values())


def test_killed_it_takes_all_with_it(supervisor, tmp_path):
    pids = begun(supervisor, tmp_path)
    supervisor.kill()
    assert supervisor.wait(BOUND_S) == -signal.SIGKILL
    eventually(lambda: not any(is_alive(pid) for pid in pids.values()))


def test_one_that_ends_before_it_is_ready_ends_everything_with_its_code(tmp_path):
    (tmp_path / "two.fails").touch()
    arguments = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=BOUND_S, check=False)
    assert (done.returncode, done.stdout) == (3, "one is here\n")
    ((pid, _),) = runs(tmp_path, "one")
    assert not is_alive(pid)


def test_who_gives_way_gets_less_time_and_is_ended_first_where_memory_runs_out(supervisor, tmp_path):
    pids = begun(supervisor, tmp_path)
    before = os.getpriority(os.PRIO_PROCESS, 0), _oom(os.getpid())
    assert (os.getpriority(os.PRIO_PROCESS, pids["one"]), _oom(pids["one"])) == before
    assert (os.getpriority(os.PRIO_PROCESS, pids["two"]), _oom(pids["two"])) == (before[0] + 3, 300)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert _data_max(pids["one"]) == resource.getrlimit(resource.RLIMIT_DATA)[0]
    assert 0 < _data_max(pids["two"]) < memory  # without a limit it is below zero
    os.kill(pids["two"], signal.SIGKILL)
    eventually(lambda: len(runs(tmp_path, "two")) == 2)
    assert os.getpriority(os.PRIO_PROCESS, runs(tmp_path, "two")[1][0]) == before[0] + 3


def _data_max(pid: int) -> int:
    """How much memory for data a process may have, in bytes."""
    return resource.prlimit(pid, resource.RLIMIT_DATA)[0]


def _oom(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())
