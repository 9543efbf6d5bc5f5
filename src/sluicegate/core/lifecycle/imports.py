"""Imports of keys: taken in parts, which have no effect, until all of them count at once.

Rules:
- The control plane never gets a key, only digests, as of every other key.
- A part that was taken is not taken again: the same command goes on after an interruption.
- A key belongs to one credential, also while its import does not count yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sluicegate.acts.imports import OPEN_MAX, ROWS_MAX, ImportEnd, ImportReceipt
from sluicegate.core.access import keylist
from sluicegate.core.access.keylist import KeyList
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.credentials import no_grant
from sluicegate.core.lifecycle.state import State
from sluicegate.errors import Place
from sluicegate_record.entities.keyimport import KeyImport
from sluicegate_record.entries import Draft
from sluicegate_record.entries.credentials import CredentialsChunk, CredentialsDiscarded, CredentialsImported
from sluicegate_record.log import leaf, times
from sluicegate_record.log.leaf import Entropy


@dataclass(frozen=True, slots=True)
class TakeKeys(Command):
    """Take a part of an import. `file` and `line` say where its first key is, for messages about it.

    With `is_check`, it may be any part, and is not taken.
    """

    name: str
    part: int
    listed: KeyList
    file: str = "keys"
    line: int = 2
    is_check: bool = False


@dataclass(frozen=True, slots=True)
class CompleteImport(Command):
    """Let an import count: `count` is how many keys it has."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class DiscardImport(Command):
    """Discard an import that does not count yet."""

    name: str


def take_keys(state: State, command: TakeKeys, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `TakeKeys`. Raises: InvalidDocument: with the place of each key that is refused."""
    found = state.record.imports.get(command.name, KeyImport(name=command.name))
    refusal = _beyond(state, command, found)
    if refusal is not None:
        return refusal
    receipt = ImportReceipt(name=found.name, parts=found.parts, count=found.count)
    if command.part < found.parts:
        return Acceptance([], receipt)
    keylist.refuse(command.file, list(_faults(state, command, now_ms))[: keylist.FAULTS_MAX])
    if command.is_check:
        return Acceptance([], receipt)
    listed = command.listed
    body = CredentialsChunk(
        name=found.name,
        part=found.parts,
        count=len(listed),
        keys=listed.keys,
        labels=leaf.opening(list(listed.labels), entropy) if listed.labels else None,
    )
    draft = Draft.of(found.name, body, entropy)
    taken = ImportReceipt(name=found.name, parts=found.parts + 1, count=found.count + len(listed))
    return Acceptance([draft], taken)


def complete_import(
    state: State, command: CompleteImport, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `CompleteImport`. Completing again changes nothing."""
    found = state.record.imports.get(command.name)
    if found is None:
        return import_unknown(command.name)
    receipt = ImportReceipt(name=found.name, parts=found.parts, count=found.count)
    if found.state == "discarded":
        return _over(found)
    if command.count != found.count:
        said = f"{found.count:,} keys of import {found.name!r} were taken, not {command.count:,}"
        return Refusal("conflict", "import_incomplete", said, "import the same file again: it goes on")
    if found.state == "counted":
        return Acceptance([], receipt)
    body = CredentialsImported(name=found.name, parts=found.parts, count=found.count, root=found.root)
    return Acceptance([Draft(found.name, body)], receipt)


def discard_import(
    state: State, command: DiscardImport, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `DiscardImport`. Discarding again changes nothing."""
    found = state.record.imports.get(command.name)
    if found is None:
        return import_unknown(command.name)
    if found.state == "counted":
        return _over(found)
    drafts = [Draft(found.name, CredentialsDiscarded(name=found.name))] if found.is_open else []
    return Acceptance(drafts, ImportEnd(name=found.name))


def import_unknown(name: str) -> Refusal:
    """The refusal for an import that does not exist."""
    return Refusal(
        "unknown", "import_unknown", f"no import {name[:80]!r}", "'sluicegate credential imports' lists them"
    )


def _over(found: KeyImport) -> Refusal:
    if found.state == "counted":
        said = f"import {found.name!r} counts already"
        return Refusal(
            "conflict", "import_counted", said, "'sluicegate credential revoke CREDENTIAL' ends a key"
        )
    said = f"import {found.name!r} was discarded"
    return Refusal("conflict", "import_discarded", said, "import the file again: it is another import")


def _beyond(state: State, command: TakeKeys, found: KeyImport) -> Refusal | None:
    """Why no such part can be taken, whatever keys it has."""
    if not found.is_open:
        return _over(found)
    if command.is_check:
        return None
    if command.part > found.parts:
        said = f"part {command.part} of import {found.name!r}, of which {found.parts} were taken"
        return Refusal("conflict", "import_out_of_order", said, "send the next one")
    if found.count + len(command.listed) > ROWS_MAX:
        said = f"more than {ROWS_MAX:,} keys in one import"
        return Refusal("conflict", "import_too_large", said, "make several files of it")
    is_new = found.name not in state.keyring.imports
    if is_new and len(state.keyring.open_imports) >= OPEN_MAX:
        said = f"{OPEN_MAX} imports are open"
        return Refusal(
            "conflict",
            "too_many_imports",
            said,
            "complete one, or end one: 'sluicegate credential discard NAME'",
        )
    return None


def _faults(state: State, command: TakeKeys, now_ms: int) -> Iterator[Place]:
    """What is wrong with each key of a part."""
    keys = command.listed.keys
    of_grants = [no_grant(state, name, now_ms) for name in keys.grants]
    each = zip(keys.digest_of_each(), keys.of, keys.expiry_of_each(), strict=True)
    for line, (digest, of, expires_ms) in enumerate(each, command.line):
        taken = state.table.taken(digest)
        if taken is not None:
            expected = "a key that is not registered"
            yield Place(command.file, line, 1, expected, f"the key of {taken.id}")
        refusal = of_grants[of]
        if refusal is not None:
            yield Place(command.file, line, 1, "a grant that has not ended", refusal.message)
        if expires_ms is not None and expires_ms <= now_ms:
            yield Place(command.file, line, 1, "a later expiry", times.format_time(expires_ms))
