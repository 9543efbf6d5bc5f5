"""The outbox in SQL: which letters wait, in which order, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection, Row

from sluicegate.ports import Letter, Subscription
from sluicegate.store import schema

WAITING, DEAD = "waiting", "dead"
ERROR_MAX = 200

_LETTERS = schema.outbox
_SUBSCRIPTIONS = schema.subscriptions


def subscription(row: Row[Any]) -> Subscription:
    """The subscription in a row."""
    return Subscription(row.id, row.principal, row.kind, row.target, row.created_at_ms, row.gone)


def subscriptions(connection: Connection, principal: str) -> list[Subscription]:
    """Those of one principal, oldest first."""
    table = _SUBSCRIPTIONS
    query = sa.select(table).where(table.c.principal == principal)
    return [
        subscription(row) for row in connection.execute(query.order_by(table.c.created_at_ms, table.c.id))
    ]


def post(connection: Connection, letters: Sequence[Letter]) -> None:
    """Put letters into the outbox, in this order."""
    if letters:
        rows = [{**asdict(letter), "state": WAITING} for letter in letters]
        connection.execute(insert(_LETTERS).on_conflict_do_nothing(index_elements=["message"]), rows)


def due(
    connection: Connection, now_ms: int, busy: Collection[str], limit: int
) -> list[tuple[Subscription, Letter]]:
    """What to deliver now."""
    letters = _LETTERS
    turn = sa.func.row_number().over(
        partition_by=letters.c.subscription, order_by=(letters.c.due_ms, letters.c.id)
    )
    first = (
        sa.select(letters.c.id, turn.label("turn"))
        .where(letters.c.id.in_(_heads(busy)), letters.c.due_ms <= now_ms)
        .subquery()
    )
    query = _both().where(letters.c.id.in_(sa.select(first.c.id).where(first.c.turn == 1)))
    return _read(connection, query.order_by(letters.c.due_ms, letters.c.id).limit(limit))


def next_due_ms(connection: Connection, busy: Collection[str]) -> int | None:
    """When the next letter is due."""
    letters = _LETTERS
    found: int | None = connection.scalar(
        sa.select(sa.func.min(letters.c.due_ms)).where(letters.c.id.in_(_heads(busy)))
    )
    return found


def delivered(connection: Connection, message: str) -> None:
    """Forget a letter."""
    connection.execute(sa.delete(_LETTERS).where(_LETTERS.c.message == message))


def failed(connection: Connection, message: str, error: str, **changes: Any) -> None:
    """Note a failed attempt and what follows from it."""
    values = {"attempts": _LETTERS.c.attempts + 1, "error": error[:ERROR_MAX], **changes}
    connection.execute(sa.update(_LETTERS).where(_LETTERS.c.message == message).values(**values))


def end(connection: Connection, name: str, error: str) -> None:
    """Note that a receiver is gone."""
    letters, table = _LETTERS, _SUBSCRIPTIONS
    connection.execute(sa.update(table).where(table.c.id == name).values(gone=True))
    waiting = sa.and_(letters.c.subscription == name, letters.c.state == WAITING)
    connection.execute(sa.update(letters).where(waiting).values(state=DEAD, error=error[:ERROR_MAX]))


def dead(connection: Connection, principal: str, limit: int) -> list[tuple[Subscription, Letter]]:
    """Dead letters of one principal, oldest first."""
    query = _both().where(_LETTERS.c.state == DEAD, _SUBSCRIPTIONS.c.principal == principal)
    return _read(connection, query.order_by(_LETTERS.c.id).limit(limit))


def replay(connection: Connection, principal: str, message: str | None, due_ms: int) -> int:
    """Make dead letters of a principal wait again."""
    letters, table = _LETTERS, _SUBSCRIPTIONS
    theirs = sa.select(table.c.id).where(table.c.principal == principal)
    wanted = sa.and_(letters.c.state == DEAD, letters.c.subscription.in_(theirs))
    if message is not None:
        wanted = sa.and_(wanted, letters.c.message == message)
    back = sa.select(letters.c.subscription).where(wanted)
    connection.execute(sa.update(table).where(table.c.id.in_(back)).values(gone=False))
    values = {"state": WAITING, "attempts": 0, "due_ms": due_ms}
    return connection.execute(sa.update(letters).where(wanted).values(**values)).rowcount


def counted(connection: Connection) -> Mapping[str, int]:
    """How many letters there are in each state."""
    query = sa.select(_LETTERS.c.state, sa.func.count().label("letters")).group_by(_LETTERS.c.state)
    found = {row.state: int(row.letters) for row in connection.execute(query)}
    return {state: found.get(state, 0) for state in (WAITING, DEAD)}


def _heads(busy: Collection[str]) -> sa.Select[tuple[int]]:
    """The ids of the oldest waiting letters, one a subscription and case."""
    letters = _LETTERS
    heads = sa.select(sa.func.min(letters.c.id)).where(letters.c.state == WAITING)
    return heads.where(letters.c.subscription.not_in(busy)).group_by(letters.c.subscription, letters.c.case)


def _both() -> sa.Select[Any]:
    letters, table = _LETTERS, _SUBSCRIPTIONS
    return sa.select(
        table,
        letters.c.message,
        letters.c.case,
        letters.c.body,
        letters.c.due_ms,
        letters.c.attempts,
        letters.c.error,
    ).join(letters, letters.c.subscription == table.c.id)


def _read(connection: Connection, query: sa.Select[Any]) -> list[tuple[Subscription, Letter]]:
    return [
        (
            subscription(row),
            Letter(row.message, row.id, row.case, row.body, row.due_ms, row.attempts, row.error),
        )
        for row in connection.execute(query)
    ]
