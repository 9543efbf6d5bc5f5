"""Sheets in forms: the table that shows what was written.

Rules:
- A table is a look at the first rows, cell by cell. Whether they can be taken, the reader says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sluicegate.core.sheet import Row, Sheet
from sluicegate.errors import InvalidDocument

ROWS_SHOWN = 100
CHARACTERS_SHOWN = 32_768
"""How much of a sheet a page reads again to show it, at most."""


class SheetTable(NamedTuple):
    """The first rows of a sheet, by its columns; `has_more`: it has others."""

    columns: Sequence[str]
    rows: Sequence[Row]
    has_more: bool


def table(text: str) -> SheetTable | None:
    """A sheet as a table; None if it has no rows of cells."""
    shown = text[:CHARACTERS_SHOWN]
    if len(shown) < len(text):
        shown = shown[: shown.rfind("\n") + 1]
    try:
        found = Sheet(shown.encode(errors="replace"), "")
    except InvalidDocument:
        return None
    if not found.rows:
        return None
    rows = found.rows[:ROWS_SHOWN]
    return SheetTable(found.columns, rows, len(rows) < len(found.rows) or len(shown) < len(text))
