"""The SQLite backend: the seven ports onto one file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluicegate.store import schema
from sluicegate.store.database import Database, Session, Transaction
from sluicegate.store.feed_keys import SqliteFeedKeys
from sluicegate.store.key_uses import SqliteKeyUses
from sluicegate.store.log import SqliteLog
from sluicegate.store.outbox import SqliteOutbox
from sluicegate.store.preparations import SqlitePreparations
from sluicegate.store.principals import SqlitePrincipals
from sluicegate.store.sign_ins import SqliteSignIns


class SqlitePorts:
    """`ports.Ports` over one session."""

    def __init__(self, session: Session) -> None:
        self.log = SqliteLog(session)
        self.outbox = SqliteOutbox(session)
        self.principals = SqlitePrincipals(session)
        self.feed_keys = SqliteFeedKeys(session)
        self.key_uses = SqliteKeyUses(session)
        self.sign_ins = SqliteSignIns(session)
        self.preparations = SqlitePreparations(session)


class SqliteStore(SqlitePorts):
    """`ports.Store` on one SQLite file, which is made if it does not exist, unless it is only read.

    Raises: StoreUnusable: the file is not a Sluicegate database, or of a newer version.
            StoreUnavailable: it cannot be made, or is not there to be read.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.database = Database(path, schema.LEDGER, read_only=read_only)
        super().__init__(self.database)

    @contextmanager
    def write(self) -> Iterator[SqlitePorts]:
        """Hold the head and write."""
        with self.database.writing() as connection:
            yield SqlitePorts(Transaction(connection))

    def close(self) -> None:
        """Close every connection."""
        self.database.close()
