"""Principals in SQL, with the organizations that they named and their drafts."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from sluicegate.acts.act import APPLICANT, GATEWAY
from sluicegate.core.people.legal_names import bare_key
from sluicegate.ports import Principal, Registration, SavedDraft, Spent
from sluicegate.store import grams, schema
from sluicegate.store.database import Session

_PRINCIPALS = schema.principals
_ORGANIZATIONS = schema.organizations
_DRAFTS = schema.drafts
_COLLEAGUES = schema.colleagues
WHOLE = sa.select(_PRINCIPALS, _COLLEAGUES.c.colleague_of, _COLLEAGUES.c.administers).outerjoin(
    _COLLEAGUES, _COLLEAGUES.c.principal == _PRINCIPALS.c.id
)
"""The principals, each with what is noted of it as a colleague."""
_IN_TEAM = _PRINCIPALS.c.id.in_(
    sa.union_all(
        sa.select(sa.bindparam("of", type_=sa.String)),
        sa.select(_COLLEAGUES.c.principal).where(_COLLEAGUES.c.colleague_of == sa.bindparam("of")),
    )
)
"""The people of one applicant among very many."""
_SPENT_BY = sa.select(schema.spent.c.until_ms).where(schema.spent.c.party == sa.bindparam("of"))
_SPEND = sa.text("INSERT OR REPLACE INTO spent (party, until_ms) VALUES (:of, :then)")
_BARE = sa.text("INSERT INTO bare_names VALUES (:bare, :pseudonym)")
_PARTS = sa.text(
    "INSERT INTO name_parts (rowid, words)"
    " SELECT rowid, :words FROM organizations WHERE pseudonym = :pseudonym"
)
_BY_THREES = "SELECT pseudonym FROM organization_names WHERE name MATCH ? AND instr(name, ?) LIMIT ?"
_BY_PARTS = (
    "SELECT n.pseudonym FROM name_parts CROSS JOIN organization_names AS n ON n.rowid = name_parts.rowid"
    " WHERE name_parts MATCH ? AND instr(n.name, ?) LIMIT ?"
)
TRIGRAM = 3
FIRST = 128
"""How many names with a part show how rare it is."""
RARE = sys.maxsize
NEAR_THREES, NEAR_MAX = 6, 50
"""By how many threes organizations are found for a name that matches none, and how many are compared."""
ENDED = b"ended token of "
"""What is stored for a token that has ended, before the id of its principal. No SHA-256 digest begins so."""
_EARLIER = sa.text(
    "SELECT p.* FROM earlier_tokens e JOIN principals p ON p.id = e.principal"
    " WHERE e.token_digest = :digest AND e.until_ms > unixepoch() * 1000"
)
_KEEP = sa.text(
    "INSERT INTO earlier_tokens SELECT token_digest, id, :until_ms FROM principals"
    " WHERE id = :principal AND substr(token_digest, 1, 15) <> CAST('ended token of ' AS BLOB)"
)
_FORGET = sa.text("DELETE FROM earlier_tokens WHERE principal = :principal")
_ISSUED = sa.text("INSERT OR REPLACE INTO issued_tokens VALUES (:principal, :at_ms)")
_STANDING = sa.text("INSERT OR REPLACE INTO colleagues VALUES (:id, :colleague_of, :administers)")
_PLAIN = sa.text("DELETE FROM colleagues WHERE principal = :id")
_ADMINISTERS = sa.text(
    "INSERT INTO colleagues VALUES (:id, NULL, :administers)"
    " ON CONFLICT (principal) DO UPDATE SET administers = excluded.administers"
)
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
            if row is None:
                row = connection.execute(_EARLIER, {"digest": token_digest}).one_or_none()
            # A feed knows gateways alone, and may read a file that an earlier build wrote.
            if row is not None and row.role != GATEWAY:
                row = connection.execute(WHOLE.where(_PRINCIPALS.c.id == row.id)).one_or_none()
        return principal_in(row) if row else None

    def holder(self, principal: str) -> Principal | None:
        """A principal by its id, unless its token has ended."""
        query = WHOLE.where(_PRINCIPALS.c.id == principal, HAS_TOKEN)
        with self._session.reading() as connection:
            row = connection.execute(query).one_or_none()
        return principal_in(row) if row else None

    def add(self, token_digest: bytes, principal: Principal) -> None:
        """Note a token by its digest."""
        with self._session.writing() as connection:
            _note(connection, token_digest, principal)

    def replace(
        self, token_digest: bytes, principal: Principal, *, at_ms: int = 0, overlap_ms: int = 0
    ) -> None:
        """Note a token by its digest; a namesake that was known before is known no more.

        The token before counts for `overlap_ms` more.
        """
        with self._session.writing() as connection:
            connection.execute(_FORGET, {"principal": principal.id})
            if overlap_ms:
                until = {"principal": principal.id, "until_ms": at_ms + overlap_ms}
                connection.execute(_KEEP, until)
            before = {principal.id, *(each.id for each in _namesakes(connection, principal))}
            connection.execute(sa.delete(_PRINCIPALS).where(_PRINCIPALS.c.id.in_(before)))
            _note(connection, token_digest, principal)
            connection.execute(_ISSUED, {"principal": principal.id, "at_ms": at_ms})

    def issued(self) -> Mapping[str, int]:
        """When the token of each principal was made, where that is known."""
        with self._session.reading() as connection:
            rows = connection.execute(sa.text("SELECT principal, at_ms FROM issued_tokens WHERE at_ms > 0"))
            return {row.principal: row.at_ms for row in rows}

    def all(self) -> Sequence[Principal]:
        """Every principal, also those whose token has ended."""
        with self._session.reading() as connection:
            return [principal_in(row) for row in connection.execute(WHOLE)]

    def team(self, of: Principal, *, ended: bool = True) -> Sequence[Principal]:
        """The people of a principal's organization, by name; without `ended` none whose token has ended."""
        query = WHOLE.where(_IN_TEAM if of.role == APPLICANT else _PRINCIPALS.c.role == of.role)
        query = query if ended else query.where(HAS_TOKEN)
        query = query.order_by(_PRINCIPALS.c.name, _PRINCIPALS.c.id)
        with self._session.reading() as connection:
            found = map(principal_in, connection.execute(query, {"of": of.acts_for}))
            return [each for each in found if each.team == of.team]

    def namesakes(self, of: Principal) -> Sequence[Principal]:
        """Those who have a principal's name already, also those whose token has ended."""
        with self._session.reading() as connection:
            return _namesakes(connection, of)

    def administer(self, principal: str, *, administers: bool) -> None:
        """Note whether a principal administers its organization from now on."""
        with self._session.writing() as connection:
            connection.execute(_ADMINISTERS, {"id": principal, "administers": administers})

    def end(self, principal: str) -> None:
        """End the token of a principal. The principal stays; `replace` gives it another token."""
        named = sa.update(_PRINCIPALS).where(_PRINCIPALS.c.id == principal)
        with self._session.writing() as connection:
            connection.execute(_FORGET, {"principal": principal})
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
            connection.execute(_BARE, {"bare": bare_key(name), "pseudonym": pseudonym})
            connection.execute(_PARTS, {"words": grams.words_of(name), "pseudonym": pseudonym})

    def name_secret(self, purpose: str) -> bytes | None:
        """What the names of organizations are keyed with in entries, for a purpose."""
        found = self._session.rows(
            "SELECT CAST(secret AS BLOB) FROM name_secrets WHERE purpose = ?", (purpose,)
        )
        return next((secret for (secret,) in found), None)

    def keep_name_secret(self, purpose: str, secret: bytes) -> None:
        """Keep it."""
        with self._session.writing() as connection:
            connection.execute(sa.insert(schema.name_secrets).values(purpose=purpose, secret=secret))

    def organizations(self, bare: Collection[str]) -> Sequence[tuple[str, str]]:
        """The organizations whose legal names have one of these `bare_key`s: each pseudonym with its key."""
        query = (
            "SELECT pseudonym, bare FROM bare_names"
            " WHERE bare IN (SELECT value FROM json_each(?)) ORDER BY bare, pseudonym"
        )
        return [(who, key) for who, key in self._session.rows(query, (json.dumps([*bare]),))]

    def organizations_like(self, part: str, limit: int) -> Sequence[str]:
        """The pseudonyms of at most `limit` organizations in whose legal name `part` occurs."""
        if words := _telling(self._rarest_first("name_parts", grams.words_in(part))):
            return _first(self._session.rows(_BY_PARTS, (words, part, limit)))
        if threes := _telling(self._rarest_first("organization_names", _threes(part))):
            return _first(self._session.rows(_BY_THREES, (threes, part, limit)))
        query = "SELECT pseudonym FROM organization_names WHERE instr(name, ?) LIMIT ?"
        return _first(self._session.rows(query, (part, limit)))

    def organizations_near(self, name: str) -> Sequence[tuple[str, str]]:
        """The pseudonym and legal name of some organizations that have parts of `name` in theirs."""
        threes = [*self._rarest_first("organization_names", _threes(name), present=True)][:NEAR_THREES]
        if not threes:
            return []
        query = "SELECT pseudonym, name FROM organization_names WHERE name MATCH ? ORDER BY rank LIMIT ?"
        return [(who, known) for who, known in self._session.rows(query, (" OR ".join(threes), NEAR_MAX))]

    def _rarest_first(self, index: str, words: Sequence[str], *, present: bool = False) -> dict[str, int]:
        """These words of an index, or those that some name has: with common ones it would be read whole.

        How rare one is, its first names show: the more lie between them, the rarer it is. One that only they
        have is `RARE`.
        """
        query = f"SELECT rowid FROM {index} WHERE {index} MATCH ? LIMIT ?"  # noqa: S608 - one of two names
        seen = {word: self._session.rows(query, (word, FIRST)) for word in words}
        within = {
            word: rows[-1][0] if len(rows) == FIRST else RARE
            for word, rows in seen.items()
            if rows or not present
        }
        return dict(sorted(within.items(), key=lambda each: -each[1]))

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

    def drafts(self, owner: str) -> Sequence[SavedDraft]:
        """Those of who acts for one owner, oldest first."""
        query = sa.select(_DRAFTS).where(_DRAFTS.c.principal == owner)
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


