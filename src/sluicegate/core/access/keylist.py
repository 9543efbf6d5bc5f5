"""Lists of keys as CSV: the digest of each, its grant, what its holder calls it, and when it expires.

Rules:
- The first line names the columns: `sha256`, `grant`, and any of `label`, `expires`. A line is a key.
- All errors are reported together, with line and column. No error shows what is in the place of a digest: it
  may be the key itself.
"""

from __future__ import annotations

import base64
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from sluicegate.acts.imports import PART_ROWS
from sluicegate.core.sheet import column, separator
from sluicegate.core.times import TIME, time_ms
from sluicegate.errors import InvalidDocument, InvalidInput, Place
from sluicegate_record.entries.credentials import KeyColumns
from sluicegate_record.form import Form, form
from sluicegate_record.terms.text import counted, is_plain

COLUMNS = ("sha256", "grant", "label", "expires")
REQUIRED = frozenset(COLUMNS[:2])
LABEL_MAX = 64
"""How many characters a label may have."""
FAULTS_MAX = 20
_DIGEST = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_GRANT = re.compile(r"[\x21-\x7e]{1,128}")
_NOTHING = sha256().hexdigest()


@form
class KeyList(Form):
    """Keys, and what their holders call them: empty if no key has a label."""

    keys: KeyColumns
    labels: tuple[str | None, ...] = ()

    def __len__(self) -> int:
        return len(self.keys.of)


class KeyLines(NamedTuple):
    """Some lines of a list, with its first line; `line` is the place of the first of them in the file."""

    text: str
    line: int


def parts(lines: Iterable[str], rows: int = PART_ROWS) -> Iterator[KeyLines]:
    """The lines of a file in parts. Empty lines at its end are left out."""
    header, kept, first, blank = "", list[str](), 2, 0
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if number == 1:
            header = text.removeprefix("\ufeff")
        elif not text.strip():
            blank += 1
        else:
            kept += [""] * blank + [text]
            blank = 0
            if len(kept) >= rows:
                yield KeyLines("\n".join([header, *kept]), first)
                kept, first = [], number + 1
    if kept or first == 2:  # a file without keys is a part without keys: an error
        yield KeyLines("\n".join([header, *kept]), first)


def read(text: str, file: str, line: int = 2) -> KeyList:
    """The keys of a part of a list.

    Raises: InvalidDocument: with the place of every error, the first `FAULTS_MAX` of them.
    """
    reading = _Reading(file, line)
    try:
        reading.read(text.split("\n"))
    except csv.Error as error:
        reading.faults.append(Place(file, reading.line + 1, 1, "CSV", str(error)[:80]))
    refuse(file, reading.faults)
    return reading.found()


def refuse(file: str, faults: Sequence[Place]) -> None:
    """Raises: InvalidDocument: there are faults."""
    if faults:
        count = counted(len(faults), "error")
        said = f"{file}: {count}{' or more' if len(faults) >= FAULTS_MAX else ''}; nothing was done"
        raise InvalidDocument(said, remedy="correct the places listed", at=list(faults[:FAULTS_MAX]))


def name(digest: bytes, attempt: int = 0) -> str:
    """The name of an import, from the digest of its keys: the same list is the same import.

    `attempt` counts the imports of the same list that were discarded.
    """
    found = sha256(b"sluicegate import\n%d\n" % attempt + digest).digest()
    return f"imp_{base64.b32encode(found[:10]).decode().lower()}"


class ListDigest:
    """The digest of a list of keys, whatever parts it comes in."""

    def __init__(self) -> None:
        self._found = sha256()

    def update(self, listed: KeyList) -> None:
        """Add the next keys."""
        columns, labels = listed.keys, listed.labels or (None,) * len(listed)
        ends, grants = columns.expiry_of_each(), columns.grants
        for key, of, end, label in zip(columns.digest_of_each(), columns.of, ends, labels, strict=True):
            self._found.update(f"{key.hex()},{grants[of]},{end},{label!r}\n".encode())

    def digest(self) -> bytes:
        """The digest of all keys so far, 32 bytes."""
        return self._found.digest()


