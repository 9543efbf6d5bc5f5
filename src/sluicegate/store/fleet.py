"""The runs of gateways in SQL."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from sluicegate.ports import Incarnation
from sluicegate.store import schema
from sluicegate.store.database import Session

_TABLE = schema.incarnations


class SqliteFleet:
    """`ports.FleetRegister`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def incarnations(self) -> Sequence[Incarnation]:
        """The gateways that may hold a lease."""
        with self._session.reading() as connection:
            rows = connection.execute(sa.select(_TABLE)).all()
        return [Incarnation(row.gateway, row.incarnation, row.surface, row.public_key) for row in rows]

    def register(self, incarnation: Incarnation) -> None:
        """Note an incarnation, durably."""
        values = {
            "gateway": incarnation.gateway,
            "incarnation": incarnation.incarnation,
            "surface": incarnation.surface,
            "public_key": incarnation.key,
        }
        with self._session.writing() as connection:
            connection.execute(sa.delete(_TABLE).where(_is(incarnation)))
            connection.execute(sa.insert(_TABLE).values(**values))

    def retire(self, incarnation: Incarnation) -> None:
        """Forget an incarnation whose lease has ended."""
        with self._session.writing() as connection:
            connection.execute(sa.delete(_TABLE).where(_is(incarnation)))


def _is(incarnation: Incarnation) -> sa.ColumnElement[bool]:
    table = _TABLE
    return sa.and_(table.c.gateway == incarnation.gateway, table.c.incarnation == incarnation.incarnation)
