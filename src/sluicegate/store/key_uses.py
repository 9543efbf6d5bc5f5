"""When keys were last used, in SQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import sqlalchemy as sa

from sluicegate.store.database import Session

_LAST = "SELECT credential, at_ms FROM key_uses WHERE credential IN (SELECT value FROM json_each(?))"
_NOTE = sa.text(
    "INSERT INTO key_uses (credential, at_ms) VALUES (:credential, :at_ms)"
    " ON CONFLICT (credential) DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)"
)


class SqliteKeyUses:
    """`ports.KeyUses`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def last(self, credentials: Collection[str]) -> Mapping[str, int]:
        """When each of some credentials was last used."""
        if not credentials:
            return {}
        return dict(self._session.rows(_LAST, (json.dumps([*credentials]),)))

    def note(self, credentials: Collection[str], at_ms: int) -> None:
        """Note that some credentials were used at a time."""
        rows = [{"credential": each, "at_ms": at_ms} for each in credentials]
        if rows:
            with self._session.writing() as connection:
                connection.execute(_NOTE, rows)
