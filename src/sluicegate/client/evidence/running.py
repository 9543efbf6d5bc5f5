"""An evaluation that is run with Inspect, through a gateway, by a process of its own.

Rules:
- The API key is in the environment of that process. No argument has it, and nothing that is written here.
- What Inspect prints goes to standard error. Its logs go to a folder of the run, and stay there.
- A run that did not end well leaves its log, and can go on from it. It is no evidence.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from sluicegate.client.evidence.summary import SAFEGUARDS_KEY, TASK_KEY
from sluicegate.client.http import connection
from sluicegate.errors import CommandRefused, InvalidInput, Unreachable
from sluicegate.processes import die_with
from sluicegate.settings import GATEWAY_PORT
from sluicegate_record.terms.plan import ModelDigests

PROVIDER = "sluicegate"
"""Inspect's name for the gateway. It takes the URL and the key from variables that begin with it."""
KEY, URL = "SLUICEGATE_API_KEY", "SLUICEGATE_BASE_URL"
DEFAULT_GATEWAY = f"http://127.0.0.1:{GATEWAY_PORT}"
_OURS = ("SLUICEGATE_TOKEN", "SLUICEGATE_URL")
"""What a task has no use for: the token of the control plane."""
_FIXED = ("--display", "plain", "--ctl-server", "false")


@dataclass(frozen=True, slots=True)
class GatewayAccess:
    """A gateway, and the API key of who evaluates."""

    url: str
    key: str = field(repr=False)

    def check(self, model: str) -> None:
        """Check that the key may ask for a model, before a long run begins.

        Raises: InvalidInput: no key, or no URL. CommandRefused: it may not. Unreachable: no answer.
        """
        if not self.key or not (self.key.isascii() and self.key.isprintable()):
            remedy = f"set {KEY} to the key that 'sluicegate credential issue' shows"
            raise InvalidInput("no API key of an evaluator", code="credential_missing", remedy=remedy)
        status, body = self._models()
        try:
            names = {each["id"] for each in json.loads(body)["data"]} if status == 200 else set()
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable(f"{self.url} answered otherwise than a gateway does") from error
        if model not in names:
            may = f"it may ask for {', '.join(sorted(names))}" if names else "it may ask for no model"
            said = "it knows no such key" if status == 401 else may
            raise CommandRefused(
                f"the gateway at {self.url} does not let this key ask for {model!r}: {said}",
                code="model_not_available",
                remedy=f"set {KEY} to a key of a grant or account that has the model on this surface",
            )

    def _models(self) -> tuple[int, bytes]:
        refused = InvalidInput(
            f"{self.url!r} is not the URL of a gateway, expected such as {DEFAULT_GATEWAY}"
        )
        opened, prefix = connection(self.url.rstrip("/"), refused)
        with closing(opened):
            try:
                opened.request("GET", f"{prefix}/v1/models", headers={"authorization": f"Bearer {self.key}"})
                answer = opened.getresponse()
                return answer.status, answer.read()
            except (OSError, HTTPException) as error:
                raise Unreachable(f"no answer from the gateway at {self.url}: {error}") from error

    @property
    def environment(self) -> dict[str, str]:
        """What Inspect's process gets: the gateway and the key, but not the control plane's token."""
        kept = {name: value for name, value in os.environ.items() if name not in _OURS}
        return {**kept, KEY: self.key, URL: f"{self.url.rstrip('/')}/v1", "PYTHONUNBUFFERED": "1"}


def program() -> list[str]:
    """The command of Inspect: of this environment, or the one on the PATH.

    Raises: InvalidInput: it is not installed.
    """
    if importlib.util.find_spec("inspect_ai") is not None:
        return [sys.executable, "-m", "inspect_ai"]
    found = shutil.which("inspect")
    if found is None:
        raise InvalidInput(
            "Inspect, which runs evaluations, is not installed",
            code="inspect_missing",
            remedy=f"install it here: {sys.executable} -m pip install 'sluicegate[inspect]'; or in an "
            "environment of its own, with its command 'inspect' on the PATH",
        )
    return [found]


def begun(task: str, model: str, tested: ModelDigests, more: Sequence[str]) -> list[str]:
    """The words of a new run: its log says by itself which weights and safeguards were tested."""
    said = {TASK_KEY: tested.digest, SAFEGUARDS_KEY: tested.safeguards}
    metadata = [word for name, value in said.items() for word in ("--metadata", f"{name}={value}")]
    return ["eval", task, "--model", f"openai-api/{PROVIDER}/{model}", *metadata, *more]


def resumed(log: Path, more: Sequence[str]) -> list[str]:
    """The words of a run that goes on from its log."""
    return ["eval-retry", str(log), *more]


def run(words: Sequence[str], access: GatewayAccess, folder: Path) -> Path:
    """Let Inspect run until it ends; return the log. Ctrl-C goes to Inspect, which writes its log then.

    Raises: InvalidInput: Inspect is not installed, or there is no log: it did not begin.
    """
    command, before = program(), frozenset(logs(folder))
    process = subprocess.Popen(  # noqa: S603 - the evaluator's own tool, on its own task
        [*command, *words, *_FIXED, "--log-dir", str(folder)],
        env=access.environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        process_group=0,
        preexec_fn=functools.partial(die_with, os.getpid()),  # noqa: PLW1509 - one thread, which holds no lock
    )
    while process.returncode is None:
        try:
            process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
    made = [log for log in logs(folder) if log not in before]
    if not made:
        raise InvalidInput(
            f"Inspect ended with {process.returncode} and left no log in {folder}: what it said is above",
            code="run_not_begun",
            remedy="mend what it complains of, and begin again",
        )
    return made[-1]


def logs(folder: Path) -> list[Path]:
    """The logs of a run, oldest first: a run that went on has several."""
    found = [each for each in folder.glob("*") if each.suffix in {".eval", ".json"}]
    return sorted(found, key=lambda log: (log.stat().st_mtime_ns, log.name))
