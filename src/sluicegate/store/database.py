"""The SQLite file: how it is made, opened and brought up to date, and how a connection is had.

Rules:
- A write holds SQLite's one write lock from its beginning (`BEGIN IMMEDIATE`), so what it reads stays true.
- What `writing` ends without an exception is on the disk: FULL syncs the log of writes at every commit.
- A file that is not ours is never written to.
- A database of an older version from which this build has steps is brought up to date when it is opened,
  in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.store import schema

BUSY_MS = 10_000
"""How long a write waits for another process's write to end."""


class Session(Protocol):
    """Where a port gets its connection from."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection to read with."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A connection to write with."""


class Transaction:
    """A session within one open transaction; it neither begins nor commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def reading(self) -> AbstractContextManager[Connection]:
        """The transaction's connection."""
        return nullcontext(self._connection)

    def writing(self) -> AbstractContextManager[Connection]:
        """The transaction's connection."""
        return nullcontext(self._connection)


class Database:
    """One SQLite file, made if it does not exist; a session in which each use is a transaction.

    Raises: StoreUnusable: the file is not a Sluicegate database, or of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        _make_file(path)
        self.engine = _engine(path)
        with self._guarded():
            self._open()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads; nothing waits for it."""
        with (
            self._guarded(),
            self.engine.connect().execution_options(sluicegate_begin="DEFERRED") as connection,
        ):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; every other write waits for it. Raises: StoreUnavailable."""
        with self._guarded(), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if type(error) not in (DatabaseError, OperationalError):
                raise  # a row that breaks a rule of the schema is a bug of ours
            raise _store_error(error, self._path) from error

    def _open(self) -> None:
        with self.reading() as connection:
            self._version(connection)
        # It is ours to write to. The journal mode is kept in the file; no transaction may be open for it.
        with self.engine.connect().execution_options(sluicegate_begin="") as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        with self.engine.begin() as connection:
            version = self._version(connection)
            if version is None:
                _create(connection)
            else:
                _bring_up_to_date(connection, version)
            for statement in schema.INDEXES:
                connection.exec_driver_sql(statement)

    def _version(self, connection: Connection) -> int | None:
        """The version of the schema; None of an empty file.

        Raises: StoreUnusable: it is neither empty nor ours, or of a version this build has no steps from.
        """
        application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
        if application == version == tables == 0:
            return None
        if application != schema.APPLICATION_ID:
            raise StoreUnusable(
                f"{self._path} is a SQLite database of another program",
                remedy="name another file or an empty state folder",
            )
        if version != schema.VERSION and version not in schema.STEPS:
            raise StoreUnusable(
                f"{self._path} has schema version {version}, this build has {schema.VERSION}",
                remedy="run the version of this program that wrote it, or a newer one",
            )
        return version


def _make_file(path: Path) -> None:
    """Names and salts are in it, so it is its owner's alone; SQLite gives its other files the same mode."""
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return
    except OSError as error:
        raise StoreUnavailable(
            f"the database {path} cannot be made: {error.strerror}",
            remedy="name a folder that can be written",
        ) from error


def _engine(path: Path) -> Engine:
    url = sa.URL.create("sqlite", database=str(path))
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_MS / 1000})

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sluicegate_begin", "IMMEDIATE")
        if mode:
            connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _create(connection: Connection) -> None:
    schema.metadata.create_all(connection)
    connection.execute(sa.insert(schema.head).values(id=1, size=0, confirmed=0, checkpoint=""))
    connection.exec_driver_sql(f"PRAGMA application_id={schema.APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version={schema.VERSION}")


def _bring_up_to_date(connection: Connection, version: int) -> None:
    for step in range(version, schema.VERSION):
        for statement in schema.STEPS[step]:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"PRAGMA user_version={step + 1}")


def _store_error(error: DatabaseError, path: Path) -> StoreUnusable | StoreUnavailable:
    """What a database's complaint means for us; an unforeseen one stays a surprise."""
    said = str(error.orig)
    if any(word in said for word in ("not a database", "malformed", "no such table", "no such column")):
        return StoreUnusable(
            f"{path} is not a usable Sluicegate database: {said}",
            remedy="name another file, or restore this one from a backup",
        )
    return StoreUnavailable(
        f"the database {path} cannot be used now: {said}; nothing was done",
        remedy="free disk space or end the process that locks it, then send the command again",
    )
