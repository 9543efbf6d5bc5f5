"""The keys under each grant, and what came with each import: for lists and counts.

Rules:
- A list of keys only grows. Whether a key counts, was revoked or has expired is in the table.
- The keys of an import are listed when they come, and counted when the import is. So nothing goes through
  all of them when it begins to count.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sluicegate.core.access.table import Table
from sluicegate_record.entries import Body, Entry, credentials, seen


@dataclass(slots=True)
class ImportedKeys:
    """The keys of an import. `valid` counts those that are not revoked, by their grants.

    `firsts` is the number of the first key of each part, by the place of its entry in the log.
    Units: `begun_ms` and `ended_ms` milliseconds since 1970 UTC; None while it is open.
    """

    begun_ms: int
    valid: Counter[str] = field(default_factory=Counter)
    firsts: dict[int, int] = field(default_factory=dict)
    ended_ms: int | None = None


@dataclass(slots=True)
class Keyring:
    """Keys by their credentials."""

    places: dict[str, int] = field(default_factory=dict)
    """The place in the log of the entry that each came with."""
    lists: dict[str, list[str]] = field(default_factory=dict)
    """The credentials under each grant, oldest first."""
    valid: Counter[str] = field(default_factory=Counter)
    """How many under each grant count and are not revoked. A grant that had one is here."""
    imports: dict[str, ImportedKeys] = field(default_factory=dict)
    """Every import, oldest first."""
    open_imports: dict[str, None] = field(default_factory=dict)
    """The imports that neither count nor are discarded, oldest first."""

    def place_in(self, grant: str, credential: str) -> int:
        """How many credentials under a grant are older than this one. Raises: KeyError."""
        return bisect_left(self.lists[grant], self._order(credential), key=self._order)

    def row_of(self, credential: str) -> int:
        """Which key of its entry a credential is, from 0 on. Raises: KeyError."""
        batch, _, number = credential.rpartition(".")
        return int(number) - self.imports[batch].firsts[self.places[credential]] if batch else 0

    def _order(self, credential: str) -> tuple[int, int]:
        return self.places[credential], self.row_of(credential)


def import_of(credential: str) -> str:
    """The import that a credential came with; empty if it was issued by itself."""
    return credential.rpartition(".")[0]


def _issued(keyring: Keyring, table: Table, entry: Entry, body: credentials.CredentialIssued) -> None:
    keyring.places[body.credential] = entry.seq
    keyring.lists.setdefault(body.grant, []).append(body.credential)
    keyring.valid[body.grant] += 1


def _revoked(keyring: Keyring, table: Table, entry: Entry, body: credentials.CredentialRevoked) -> None:
    credential = table.credentials_by_id[body.credential]
    valid = keyring.valid if credential.state.counts else keyring.imports[import_of(credential.id)].valid
    valid[credential.grant.id] -= 1


def _chunk(keyring: Keyring, table: Table, entry: Entry, body: credentials.CredentialsChunk) -> None:
    keys = seen(body.keys)
    if body.name not in keyring.imports:
        keyring.imports[body.name] = ImportedKeys(entry.at_ms)
        keyring.open_imports[body.name] = None
    lists = [keyring.lists.setdefault(grant, []) for grant in keys.grants]
    keyring.imports[body.name].firsts[entry.seq] = table.imports[body.name].count - body.count
    for digest, of in zip(keys.digest_of_each(), keys.of, strict=True):
        name = table.credentials[digest].id
        keyring.places[name] = entry.seq
        lists[of].append(name)
    counted = Counter(keys.of)
    valid = keyring.imports[body.name].valid
    valid.update({grant: counted[of] for of, grant in enumerate(keys.grants)})


def _imported(keyring: Keyring, table: Table, entry: Entry, body: credentials.CredentialsImported) -> None:
    found = keyring.imports[body.name]
    found.ended_ms = entry.at_ms
    keyring.valid.update(found.valid)
    keyring.open_imports.pop(body.name, None)


def _discarded(keyring: Keyring, table: Table, entry: Entry, body: credentials.CredentialsDiscarded) -> None:
    keyring.imports[body.name].ended_ms = entry.at_ms
    keyring.open_imports.pop(body.name, None)


FOLDS: dict[type[Body], Callable[[Keyring, Table, Entry, Any], None]] = {
    credentials.CredentialIssued: _issued,
    credentials.CredentialRevoked: _revoked,
    credentials.CredentialsChunk: _chunk,
    credentials.CredentialsImported: _imported,
    credentials.CredentialsDiscarded: _discarded,
}
