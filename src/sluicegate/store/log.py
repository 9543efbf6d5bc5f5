"""The log in SQL: entries, their parts, the tree, the head; and the results of commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sluicegate.errors import StoreUnusable
from sluicegate.ports import Node, PastCommand, PublishedEntry, StoredHead
from sluicegate.store import schema
from sluicegate.store.database import Session
from sluicegate_record import entries as records
from sluicegate_record.entries import Body, Entry
from sluicegate_record.entries.releases import LogKeyReplaced, ReleaseApplied
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.merkle import Place

_SEALED = (
    "SELECT seq, field, CAST(salt AS BLOB), CAST(body AS BLOB) FROM parts"
    " WHERE part = 'sealed' AND seq IN (SELECT value FROM json_each(?))"
)


def _bytes(column: sa.Column[bytes]) -> sa.Label[bytes]:
    """A column of bytes, whatever somebody who altered the file has put there: SQLite has typed values."""
    return sa.cast(column, sa.LargeBinary).label(column.name)


# The statements of every command are made once: making one costs more than running it.
_MOVE = sa.update(schema.head).values(size=sa.bindparam("to_size"), checkpoint=sa.bindparam("to_checkpoint"))
_ADD_ENTRIES, _ADD_PARTS = sa.insert(schema.entries), sa.insert(schema.parts)
_ADD_NODES = sa.insert(schema.nodes)
_PLANS, _HANDOVERS = (
    sa.select(schema.entries.c.seq).where(sa.text(indexed)).order_by(schema.entries.c.seq)
    for indexed in (schema.IS_A_PLAN, schema.IS_A_HANDOVER)
)
_DONE = sa.select(schema.commands).where(schema.commands.c.id == sa.bindparam("command"))
_REMEMBER = sa.insert(schema.commands)
_HEAD = "SELECT size, checkpoint FROM head"
_LEAVES = "SELECT CAST(leaf AS BLOB) FROM entries WHERE seq >= ? AND seq < ? ORDER BY seq"


_PLACES_MAX = 500
"""How many places one query asks for: SQLite takes at most 500 rows of values."""


@lru_cache(maxsize=128)
def nodes_at(count: int) -> str:
    """The query for so many places, numbered. For `(level, idx) IN (…)` SQLite would read the whole table."""
    places = ", ".join(f"({number}, ?, ?)" for number in range(count))
    found = "SELECT p.number, CAST(n.hash AS BLOB) FROM place AS p CROSS JOIN nodes AS n"
    where = "n.level = p.level AND n.idx = p.idx"
    return f"WITH place (number, level, idx) AS (VALUES {places}) {found} ON {where}"


class SqliteLog:
    """`ports.Log`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def size(self) -> int:
        """The number of entries."""
        return self._head().size

    def checkpoint(self) -> str:
        """The newest signed head."""
        return self._head().checkpoint

    def head(self) -> StoredHead:
        """The size and the signed head, of the file that is on the disk."""
        self._session.check_file()
        return self._head()

    def tail(self, after: int, limit: int) -> Sequence[PublishedEntry]:
        """At most `limit` entries from `after` on, unread."""
        table, end = schema.entries, after + limit
        query = sa.select(table.c.seq, _bytes(table.c.leaf)).where(table.c.seq >= after, table.c.seq < end)
        wanted = sa.and_(schema.parts.c.seq >= after, schema.parts.c.seq < end, schema.parts.c.part == "gate")
        with self._session.reading() as connection:
            gates = _parts(connection, wanted)
            rows = connection.execute(query.order_by(table.c.seq))
            return [PublishedEntry(row.leaf, gates.get((row.seq, "gate"), {})) for row in rows]

    def plans(self) -> Sequence[Entry]:
        """The entries that put plans in force, by their index."""
        return self._indexed(_PLANS, ReleaseApplied)

    def handovers(self) -> Sequence[Entry]:
        """The entries that replace the log's own key, by their index."""
        return self._indexed(_HANDOVERS, LogKeyReplaced)

    def _indexed(self, query: sa.Select[Any], type_: type[Body]) -> Sequence[Entry]:
        """The entries of a type, which an index of their numbers has."""
        with self._session.reading() as connection:
            seqs = list(connection.scalars(query))
        found = [records.read(*each) for seq in seqs for each in self.tail(seq, 1)]
        return [entry for entry in found if isinstance(entry.body, type_)]

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from `after` on."""
        return self._where(lambda seq: sa.and_(seq >= after, seq < after + limit))

    def at(self, seqs: Sequence[int]) -> Sequence[Entry]:
        """The entries at some places, in the order of the log."""
        places: sa.TableValuedAlias = sa.func.json_each(json.dumps([*seqs])).table_valued("value")
        return self._where(lambda seq: seq.in_(sa.select(places.c.value)))

    def _where(self, wanted: Callable[[sa.Column[int]], sa.ColumnElement[bool]]) -> Sequence[Entry]:
        """The entries whose places are wanted."""
        table = schema.entries
        query = sa.select(table.c.seq, _bytes(table.c.leaf)).where(wanted(table.c.seq))
        with self._session.reading() as connection:
            parts = _parts(connection, wanted(schema.parts.c.seq))
            return [
                records.read(row.leaf, parts.get((row.seq, "gate"), {}), parts.get((row.seq, "sealed"), {}))
                for row in connection.execute(query.order_by(table.c.seq))
            ]

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """The leaves of the entries `start` to `end` (exclusive)."""
        return [leaf for (leaf,) in self._session.rows(_LEAVES, (start, end))]

    def nodes(self, places: Sequence[Place]) -> Sequence[bytes]:
        """The stored tree nodes at some places, each found by the index."""
        found: list[bytes] = []
        for at in range(0, len(places), _PLACES_MAX):
            found += self._nodes(places[at : at + _PLACES_MAX])
        return found

    def _head(self) -> StoredHead:
        found = self._session.rows(_HEAD)
        if not found:
            raise StoreUnusable("the head of the log is missing", remedy="restore the database from a backup")
        ((size, checkpoint),) = found
        return StoredHead(int(size), str(checkpoint))

    def _nodes(self, places: Sequence[Place]) -> list[bytes]:
        given = tuple(chain.from_iterable(places))
        found = dict(self._session.rows(nodes_at(len(places)), given))
        if len(found) < len(places):
            level, index = next(place for number, place in enumerate(places) if number not in found)
            raise StoreUnusable(
                f"the tree node {level}/{index} is missing", remedy="restore the database from a backup"
            )
        return [found[number] for number in range(len(places))]

    def sealed(self, seqs: Collection[int]) -> Mapping[int, Mapping[str, Opening]]:
        """The sealed parts of some entries, by `seq`."""
        if not seqs:
            return {}
        found: dict[int, dict[str, Opening]] = {}
        for seq, field, salt, body in self._session.rows(_SEALED, (json.dumps([*seqs]),)):
            found.setdefault(seq, {})[field] = Opening(salt, body)
        return found

    def append(self, entries: Sequence[Entry], nodes: Sequence[Node], checkpoint: str) -> None:
        """Append entries, the tree nodes they completed, and the signed head that holds them."""
        parts = [row for entry in entries for row in _part_rows(entry)]
        rows = [{"level": level, "idx": index, "hash": node} for level, index, node in nodes]
        with self._session.writing() as connection:
            connection.execute(_ADD_ENTRIES, [{"seq": entry.seq, "leaf": entry.leaf} for entry in entries])
            if parts:
                connection.execute(_ADD_PARTS, parts)
            connection.execute(_ADD_NODES, rows)
            connection.execute(_MOVE, {"to_size": entries[-1].size, "to_checkpoint": checkpoint})

    def done(self, command: str) -> PastCommand | None:
        """The result of a command, if it was done before."""
        with self._session.reading() as connection:
            row = connection.execute(_DONE, {"command": command}).one_or_none()
        return PastCommand(row.request, _object(row.result)) if row else None

    def remember(self, command: str, done: PastCommand) -> None:
        """Remember the result of a command."""
        values = {"id": command, "request": done.request, "result": canonical.dumps(done.result)}
        with self._session.writing() as connection:
            connection.execute(_REMEMBER, values)


def _parts(
    connection: Connection, wanted: sa.ColumnElement[bool]
) -> dict[tuple[int, str], dict[str, Opening]]:
    table = schema.parts
    found: dict[tuple[int, str], dict[str, Opening]] = {}
    columns = (table.c.seq, table.c.part, table.c.field, _bytes(table.c.salt), _bytes(table.c.body))
    for row in connection.execute(sa.select(*columns).where(wanted)):
        found.setdefault((row.seq, row.part), {})[row.field] = Opening(row.salt, row.body)
    return found


def _part_rows(entry: Entry) -> list[dict[str, Any]]:
    return [
        {"seq": entry.seq, "part": part, "field": name, "salt": opened.salt, "body": opened.body}
        for part, openings in (("gate", entry.gate), ("sealed", entry.sealed))
        for name, opened in openings.items()
    ]


def _object(data: bytes) -> dict[str, Any]:
    value = canonical.loads(data)
    assert isinstance(value, dict)
    return value
