"""The SQLite backend: one file, WAL, `synchronous=FULL`.

Rules:
- A write holds SQLite's one write lock from its beginning (`BEGIN IMMEDIATE`), so `size` stays true in it.
- What `write` ends without an exception is on the disk: FULL syncs the log of writes at every commit.
- A file that is not ours is never written to.
- A database of an older version from which this build has steps is brought up to date when it is opened,
  in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row
from sqlalchemy.exc import DatabaseError, OperationalError

from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.ports import (
    Incarnation,
    Letter,
    Node,
    PastCommand,
    Principal,
    Registration,
    SavedDraft,
    Subscription,
)
from sluicegate.store import outbox, schema
from sluicegate_record import entries
from sluicegate_record.entries import Entry
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening

BUSY_MS = 10_000
"""How long a write waits for another process's write to end."""


class SqliteStore:
    """`ports.Store` on one SQLite file, which is made where there is none.

    Raises: StoreUnusable: the file is not a Sluicegate database, or of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        _make_file(path)
        self._engine = _engine(path)
        with self._guarded():
            self._open()

    @contextmanager
    def write(self) -> Iterator[SqliteWriting]:
        """Hold the head and write."""
        with self._guarded(), self._engine.begin() as connection:
            yield SqliteWriting(connection)

    def confirm(self) -> None:
        """Commit a write that changes nothing."""
        with self._guarded(), self._engine.begin() as connection:
            connection.execute(sa.update(schema.head).values(confirmed=schema.head.c.confirmed + 1))

    def size(self) -> int:
        """The log's size."""
        with self._reading() as connection:
            return _size(connection)

    def checkpoint(self) -> str:
        """The newest signed head."""
        with self._reading() as connection:
            return str(_head(connection).checkpoint)

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from `after` on."""
        with self._reading() as connection:
            return _entries(connection, after, after + limit)

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """The leaves of the entries `start` to `end` (exclusive)."""
        table = schema.entries
        wanted = sa.and_(table.c.seq >= start, table.c.seq < end)
        query = sa.select(_bytes(table.c.leaf)).where(wanted).order_by(table.c.seq)
        with self._reading() as connection:
            return list(connection.scalars(query))

    def node(self, level: int, index: int) -> bytes:
        """A stored tree node."""
        table = schema.nodes
        query = sa.select(_bytes(table.c.hash)).where(table.c.level == level, table.c.idx == index)
        with self._reading() as connection:
            found = connection.scalar(query)
        if found is None:
            raise StoreUnusable(
                f"the tree node {level}/{index} is missing; restore the database from a backup"
            )
        return bytes(found)

    def sealed(self, seq: int) -> Mapping[str, Opening]:
        """The sealed parts of an entry."""
        with self._reading() as connection:
            return _parts(connection, seq, seq + 1).get((seq, "sealed"), {})

    def organizations_like(self, part: str) -> Sequence[str]:
        """The pseudonyms of every organization in whose legal name `part` occurs."""
        table = schema.organizations
        query = sa.select(table.c.pseudonym).where(table.c.name.contains(part, autoescape=True))
        with self._reading() as connection:
            return list(connection.execute(query).scalars())

    def registered(self, pseudonym: str) -> Registration | None:
        """The organization behind a pseudonym."""
        table = schema.organizations
        query = sa.select(table.c.name, table.c.registered_in).where(table.c.pseudonym == pseudonym)
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
        return Registration(row.name, row.registered_in) if row is not None else None

    def organizations(self, name: str) -> Sequence[str]:
        """The pseudonyms of every organization of this legal name."""
        table = schema.organizations
        with self._reading() as connection:
            return list(connection.scalars(sa.select(table.c.pseudonym).where(table.c.name == name)))

    def principal(self, token_digest: bytes) -> Principal | None:
        """Whose token this is."""
        table = schema.principals
        with self._reading() as connection:
            row = connection.execute(
                sa.select(table).where(table.c.token_digest == token_digest)
            ).one_or_none()
        return _principal(row) if row else None

    def add_principal(self, token_digest: bytes, principal: Principal) -> None:
        """Note a token by its digest."""
        with self._guarded(), self._engine.begin() as connection:
            connection.execute(_noting(token_digest, principal))

    def replace_principal(self, token_digest: bytes, principal: Principal) -> None:
        """Note a token by its digest; whoever had this role and name before is known no more."""
        table = schema.principals
        before = (table.c.role == principal.role) & (table.c.name == principal.name)
        with self._guarded(), self._engine.begin() as connection:
            connection.execute(sa.delete(table).where(before))
            connection.execute(_noting(token_digest, principal))

    def principals(self) -> Sequence[Principal]:
        """Everybody who has a token."""
        with self._reading() as connection:
            return [_principal(row) for row in connection.execute(sa.select(schema.principals))]

    def incarnations(self) -> Sequence[Incarnation]:
        """The gateways that may hold a lease."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(schema.incarnations)).all()
        return [Incarnation(row.gateway, row.incarnation, row.surface, row.public_key) for row in rows]

    def register(self, incarnation: Incarnation) -> None:
        """Note an incarnation, durably."""
        table = schema.incarnations
        with self._guarded(), self._engine.begin() as connection:
            connection.execute(sa.delete(table).where(_is(incarnation)))
            connection.execute(
                sa.insert(table).values(
                    gateway=incarnation.gateway,
                    incarnation=incarnation.incarnation,
                    surface=incarnation.surface,
                    public_key=incarnation.key,
                )
            )

    def retire(self, incarnation: Incarnation) -> None:
        """Forget an incarnation whose lease has ended."""
        with self._guarded(), self._engine.begin() as connection:
            connection.execute(sa.delete(schema.incarnations).where(_is(incarnation)))

    def subscriptions(self, principal: str) -> Sequence[Subscription]:
        """Those of one principal, oldest first."""
        with self._reading() as connection:
            return outbox.subscriptions(connection, principal)

    def due(self, now_ms: int, busy: Collection[str], limit: int) -> Sequence[tuple[Subscription, Letter]]:
        """What to deliver now: at most one letter for each subscription that is not `busy`."""
        with self._reading() as connection:
            return outbox.due(connection, now_ms, busy, limit)

    def next_due_ms(self, busy: Collection[str]) -> int | None:
        """When the next letter of a subscription that is not `busy` is due."""
        with self._reading() as connection:
            return outbox.next_due_ms(connection, busy)

    def delivered(self, message: str) -> None:
        """Forget a letter."""
        with self._guarded(), self._engine.begin() as connection:
            outbox.delivered(connection, message)

    def put_off(self, message: str, due_ms: int, error: str) -> None:
        """Note a failed attempt, and when to try again."""
        with self._guarded(), self._engine.begin() as connection:
            outbox.failed(connection, message, error, due_ms=due_ms)

    def bury(self, message: str, error: str) -> None:
        """Note the last failed attempt."""
        with self._guarded(), self._engine.begin() as connection:
            outbox.failed(connection, message, error, state=outbox.DEAD)

    def end_subscription(self, subscription: str, error: str) -> None:
        """Note that a subscription's receiver is gone."""
        with self._guarded(), self._engine.begin() as connection:
            outbox.end(connection, subscription, error)

    def dead(self, principal: str, limit: int) -> Sequence[tuple[Subscription, Letter]]:
        """Dead letters of one principal, oldest first."""
        with self._reading() as connection:
            return outbox.dead(connection, principal, limit)

    def outbox(self) -> Mapping[str, int]:
        """How many letters are `waiting` and `dead`."""
        with self._reading() as connection:
            return outbox.counted(connection)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with (
            self._guarded(),
            self._engine.connect().execution_options(sluicegate_begin="DEFERRED") as connection,
        ):
            yield connection

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if type(error) not in (DatabaseError, OperationalError):
                raise  # a row that breaks a rule of the schema is a bug of ours
            raise _store_error(error, self._path) from error

    def _open(self) -> None:
        with self._reading() as connection:
            self._version(connection)
        # It is ours to write to. The journal mode is kept in the file; no transaction may be open for it.
        with self._engine.connect().execution_options(sluicegate_begin="") as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        with self._engine.begin() as connection:
            version = self._version(connection)
            if version is None:
                _create(connection)
            else:
                _bring_up_to_date(connection, version)

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


