"""What a desk keeps, in SQL: one file, `desk.db` in its folder. Of secrets it has digests, and what is to be
signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from sluicegate.store.database import Database, Schema, Session
from sluicegate.store.schema import PREPARATIONS, SIGN_INS

FILE = "desk.db"

_metadata = sa.MetaData()
_people = sa.Table("people", _metadata, sa.Column("name", sa.String(64), primary_key=True))
_seen = sa.Table(
    "seen",
    _metadata,
    sa.Column("person", sa.String(64), primary_key=True),
    sa.Column("instance", sa.String(64), primary_key=True),
    sa.Column("case_id", sa.String(128), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
)
_STEPS: dict[int, tuple[str, ...]] = {1: ("DROP TABLE IF EXISTS prepared",)}
"""As in a ledger's file. Version 1 kept statements with reasons that are not public; they are made again."""
DESK = Schema(
    application_id=0x534C4744, version=2, metadata=_metadata, steps=_STEPS, made=(*SIGN_INS, *PREPARATIONS)
)
"""The id marks a SQLite file as a desk's: "SLGD"."""


class SqliteDeskMemory:
    """`ports.DeskMemory`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def people(self) -> Sequence[str]:
        """The names of those who may come in."""
        with self._session.reading() as connection:
            return list(connection.scalars(sa.select(_people.c.name).order_by(_people.c.name)))

    def let_in(self, person: str) -> None:
        """Let someone come in."""
        with self._session.writing() as connection:
            connection.execute(insert(_people).values(name=person).on_conflict_do_nothing())

    def shut_out(self, person: str) -> None:
        """Let someone come in no more."""
        with self._session.writing() as connection:
            connection.execute(sa.delete(_people).where(_people.c.name == person))

    def seen(self, person: str) -> Mapping[tuple[str, str], int]:
        """What a person has seen."""
        query = sa.select(_seen.c.instance, _seen.c.case_id, _seen.c.size).where(_seen.c.person == person)
        with self._session.reading() as connection:
            return {(instance, case): size for instance, case, size in connection.execute(query)}

    def see(self, person: str, instance: str, case: str, size: int) -> None:
        """Note that a person has looked at a case."""
        row = insert(_seen).values(person=person, instance=instance, case_id=case, size=size)
        newer = sa.func.max(_seen.c.size, row.excluded.size)
        key = [_seen.c.person, _seen.c.instance, _seen.c.case_id]
        with self._session.writing() as connection:
            connection.execute(row.on_conflict_do_update(key, set_={"size": newer}))


def desk_database(folder: Path) -> Database:
    """The file of the desk in a folder. Raises: StoreUnusable, StoreUnavailable."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Database(folder / FILE, DESK)
