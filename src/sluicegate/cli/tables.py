"""Tables as text."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any
from unicodedata import combining, east_asian_width

BETWEEN = "  "
"""The text between two columns."""
WIDTH_UNSEEN = 160
"""How wide a table may be if it goes into a file or to another program."""
COLUMN_WIDTH_MIN = 8


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> str:
    """A table as text, at most as wide as the terminal; or the sentence `empty`, if there are no rows."""
    if not rows:
        return empty
    cells = [list(columns), *([_line(cell) for cell in row] for row in rows)]
    room = get_terminal_size().columns if sys.stdout.isatty() else WIDTH_UNSEEN
    widths = _widths(cells, room)
    lines = [line for row in cells for line in _lines(row, widths)]
    return "\n".join([title, *lines] if title else lines)


def _line(cell: Any) -> str:
    return "" if cell is None else " ".join(str(cell).splitlines())


def _widths(cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """How wide each column is: as its widest cell, if there is room;
    otherwise the widest columns get narrower.
    """
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    room -= len(BETWEEN) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > COLUMN_WIDTH_MIN:
        widths[widths.index(max(widths))] -= 1
    return widths


def _lines(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """The lines of a row: a cell that is wider than its column continues in the next line."""
    wrapped = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    for parts in zip_longest(*wrapped, fillvalue=""):
        padded = (part + " " * (width - _width(part)) for part, width in zip(parts, widths, strict=True))
        yield BETWEEN.join(padded).rstrip()


def _wrapped(cell: str, width: int) -> list[str]:
    places = _width(cell)
    return [cell] if places <= width else wrap(cell, max(1, width * len(cell) // places))


def _width(text: str) -> int:
    """How many places a text takes in a terminal: a letter of East Asian scripts takes two."""
    return sum(2 if east_asian_width(letter) in "WF" else not combining(letter) for letter in text)
