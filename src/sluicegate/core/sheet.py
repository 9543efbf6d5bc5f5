"""Sheets: tables as people export them from a spreadsheet, as CSV.

Rules:
- The text is UTF-8, or UTF-16 with its mark. Another encoding is not guessed: letters decide who is meant.
- Cells are separated by commas, semicolons or tabs, as the first line is.
- The first line names the columns, in capitals or not. Rows without any text are left out.
- All errors are reported together, with line and column.
- What is written here computes nothing where it is opened: a cell that a spreadsheet would take for a formula
  begins with an apostrophe, also where it would be one only for a program that separates cells otherwise.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sluicegate.bounds import FAULTS_MAX
from sluicegate.errors import InvalidDocument, Place
from sluicegate_record.terms.text import counted

_SEPARATORS = ",;\t"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
"""A line with its end, as CSV defines it. Python's own definition of a line would split some names."""
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


_FORMULA = re.compile('(^|[,;|\t\r\n])([\\s"]*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])')
"""Where a formula can begin in a cell: at its start, or behind what separates cells somewhere."""


def written(rows: Iterable[Iterable[object]]) -> str:
    """A sheet with these rows, separated by commas. Numbers stay numbers."""
    made = _Text()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerows([harmless(each) if isinstance(each, str) else each for each in row] for row in rows)
    return "".join(made)


class _Text(list[str]):
    """What a writer of CSV writes to."""

    def write(self, text: str) -> None:
        """Add a text."""
        self.append(text)


def harmless(text: str) -> str:
    """A text that is no formula in a cell, whatever separates cells there."""
    return _FORMULA.sub(r"\1\2'", text)


def separator(first: str) -> str:
    """What separates the cells of a sheet with this first line."""
    return max(_SEPARATORS, key=first.count)


def column(line: str, cell: int, separated_by: str) -> int:
    """Where a cell begins in its line, counted from 1; the start of the line, if quotes hide the place."""
    cells = line.split(separated_by)
    if '"' in line or cell >= len(cells):
        return 1
    return sum(len(each) + 1 for each in cells[:cell]) + 1


class Row(NamedTuple):
    """A row: its line in the file, counted from 1, and its cells, in the order of the columns.

    A row with more or fewer cells than there are columns is for its reader to refuse.
    """

    line: int
    cells: list[str]


