"""The log's time on one machine: the control plane decides what it is, and feeds follow.

Rules:
- Time moves cases, and what it has moved does not go back. Gateways whose clocks are behind the log refuse
  every model. So the wall clock is followed only as far as a clock that is merely set right would go: what it
  departs from CLOCK_BOOTTIME, in one step or in many, is `JUMP_MS` at most, and a thousandth of the time that
  passes. It is followed further if the kernel says that it is synchronized, or if the operator says at the
  start that it is right.
- A start of the machine is no exception: time goes on from the last time known here, and the wall clock is in
  doubt until one of these finds it right.
- A start of the process does not forget that: the file `clock.json` of the state folder has how far the log's
  time is from CLOCK_BOOTTIME, in which boot, and the last time known.
- One process decides, so that a certificate is good by one clock: the control plane writes the file, and a
  feed reads it. While the clock is in doubt, a feed has the wall clock's: gateways compare it with theirs.

Units: `wall_ms` reads milliseconds since 1970 UTC, `boot_ms` CLOCK_BOOTTIME in milliseconds. An offset is the
first less the second.
"""

from __future__ import annotations

import ctypes
import json
import logging
import struct
from collections.abc import Callable
from pathlib import Path

from sluicegate import journal
from sluicegate.settings import CLOCK_BOUND_MS
from sluicegate_record.log import times

JUMP_MS = CLOCK_BOUND_MS // 2
"""How far the wall clock is followed from where it was: half of what a gateway allows between its clock and
this one. So a gateway whose own clock is right within the other half takes what was entered meanwhile."""
RECOVERY = 0.001
"""How fast that is forgotten, as a part of the time that passes."""
NOTED_MS = 250
"""Smaller changes are not written; and how often the file is read."""
KEPT_MS = 60_000
"""How old the last time known may be that is written."""
FILE = "clock.json"
_log = logging.getLogger(__name__)


def never() -> int | None:
    """The time of a kernel that does not say that its clock is synchronized."""
    return None


_TIMEX = struct.Struct("@IqqqqiqqqQQq")
"""What `adjtimex` fills in on 64-bit Linux, as far as its time: errors in microseconds, the status, seconds.
Source: adjtimex(2), struct timex."""
_TIMEX_BYTES = 256
_STA_NANO, _TIME_ERROR = 0x2000, 5