class SqliteWriting:
    """`ports.Writing` inside one SQLite transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def size(self) -> int:
        """The log's size."""
        return _size(self._connection)

    def entries(self, after: int) -> Sequence[Entry]:
        """The entries from `after` on."""
        return _entries(self._connection, after, self.size())

    def append(self, entries: Sequence[Entry], nodes: Sequence[Node], checkpoint: str) -> None:
        """Append entries, the tree nodes they completed, and the signed head that holds them."""
        parts = [row for entry in entries for row in _part_rows(entry)]
        execute = self._connection.execute
        execute(sa.insert(schema.entries), [{"seq": entry.seq, "leaf": entry.leaf} for entry in entries])
        if parts:
            execute(sa.insert(schema.parts), parts)
        execute(
            sa.insert(schema.nodes),
            [{"level": level, "idx": index, "hash": node} for level, index, node in nodes],
        )
        execute(sa.update(schema.head).values(size=entries[-1].size, checkpoint=checkpoint))

    def done(self, command: str) -> PastCommand | None:
        """What became of a command, if it was done."""
        table = schema.commands
        row = self._connection.execute(sa.select(table).where(table.c.id == command)).one_or_none()
        return PastCommand(row.request, _object(row.result)) if row else None

    def remember(self, command: str, done: PastCommand) -> None:
        """Note what became of a command."""
        values = {"id": command, "request": done.request, "result": canonical.dumps(done.result)}
        self._connection.execute(sa.insert(schema.commands).values(**values))

    def organization(self, owner: str, name: str, registered_in: str) -> str | None:
        """The pseudonym under which `owner` has named this organization before."""
        table = schema.organizations
        query = sa.select(table.c.pseudonym).where(
            table.c.owner == owner, table.c.name == name, table.c.registered_in == registered_in
        )
        found: str | None = self._connection.scalar(query)
        return found

    def add_organization(self, pseudonym: str, owner: str, name: str, registered_in: str) -> None:
        """Note a new organization."""
        values = {"pseudonym": pseudonym, "owner": owner, "name": name, "registered_in": registered_in}
        self._connection.execute(sa.insert(schema.organizations).values(**values))

    def subscribers(self) -> Sequence[tuple[Subscription, Principal]]:
        """Every subscription that is not gone, and whose it is."""
        whose = schema.principals
        query = sa.select(schema.subscriptions, whose.c.role, whose.c.name, whose.c.party).join(
            whose, whose.c.id == schema.subscriptions.c.principal
        )
        rows = self._connection.execute(query.where(~schema.subscriptions.c.gone))
        return [
            (outbox.subscription(row), Principal(row.principal, row.role, row.name, row.party))
            for row in rows
        ]

    def subscriptions(self, principal: str) -> Sequence[Subscription]:
        """Those of one principal, oldest first."""
        return outbox.subscriptions(self._connection, principal)

    def add_subscription(self, subscription: Subscription) -> None:
        """Note a new subscription."""
        self._connection.execute(sa.insert(schema.subscriptions).values(**asdict(subscription)))

    def remove_subscription(self, subscription: str) -> None:
        """Forget a subscription and all its letters."""
        table = schema.subscriptions
        self._connection.execute(sa.delete(table).where(table.c.id == subscription))

    def drafts(self, principal: str) -> Sequence[SavedDraft]:
        """Those of one principal, oldest first."""
        table = schema.drafts
        query = (
            sa.select(table).where(table.c.principal == principal).order_by(table.c.created_at_ms, table.c.id)
        )
        return [SavedDraft(*row) for row in self._connection.execute(query)]

    def add_draft(self, draft: SavedDraft) -> None:
        """Note a draft of an application."""
        self._connection.execute(sa.insert(schema.drafts).values(**asdict(draft)))

    def remove_draft(self, draft: str) -> None:
        """Forget a draft."""
        self._connection.execute(sa.delete(schema.drafts).where(schema.drafts.c.id == draft))

    def post(self, letters: Sequence[Letter]) -> None:
        """Put letters into the outbox, in this order."""
        outbox.post(self._connection, letters)

    def replay(self, principal: str, message: str | None, due_ms: int) -> int:
        """Make dead letters of a principal wait again, one or all."""
        return outbox.replay(self._connection, principal, message, due_ms)


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


