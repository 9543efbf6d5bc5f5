"""Principals in SQL, with the organizations that they named and their drafts."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from sluicegate.ports import Principal, Registration, SavedDraft, Spent
from sluicegate.store import schema
from sluicegate.store.database import Session

_PRINCIPALS = schema.principals
_ORGANIZATIONS = schema.organizations
_DRAFTS = schema.drafts
_SPENT_BY = sa.select(schema.spent.c.until_ms).where(schema.spent.c.party == sa.bindparam("of"))
_SPEND = sa.text("INSERT OR REPLACE INTO spent (party, until_ms) VALUES (:of, :then)")
TRIGRAM = 3
ENDED = b"ended token of "
"""What is stored for a token that has ended, before the id of its principal. No SHA-256 digest begins so."""
HAS_TOKEN = sa.func.substr(_PRINCIPALS.c.token_digest, 1, len(ENDED)) != ENDED


class SqlitePrincipals:
    """`ports.Principals`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_token(self, token_digest: bytes) -> Principal | None:
        """The holder of a token."""
        query = sa.select(_PRINCIPALS).where(_PRINCIPALS.c.token_digest == token_digest)
        with self._session.reading() as connection:
            row = connection.execute(query).one_or_none()
        return _principal(row) if row else None

    def add(self, token_digest: bytes, principal: Principal) -> None:
        """Note a token by its digest."""
        with self._session.writing() as connection:
            connection.execute(_noting(token_digest, principal))

    def replace(self, token_digest: bytes, principal: Principal) -> None:
        """Note a token by its digest; a principal that had this role and name before is known no more."""
        table = _PRINCIPALS
        before = (table.c.role == principal.role) & (table.c.name == principal.name)
        with self._session.writing() as connection:
            connection.execute(sa.delete(table).where(before))
            connection.execute(_noting(token_digest, principal))

    def all(self) -> Sequence[Principal]:
        """Every principal, also those whose token has ended."""
        with self._session.reading() as connection:
            return [_principal(row) for row in connection.execute(sa.select(_PRINCIPALS))]

    def end(self, principal: str) -> None:
        """End the token of a principal. The principal stays; `replace` gives it another token."""
        named = sa.update(_PRINCIPALS).where(_PRINCIPALS.c.id == principal)
        with self._session.writing() as connection:
            connection.execute(named.values(token_digest=ENDED + principal.encode()))

    def ended(self) -> frozenset[str]:
        """The ids of the principals whose token has ended."""
        with self._session.reading() as connection:
            return frozenset(connection.scalars(sa.select(_PRINCIPALS.c.id).where(~HAS_TOKEN)))

    def organization(self, owner: str, name: str, registered_in: str) -> str | None:
        """The pseudonym under which `owner` has named this organization before."""
        table = _ORGANIZATIONS
        query = sa.select(table.c.pseudonym).where(
            table.c.owner == owner, table.c.name == name, table.c.registered_in == registered_in
        )
        with self._session.reading() as connection:
            found: str | None = connection.scalar(query)
        return found

    def add_organization(self, pseudonym: str, owner: str, name: str, registered_in: str) -> None:
        """Note a new organization."""
        values = {"pseudonym": pseudonym, "owner": owner, "name": name, "registered_in": registered_in}
        with self._session.writing() as connection:
            connection.execute(sa.insert(_ORGANIZATIONS).values(**values))

    def organizations(self, name: str) -> Sequence[str]:
        """The pseudonyms of every organization of this legal name."""
        table = _ORGANIZATIONS
        with self._session.reading() as connection:
            return list(connection.scalars(sa.select(table.c.pseudonym).where(table.c.name == name)))

    def organizations_like(self, part: str, limit: int) -> Sequence[str]:
        """The pseudonyms of at most `limit` organizations in whose legal name `part` occurs."""
        if threes := _threes(part):
            query = "SELECT pseudonym FROM organization_names WHERE name MATCH ? AND instr(name, ?) LIMIT ?"
            return _first(self._session.rows(query, (threes, part, limit)))
        query = "SELECT pseudonym FROM organization_names WHERE instr(name, ?) LIMIT ?"
        return _first(self._session.rows(query, (part, limit)))

    def named_like(self, pseudonyms: Collection[str], part: str) -> frozenset[str]:
        """Those of these organizations in whose legal name `part` occurs."""
        query = (
            "SELECT pseudonym FROM organizations"
            " WHERE pseudonym IN (SELECT value FROM json_each(?)) AND instr(name, ?)"
        )
        return frozenset(_first(self._session.rows(query, (json.dumps([*pseudonyms]), part))))

    def registered(self, pseudonym: str) -> Registration | None:
        """The organization behind a pseudonym."""
        table = _ORGANIZATIONS
        query = sa.select(table.c.name, table.c.registered_in).where(table.c.pseudonym == pseudonym)
        with self._session.reading() as connection:
            row = connection.execute(query).one_or_none()
        return Registration(row.name, row.registered_in) if row is not None else None

    def drafts(self, principal: str) -> Sequence[SavedDraft]:
        """Those of one principal, oldest first."""
        query = sa.select(_DRAFTS).where(_DRAFTS.c.principal == principal)
        with self._session.reading() as connection:
            rows = connection.execute(query.order_by(_DRAFTS.c.created_at_ms, _DRAFTS.c.id))
            return [SavedDraft(*row) for row in rows]

    def add_draft(self, draft: SavedDraft) -> None:
        """Note a draft of an application."""
        with self._session.writing() as connection:
            connection.execute(sa.insert(_DRAFTS).values(**asdict(draft)))

    def remove_draft(self, draft: str) -> None:
        """Forget a draft."""
        with self._session.writing() as connection:
            connection.execute(sa.delete(_DRAFTS).where(_DRAFTS.c.id == draft))

    def spent(self, party: str) -> Mapping[str, Spent]:
        """What a party has used of each daily limit."""
        with self._session.reading() as connection:
            text = connection.scalar(_SPENT_BY, {"of": party})
        found: Any = {} if text is None else json.loads(text)
        return {str(name): Spent(*each) for name, each in found.items() if type(each) is list}

    def spend(self, party: str, spent: Mapping[str, Spent]) -> None:
        """Note that in place of what was noted."""
        values = {"of": party, "then": json.dumps(dict(spent))}
        with self._session.writing() as connection:
            connection.execute(_SPEND, values)


def _threes(part: str) -> str:
    """What finds the names in which `part` may occur, by the index; empty if the index cannot.

    The index knows of three characters or more. It finds the names with all threes of `part`, side by side:
    to find `part` as one phrase it would read three times as much.
    """
    if len(part) < TRIGRAM or "\0" in part:
        return ""
    last = len(part) - TRIGRAM
    threes = (part[at : at + TRIGRAM] for at in (*range(0, last, TRIGRAM), last))
    quoted = (three.replace('"', '""') for three in threes)
    return " AND ".join(f'"{three}"' for three in quoted)


def _first(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return [name for (name,) in rows]


def _noting(token_digest: bytes, principal: Principal) -> sa.Insert:
    return sa.insert(_PRINCIPALS).values(token_digest=token_digest, **asdict(principal))


def _principal(row: Row[Any]) -> Principal:
    return Principal(row.id, row.role, row.name, row.party)
