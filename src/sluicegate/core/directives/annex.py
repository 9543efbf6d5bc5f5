"""Annexes: the lists of names that a directive refers to, as CSV.

Rules:
- The first line names the column: `organization` (legal names or ids `org_…`) or `person` (ids `mem_…`). A
  column `note` is for people who read the file. It is not part of what is signed.
- Each row has one name. No name is empty, and no name comes twice. All errors are reported together, with
  line and column.
"""

from __future__ import annotations

import csv
import re

from sluicegate.core.people.application import name_key
from sluicegate.errors import InvalidDocument, Place
from sluicegate_record.directives.names import NAME_MAX, ROWS_MAX
from sluicegate_record.terms.text import counted, is_plain

COLUMNS = {"organization": "organizations", "person": "persons"}
FAULTS_MAX = 20
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
"""A line with its end, as CSV defines it. Python's own definition of a line would split some names."""


def read(data: bytes, file: str) -> dict[str, list[str]]:
    """The names in an annex, `{organizations: […]}` or `{persons: […]}`, in its order.

    Raises: InvalidDocument: with the place of every error, the first `FAULTS_MAX` of them.
    """
    faults: list[Place] = []
    try:
        rows = list(csv.reader(filter(None, _LINE.findall(data.decode("utf-8-sig"))), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _refused(file, [Place(file, 1, 1, "CSV in UTF-8", str(error)[:80])]) from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    found = [at for at, cell in enumerate(header) if cell in COLUMNS]
    if len(found) != 1 or not set(header) <= {*COLUMNS, "note"}:
        expected = "a first line with the column 'organization' or 'person', and perhaps 'note'"
        raise _refused(file, [Place(file, 1, 1, expected, ", ".join(header)[:80] or "nothing")])
    (column,) = found
    names, seen = [], set[str]()
    for line, row in enumerate(rows[1:], 2):
        name = row[column].strip() if len(row) == len(header) else ""
        why = _fault(name, len(row), len(header), seen)
        if why:
            faults.append(Place(file, line, 1, why, ",".join(row)[:80] or "nothing"))
        seen.add(name_key(name))
        names.append(name)
    if not 1 <= len(names) <= ROWS_MAX:
        faults.append(Place(file, 1, 1, f"1 to {ROWS_MAX:,} rows", f"{len(names):,}"))
    if faults:
        raise _refused(file, faults[:FAULTS_MAX])
    return {COLUMNS[header[column]]: names}


def _fault(name: str, cells: int, columns: int, seen: set[str]) -> str:
    if cells != columns:
        return f"{columns} cells, as in the first line"
    if not name or len(name) > NAME_MAX or not is_plain(name):
        return f"a name of 1 to {NAME_MAX} characters, none of them invisible"
    return "each name once" if name_key(name) in seen else ""


def _refused(file: str, faults: list[Place]) -> InvalidDocument:
    count = counted(len(faults), "error")
    return InvalidDocument(
        f"{file}: {count}; nothing was done", remedy="correct the places listed", at=faults
    )
