"""The cost of starting a command: processor time of whole processes, in turns with a bare typer program.

`case list` asks a control plane that runs, and shows what it answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from bench import fleet
from demo.cast import Customer, Place

ROUNDS = 21
CUSTOMER = Customer("Example Utility", "utility", Place("bench", "first", "api"))
BARE = """import typer

program = typer.Typer(add_completion=False)


@program.command()
def hello(name: str = "world") -> None:
    typer.echo(f"hello, {name}")


program()
"""


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir="build") as name,
        fleet.running(Path(name).absolute(), {"quick": ()}) as running,
    ):
        release, stage, surface = CUSTOMER.place
        running.release(fleet.plan(release, stage, {"quick": "quick"}, [surface]))
        running.admit([CUSTOMER])
        token = (running.folder / "control" / "tokens" / "developer.token").read_text().strip()
        asking = {**os.environ, "SLUICEGATE_URL": running.control_url, "SLUICEGATE_TOKEN": token}
        bare = running.folder / "bare.py"
        bare.write_text(BARE)
        taken = _in_turns(
            {
                "bare": [sys.executable, str(bare)],
                "version": [sys.executable, "-m", "sluicegate", "--version"],
                "list": [sys.executable, "-m", "sluicegate", "case", "list"],
            },
            asking,
        )
    return {
        "cli_start_ratio": taken["version"] / taken["bare"],
        "cli_start_list_ratio": taken["list"] / taken["bare"],
        **{f"cli_{name}_cpu_ms": 1_000 * spent_s for name, spent_s in taken.items()},
    }


def _in_turns(commands: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> dict[str, float]:
    """The median processor seconds of each command."""
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            spent[name].append(_cpu_s(command, environment))
    return {name: median(each) for name, each in spent.items()}


def _cpu_s(command: Sequence[str], environment: Mapping[str, str]) -> float:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return usage.ru_utime + usage.ru_stime
