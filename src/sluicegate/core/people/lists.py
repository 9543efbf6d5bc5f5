"""Lists of organizations that the stages of a plan are for: their legal names, as CSV.

Rules:
- The first line names the column `organization`. A column `note` is for people who read the file; it is not
  part of what agencies sign.
- Each row has one legal name. No organization comes twice in a list, in whatever punctuation. All errors are
  reported together, with line and column.
- One sheet may have the names of several lists: then a column `list` says of which each row is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sluicegate.acts.sheets import LIST, NOTE, ORGANIZATION, UNNAMED
from sluicegate.bounds import LISTED_MAX
from sluicegate.core.people.legal_names import bare_key
from sluicegate.core.sheet import Row, Sheet
from sluicegate.errors import InvalidDocument, Place
from sluicegate_record.directives.names import NAME_MAX
from sluicegate_record.terms.text import counted, is_plain


def read(data: bytes, file: str) -> tuple[str, ...]:
    """The legal names in a list, in its order. Raises: InvalidDocument: with the place of every error."""
    sheet = Sheet(data, file)
    return _lists(sheet, {UNNAMED: sheet.rows}, [])[UNNAMED]


def read_each(data: bytes, file: str) -> dict[str, tuple[str, ...]]:
    """The legal names in each list of a sheet, by its column `list`; by `UNNAMED` without that column.

    Raises: InvalidDocument: with the place of every error.
    """
    sheet = Sheet(data, file)
    return _lists(sheet, sheet.by(LIST), [LIST])


def _lists(sheet: Sheet, by_list: Mapping[str, Sequence[Row]], more: list[str]) -> dict[str, tuple[str, ...]]:
    """The legal names in some rows, by list. `more` are columns beside those of a list."""
    sheet.require(ORGANIZATION, [ORGANIZATION, NOTE, *more])
    at = sheet.columns.index(ORGANIZATION)
    sheet.expect_named(LIST)
    for name, rows in by_list.items():
        _check(sheet, rows, at)
        sheet.expect_rows(rows, LISTED_MAX, name)
    sheet.check()
    return {name: tuple(row.cells[at] for row in rows) for name, rows in by_list.items()}


def _check(sheet: Sheet, rows: Sequence[Row], at: int) -> None:
    """Note what is wrong with some rows whose names are in one column."""
    seen = set[str]()
    for row in rows:
        why = _fault(row.cells[at], seen) if sheet.fits(row) else ""
        if why:
            sheet.wrong(row.line, at, why, row.cells[at])


def check(names: Sequence[str], file: str) -> None:
    """Check a list that was read elsewhere. Raises: InvalidDocument: with the place of every error."""
    faults = []
    if not 1 <= len(names) <= LISTED_MAX:
        faults.append(Place(file, 1, 1, f"1 to {LISTED_MAX} rows", f"{len(names):,}"))
    seen = set[str]()
    for i, name in enumerate(names[: LISTED_MAX + 1]):
        why = _fault(name, seen)
        if why:
            faults.append(Place(file, i + 2, 1, why, repr(name[:80])))
    if faults:
        message = f"{file}: {counted(len(faults), 'error')}; nothing was done"
        raise InvalidDocument(message, remedy="correct the places listed", at=faults)


def _fault(name: str, seen: set[str]) -> str:
    """What is wrong with a name; empty if nothing is. `seen` has the names before it, and gets this one."""
    key = bare_key(name)
    is_there = key in seen
    seen.add(key)
    if not name.strip() or len(name) > NAME_MAX or not is_plain(name):
        return f"a legal name of 1 to {NAME_MAX} characters, none of them invisible"
    return "each organization once" if is_there else ""
