"""Lists of organizations that the stages of a plan are for: their legal names, as CSV.

Rules:
- The first line names the column `organization`. A column `note` is for people who read the file; it is not
  part of what agencies sign.
- Each row has one legal name. No organization comes twice, in whatever punctuation. All errors are reported
  together, with line and column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sluicegate.bounds import LISTED_MAX
from sluicegate.core.people.legal_names import bare_key
from sluicegate.core.sheet import Sheet
from sluicegate.errors import InvalidDocument, Place
from sluicegate_record.directives.names import NAME_MAX
from sluicegate_record.terms.text import counted, is_plain

COLUMN = "organization"


def read(data: bytes, file: str) -> tuple[str, ...]:
    """The legal names in a list, in its order. Raises: InvalidDocument: with the place of every error."""
    sheet = Sheet(data, file)
    sheet.require(COLUMN, [COLUMN, "note"])
    at = sheet.columns.index(COLUMN)
    faults: list[Place] = []
    names: list[str] = []
    seen = set[str]()
    for row in sheet.rows:
        misfit = sheet.misfit(row)
        if misfit:
            faults.append(misfit)
            continue
        why = _fault(row.cells[at], seen)
        if why:
            faults.append(sheet.place(row.line, at, why, row.cells[at]))
        names.append(row.cells[at])
    faults += _miscounted(len(sheet.rows), file)
    if faults:
        raise sheet.refused(faults)
    return tuple(names)


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
