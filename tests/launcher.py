"""What starts `sluicegate …` for tests, quickly; see `tests.forks`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


class Launcher:
    """The other end of `forks.py`, which imports the build that is importable when this is made.

    An answer that was not waited for, because the test ran out of time, ends it with all that it runs, and
    the next run begins with a new one: or that would read an answer to somebody else.
    """

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        arguments: Sequence[str],
        out: Path,
        err: Path | None = None,
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        at_once: bool = False,
    ) -> int:
        """Run `sluicegate …`; what it says is added to the files. Returns its process id."""
        for file in {out, err or out}:
            file.touch()  # so that a run which is killed at once has said nothing, and is found
        run = {
            "run": arguments,
            "environment": dict(self._environment if environment is None else environment),
            "folder": str(folder or Path.cwd()),
            "out": str(out),
            "err": str(err or out),
            "at_once": at_once,
        }
        return int(self._ask(run)["pid"])

    def poll(self, pid: int) -> int | None:
        """The run's exit code, negative for a signal; None while it runs."""
        code: int | None = self._ask({"poll": pid})["code"]
        return code

    def wait(self, pid: int) -> int:
        """The run's exit code, when it has ended."""
        return int(self._ask({"wait": pid})["code"])

    def close(self) -> None:
        """End it, and what it still runs."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(BrokenPipeError), process:
                os.killpg(process.pid, signal.SIGKILL)

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{json.dumps(question)}\n")
            line = process.stdout.readline()
            assert line, f"the launcher has ended: {question}"
        except BaseException:
            self.close()
            raise
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("forks.py"))],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
