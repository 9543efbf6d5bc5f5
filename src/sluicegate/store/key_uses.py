"""When keys were last used, and how often on each day, in SQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from sluicegate.ports import KeyDay
from sluicegate.store.database import Session

_LAST = "SELECT credential, at_ms FROM key_uses WHERE credential IN (SELECT value FROM json_each(?))"
_NOTE = sa.text(
    "INSERT INTO key_uses (credential, at_ms) VALUES (:credential, :at_ms)"
    " ON CONFLICT (credential) DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)"
)
_DAYS = (
    "SELECT credential, day, passed, refused, model FROM model_days"
    " WHERE credential IN (SELECT value FROM json_each(?)) AND day >= ? ORDER BY credential, day, model"
)
_COUNT = sa.text(
    "INSERT INTO model_days (credential, day, model, passed, refused)"
    " VALUES (:credential, :day, :model, :passed, :refused)"
    " ON CONFLICT (credential, day, model)"
    " DO UPDATE SET passed = passed + excluded.passed, refused = refused + excluded.refused"
)
_FORGET = sa.text(
    "DELETE FROM model_days WHERE (credential, day, model) IN"
    " (SELECT credential, day, model FROM model_days WHERE day < :day LIMIT :most)"
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

    def days(self, credentials: Collection[str], since: int) -> Sequence[KeyDay]:
        """The counts of some credentials from a day on."""
        if not credentials:
            return []
        return [KeyDay(*row) for row in self._session.rows(_DAYS, (json.dumps([*credentials]), since))]

    def count(self, days: Collection[KeyDay]) -> None:
        """Add to the counts of some days."""
        if days:
            with self._session.writing() as connection:
                connection.execute(_COUNT, [each._asdict() for each in days])

    def forget_days(self, before: int, most: int) -> None:
        """Forget some counts of days that are earlier."""
        with self._session.writing() as connection:
            connection.execute(_FORGET, {"day": before, "most": most})
