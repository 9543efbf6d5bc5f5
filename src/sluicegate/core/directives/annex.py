"""Annexes: the lists of names that a directive refers to, as CSV.

Rules:
- The first line names the column: `organization` (legal names or ids `org_…`) or `person` (ids `mem_…`).
- Organizations may have more columns: `alias` (other names, with `|` between them), `lei` and `registry`.
  Each row is one organization, found by any of its cells; one of them is enough. A column `note` is for
  people who read the file. It is not part of what is signed.
- No legal name, id or identifier comes twice in an annex. All errors are reported together, with line and
  column.
- One sheet may have the names of several annexes: then a column `annex` says whose each row is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sluicegate.acts.sheets import ANNEX, ANNEXES, NOTE, ORGANIZATION, PERSON, UNNAMED
from sluicegate.core.directives.directive import PERSON_ID
from sluicegate.core.people import identifiers
from sluicegate.core.people.legal_names import name_key
from sluicegate.core.sheet import Row, Sheet
from sluicegate.errors import wrong_field
from sluicegate_record.directives import names
from sluicegate_record.directives.names import NAME_MAX, ROWS_MAX
from sluicegate_record.terms.text import is_plain

ALIAS = "alias"
NAMING = tuple(each for each in ANNEXES.columns if each not in {PERSON, NOTE, ANNEX})
"""The columns that name an organization."""
PERSON_EXPECTED = "the id of a person, mem_ and 16 letters or digits"
_PERSON = re.compile(PERSON_ID)
BETWEEN = "|"
"""What is between two aliases in a cell."""


def read(data: bytes, file: str) -> dict[str, list[str]]:
    """The names in an annex, `{organizations: […]}` or `{persons: […]}`, in its order.

    A row with several names has one a line.
    Raises: InvalidDocument: with the place of every error.
    """
    sheet = Sheet(data, file)
    return _annexes(sheet, {UNNAMED: sheet.rows}, [])[UNNAMED]


def read_each(data: bytes, file: str) -> dict[str, dict[str, list[str]]]:
    """The names in each annex of a sheet, by its column `annex`; by `UNNAMED` without that column.

    Raises: InvalidDocument: with the place of every error.
    """
    sheet = Sheet(data, file)
    return _annexes(sheet, sheet.by(ANNEX), [ANNEX])


def checked(given: Mapping[str, Any], annexes: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """The names in the annexes that a directive states: all of them, and no other. Raises: InvalidInput."""
    differ = annexes.keys() ^ set(stated(given))
    if differ:
        raise wrong_field(
            "annexes",
            "the names of each annex that the order states, and no others",
            ", ".join(sorted(differ)),
        )
    try:
        return {name: _persons(names.check(value)) for name, value in annexes.items()}
    except ValueError as error:
        raise wrong_field("annexes", "the names in an annex", str(error)) from error


def stated(given: Any) -> tuple[str, ...]:
    """The annexes that a directive states, also if it is not checked yet."""
    spec = given.get("spec") if isinstance(given, dict) else None
    found = spec.get("annexes") if isinstance(spec, dict) else None
    return tuple(map(str, found)) if isinstance(found, dict) else ()


def _persons(annex: dict[str, list[str]]) -> dict[str, list[str]]:
    """An annex, of which no person is said otherwise than by their id. Raises: ValueError."""
    for each in annex.get("persons", ()):
        if not _PERSON.fullmatch(each):
            raise ValueError(f"expected {PERSON_EXPECTED}, found {each!r}")
    return annex


def _annexes(
    sheet: Sheet, by_annex: Mapping[str, Sequence[Row]], more: list[str]
) -> dict[str, dict[str, list[str]]]:
    """The names in some rows, by annex. `more` are columns beside those of an annex."""
    if PERSON in sheet.columns:
        kind, required, columns = "persons", PERSON, [PERSON, NOTE]
    else:
        required = next((each for each in sheet.columns if each in NAMING), ORGANIZATION)
        kind, columns = "organizations", [*NAMING, NOTE]
    sheet.require(required, [*columns, *more])
    sheet.expect_named(ANNEX)
    found = {annex: {kind: _rows(sheet, rows, annex)} for annex, rows in by_annex.items()}
    sheet.check()
    return found


def _rows(sheet: Sheet, rows: Sequence[Row], annex: str) -> list[str]:
    """The names in the rows of an annex."""
    found, seen = [], dict[str, int]()
    for row in rows:
        names = list(_names(sheet, row)) if sheet.fits(row) else None
        if names is not None:
            _check(sheet, row, names, seen)
        found.append("\n".join(dict.fromkeys(name for _, name in names or ())))
    sheet.expect_rows(rows, ROWS_MAX, annex)
    return found


def _names(sheet: Sheet, row: Row) -> Iterator[tuple[int, str]]:
    """The names in a row, each with its cell. What is not an identifier is left as written."""
    for at, (column, cell) in enumerate(zip(sheet.columns, row.cells, strict=True)):
        if column in identifiers.KINDS and cell:
            try:
                yield at, identifiers.listed(column, cell)
            except ValueError:
                yield at, cell
        elif column == ALIAS:
            yield from ((at, each.strip()) for each in cell.split(BETWEEN) if each.strip())
        elif column in {ORGANIZATION, PERSON} and cell:
            yield at, cell


def _check(sheet: Sheet, row: Row, names: list[tuple[int, str]], seen: dict[str, int]) -> None:
    """Note what is wrong with a row. `seen` has the lines of names before it, and gets those of this one."""
    if not names:
        sheet.wrong(row.line, 0, f"a name of 1 to {NAME_MAX} characters, none of them invisible", "")
    elif sum(len(name) + 1 for _, name in names) > NAME_MAX + 1:
        at, name = names[0]
        sheet.wrong(row.line, at, f"names of at most {NAME_MAX} characters together in a row", name)
    for at, name in names:
        kind = sheet.columns[at]
        line = row.line if kind == ALIAS else seen.setdefault(name_key(name), row.line)
        if not is_plain(name):
            sheet.wrong(row.line, at, "a name without invisible characters", name)
        elif kind == PERSON and not _PERSON.fullmatch(name):
            sheet.wrong(row.line, at, PERSON_EXPECTED, name)
        elif kind in identifiers.KINDS and identifiers.key(name) is None:
            sheet.wrong(row.line, at, identifiers.EXPECTED[kind], name)
        elif line != row.line:
            sheet.wrong(row.line, at, f"each name once; it is in line {line}, too", name)
