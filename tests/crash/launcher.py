"""Runs `sluicegate …` by forking a process that has imported it already: a start takes a tenth of a second.

A run ends as a process does that was started by itself, with the same exit code. What is killed is a process.
Lines of JSON come in, and one goes out for each: `{"run": arguments, "log": file}` gives `{"pid": …}`, and
`{"poll": pid}` gives `{"code": …}`, null while it runs. When the input ends, so does everything.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from sluicegate import bootstrap  # noqa: F401 - what `up`, `serve` and `gateway` import when they are called
from sluicegate.cli.main import main


def serve() -> list[str] | None:
    """Answer until the input ends. Returns twice a run: in its new process the arguments, at the end None."""
    codes: dict[int, int | None] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "run" in asked:
            pid = os.fork()
            if pid == 0:
                _redirect(asked["log"])
                return [str(argument) for argument in asked["run"]]
            codes[pid] = None
            answer: dict[str, int | None] = {"pid": pid}
        else:
            answer = {"code": _code(asked["poll"], codes)}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()
    for pid, code in codes.items():
        if code is None:
            os.kill(pid, signal.SIGKILL)
    return None


def _code(pid: int, codes: dict[int, int | None]) -> int | None:
    if codes[pid] is None and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        codes[pid] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return codes[pid]


def _redirect(log: str) -> None:
    nothing, file = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND)
    for opened, standard in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(opened, standard)
    os.closerange(3, max(nothing, file) + 1)


if __name__ == "__main__":
    arguments = serve()
    if arguments is not None:
        sys.argv[1:] = arguments
        main()