class Sheet:
    """A sheet that was read: its columns in small letters, and its rows."""

    def __init__(self, data: bytes, file: str) -> None:
        """Read a sheet. Raises: InvalidDocument: not a text that has rows of cells."""
        self.file = file
        self.columns: list[str] = []
        self._faults: list[Place] = []
        self._count = 0
        self._lines = _LINE.findall(_text(data, file))
        first = self._lines[0] if self._lines else ""
        self._separator = separator(first)
        rows = self._read()
        self.columns = [cell.lower() for cell in rows[0].cells] if rows and rows[0].line == 1 else []
        self.rows = rows[1:]

    def require(self, required: str, columns: Collection[str]) -> None:
        """Check that the first line names a column, and otherwise only others of `columns`, each once.

        Raises: InvalidDocument.
        """
        seen = set[str]()
        for at, name in enumerate(self.columns):
            if name in seen or name not in columns:
                others = ", ".join(each for each in columns if each != required)
                expected = f"the column '{required}', and perhaps {others}; each once"
                self.wrong(1, at, expected, name)
                self.check()
            seen.add(name)
        if required not in seen:
            found = ", ".join(self.columns)
            self.wrong(1, 0, f"a first line with the column '{required}'", found)
            self.check()

    def by(self, column: str) -> Mapping[str, Sequence[Row]]:
        """The rows by what they have in a column; by an empty text where they have nothing there."""
        at = self.columns.index(column) if column in self.columns else len(self.columns)
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.cells[at] if at < len(row.cells) else "", []).append(row)
        return found or {"": []}

    def expect_named(self, column: str) -> None:
        """Note the rows that have nothing in a column of the sheet, if it has that."""
        if column not in self.columns:
            return
        at = self.columns.index(column)
        for row in self.rows:
            if at >= len(row.cells) or not row.cells[at]:
                self.wrong(row.line, at, f"whose row it is, in the column '{column}'", "")

    def stated(self, row: Row) -> Mapping[str, str]:
        """The cells of a row that have text, by their columns."""
        return {name: cell for name, cell in zip(self.columns, row.cells, strict=False) if cell}

    def expect_rows(self, rows: Sequence[Row], most: int, whose: str) -> None:
        """Note that there are no rows, or too many; `whose` they are, empty if they are all of the sheet."""
        if not 1 <= len(rows) <= most:
            line, of = (rows[0].line, f" of {whose}") if whose and rows else (1, "")
            self._note(Place(self.file, line, 1, f"1 to {most:,} rows{of}", f"{len(rows):,}"))

    def fits(self, row: Row) -> bool:
        """Whether a row has as many cells as there are columns. If not, it is noted."""
        if len(row.cells) == len(self.columns):
            return True
        expected = f"{counted(len(self.columns), 'cell')}, as in the first line"
        self.wrong(row.line, 0, expected, self._separator.join(row.cells))
        return False

    def wrong(self, line: int, cell: int, expected: str, found: str) -> None:
        """Note what is wrong in a cell."""
        self._note(self._place(line, cell, expected, found) if self._count < FAULTS_MAX else None)

    def check(self) -> None:
        """Check that nothing was noted. Raises: InvalidDocument: with the first `FAULTS_MAX` places."""
        if self._count:
            raise _refused(self.file, self._faults, self._count)

    def _note(self, place: Place | None) -> None:
        self._count += 1
        if place is not None and self._count <= FAULTS_MAX:
            self._faults.append(place)

    def _place(self, line: int, cell: int, expected: str, found: str) -> Place:
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        shown = repr(found[:80]) if found else "nothing"
        field = self.columns[cell] if line > 1 and cell < len(self.columns) else ""
        return Place(self.file, line, column(text, cell, self._separator), expected, shown, field)

    def _read(self) -> list[Row]:
        reader = csv.reader(self._lines, delimiter=self._separator, strict=True)
        rows, line = [], 1
        try:
            for cells in reader:
                rows.append(Row(line, [cell.strip() for cell in cells]))
                line = reader.line_num + 1
        except csv.Error as error:
            place = self._place(line, 0, "rows of cells, as CSV has them", str(error))
            raise _refused(self.file, [place]) from error
        return [row for row in rows if any(row.cells)]


def _text(data: bytes, file: str) -> str:
    if is_utf16(data):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise _refused(file, [Place(file, 1, 1, "text in UTF-16 or UTF-8", str(error)[:80])]) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(file, [_byte(data, error.start, file)]) from error


def _byte(data: bytes, at: int, file: str) -> Place:
    """The place of the first byte that is not UTF-8, and what it may be meant as."""
    lines = re.split(r"\r\n|\r|\n", data[:at].decode("utf-8-sig"))
    meant = data[at : at + 1].decode("cp1252", "replace")
    found = f"the byte 0x{data[at]:02x}, which is {meant!r} in Windows-1252"
    expected = "text in UTF-8: in a spreadsheet, save as 'CSV UTF-8'"
    return Place(file, len(lines), len(lines[-1]) + 1, expected, found)


def is_utf16(beginning: bytes) -> bool:
    """Whether a text that begins so is UTF-16."""
    return beginning.startswith(_MARKS)


def misencoded(lines: Iterable[bytes], file: str) -> InvalidDocument:
    """The refusal of a text that is not UTF-8, with the place of its first wrong byte."""
    for number, line in enumerate(lines, 1):
        try:
            line.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return _refused(file, [replace(_byte(line, error.start, file), line=number)])
    return _refused(file, [Place(file, 1, 1, "text in UTF-16 or UTF-8", "other bytes")])


def _refused(file: str, faults: Sequence[Place], count: int = 1) -> InvalidDocument:
    """The refusal of a sheet with so many errors, the first of which are listed."""
    more = f", the first {len(faults):,} of them listed" if len(faults) < count else ""
    said = f"{file}: {counted(count, 'error')}{more}; nothing was done"
    return InvalidDocument(said, remedy="correct the places listed", at=faults)
