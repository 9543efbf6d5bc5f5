"""The SQLite backend: the four ports onto one file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluicegate.store.database import Database, Session, Transaction
from sluicegate.store.fleet import SqliteFleet
from sluicegate.store.log import SqliteLog
from sluicegate.store.outbox import SqliteOutbox
from sluicegate.store.principals import SqlitePrincipals


class SqlitePorts:
    """`ports.Ports` over one session."""

    def __init__(self, session: Session) -> None:
        self.log = SqliteLog(session)
        self.outbox = SqliteOutbox(session)
        self.principals = SqlitePrincipals(session)
        self.fleet = SqliteFleet(session)


class SqliteStore(SqlitePorts):
    """`ports.Store` on one SQLite file, which is made if it does not exist.

    Raises: StoreUnusable: the file is not a Sluicegate database, or of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        super().__init__(self.database)

    @contextmanager
    def write(self) -> Iterator[SqlitePorts]:
        """Hold the head and write."""
        with self.database.writing() as connection:
            yield SqlitePorts(Transaction(connection))

    def close(self) -> None:
        """Close every connection."""
        self.database.close()
