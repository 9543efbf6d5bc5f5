"""Lists of members as CSV: who, with which status, how it is known, until when.

Rules:
- The first line names the columns: `identifier`, and any of `status`, `method`, `assurance`, `until`.
- A row is about one member. An identifier comes once. A row without a status claims no status.
- All errors are reported together, with line and column.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any

from sluicegate.core.people import persons
from sluicegate.core.people.persons import BY_ORGANIZATION, METHOD, METHOD_MAX
from sluicegate.errors import InvalidDocument, Place, VerificationFailed
from sluicegate_record.directives.status import STATUSES
from sluicegate_record.log import times
from sluicegate_record.terms.text import counted, is_plain

COLUMNS = ("identifier", "status", "method", "assurance", "until")
ROWS_MAX = 100_000
PART_ROWS = 1_000
"""How many rows an entry has, so that it stays below half a MiB. Further rows go to the next entry."""
FAULTS_MAX = 20
ASSURANCES = tuple(each.word for each in BY_ORGANIZATION)
_TIME = "2027-01-31T00:00:00.000Z"


def read(data: bytes, file: str) -> list[dict[str, Any]]:
    """The rows of a list, `{identifier, status, method, assurance, until}`,
    each with only the fields that it states.

    Raises: InvalidDocument: with the place of every error, the first `FAULTS_MAX` of them.
    """
    try:
        lines = data.decode("utf-8-sig").splitlines()
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, strict=True)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _refused(file, [Place(file, 1, 1, "CSV in UTF-8", str(error)[:80])]) from error
    header = rows[0] if rows else []
    if "identifier" not in header or not set(header) <= set(COLUMNS) or len(set(header)) != len(header):
        expected = "a first line with the column 'identifier', and any of " + ", ".join(COLUMNS[1:])
        raise _refused(file, [Place(file, 1, 1, expected, ", ".join(header)[:80] or "nothing")])
    found, faults, seen = [], list[Place](), set[str]()
    for line, row in enumerate(rows[1:], 2):
        stated = {name: cell for name, cell in zip(header, row, strict=False) if cell}
        for column, expected in _faults(stated, len(row), header, seen):
            shown = stated.get(column, "") if len(row) == len(header) else ",".join(row)
            place = _column(lines[line - 1], header.index(column))
            faults.append(Place(file, line, place, expected, repr(shown[:80]) if shown else "nothing"))
        seen.add(stated.get("identifier", ""))
        found.append(stated)
    if not 1 <= len(found) <= ROWS_MAX:
        faults.append(Place(file, 1, 1, f"1 to {ROWS_MAX:,} rows", f"{len(found):,}"))
    if faults:
        raise _refused(file, faults[:FAULTS_MAX])
    return found


def until_ms(text: str) -> int:
    """When a claim ends: at the beginning of a date in UTC, or at a time as entries write it.

    Units:  milliseconds since 1970 UTC.
    Raises: ValueError.
    """
    try:
        return times.parse_time(text if "T" in text else f"{text}T00:00:00.000Z")
    except VerificationFailed as error:
        raise ValueError(f"{text!r} is not a time such as {_TIME}, nor a date") from error


def _faults(
    stated: Mapping[str, str], cells: int, header: list[str], seen: set[str]
) -> Iterator[tuple[str, str]]:
    """What is wrong with a row: the column, and what was expected there."""
    if cells != len(header):
        yield header[0], f"{len(header)} cells, as in the first line"
        return
    identifier = stated.get("identifier", "")
    if not 1 <= len(identifier) <= persons.IDENTIFIER_MAX or not is_plain(identifier):
        yield "identifier", f"1 to {persons.IDENTIFIER_MAX} characters, none of them invisible"
    elif identifier in seen:
        yield "identifier", "each identifier once"
    if "status" not in stated:
        said = [name for name in ("method", "assurance", "until") if name in stated]
        yield from ((name, "nothing, where no status is claimed") for name in said)
        return
    if stated["status"] not in STATUSES:
        yield "status", f"one of {', '.join(STATUSES)}"
    method = stated.get("method", "")
    if len(method) > METHOD_MAX or not METHOD.fullmatch(method):
        yield ("method" if "method" in header else "status"), "how it is known, such as document-seen or i-9"
    if stated.get("assurance", ASSURANCES[0]) not in ASSURANCES:
        yield "assurance", f"one of {', '.join(ASSURANCES)}"
    if "until" in stated and not _is_time(stated["until"]):
        yield "until", f"a date such as 2027-01-31, or a time such as {_TIME}"


def _is_time(text: str) -> bool:
    try:
        until_ms(text)
    except ValueError:
        return False
    return True


def _column(line: str, cell: int) -> int:
    """Where a cell begins, counted from 1; or the start of the line, if quotes hide the place."""
    cells = line.split(",")
    if '"' in line or cell >= len(cells):
        return 1
    return sum(len(each) + 1 for each in cells[:cell]) + 1


def _refused(file: str, faults: list[Place]) -> InvalidDocument:
    count = counted(len(faults), "error")
    return InvalidDocument(
        f"{file}: {count}; nothing was done", remedy="correct the places listed", at=faults
    )
