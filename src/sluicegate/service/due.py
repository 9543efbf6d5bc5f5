"""What is due: time moves it, in batches, with the ledger's turn to write.

Rules:
- A batch is one commit and one signed head for many things. If it fails, the first thing is tried alone.
- One thing that cannot be done stops nothing: it is set aside, in the log of this process and in its metrics.
  It is tried again when something about it changes, or at the next start.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sluicegate.core import lifecycle
from sluicegate.core.lifecycle import ticks
from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.service.follower import Follower
from sluicegate_record import entries, law
from sluicegate_record.entities.happening import CLOCK
from sluicegate_record.entries import Entry
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record

_log = logging.getLogger(__name__)

BATCH, BATCH_MS = 256, 20
"""When a batch of what is due ends: after so many entries, or after so long, without its commit."""
Commit = Callable[[Callable[[int], list[Entry]]], list[Entry]]
"""Commits what a function makes of the time at the head. Raises: StoreUnavailable, StoreUnusable."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is due in the log with the key `vkey`. Requires, for each call: the turn to write.

    `boot_ms` reads CLOCK_BOOTTIME in milliseconds, `now_ms` the log's time; `random` gives n random bytes.
    """

    follower: Follower
    vkey: str
    now_ms: Callable[[], int]
    boot_ms: Callable[[], float]
    random: Callable[[int], bytes]
    commit: Commit

    def entries(self) -> list[Entry]:
        """Commit a batch of what is due. If that fails, commit the first thing alone, or set it aside."""
        return self._committed(BATCH) or self._committed(1, is_last=True)

    def _committed(self, most: int, *, is_last: bool = False) -> list[Entry]:
        """A batch that is committed; nothing if it cannot be done, through a fault of ours."""
        try:
            return self.commit(lambda now_ms: self._batch(now_ms, most))
        except (StoreUnavailable, StoreUnusable):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the clock
            if is_last:
                self._set_aside(error)
            return []

    def _set_aside(self, error: Exception) -> None:
        with self.follower.reading() as state:
            what = ticks.due(state, self.now_ms())
            if what is not None:
                state.agenda.set_aside(what)
                _log.error("what is due cannot be done, and is set aside: %s", what, exc_info=error)

    def _batch(self, now_ms: int, most: int) -> list[Entry]:
        """The entries of what is due, each lawful after those before it, for at most about `BATCH_MS`.

        It ends after the thing with which `most` entries are reached.
        """
        state, placed = self.follower.state, list[Entry]()
        if ticks.due(state, now_ms) is None:
            return placed
        ahead, until_ms = lifecycle.Ahead(state), self.boot_ms() + BATCH_MS
        for drafts in ticks.batch(ahead, now_ms, Entropy(self.random(32))):
            named = command_name(CLOCK, str(ahead.size))
            made = entries.place_all(drafts, seq=ahead.size, at_ms=now_ms, by=CLOCK, command=named)
            for entry in made:
                check_law(ahead.record, self.vkey, entry)
                ahead.apply(entry)
            placed += made
            if len(placed) >= most or self.boot_ms() >= until_ms:
                break
        return placed


def check_law(record: Record, log: str, entry: Entry) -> None:
    """Check that an entry is lawful after those that are on the record.

    Raises: AssertionError: it is not, and so was decided wrongly.
    """
    breach = law.breach(record, entry, record.pinned(), log, law.Support.RECORD)
    if breach is not None:
        raise AssertionError(f"a {entry.type} entry was decided that is not lawful: {breach}")


def command_name(by: str, command_id: str) -> str:
    """The name under which a command is recorded: each caller has its own, without the caller's words."""
    return "cmd_" + canonical.digest([by, command_id]).removeprefix("sha256:")[:40]