def synchronized_ms() -> int | None:
    """The kernel's time if it says that it is synchronized, and wrong by at most `JUMP_MS`; else None."""
    found = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        answer = ctypes.CDLL(None).adjtimex(found)
    except (OSError, AttributeError):
        return None
    _, _, _, max_error_us, _, status, _, _, _, seconds, parts, _ = _TIMEX.unpack_from(found)
    if not 0 <= answer < _TIME_ERROR or max_error_us > JUMP_MS * 1_000:
        return None
    return int(seconds * 1_000 + parts // (1_000_000 if status & _STA_NANO else 1_000))


class ClockFile:
    """Where the offset of a boot is kept. `boot` names the boot that CLOCK_BOOTTIME counts from."""

    def __init__(self, state_dir: Path, boot: str) -> None:
        self._path = state_dir / FILE
        self._boot = boot

    def load(self) -> float | None:
        """The offset that was kept in this boot. A file that cannot be read counts as none."""
        try:
            found = json.loads(self._path.read_bytes())
            return float(found["offsetMs"]) if found["boot"] == self._boot else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def last_ms(self) -> int:
        """The last time that was kept, in whatever boot; 0 if none was."""
        try:
            return int(json.loads(self._path.read_bytes())["atMs"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def save(self, offset_ms: float, at_ms: int) -> None:
        """Keep an offset and the time, completely or not at all."""
        written = self._path.with_suffix(".new")
        try:
            written.write_text(json.dumps({"boot": self._boot, "offsetMs": offset_ms, "atMs": at_ms}))
            written.replace(self._path)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path, error.strerror)


class SteadyClock:
    """The control plane's: the wall clock, unless it jumps. What was not followed may be set right later.

    `newest_ms` is the time of the newest entry, 0 without one. `kernel_ms` reads the time of a kernel that
    says that it is synchronized. `is_right` is what the operator says of the wall clock.
    """

    def __init__(  # noqa: PLR0913 - two clocks, what is kept, and who can say that they are right
        self,
        wall_ms: Callable[[], int],
        boot_ms: Callable[[], float],
        file: ClockFile | None = None,
        *,
        newest_ms: int = 0,
        kernel_ms: Callable[[], int | None] = never,
        is_right: bool = False,
    ) -> None:
        self._read_wall, self._read_boot, self._file = wall_ms, boot_ms, file
        self._read_kernel = kernel_ms
        self._at_ms = boot_ms()
        kept_ms = None if file is None or is_right else file.load()
        known_ms = 0 if kept_ms is not None or is_right else max(newest_ms, file.last_ms() if file else 0)
        self._in_doubt = known_ms > 0
        now_ms = known_ms or wall_ms()
        self._offset_ms = now_ms - self._at_ms if kept_ms is None else kept_ms
        self._anchor_ms = self._offset_ms
        """Where the offset was, or was led to by a thousandth of the time."""
        self._kept: tuple[float, float] | None = None
        """The offset that was kept last, and when, on CLOCK_BOOTTIME."""
        self._told = False
        self()

    def __call__(self) -> int:
        """The time, in milliseconds since 1970 UTC."""
        wall_ms, boot_ms = self._read_wall(), self._read_boot()
        self._recover(boot_ms)
        offset_ms = wall_ms - boot_ms
        is_jump = abs(offset_ms - self._anchor_ms) > JUMP_MS
        if is_jump and self._is_synchronized(wall_ms):
            self._anchor_ms, is_jump = offset_ms, False
        if is_jump:
            self._tell(wall_ms, offset_ms - self._offset_ms)
            wall_ms = int(boot_ms + self._offset_ms)
        else:
            if self._in_doubt:
                self._anchor_ms, self._in_doubt = offset_ms, False
            self._offset_ms = offset_ms
        if not self._in_doubt:
            self._keep(boot_ms)
        self._told = is_jump
        return wall_ms

    def doubted_ms(self) -> int | None:
        """What the wall clock says while it is in doubt; else None."""
        self()
        return self._read_wall() if self._in_doubt else None

    def _is_synchronized(self, wall_ms: int) -> bool:
        """Whether the kernel says that this is the time."""
        kernel_ms = self._read_kernel()
        return kernel_ms is not None and abs(kernel_ms - wall_ms) <= NOTED_MS

    def _recover(self, boot_ms: float) -> None:
        most_ms = RECOVERY * (boot_ms - self._at_ms)
        self._at_ms = boot_ms
        self._anchor_ms += min(most_ms, max(-most_ms, self._offset_ms - self._anchor_ms))

    def _tell(self, wall_ms: int, jump_ms: float) -> None:
        if self._told:
            return
        remedy = "set it right; if it is right, start again with --clock-is-right"
        if self._in_doubt:
            said = "the machine was started and its clock says %s, %d s from the last time known here: %s"
            said %= times.format_time(wall_ms), jump_ms // 1000, f"it is in doubt; {remedy}"
        else:
            said = f"the wall clock jumped by {jump_ms // 1000:.0f} s and is not followed: {remedy}"
        journal.note("clock_jumped", said, logging.ERROR, seconds=int(jump_ms // 1000))

    def _keep(self, boot_ms: float) -> None:
        if self._file is None:
            return
        if self._kept is not None:
            offset_ms, at_ms = self._kept
            if abs(self._offset_ms - offset_ms) < NOTED_MS and boot_ms - at_ms < KEPT_MS:
                return
        self._kept = (self._offset_ms, boot_ms)
        self._file.save(self._offset_ms, int(boot_ms + self._offset_ms))


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
