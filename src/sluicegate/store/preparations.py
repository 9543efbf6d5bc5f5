"""Statements that are to be signed, in SQL: of a control plane in a ledger's file, or of a desk in its own.

Rules:
- What is to be sealed, such as a reason or the names of an annex, is here until it is on the record.
- The id of one of a set is the name of the set, a dash, and a place: those up to a dot are all of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from sluicegate.ports import PreparedStatement, set_name
from sluicegate.store.database import Session
from sluicegate_record.log import canonical
from sluicegate_record.log.dsse import Envelope, Signature
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.statement import KEPT_MS

PREPARED_MAX = 50
"""How many statements or sets that are to be signed are kept of each who makes some."""
_ALL = "SELECT id, payload, maker, name, at_ms, instance, opened, signatures, premise FROM to_sign"
_OLD = "DELETE FROM to_sign WHERE at_ms <= :at_ms - :kept_ms"
_PUT = (
    "INSERT INTO to_sign (id, payload, maker, name, at_ms, instance, opened, signatures,"
    " premise) VALUES (:id, :payload, :maker, :name, :at_ms, :instance, :opened, :signatures, :premise)"
    " ON CONFLICT DO NOTHING"
)
_TOO_MANY = (
    "DELETE FROM to_sign WHERE maker = :maker AND substr(id, 1, 64) IN"
    " (SELECT substr(id, 1, 64) AS set_name FROM to_sign WHERE maker = :maker AND set_name <> :set_name"
    " GROUP BY set_name ORDER BY max(at_ms) DESC, set_name LIMIT -1 OFFSET :others)"
)
_FORGET = "DELETE FROM to_sign WHERE id >= :set_name AND id < :set_name || '.'"


class SqlitePreparations:
    """`ports.Preparations`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, id_: str) -> PreparedStatement | None:
        """One."""
        found = self._session.rows(f"{_ALL} WHERE id = ?", (id_,))
        return _statement(*found[0]) if found else None

    def all(self) -> Sequence[PreparedStatement]:
        """Every one, the oldest first."""
        return [_statement(*row) for row in self._session.rows(f"{_ALL} ORDER BY at_ms, id")]

    def of_set(self, id_: str) -> Sequence[PreparedStatement]:
        """All of the set of one, in their order."""
        name = set_name(id_)
        found = self._session.rows(f"{_ALL} WHERE id >= ? AND id < ? || '.' ORDER BY id", (name, name))
        return [_statement(*row) for row in found]

    def put(self, made: PreparedStatement, *others: PreparedStatement) -> None:
        """Keep one, with all others of its set, unless they are here. What is too much or too old goes."""
        aged = {"at_ms": made.at_ms, "kept_ms": KEPT_MS}
        bound = {"maker": made.by, "set_name": set_name(made.id), "others": PREPARED_MAX - 1}
        with self._session.writing() as connection:
            connection.execute(sa.text(_OLD), aged)
            connection.execute(sa.text(_PUT), [_row(each) for each in (made, *others)])
            connection.execute(sa.text(_TOO_MANY), bound)

    def sign(self, id_: str, signature: Signature) -> PreparedStatement | None:
        """Add a signature to those that one has by now."""
        with self._session.writing() as connection:
            row = connection.execute(sa.text(f"{_ALL} WHERE id = :id"), {"id": id_}).first()
            found = None if row is None else _statement(*row)
            if found is None or signature.keyid in {each.keyid for each in found.signatures}:
                return None
            signed = replace(found, signatures=(*found.signatures, signature))
            changed = sa.text("UPDATE to_sign SET signatures = :signatures WHERE id = :id")
            connection.execute(changed, {"id": id_, "signatures": _signatures(signed)})
        return signed

    def forget(self, id_: str) -> None:
        """Forget one, with its set."""
        with self._session.writing() as connection:
            connection.execute(sa.text(_FORGET), {"set_name": set_name(id_)})


def _row(made: PreparedStatement) -> dict[str, Any]:
    return {
        "id": made.id,
        "payload": made.payload,
        "maker": made.by,
        "name": made.name,
        "at_ms": made.at_ms,
        "instance": made.instance,
        "opened": json.dumps({name: _opening(each) for name, each in made.opened.items()}),
        "signatures": _signatures(made),
        "premise": made.premise,
    }


def _opening(opened: Opening) -> list[str]:
    return [canonical.b64(opened.salt), opened.body.decode()]


def _signatures(made: PreparedStatement) -> str:
    """The envelope so far, in JSON; empty before anyone has signed it."""
    return json.dumps(made.envelope.to_json()) if made.signatures else ""


def _statement(  # noqa: PLR0913 - the columns
    id_: str,
    payload: bytes,
    maker: str,
    name: str,
    at_ms: int,
    instance: str,
    opened: str,
    signatures: str,
    premise: str,
) -> PreparedStatement:
    openings: dict[str, Any] = json.loads(opened)
    return PreparedStatement(
        id_,
        payload,
        maker,
        name,
        at_ms,
        instance,
        {key: Opening(canonical.unb64(salt), body.encode()) for key, (salt, body) in openings.items()},
        Envelope.from_json(json.loads(signatures)).signatures if signatures else (),
        premise,
    )
