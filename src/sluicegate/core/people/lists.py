"""Lists of organizations that the stages of a plan are for: their legal names, as CSV.

Rules:
- The first line names the column `organization`. A column `note` is for people who read the file; it is not
  part of what agencies sign.
- Each row has one legal name. No organization comes twice in a list, in whatever punctuation. All errors are
  reported together, with line and column.
- One sheet may have the names of several lists: then a column `list` says of which each row is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sluicegate.bounds import LISTED_MAX
from sluicegate.core.people.legal_names import bare_key
from sluicegate.core.sheet import Row, Sheet
from sluicegate.errors import InvalidDocument, Place
from sluicegate_record.directives.names import NAME_MAX
from sluicegate_record.terms.text import counted, is_plain

COLUMN, NOTE = "organization", "note"
LIST, ONLY = "list", ""
"""The column that says of which list a row is, and what the only list of a plan may be called."""


def read(data: bytes, file: str) -> tuple[str, ...]:
    """The legal names in a list, in its order. Raises: InvalidDocument: with the place of every error."""
    sheet = Sheet(data, file)
    return _lists(sheet, {ONLY: sheet.rows}, [])[ONLY]


def read_each(data: bytes, file: str) -> dict[str, tuple[str, ...]]:
    """The legal names in each list of a sheet, by its column `list`; by `ONLY` without that column.

    Raises: InvalidDocument: with the place of every error.
    """
    sheet = Sheet(data, file)
    return _lists(sheet, sheet.by(LIST), [LIST])


def _lists(sheet: Sheet, by_list: Mapping[str, Sequence[Row]], more: list[str]) -> dict[str, tuple[str, ...]]:
    """The legal names in some rows, by list. `more` are columns beside those of a list."""
    sheet.require(COLUMN, [COLUMN, NOTE, *more])
    at = sheet.columns.index(COLUMN)
    faults = sheet.unnamed(LIST)
    for rows in by_list.values():
        faults += _faults(sheet, rows, at)
        faults += _miscounted(len(rows), sheet.file)
    if faults:
        raise sheet.refused(faults)
    return {name: tuple(row.cells[at] for row in rows) for name, rows in by_list.items()}


def _faults(sheet: Sheet, rows: Sequence[Row], at: int) -> Iterator[Place]:
    """What is wrong with some rows whose names are in one column."""
    seen = set[str]()
    for row in rows:
        misfit = sheet.misfit(row)
        why = "" if misfit else _fault(row.cells[at], seen)
        if misfit:
            yield misfit
        elif why:
            yield sheet.place(row.line, at, why, row.cells[at])


def check(names: Sequence[str], file: str) -> None:
    """Check a list that was read elsewhere. Raises: InvalidDocument: with the place of every error."""
    faults = [*_miscounted(len(names), file)]
    seen = set[str]()
    for i, name in enumerate(names[: LISTED_MAX + 1]):
        why = _fault(name, seen)
        if why:
            faults.append(Place(file, i + 2, 1, why, repr(name[:80])))
    if faults:
        message = f"{file}: {counted(len(faults), 'error')}; nothing was done"
        raise InvalidDocument(message, remedy="correct the places listed", at=faults)


def _miscounted(count: int, file: str) -> Iterator[Place]:
    if not 1 <= count <= LISTED_MAX:
        yield Place(file, 1, 1, f"1 to {LISTED_MAX} rows", f"{count:,}")


def _fault(name: str, seen: set[str]) -> str:
    """What is wrong with a name; empty if nothing is. `seen` has the names before it, and gets this one."""
    key = bare_key(name)
    is_there = key in seen
    seen.add(key)
    if not name.strip() or len(name) > NAME_MAX or not is_plain(name):
        return f"a legal name of 1 to {NAME_MAX} characters, none of them invisible"
    return "each organization once" if is_there else ""
