"""Sheets in forms: what the columns of each are, an example, and the table that shows what was written.

Rules:
- Each list that a form takes as a sheet is here, by its key: `parsing.request.SHEETS` reads them.
- A table is a look at the first rows, cell by cell. Whether they can be taken, the reader says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sluicegate.core.sheet import Row, Sheet
from sluicegate.errors import InvalidDocument

ROWS_SHOWN = 100
CHARACTERS_SHOWN = 32_768
"""How much of a sheet a page reads again to show it, at most."""


class SheetHelp(NamedTuple):
    """What a sheet has: its columns, each with what is in it, and an example."""

    columns: Mapping[str, str]
    example: str


HELP: Mapping[str, SheetHelp] = {
    "annexes": SheetHelp(
        {
            "organization": "a legal name, or an id org_…",
            "person": "instead, for an annex of people: an id mem_…",
            "alias": "other names of the organization, with | between them",
            "lei": "its LEI",
            "registry": "the register it is in and its number there, such as US-DE 0012345",
            "annex": "whose row it is, if the order has several annexes",
            "note": "for people who read it; it is not signed",
        },
        'organization,alias,note\n"Example Utility, Inc.",EUI | Example Grid,in the letter\nNorth Water,,\n',
    ),
    "lists": SheetHelp(
        {
            "organization": "a legal name",
            "list": "whose row it is, by the file that the plan names, if it names several",
            "note": "for people who read it; it is not signed",
        },
        'organization,note\n"Example Utility, Inc.",as agreed in June\nNorth Water,\n',
    ),
}


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
