"""Lists of members as CSV: who, with which status, how it is known, until when.

Rules:
- The first line names the columns: `identifier`, and any of `status`, `method`, `assurance`, `until`.
- A row is about one member. An identifier comes once. A row without a status claims no status.
- All errors are reported together, with line and column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sluicegate.core.people import persons
from sluicegate.core.people.persons import BY_ORGANIZATION, METHOD, METHOD_MAX
from sluicegate.core.sheet import Sheet
from sluicegate.core.times import TIME, time_ms
from sluicegate.errors import InvalidInput
from sluicegate_record.directives.status import STATUSES
from sluicegate_record.terms.text import is_plain

COLUMNS = ("identifier", "status", "method", "assurance", "until")
ROWS_MAX = 100_000
PART_ROWS = 1_000
"""How many rows an entry has, so that it stays below half a MiB. Further rows go to the next entry."""
ASSURANCES = tuple(each.word for each in BY_ORGANIZATION)


def read(data: bytes, file: str) -> list[dict[str, Any]]:
    """The rows of a list, `{identifier, status, method, assurance, until}`,
    each with only the fields that it states.

    Raises: InvalidDocument: with the place of every error.
    """
    sheet = Sheet(data, file)
    sheet.require("identifier", COLUMNS)
    found, seen = [], set[str]()
    for row in sheet.rows:
        stated = sheet.stated(row)
        for column, expected in _faults(stated, sheet.columns, seen) if sheet.fits(row) else ():
            sheet.wrong(row.line, sheet.columns.index(column), expected, stated.get(column, ""))
        seen.add(stated.get("identifier", ""))
        found.append(dict(stated))
    sheet.expect_rows(sheet.rows, ROWS_MAX, "")
    sheet.check()
    return found


def _faults(stated: Mapping[str, str], header: list[str], seen: set[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a row: the column, and what was expected there."""
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
        yield "until", f"a date such as 2027-01-31, or a time such as {TIME}"


def _is_time(text: str) -> bool:
    try:
        time_ms(text)
    except InvalidInput:
        return False
    return True
