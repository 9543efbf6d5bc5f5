"""Counts over all customers, while others read and write.

Rules:
- Counting takes longer the more customers there are. It holds the state one slice at a time, so that the
  fleet and the writer wait for one slice only. If the state changes before the end, it counts again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sluicegate.core.access.coverage import Held
from sluicegate.core.access.table import Table
from sluicegate.service.ledger import Ledger

TRIES = 5
Count = TypeVar("Count")


def settled(ledger: Ledger, count: Callable[[Table, Held], Count]) -> Count:
    """The result of a count over a table that has not changed meanwhile. It reads the table within `Held`.

    If the table changes every time, this is the newest count, with some of the changes in it: a caller who
    keeps writing cannot keep a count from ending.
    """
    tries = 0
    while True:
        with ledger.reading() as state:
            table, size = state.table, state.size
        newest, tries = count(table, ledger.reading), tries + 1
        if ledger.size() == size or tries == TRIES:
            return newest