class _Reading:
    """What was read so far of a list."""

    def __init__(self, file: str, line: int) -> None:
        self.file, self.line = file, line - 1
        self.faults: list[Place] = []
        self._digests: dict[bytes, None] = {}
        self._grants: dict[str, int] = {}
        self._of: list[int] = []
        self._labels: list[str | None] = []
        self._expires_ms: list[int | None] = []

    def read(self, lines: Sequence[str]) -> None:
        separated_by = separator(lines[0])
        header = [each.strip().strip('"').lower() for each in lines[0].split(separated_by)]
        if not set(header) >= REQUIRED or not set(header) <= set(COLUMNS) or len(set(header)) != len(header):
            expected = "a first line with the columns sha256, grant, and any of label, expires"
            self.faults.append(Place(self.file, 1, 1, expected, "another one"))
            return
        rows = csv.reader(lines[1:], delimiter=separated_by, strict=True)
        for row in rows:
            self.line += 1
            if rows.line_num != len(self._of) + 1:
                self._fault(1, "each key on a line of its own", "a cell of several lines")
                return
            self._row(header, row, lines[rows.line_num], separated_by)
            if len(self.faults) >= FAULTS_MAX:
                return
        if not 1 <= len(self._of) <= PART_ROWS:
            self._fault(1, f"1 to {PART_ROWS:,} keys", f"{len(self._of):,}")

    def found(self) -> KeyList:
        labels = tuple(self._labels) if any(self._labels) else ()
        ends = tuple(self._expires_ms) if any(each is not None for each in self._expires_ms) else ()
        columns = KeyColumns(
            digests=b"".join(self._digests), grants=tuple(self._grants), of=tuple(self._of), expires_ms=ends
        )
        return KeyList(keys=columns, labels=labels)

    def _row(self, header: Sequence[str], row: Sequence[str], line: str, separated_by: str) -> None:
        self._of.append(0)
        if len(row) != len(header):
            self._fault(1, f"{len(header)} cells, as in the first line", f"{len(row)}")
            return
        stated = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        for name, expected, found in self._faults(stated):
            self._fault(column(line, header.index(name), separated_by), expected, found)

    def _faults(self, stated: dict[str, str]) -> Iterator[tuple[str, str, str]]:
        """Note a key; and what is wrong with it: the column, what was expected there, and what was found."""
        given, grant = stated["sha256"], stated["grant"]
        label, ends = stated.get("label") or None, stated.get("expires")
        if not _DIGEST.fullmatch(given):
            yield "sha256", "the SHA-256 of a key in 64 hex digits", f"{len(given)} characters"
        elif given.lower() == _NOTHING:
            yield "sha256", "the digest of a key", "the digest of an empty text"
        elif (found := bytes.fromhex(given)) in self._digests:
            yield "sha256", "each key once", "a key that is on an earlier line"
        else:
            self._digests[found] = None
        if not _GRANT.fullmatch(grant):
            yield "grant", "a grant, such as grant_…", repr(grant[:40])
        self._of[-1] = self._grants.setdefault(grant, len(self._grants))
        self._labels.append(label)
        if label is not None and (len(label) > LABEL_MAX or not is_plain(label)):
            expected = f"at most {LABEL_MAX} characters, none of them invisible"
            yield "label", expected, f"{len(label)} characters"
        elif label is not None and sha256(label.encode()).hexdigest() == given.lower():
            yield "label", "what its holder calls the key", "the key itself"
        try:
            self._expires_ms.append(time_ms(ends) if ends else None)
        except InvalidInput:
            yield "expires", f"a date such as 2027-01-31, or a time such as {TIME}", repr(ends)[:40]

    def _fault(self, column: int, expected: str, found: str) -> None:
        self.faults.append(Place(self.file, max(self.line, 1), column, expected, found))
