"""What a control plane does by itself, again and again: one chore that fails stops neither it nor the others.

Rules:
- A failure is logged once, and again if another one takes its place. Its end is logged too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.http.threads import urgently

_log = logging.getLogger(__name__)
Chore = Callable[[], object]


@dataclass(slots=True)
class Chores:
    """Some chores, by what each does. `failing` holds why the last try of one failed."""

    chores: Mapping[str, Chore]
    failing: dict[str, str] = field(default_factory=dict)

    async def do(self, name: str) -> None:
        """Do one chore, in a thread. Raises: StoreUnusable: nothing can go on."""
        try:
            await urgently(self.chores[name])
        except StoreUnavailable as error:
            self._note(name, error.message, None)
        except StoreUnusable:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours: everything else goes on
            self._note(name, type(error).__name__, error)
        else:
            if self.failing.pop(name, None) is not None:
                _log.info("%s: it goes on", name)

    def _note(self, name: str, why: str, error: Exception | None) -> None:
        if self.failing.get(name) != why:
            level = logging.WARNING if error is None else logging.ERROR
            _log.log(level, "%s: it waits: %s", name, why, exc_info=error)
        self.failing[name] = why
