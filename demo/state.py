"""The folder in which `demo run` keeps what the next run continues with.

    state.json      marks the folder as ours; the credentials of the newest run, to be revoked by the next
    plans/          the example plans with the dates of their first use: dates are terms, and are signed
    keys/ tokens/ trust.yaml control/ gateway/ desk-oncd/ *.log     of the cast and its processes
    env directive.yaml log.vkey                            for people who paste commands

Only its owner can read it, and only one run at a time uses it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from demo import dates
from sluicegate.errors import InvalidInput


class _Kept(BaseModel):
    """What `state.json` says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal["sluicegate-demo/1"]
    credentials: dict[str, str]


class State:
    """A state folder that is ours and that no other process uses; made by `opened`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "state.json"
        self.credentials: dict[str, str] = {}

    def load(self) -> None:
        """Read the state of an earlier run.

        Raises: InvalidInput: the folder holds something else, or the state cannot be read.
        """
        if not self._path.exists():
            if any(self.folder.iterdir()):
                raise InvalidInput(
                    f"the folder {self.folder} holds something other than the state of a demo run",
                    code="state_foreign",
                    remedy="name another folder with --state",
                )
            self.save()
        try:
            self.credentials = _Kept.model_validate_json(self._path.read_bytes()).credentials
        except (OSError, ValidationError) as error:
            raise InvalidInput(
                f"{self._path} cannot be read as what an earlier demo run kept",
                code="state_damaged",
                remedy=f"delete {self.folder} to begin again, or name another folder with --state",
            ) from error

    def save(self) -> None:
        """Keep `credentials` for the next run."""
        self.write(
            "state.json",
            _Kept(format="sluicegate-demo/1", credentials=self.credentials).model_dump_json(indent=2) + "\n",
        )

    def plans(self, examples: Path, names: tuple[str, ...], today: date) -> list[Path]:
        """The example plans as first applied in this state. New ones get today's dates."""
        folder = self.folder / "plans"
        folder.mkdir(mode=0o700, exist_ok=True)
        for name in names:
            if not (folder / name).exists():
                self.write(f"plans/{name}", dates.shifted((examples / name).read_text(), today))
        return [folder / name for name in names]

    def write(self, name: str, text: str) -> Path:
        """Replace a file, whole or not at all; only its owner can read it."""
        path = self.folder / name
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return new.replace(path)


@contextmanager
def opened(folder: Path) -> Iterator[State]:
    """The state in a folder. The folder is made if it does not exist.

    Raises: InvalidInput: not a folder, not ours, damaged, or in use.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise InvalidInput(f"the state folder {folder} cannot be used: {error.strerror}") from error
    try:
        _lock(descriptor, folder)
        state = State(folder)
        state.load()
        folder.chmod(0o700)
        yield state
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    """Hold a folder until the descriptor is closed, or this process has ended."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InvalidInput(
            f"another demo run uses the state folder {folder}",
            code="state_in_use",
            remedy="end it with Ctrl-C, or name another folder with --state",
        ) from error
