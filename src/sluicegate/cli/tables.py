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
WORD_MAX = 64
"""No word of at most so many places is cut: ids are copied."""


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> str:
    """A table as text, at most as wide as the terminal; or the sentence `empty`, if there are no rows.

    If the words of its columns have no room beside each other, each row is a paragraph, a line for a cell.
    """
    if not rows:
        return empty
    cells = [list(columns), *([_line(cell) for cell in row] for row in rows)]
    room = get_terminal_size().columns if sys.stdout.isatty() else WIDTH_UNSEEN
    widths = _widths(cells, room)
    is_narrow = sum(widths) + len(BETWEEN) * (len(widths) - 1) > room
    lines = _paragraphs(cells, room) if is_narrow else [line for row in cells for line in _lines(row, widths)]
    return "\n".join([title, *lines] if title else lines)


def _paragraphs(cells: Sequence[Sequence[str]], room: int) -> list[str]:
    """Each row as lines `column  cell`, the first one whole, with an empty line between two rows."""
    names = cells[0]
    indent = " " * (max(map(_width, names)) + 2 * len(BETWEEN))
    found: list[str] = []
    for row in cells[1:]:
        found += ["", f"{names[0]} {row[0]}"] if found else [f"{names[0]} {row[0]}"]
        for name, cell in zip(names[1:], row[1:], strict=True):
            first = f"{BETWEEN}{name}"
            for part in _wrapped(cell, max(WORD_MAX, room - len(indent))) if cell else ():
                found.append(f"{first}{indent[_width(first) :]}{part}")
                first = ""
    return found


def _line(cell: Any) -> str:
    return "" if cell is None else " ".join(str(cell).splitlines())


def _widths(cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """How wide each column is: as its widest cell, if there is room; otherwise the widest columns get
    narrower, down to their longest words.
    """
    columns = list(zip(*cells, strict=True))
    widths = [max(map(_width, column)) for column in columns]
    least = [max(map(_word, column)) for column in columns]
    room -= len(BETWEEN) * (len(widths) - 1)
    while sum(widths) > room and widths != least:
        widest = max((at for at in range(len(widths)) if widths[at] > least[at]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _word(cell: str) -> int:
    """How wide the longest word of a cell is."""
    return min(WORD_MAX, max(map(_width, cell.split()), default=0))


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
