"""A SQLite file: how it is made, opened and brought up to date, and how a connection is had.

Rules:
- A write holds SQLite's one write lock from its beginning (`BEGIN IMMEDIATE`), so what it reads stays true.
- What `writing` ends without an exception is on the disk: FULL syncs the log of writes at every commit.
- A file that is not ours is never written to.
- Who only reads a file neither makes nor changes it, and can tell if another has been put in its place.
- A database of an older version from which this build has steps is brought up to date when it is opened,
  in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError

from sluicegate.errors import StoreUnavailable, StoreUnusable

BEING_MADE = "store_being_made"
"""The code of the error of a file that has no tables yet."""
Value: TypeAlias = "int | str | bytes | None"
"""What SQLite takes in the place of a question mark."""
BUSY_MS = 10_000
"""How long a write waits for another process's write to end."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one kind of file.

    `application_id` marks it in SQLite's header. `steps`: what makes a database of a version one of the next;
    a version without steps is refused. `first`: the rows that a new one begins with. `made`: statements that
    make, whenever a file is opened, what it may lack; `functions`: those of one argument that they call.
    """

    application_id: int
    version: int
    metadata: sa.MetaData
    steps: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    functions: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    first: tuple[sa.Insert, ...] = ()
    made: tuple[str, ...] = ()


class Session(Protocol):
    """Where a port gets its connection from."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection to read with."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A connection to write with."""

    def rows(self, query: str, given: tuple[Value, ...] = ()) -> Sequence[tuple[Any, ...]]:
        """What one query in SQL finds. It costs no transaction, so it is for what is asked often."""

    def check_file(self) -> None:
        """Check that the file is the one that was opened. Raises: StoreUnusable."""


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

    def rows(self, query: str, given: tuple[Value, ...] = ()) -> Sequence[tuple[Any, ...]]:
        """What one query finds in the transaction."""
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return driver.execute(query, given).fetchall()

    def check_file(self) -> None:
        """A transaction is on the file that it began on."""


class Database:
    """One SQLite file, made if it does not exist, unless it is only read; each use is a transaction.

    Raises: StoreUnusable: the file is not such a database, or of another version.
            StoreUnavailable: it cannot be made, or is not there to be read.
    """

    def __init__(self, path: Path, schema: Schema, *, read_only: bool = False) -> None:
        self._path = path
        self._schema = schema
        self._read_only = read_only
        if not read_only:
            _make_file(path)
        self._file = _identity(path)
        self._connect = _connect(path, read_only=read_only)
        self._idle: list[sqlite3.Connection] = []
        self.engine = _engine(self._connect)
        with self._guarded():
            self._open(read_only=read_only)

    def check_file(self) -> None:
        """Check that the file at the path is the one that was opened. Raises: StoreUnusable."""
        if _identity(self._path) != self._file:
            raise StoreUnusable(
                f"another file was put in the place of {self._path}",
                remedy="stop everything that uses it before you restore a backup; start it again",
            )

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

    def rows(self, query: str, given: tuple[Value, ...] = ()) -> Sequence[tuple[Any, ...]]:
        """What one query finds; it sees one state of the file, as each statement of SQLite does."""
        with self._guarded():
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect()
            found = connection.execute(query, given).fetchall()
            self._idle.append(connection)
            return found

    def close(self) -> None:
        """Close every connection. The writer leaves everything in the one file, also while others read it."""
        if not self._read_only:
            with (
                suppress(DatabaseError),
                self.engine.connect().execution_options(sluicegate_begin="") as connection,
            ):
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.engine.dispose()
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseError, sqlite3.DatabaseError) as error:
            said = error.orig if isinstance(error, DatabaseError) else error
            if type(said) not in (sqlite3.DatabaseError, sqlite3.OperationalError):
                raise  # a row that breaks a rule of the schema is a bug of ours
            raise _store_error(str(said), self._path) from error

    def _open(self, *, read_only: bool) -> None:
        with self.reading() as connection:
            version = self._version(connection)
        if read_only:
            if version is None:
                raise StoreUnavailable(f"{self._path} is being made", code=BEING_MADE)
            if version != self._schema.version:
                said = f"{self._path} is not brought up to date yet"
                raise StoreUnavailable(said, remedy="start the process that writes it")
            return
        # It is ours to write to. The journal mode is kept in the file; no transaction may be open for it.
        with self.engine.connect().execution_options(sluicegate_begin="") as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        with self.engine.begin() as connection:
            version = self._version(connection)
            if version is None:
                self._create(connection)
            else:
                self._bring_up_to_date(connection, version)
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            for name, function in self._schema.functions.items():
                driver.create_function(name, 1, function, deterministic=True)
            for statement in self._schema.made:
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
        if application != self._schema.application_id:
            raise StoreUnusable(
                f"{self._path} is a SQLite database of another program or kind",
                remedy="name another file or an empty state folder",
            )
        if version != self._schema.version and version not in self._schema.steps:
            raise StoreUnusable(
                f"{self._path} has schema version {version}, this build has {self._schema.version}",
                remedy="run the version of this program that wrote it, or a newer one",
            )
        return version

    def _create(self, connection: Connection) -> None:
        self._schema.metadata.create_all(connection)
        for row in self._schema.first:
            connection.execute(row)
        connection.exec_driver_sql(f"PRAGMA application_id={self._schema.application_id}")
        connection.exec_driver_sql(f"PRAGMA user_version={self._schema.version}")

    def _bring_up_to_date(self, connection: Connection, version: int) -> None:
        for step in range(version, self._schema.version):
            for statement in self._schema.steps[step]:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"PRAGMA user_version={step + 1}")


def _identity(path: Path) -> tuple[int, int]:
    """Which file is at a path. Raises: StoreUnavailable: none."""
    try:
        found = path.stat()
    except OSError as error:
        raise StoreUnavailable(
            f"the database {path} cannot be found: {error.strerror}",
            remedy="start the process that writes it",
        ) from error
    return found.st_dev, found.st_ino


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


def _connect(path: Path, *, read_only: bool) -> Callable[[], sqlite3.Connection]:
    name = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
    return partial(
        sqlite3.connect,
        name,
        uri=True,
        timeout=BUSY_MS / 1000,
        check_same_thread=False,
        isolation_level=None,
    )


def _engine(connect: Callable[[], sqlite3.Connection]) -> Engine:
    # A thread never waits for a connection that another one has: it would wait behind that one's work.
    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.QueuePool, pool_size=0)

    @sa.event.listens_for(engine, "connect")
    def _set(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sluicegate_begin", "IMMEDIATE")
        if mode:
            connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _store_error(said: str, path: Path) -> StoreUnusable | StoreUnavailable:
    """What a database's complaint means for us; an unforeseen one stays a surprise."""
    if any(word in said for word in ("not a database", "malformed", "no such table", "no such column")):
        return StoreUnusable(
            f"{path} is not a usable Sluicegate database: {said}",
            remedy="name another file, or restore this one from a backup",
        )
    return StoreUnavailable(
        f"the database {path} cannot be used now: {said}; nothing was done",
        remedy="free disk space or end the process that locks it, then send the command again",
    )
