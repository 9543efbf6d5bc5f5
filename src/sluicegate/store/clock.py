"""The log's time on one machine: the control plane decides what it is, and feeds follow.

Rules:
- Time moves cases, and what it has moved does not go back. So the wall clock is followed only as far as a
  clock that is merely set right would go: what it departs from CLOCK_BOOTTIME, in one step or in many, is an
  hour at most, and a thousandth of the time that passes.
- A start does not forget that, until the machine itself starts again: the file `clock.json` of the state
  folder has how far the log's time is from CLOCK_BOOTTIME, and in which boot.
- One process decides, so that a certificate is good by one clock: the control plane writes the file, and a
  feed reads it.

Units: `wall_ms` reads milliseconds since 1970 UTC, `boot_ms` CLOCK_BOOTTIME in milliseconds. An offset is the
first less the second.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

JUMP_MS = 3_600_000
"""How far the wall clock is followed from where it was."""
RECOVERY = 0.001
"""How fast that is forgotten, as a part of the time that passes."""
NOTED_MS = 250
"""Smaller changes are not written; and how often the file is read."""
FILE = "clock.json"
_log = logging.getLogger(__name__)


class ClockFile:
    """Where the offset of a boot is kept. `boot` names the boot that CLOCK_BOOTTIME counts from."""

    def __init__(self, state_dir: Path, boot: str) -> None:
        self._path = state_dir / FILE
        self._boot = boot

    def __str__(self) -> str:
        return str(self._path)

    def load(self) -> float | None:
        """The offset that was kept in this boot. A file that cannot be read counts as none."""
        try:
            found = json.loads(self._path.read_bytes())
            return float(found["offsetMs"]) if found["boot"] == self._boot else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, offset_ms: float) -> None:
        """Keep an offset, completely or not at all."""
        written = self._path.with_suffix(".new")
        try:
            written.write_text(json.dumps({"boot": self._boot, "offsetMs": offset_ms}))
            written.replace(self._path)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path, error.strerror)


class SteadyClock:
    """The control plane's: the wall clock, unless it jumps. What was not followed may be set right later."""

    def __init__(
        self, wall_ms: Callable[[], int], boot_ms: Callable[[], float], file: ClockFile | None = None
    ) -> None:
        self._read_wall, self._read_boot, self._file = wall_ms, boot_ms, file
        self._at_ms = boot_ms()
        kept_ms = None if file is None else file.load()
        self._offset_ms = wall_ms() - self._at_ms if kept_ms is None else kept_ms
        self._anchor_ms = self._offset_ms
        """Where the offset was, or was led to by a thousandth of the time."""
        self._kept_ms = kept_ms
        self._told = False
        self()

    def __call__(self) -> int:
        """The time, in milliseconds since 1970 UTC."""
        wall_ms, boot_ms = self._read_wall(), self._read_boot()
        self._recover(boot_ms)
        offset_ms = wall_ms - boot_ms
        is_jump = abs(offset_ms - self._anchor_ms) > JUMP_MS
        if is_jump:
            self._tell(offset_ms - self._offset_ms)
            wall_ms = int(boot_ms + self._offset_ms)
        else:
            self._offset_ms = offset_ms
            self._keep()
        self._told = is_jump
        return wall_ms

    def _recover(self, boot_ms: float) -> None:
        most_ms = RECOVERY * (boot_ms - self._at_ms)
        self._at_ms = boot_ms
        self._anchor_ms += min(most_ms, max(-most_ms, self._offset_ms - self._anchor_ms))

    def _tell(self, jump_ms: float) -> None:
        if not self._told:
            remedy = "" if self._file is None else f"; if it is right, delete {self._file} and start again"
            said = "the wall clock jumped by %d s and is not followed: set it right%s"
            _log.error(said, jump_ms // 1000, remedy)

    def _keep(self) -> None:
        file, kept_ms = self._file, self._kept_ms
        if file is not None and (kept_ms is None or abs(self._offset_ms - kept_ms) >= NOTED_MS):
            self._kept_ms = self._offset_ms
            file.save(self._offset_ms)


class FollowedClock:
    """A feed's: the time of the control plane. While that has said none in this boot, the wall clock's."""

    def __init__(self, wall_ms: Callable[[], int], boot_ms: Callable[[], float], file: ClockFile) -> None:
        self._read_wall, self._read_boot, self._file = wall_ms, boot_ms, file
        self._read_ms = float("-inf")
        self._offset_ms: float | None = None

    def __call__(self) -> int:
        """The time, in milliseconds since 1970 UTC."""
        boot_ms = self._read_boot()
        if boot_ms - self._read_ms >= NOTED_MS:
            found, self._read_ms = self._file.load(), boot_ms
            self._offset_ms = self._offset_ms if found is None else found
        return self._read_wall() if self._offset_ms is None else int(boot_ms + self._offset_ms)
