"""The outbox in SQL: who is to be notified, which letters wait, and in which order."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection, Row

from sluicegate.acts.act import AGENCY, DEVELOPER
from sluicegate.ports import EMAIL, UNCONFIRMED, Letter, Principal, Subscription
from sluicegate.store import schema
from sluicegate.store.database import Session
from sluicegate.store.principals import HAS_TOKEN, WHOLE, principal_in

WAITING, DEAD = "waiting", "dead"
ERROR_MAX = 200

_LETTERS = schema.outbox
_SUBSCRIPTIONS = schema.subscriptions
_WHOSE = schema.principals
_COLLEAGUES = schema.colleagues
_GIVEN = sa.func.json_each(sa.bindparam("applicants"))
_APPLICANTS: sa.Select[Any] = sa.select(sa.column("value")).select_from(_GIVEN)
_SUBSCRIBERS = (
    WHOLE.add_columns(*(each.label(f"subscription_{each.name}") for each in _SUBSCRIPTIONS.c))
    .join(_SUBSCRIPTIONS, _SUBSCRIPTIONS.c.principal == _WHOSE.c.id)
    .where(
        ~_SUBSCRIPTIONS.c.gone & (_SUBSCRIPTIONS.c.kind != UNCONFIRMED) & HAS_TOKEN,
        _SUBSCRIPTIONS.c.principal.in_(
            sa.union_all(
                sa.select(_WHOSE.c.id).where(_WHOSE.c.role.in_([DEVELOPER, AGENCY])),
                _APPLICANTS,
                sa.select(_COLLEAGUES.c.principal).where(_COLLEAGUES.c.colleague_of.in_(_APPLICANTS)),
            )
        ),
    )
)


class SqliteOutbox:
    """`ports.Outbox`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def subscriptions(self, principal: str) -> Sequence[Subscription]:
        """Those of one principal, oldest first."""
        table = _SUBSCRIPTIONS
        query = sa.select(table).where(table.c.principal == principal)
        with self._session.reading() as connection:
            rows = connection.execute(query.order_by(table.c.created_at_ms, table.c.id))
            return [_subscription(row) for row in rows]

    def subscribers(self, applicants: Collection[str]) -> Sequence[tuple[Subscription, Principal]]:
        """The subscriptions of the developer's staff, of agencies and of who acts for some applicants."""
        with self._session.reading() as connection:
            return [
                (_subscribed(row), principal_in(row))
                for row in connection.execute(_SUBSCRIBERS, {"applicants": json.dumps([*applicants])})
            ]

    def add_subscription(self, subscription: Subscription) -> None:
        """Note a new subscription."""
        with self._session.writing() as connection:
            connection.execute(sa.insert(_SUBSCRIPTIONS).values(**asdict(subscription)))

    def unconfirmed(self, since_ms: int) -> Sequence[Subscription]:
        """The unconfirmed subscriptions of everyone. Those made before are forgotten."""
        table = _SUBSCRIPTIONS
        old = sa.and_(table.c.kind == UNCONFIRMED, table.c.created_at_ms < since_ms)
        with self._session.writing() as connection:
            connection.execute(sa.delete(table).where(old))
            found = connection.execute(sa.select(table).where(table.c.kind == UNCONFIRMED))
            return [_subscription(row) for row in found]

    def confirm_subscription(self, subscription: str) -> None:
        """Note that the address of an unconfirmed subscription is its owner's."""
        of = _SUBSCRIPTIONS.c.id == subscription
        with self._session.writing() as connection:
            connection.execute(sa.update(_SUBSCRIPTIONS).where(of).values(kind=EMAIL))

    def remove_subscription(self, subscription: str) -> None:
        """Forget a subscription and all its letters."""
        with self._session.writing() as connection:
            connection.execute(sa.delete(_SUBSCRIPTIONS).where(_SUBSCRIPTIONS.c.id == subscription))

    def end_subscription(self, subscription: str, error: str) -> None:
        """Note that a subscription's receiver is gone."""
        letters, table = _LETTERS, _SUBSCRIPTIONS
        waiting = sa.and_(letters.c.subscription == subscription, letters.c.state == WAITING)
        with self._session.writing() as connection:
            connection.execute(sa.update(table).where(table.c.id == subscription).values(gone=True))
            connection.execute(sa.update(letters).where(waiting).values(state=DEAD, error=error[:ERROR_MAX]))

    def post(self, letters: Sequence[Letter]) -> None:
        """Put letters into the outbox, in this order."""
        if letters:
            rows = [{**asdict(letter), "state": WAITING} for letter in letters]
            with self._session.writing() as connection:
                connection.execute(insert(_LETTERS).on_conflict_do_nothing(index_elements=["message"]), rows)

    def due(self, now_ms: int, busy: Collection[str], limit: int) -> Sequence[tuple[Subscription, Letter]]:
        """What to deliver now: at most one letter for each subscription that is not `busy`."""
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
        with self._session.reading() as connection:
            return _read(connection, query.order_by(letters.c.due_ms, letters.c.id).limit(limit))

    def next_due_ms(self, busy: Collection[str]) -> int | None:
        """When the next letter of a subscription that is not `busy` is due."""
        letters = _LETTERS
        query = sa.select(sa.func.min(letters.c.due_ms)).where(letters.c.id.in_(_heads(busy)))
        with self._session.reading() as connection:
            found: int | None = connection.scalar(query)
        return found

    def delivered(self, message: str) -> None:
        """Forget a letter."""
        with self._session.writing() as connection:
            connection.execute(sa.delete(_LETTERS).where(_LETTERS.c.message == message))

    def put_off(self, message: str, due_ms: int, error: str) -> None:
        """Note a failed attempt, and when to try again."""
        self._failed(message, error, due_ms=due_ms)

    def bury(self, message: str, error: str) -> None:
        """Note the last failed attempt."""
        self._failed(message, error, state=DEAD)

    def dead(self, principal: str, limit: int) -> Sequence[tuple[Subscription, Letter]]:
        """Dead letters of one principal, oldest first."""
        query = _both().where(_LETTERS.c.state == DEAD, _SUBSCRIPTIONS.c.principal == principal)
        with self._session.reading() as connection:
            return _read(connection, query.order_by(_LETTERS.c.id).limit(limit))

    def replay(self, principal: str, message: str | None, due_ms: int) -> int:
        """Make dead letters of a principal wait again, one or all."""
        letters, table = _LETTERS, _SUBSCRIPTIONS
        theirs = sa.select(table.c.id).where(table.c.principal == principal)
        wanted = sa.and_(letters.c.state == DEAD, letters.c.subscription.in_(theirs))
        if message is not None:
            wanted = sa.and_(wanted, letters.c.message == message)
        back = sa.select(letters.c.subscription).where(wanted)
        values = {"state": WAITING, "attempts": 0, "due_ms": due_ms}
        with self._session.writing() as connection:
            connection.execute(sa.update(table).where(table.c.id.in_(back)).values(gone=False))
            return connection.execute(sa.update(letters).where(wanted).values(**values)).rowcount

    def counts(self) -> Mapping[str, int]:
        """How many letters are `waiting` and `dead`."""
        query = sa.select(_LETTERS.c.state, sa.func.count().label("letters")).group_by(_LETTERS.c.state)
        with self._session.reading() as connection:
            found = {row.state: int(row.letters) for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in (WAITING, DEAD)}

    def _failed(self, message: str, error: str, **changes: Any) -> None:
        """Note a failed attempt and what follows from it."""
        values = {"attempts": _LETTERS.c.attempts + 1, "error": error[:ERROR_MAX], **changes}
        with self._session.writing() as connection:
            connection.execute(sa.update(_LETTERS).where(_LETTERS.c.message == message).values(**values))


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(row.id, row.principal, row.kind, row.target, row.created_at_ms, row.gone)


def _subscribed(row: Row[Any]) -> Subscription:
    """A subscription beside its principal."""
    return Subscription(*(row._mapping[f"subscription_{each.name}"] for each in _SUBSCRIPTIONS.c))


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
            _subscription(row),
            Letter(row.message, row.id, row.case, row.body, row.due_ms, row.attempts, row.error),
        )
        for row in connection.execute(query)
    ]
