"""`sluicegate demo …` as a process of its own, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx2

from tests import proc
from tests.waiting import BOUND_S, eventually

SERVING = {"serve", "gateway", "upstream"}
DESK = "desk"
"""What `demo run` starts, too."""
FREE_PORTS = tuple(
    each for name in ("control", "feed", "gateway", "upstream", "desk") for each in (f"--{name}-port", "0")
)


class Command:
    """`sluicegate demo ARGUMENTS`, in a folder that is its working folder and keeps what it says."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._files = folder / "stdout.txt", folder / "stderr.txt"
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            command = [sys.executable, "-m", "sluicegate", "demo", *arguments]
            self._process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it, if the test did not."""
        if self._process.poll() is None:
            self.end(signal.SIGTERM)

    @property
    def out(self) -> str:
        return self._files[0].read_text()

    @property
    def err(self) -> str:
        return self._files[1].read_text()

    def says(self, text: str) -> str:
        """Wait until it has said something on stdout; return all it has said."""
        eventually(lambda: text in self.out or self._process.poll() is not None)
        assert text in self.out, f"ended with {self._process.poll()}: {self.err}"
        return self.out

    def ready(self) -> dict[str, Any]:
        """The answer of `demo run --json`, when it is there."""
        answer: dict[str, Any] = json.loads(self.says("\n}\n"))
        return answer

    def children(self) -> dict[str, int]:
        """The ids of the processes it has started and that serve, by what they are."""
        words = {child: proc.words(child) for child in proc.children(self._process.pid)}
        return {name: child for child in words for name in {*SERVING, DESK}.intersection(words[child])}

    def serving(self, *more: str) -> dict[str, int]:
        """The same, when all are there, and `more`."""
        wanted = {*SERVING, *more}
        return eventually(lambda: found if (found := self.children()).keys() == wanted else None)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        return self._process.wait(BOUND_S)


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def chat(gateway: str, key: str, model: str) -> httpx2.Response:
    """One question over HTTP."""
    body: Mapping[str, Any] = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.post(
        f"{gateway}/v1/chat/completions", json=body, headers=headers, timeout=BOUND_S, verify=False
    )


def paste(command: str) -> str:
    """What a command prints when it is pasted into a shell. It must succeed."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=BOUND_S, check=False
    )
    assert done.returncode == 0, done
    return done.stdout