def _threes(part: str) -> list[str]:
    """Three characters each, side by side, that a name has in which `part` occurs; quoted for the index.

    Nothing for a part that the index cannot find: it knows of three characters or more.
    """
    if len(part) < TRIGRAM or "\0" in part:
        return []
    last = len(part) - TRIGRAM
    threes = (part[at : at + TRIGRAM] for at in (*range(0, last, TRIGRAM), last))
    return [*dict.fromkeys('"{}"'.format(three.replace('"', '""')) for three in threes)]


def _telling(within: Mapping[str, int]) -> str:
    """The query for the rarest of some words of an index, and for another one if more names have it than one
    looks at soon. With a common one beside it the index would be read whole.
    """
    words = list(within)[:2]
    return " AND ".join(words[:1] if words and within[words[0]] == RARE else words)


def _first(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return [name for (name,) in rows]


def _namesakes(connection: Connection, of: Principal) -> Sequence[Principal]:
    alike = WHOLE.where(_PRINCIPALS.c.role == of.role, _PRINCIPALS.c.name == of.name)
    found = map(principal_in, connection.execute(alike).all())
    return [each for each in found if each.is_namesake(of)]


def _note(connection: Connection, token_digest: bytes, principal: Principal) -> None:
    """Note a principal; as a colleague only if it is not as one is made by a token."""
    given = asdict(principal)
    named = {each: given[each] for each in ("id", "role", "name", "party")}
    connection.execute(sa.insert(_PRINCIPALS).values(token_digest=token_digest, **named))
    if principal.colleague_of is None and principal.administers:
        connection.execute(_PLAIN, {"id": principal.id})
    else:
        connection.execute(_STANDING, {key: given[key] for key in ("id", "colleague_of", "administers")})


def principal_in(row: Row[Any]) -> Principal:
    """The principal in a row of `WHOLE`; of a gateway, in one of its table alone."""
    if row.role == GATEWAY:
        return Principal(row.id, row.role, row.name, row.party)
    administers = row.administers is None or bool(row.administers)
    return Principal(row.id, row.role, row.name, row.party, row.colleague_of, administers)
