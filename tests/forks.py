"""Runs `sluicegate …` by forking a process that has imported it already: a start takes milliseconds.

What is forked is what `python -m sluicegate` is: it has its own arguments, environment, folder and standard
files, and ends with an exit code; what is killed is a process. Each line of JSON that comes in is answered:

    {"run": arguments, "environment": {…}, "folder": …, "out": file, "err": file, "at_once": …} → {"pid": …}
    {"poll": pid} → {"code": …}     null while it runs
    {"wait": pid} → {"code": …}     when it has ended

`at_once`: it leaves without taking down the interpreter, which takes longer than most commands. When the
input ends, so does everything.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from typing import Any

from sluicegate import bootstrap  # noqa: F401 - what `up`, `serve` and `gateway` import when they are called
from sluicegate.cli import main as cli
from sluicegate.client.http import Client
from sluicegate.errors import Unreachable


def serve() -> dict[str, Any] | None:
    """Answer until the input ends. Returns twice a run: in its new process the run, at the end None."""
    codes: dict[int, int] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "run" in asked:
            pid = os.fork()
            if pid == 0:
                return dict(asked)
            answer: dict[str, int | None] = {"pid": pid}
        elif "wait" in asked:
            answer = {"code": code(asked["wait"], 0, codes)}
        else:
            answer = {"code": code(asked["poll"], os.WNOHANG, codes)}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()
    return None


def code(pid: int, options: int, codes: dict[int, int]) -> int | None:
    """The exit code of a run, kept in `codes`; None while it runs."""
    if pid not in codes:
        ended, status = os.waitpid(pid, options)
        if ended:
            codes[pid] = os.waitstatus_to_exitcode(status)
    return codes.get(pid)


def become(run: dict[str, Any]) -> None:
    """Take over what a run is given."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    files = [os.open(run[name], os.O_WRONLY | os.O_APPEND | os.O_CREAT) for name in ("out", "err")]
    for standard, opened in enumerate([nothing, *files]):
        os.dup2(opened, standard)
        os.close(opened)
    os.chdir(run["folder"])
    os.environ.clear()
    os.environ.update(run["environment"])
    sys.argv[1:] = run["run"]


def leave() -> None:
    """Be a command, and leave without taking down the interpreter."""
    code: Any = 1
    try:
        cli.main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - told as python tells it at its end
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


def all_commands() -> list[Any]:
    """Every command that is imported when it is called; an earlier build imports all at its start."""
    program = getattr(cli, "program", None)
    return [] if program is None else list(program().commands.values())


def warm() -> None:
    """Import what commands import, and what they do when they first ask a control plane."""
    for command in all_commands():
        for each in getattr(command, "commands", {"": command}).values():
            assert each.loaded
    try:
        Client("http://127.0.0.1:1", "").raw("/")
    except Unreachable:
        gc.freeze()


if __name__ == "__main__":
    warm()
    run = serve()
    if run is None:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    else:
        become(run)
        leave() if run["at_once"] else cli.main()
