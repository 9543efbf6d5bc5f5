"""Room on the ledger's disk: a part of it is kept for what narrows, so that an order always fits.

Rules:
- Below the reserve, only what narrows is done; what time moves may use the first half of the reserve, because
  it was accepted before. When there is room again, everything goes on by itself.
- A command that appends nothing is not refused.
- Below the reserve, one agency may write an eighth of it in a day, so that it leaves room for the others.
- Each change is logged once. The metrics show it as long as it lasts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sluicegate.errors import StoreUnavailable

DISK_RESERVE = "disk_reserve"
"""The code of the error."""
SHARE = 8
"""Which part of the reserve one agency may use in a day."""
_log = logging.getLogger(__name__)


class Room:
    """The room that `free_bytes` reads, and how much of it is kept."""

    def __init__(self, free_bytes: Callable[[], int], reserve_bytes: int) -> None:
        self.free_bytes = free_bytes
        self.reserve_bytes = reserve_bytes
        self._was_short = False

    def look(self) -> bool:
        """Look at the disk, and log what has changed: whether only what narrows is accepted now."""
        free = self.free_bytes()
        is_short = free < self.reserve_bytes
        if is_short is not self._was_short:
            said = "only what narrows is accepted" if is_short else "everything is accepted again"
            level = logging.ERROR if is_short else logging.INFO
            _log.log(
                level,
                "the disk has %d bytes left of a reserve of %d (--reserve-mib): %s",
                free,
                self.reserve_bytes,
                said,
            )
        self._was_short = is_short
        return is_short

    def share_bytes(self) -> int | None:
        """How much of the reserve one agency may write in a day; None while the reserve is not needed."""
        return self.reserve_bytes // SHARE if self.free_bytes() < self.reserve_bytes else None

    def check(self) -> None:
        """Check that there is room for a command. Raises: StoreUnavailable."""
        if self.look():
            raise self._no_room("only what narrows access is accepted")

    def check_time(self) -> None:
        """Check that there is room for what time moves. Raises: StoreUnavailable."""
        if self.look() and self.free_bytes() < self.reserve_bytes // 2:
            raise self._no_room("what is due waits")

    def _no_room(self, what: str) -> StoreUnavailable:
        said = f"the disk is nearly full, less than {self.reserve_bytes:,} bytes are left: {what}"
        remedy = "free disk space; then send it again: nothing was done"
        return StoreUnavailable(said, code=DISK_RESERVE, remedy=remedy)


def endless() -> Room:
    """Room without an end: of a store that is on no disk."""
    return Room(lambda: 1 << 62, 0)
