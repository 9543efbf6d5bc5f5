"""What a desk keeps, in SQL: one file, `desk.db` in its folder.

Rules:
- A reason that is to be sealed is here until its statement is on the record. Of other secrets it has digests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from sluicegate.ports import PreparedStatement
from sluicegate.store.database import Database, Schema, Session
from sluicegate.store.schema import SIGN_INS
from sluicegate_record.log.leaf import Opening

FILE = "desk.db"

PREPARED_MAX = 100
"""How many statements of each person that are to be signed are kept."""
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
_prepared = sa.Table(
    "prepared",
    _metadata,
    sa.Column("id", sa.String(80), primary_key=True),
    sa.Column("instance", sa.String(64), nullable=False),
    sa.Column("agency", sa.String(64), nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("salt", sa.LargeBinary, nullable=True),
    sa.Column("body", sa.LargeBinary, nullable=True),
    sa.Column("signatures", sa.Text, nullable=False),
)
DESK = Schema(application_id=0x534C4744, version=1, metadata=_metadata, made=SIGN_INS)
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

    def prepared(self, id_: str) -> PreparedStatement | None:
        """A statement that is to be signed."""
        with self._session.reading() as connection:
            found = connection.execute(sa.select(_prepared).where(_prepared.c.id == id_)).first()
        return None if found is None else _stated(found)

    def all_prepared(self) -> Sequence[PreparedStatement]:
        """Every one, the oldest first."""
        query = sa.select(_prepared).order_by(_prepared.c.at_ms, _prepared.c.id)
        with self._session.reading() as connection:
            return [_stated(row) for row in connection.execute(query)]

    def prepare(self, stated: PreparedStatement) -> None:
        """Keep a statement, unless there is one of the same id. If a person has too many, their oldest go."""
        opened = stated.opened
        row = {
            "id": stated.id,
            "instance": stated.instance,
            "agency": stated.agency,
            "payload": stated.payload,
            "person": stated.by,
            "at_ms": stated.at_ms,
            "salt": None if opened is None else opened.salt,
            "body": None if opened is None else opened.body,
            "signatures": json.dumps(list(stated.signatures)),
        }
        with self._session.writing() as connection:
            connection.execute(insert(_prepared).values(row).on_conflict_do_nothing())
            of_person = sa.and_(_prepared.c.person == stated.by, _prepared.c.id != stated.id)
            newest_first = sa.select(_prepared.c.id).where(of_person)
            newest_first = newest_first.order_by(_prepared.c.at_ms.desc(), _prepared.c.id)
            oldest = newest_first.limit(-1).offset(PREPARED_MAX - 1)
            connection.execute(sa.delete(_prepared).where(_prepared.c.id.in_(oldest)))

    def add_signature(self, id_: str, signature: Mapping[str, Any]) -> PreparedStatement | None:
        """Add a signature to a statement."""
        wanted = _prepared.c.id == id_
        with self._session.writing() as connection:
            row = connection.execute(sa.select(_prepared).where(wanted)).first()
            found = None if row is None else _stated(row)
            if found is None or signature["keyid"] in {each["keyid"] for each in found.signatures}:
                return None
            signed = replace(found, signatures=(*found.signatures, signature))
            given = json.dumps(list(signed.signatures))
            connection.execute(sa.update(_prepared).where(wanted).values(signatures=given))
        return signed

    def forget(self, id_: str) -> None:
        """Forget a statement."""
        with self._session.writing() as connection:
            connection.execute(sa.delete(_prepared).where(_prepared.c.id == id_))


def _stated(row: sa.Row[Any]) -> PreparedStatement:
    opened = None if row.salt is None else Opening(row.salt, row.body)
    return PreparedStatement(
        id=row.id,
        instance=row.instance,
        agency=row.agency,
        payload=row.payload,
        by=row.person,
        at_ms=row.at_ms,
        opened=opened,
        signatures=tuple(json.loads(row.signatures)),
    )


def desk_database(folder: Path) -> Database:
    """The file of the desk in a folder. Raises: StoreUnusable, StoreUnavailable."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Database(folder / FILE, DESK)
