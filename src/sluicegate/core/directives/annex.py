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

from sluicegate.core.people import identifiers
from sluicegate.core.people.legal_names import name_key
from sluicegate.core.sheet import Row, Sheet
from sluicegate.errors import InvalidInput, Place
from sluicegate_record.directives import names
from sluicegate_record.directives.names import NAME_MAX, ROWS_MAX
from sluicegate_record.terms.text import is_plain

ANNEX, ONLY = "annex", ""
"""The column that says of which annex a row is, and what the only annex of an order may be called."""
ORGANIZATION, PERSON, ALIAS, NOTE = "organization", "person", "alias", "note"
NAMING = (ORGANIZATION, ALIAS, identifiers.LEI, identifiers.REGISTRY)
"""The columns that name an organization."""
PERSON_EXPECTED = "the id of a person, mem_ and 16 letters or digits"
_PERSON = re.compile("mem_[a-z2-7]{16}")
BETWEEN = "|"
"""What is between two aliases in a cell."""


def read(data: bytes, file: str) -> dict[str, list[str]]:
    """The names in an annex, `{organizations: […]}` or `{persons: […]}`, in its order.

    A row with several names has one a line.
    Raises: InvalidDocument: with the place of every error.
    """
    sheet = Sheet(data, file)
    return _annexes(sheet, {ONLY: sheet.rows}, [])[ONLY]


def read_each(data: bytes, file: str) -> dict[str, dict[str, list[str]]]:
    """The names in each annex of a sheet, by its column `annex`; by `ONLY` without that column.

    Raises: InvalidDocument: with the place of every error.
    """
    sheet = Sheet(data, file)
    return _annexes(sheet, sheet.by(ANNEX), [ANNEX])


def checked(given: Mapping[str, Any], annexes: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """The names in the annexes that a directive states: all of them, and no other. Raises: InvalidInput."""
    stated = given["spec"].get("annexes", {})
    if annexes.keys() == {ONLY} and len(stated) == 1:
        annexes = dict(zip(stated, annexes.values(), strict=True))
    if ONLY in annexes:
        raise InvalidInput(
            f"annexes: expected a word for whose names these are, found {len(stated)} annexes in the order",
            remedy=f"say it in the column '{ANNEX}'" if stated else "state the annex in the order",
        )
    if annexes.keys() != stated.keys():
        listed = ", ".join(sorted(annexes.keys() ^ stated.keys()))
        raise InvalidInput(f"annexes: {listed}: stated without their names, or the other way round")
    try:
        return {name: _persons(names.check(value)) for name, value in annexes.items()}
    except ValueError as error:
        raise InvalidInput(f"annexes: {error}") from error


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
    faults = sheet.unnamed(ANNEX)
    found = {annex: {kind: _rows(sheet, rows, faults)} for annex, rows in by_annex.items()}
    if faults:
        raise sheet.refused(faults)
    return found


def _rows(sheet: Sheet, rows: Sequence[Row], faults: list[Place]) -> list[str]:
    """The names in some rows. `faults` gets what is wrong with them."""
    found, seen = [], dict[str, int]()
    for row in rows:
        misfit = sheet.misfit(row)
        names = [] if misfit else list(_names(sheet, row))
        faults += [misfit] if misfit else _faults(sheet, row, names, seen)
        found.append("\n".join(dict.fromkeys(name for _, name in names)))
    if not 1 <= len(found) <= ROWS_MAX:
        faults.append(Place(sheet.file, 1, 1, f"1 to {ROWS_MAX:,} rows", f"{len(found):,}"))
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


def _faults(sheet: Sheet, row: Row, names: list[tuple[int, str]], seen: dict[str, int]) -> Iterator[Place]:
    """What is wrong with a row. `seen` has the lines of names before it, and gets those of this one."""
    if not names:
        yield sheet.place(row.line, 0, f"a name of 1 to {NAME_MAX} characters, none of them invisible", "")
    elif sum(len(name) + 1 for _, name in names) > NAME_MAX + 1:
        at, name = names[0]
        yield sheet.place(row.line, at, f"names of at most {NAME_MAX} characters together in a row", name)
    for at, name in names:
        kind = sheet.columns[at]
        line = row.line if kind == ALIAS else seen.setdefault(name_key(name), row.line)
        if not is_plain(name):
            yield sheet.place(row.line, at, "a name without invisible characters", name)
        elif kind == PERSON and not _PERSON.fullmatch(name):
            yield sheet.place(row.line, at, PERSON_EXPECTED, name)
        elif kind in identifiers.KINDS and identifiers.key(name) is None:
            yield sheet.place(row.line, at, identifiers.EXPECTED[kind], name)
        elif line != row.line:
            yield sheet.place(row.line, at, f"each name once; it is in line {line}, too", name)
