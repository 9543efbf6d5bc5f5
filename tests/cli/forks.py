"""Runs `sluicegate …` by forking a process that has imported it already: a start takes milliseconds.

What is forked is what `python -m sluicegate` is: it has its own arguments, environment, folder and standard
files, and ends with an exit code. Each line of JSON that comes in is a run, and gives a line with its code:

    {"arguments": […], "environment": {…}, "folder": …, "out": file, "err": file}  →  {"code": …}
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from typing import Any, NoReturn

from sluicegate.cli.main import main, program
from sluicegate.client.http import Client
from sluicegate.errors import Unreachable


def serve() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        run = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become(run)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(f"{json.dumps({'code': code})}\n")
        sys.stdout.flush()


def become(run: dict[str, Any]) -> NoReturn:
    """Take over what a run is given, and be it."""
    os.chdir(run["folder"])
    os.environ.clear()
    os.environ.update(run["environment"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    files = [os.open(run[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for name in ("out", "err")]
    for standard, opened in enumerate([nothing, *files]):
        os.dup2(opened, standard)
        os.close(opened)
    sys.argv[1:] = run["arguments"]
    code: Any = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - told as python tells it at its end
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)  # taking down the interpreter takes longer than most commands


def warm() -> None:
    """Import what commands import, and what they do when they first ask a control plane."""
    for command in program().commands.values():
        for each in getattr(command, "commands", {"": command}).values():
            assert each.loaded
    try:
        Client("http://127.0.0.1:1", "").get("/")
    except Unreachable:
        gc.freeze()


if __name__ == "__main__":
    warm()
    serve()