def _head(connection: Connection) -> Row[Any]:
    found = connection.execute(sa.select(schema.head)).one_or_none()
    if found is None:
        raise StoreUnusable("the head of the log is missing", remedy="restore the database from a backup")
    return found


def _size(connection: Connection) -> int:
    return int(_head(connection).size)


def _entries(connection: Connection, start: int, end: int) -> list[Entry]:
    table = schema.entries
    query = sa.select(table.c.seq, _bytes(table.c.leaf)).where(table.c.seq >= start, table.c.seq < end)
    parts = _parts(connection, start, end)
    return [
        entries.read(row.leaf, parts.get((row.seq, "gate"), {}), parts.get((row.seq, "sealed"), {}))
        for row in connection.execute(query.order_by(table.c.seq))
    ]


def _bytes(column: sa.Column[bytes]) -> sa.Label[bytes]:
    """A column of bytes, whatever somebody who altered the file has put there: SQLite has typed values."""
    return sa.cast(column, sa.LargeBinary).label(column.name)


def _parts(connection: Connection, start: int, end: int) -> dict[tuple[int, str], dict[str, Opening]]:
    table = schema.parts
    found: dict[tuple[int, str], dict[str, Opening]] = {}
    columns = (table.c.seq, table.c.part, table.c.field, _bytes(table.c.salt), _bytes(table.c.body))
    for row in connection.execute(sa.select(*columns).where(table.c.seq >= start, table.c.seq < end)):
        found.setdefault((row.seq, row.part), {})[row.field] = Opening(row.salt, row.body)
    return found


def _part_rows(entry: Entry) -> list[dict[str, Any]]:
    return [
        {"seq": entry.seq, "part": part, "field": name, "salt": opened.salt, "body": opened.body}
        for part, openings in (("gate", entry.gate), ("sealed", entry.sealed))
        for name, opened in openings.items()
    ]


def _noting(token_digest: bytes, principal: Principal) -> sa.Insert:
    values = {
        "id": principal.id,
        "role": principal.role,
        "name": principal.name,
        "party": principal.party,
    }
    return sa.insert(schema.principals).values(token_digest=token_digest, **values)


def _principal(row: Row[Any]) -> Principal:
    return Principal(row.id, row.role, row.name, row.party)


def _is(incarnation: Incarnation) -> sa.ColumnElement[bool]:
    table = schema.incarnations
    return sa.and_(table.c.gateway == incarnation.gateway, table.c.incarnation == incarnation.incarnation)


def _object(data: bytes) -> dict[str, Any]:
    value = canonical.loads(data)
    assert isinstance(value, dict)
    return value
