"""What stays in memory until a process ends: no collection of cycles looks at it again."""

from __future__ import annotations

import gc

STEP = 10_000
"""How many things come before it is said again that they stay."""


class Lasting:
    """Things that come and stay, such as keys and entries: a collection over a million takes half a second.

    Meanwhile no request is answered. What is in use when it is said stays, too: little, beside them.
    """

    def __init__(self) -> None:
        self._count = 0

    def grown(self, count: int) -> None:
        """There are so many now."""
        if count >= self._count + STEP:
            gc.freeze()
            self._count = count
