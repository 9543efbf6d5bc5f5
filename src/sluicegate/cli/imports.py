"""`credential import`, `imports`, `discard`: keys that customers have from before, in bulk."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from sluicegate.acts import imports as acts
from sluicegate.acts.imports import (
    ROWS_MAX,
    ImportArgument,
    ImportFilter,
    Imports,
    ImportView,
    KeyPart,
    WholeImport,
)
from sluicegate.cli.acting import argument, helped, option
from sluicegate.cli.confirmation import Yes, confirm
from sluicegate.cli.files import opened
from sluicegate.cli.listing import Columns, listing
from sluicegate.cli.options import word
from sluicegate.cli.output import Json, emit, log_now, tell
from sluicegate.client.http import Client
from sluicegate.core.access import keylist
from sluicegate.core.access.keylist import FAULTS_MAX, KeyLines
from sluicegate.errors import InvalidDocument, InvalidInput, Place
from sluicegate_record.form import replace
from sluicegate_record.log import times
from sluicegate_record.terms.text import counted


class _File(NamedTuple):
    """A list of keys that was read once: how many it has, under how many grants, and their digest."""

    path: Path
    keys: int
    grants: int
    digest: bytes

    def parts(self, name: str) -> Iterator[KeyPart]:
        """Its parts, in the form in which they are sent."""
        for number, (text, line) in enumerate(_lines(self.path)):
            yield KeyPart(name=name, part=number, text=text, file=str(self.path), line=line)


def import_(
    file: Annotated[Path, word("A CSV file.")],
    check: Annotated[bool, option(KeyPart, "check", "--check")] = False,
    as_json: Json = False,
) -> None:
    """Import the keys that customers have from before: sha256, grant, and perhaps label, expires.

    Send the SHA-256 digests, never the keys. No key counts before all of them do, and nothing is taken if a
    line would be refused. After an interruption, the same command goes on. --check takes nothing.
    """
    client, listed = Client(), _read(file)
    found = _begun(client, listed)
    if found.state == "counted":
        text = f"{listed.keys:,} keys; they were imported before, nothing was done"
        emit(_told(found), as_json, text)
        return
    _check(client, listed, found)
    if check:
        said = f"{counted(listed.keys, 'key')} under {counted(listed.grants, 'grant')} would be imported"
        emit({**_told(found), "count": listed.keys, "check": True}, as_json, said)
        return
    for part in listed.parts(found.name):
        if part.part >= found.parts:
            taken = client.do(acts.IMPORT, part)
            _progress("imported", taken.count, listed.keys)
    done = client.do(acts.COMPLETE, WholeImport(name=found.name, count=listed.keys))
    text = f"{counted(done.count, 'key')} imported, all count now; {log_now(done.size)}"
    emit(done.to_json(), as_json, text)


def _told(found: ImportView) -> dict[str, object]:
    """An import as it was found, in the form of an `ImportReceipt`: nothing was appended."""
    return {"import": found.name, "parts": found.parts, "count": found.count, "size": 0}


def _lines(path: Path) -> Iterator[KeyLines]:
    with opened(path) as lines:
        yield from keylist.parts(lines)


def _read(path: Path) -> _File:
    """Read a whole list, a part at a time. Raises: InvalidDocument: with the place of every error."""
    faults, count, grants, digests = list[Place](), 0, set[str](), set[bytes]()
    total = keylist.ListDigest()
    for text, line in _lines(path):
        try:
            listed = keylist.read(text, str(path), line)
        except InvalidDocument as error:
            faults += error.at
            if len(faults) >= FAULTS_MAX:
                break
            continue
        for at, each in enumerate(listed.keys.digest_of_each(), line):
            if each in digests:
                faults.append(Place(str(path), at, 1, "each key once", "a key that is on an earlier line"))
            digests.add(each)
        total.update(listed)
        count += len(listed)
        grants.update(listed.keys.grants)
    if count > ROWS_MAX:
        faults.append(Place(str(path), 1, 1, f"at most {ROWS_MAX:,} keys", f"{count:,}"))
    keylist.refuse(str(path), faults)
    return _File(path, count, len(grants), total.digest())


def _begun(client: Client, listed: _File) -> ImportView:
    """The import of a list, as far as it has come. If it was discarded, it is another one."""
    attempt = 0
    while True:
        name = keylist.name(listed.digest, attempt)
        found = client.do(acts.IMPORTS, ImportFilter(name=name)).imports
        if not found:
            return ImportView(name=name, state="open", parts=0, count=0, begun_ms=0, ended_ms=None)
        if found[0].state != "discarded":
            return found[0]
        attempt += 1


def _check(client: Client, listed: _File, found: ImportView) -> None:
    """Ask of all parts that were not taken whether they would be. Raises: InvalidDocument."""
    faults, seen = list[Place](), 0
    for part in listed.parts(found.name):
        seen += part.text.count("\n")
        if part.part >= found.parts:
            try:
                client.do(acts.IMPORT, replace(part, check=True))
            except InvalidInput as error:
                if not error.at:
                    raise
                faults += error.at
            _progress("checked", seen, listed.keys)
        if len(faults) >= FAULTS_MAX:
            break
    keylist.refuse(str(listed.path), faults)


def _progress(what: str, count: int, of: int) -> None:
    """Say on a terminal how far it is."""
    if sys.stderr.isatty():
        end = "\n" if count >= of else ""
        sys.stderr.write(f"\r{what} {count:,} of {of:,} keys{end}")
        sys.stderr.flush()


def _imports(found: Imports) -> list[list[Any]]:
    return [
        [
            each.name,
            each.state,
            each.count,
            times.format_time(each.begun_ms),
            times.format_time(each.ended_ms) if each.ended_ms is not None else "",
        ]
        for each in found.imports
    ]


COLUMNS = ("import", "state", "keys", "begun", "ended")
listed = listing(acts.IMPORTS, Columns(COLUMNS, _imports, "No keys were imported."), name="--name")


@helped(acts.DISCARD)
def discard(
    name: Annotated[str, argument(ImportArgument, "name", metavar="IMPORT")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    confirm(f"import {name} is discarded: none of its keys will count", yes)
    done = Client().do(acts.DISCARD, ImportArgument(name=name))
    tell(done, as_json, f"import {done.name} is discarded")
