"""How people come in, in SQL: invitations, passkeys and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from sluicegate.ports import PageSession, Passkey
from sluicegate.store import database

_INVITE = "INSERT INTO invitations (digest, principal, until_ms) VALUES (:digest, :principal, :until_ms)"
_MADE = "INSERT OR REPLACE INTO inviters (digest, maker) VALUES (:digest, :maker)"
_TIDY = "DELETE FROM inviters WHERE digest NOT IN (SELECT digest FROM invitations)"
_BOUND = (
    "DELETE FROM invitations WHERE digest IN (SELECT digest FROM invitations"
    " WHERE principal = :principal ORDER BY until_ms DESC LIMIT -1 OFFSET :most)"
)
_INVITED = "SELECT principal FROM invitations WHERE digest = :digest AND until_ms > :now_ms"
_ADD = (
    "INSERT INTO passkeys (id, principal, name, public_key, counter, created_ms, used_ms)"
    " VALUES (:id, :principal, :name, :public_key, :counter, :created_ms, :used_ms)"
)
_PASSKEYS = "SELECT id, principal, name, public_key, counter, created_ms, used_ms FROM passkeys WHERE "
_UNINVITE = (
    "DELETE FROM invitations WHERE principal = :principal"
    " OR digest IN (SELECT digest FROM inviters WHERE maker = :principal)"
)
_BEGIN = (
    "INSERT INTO sessions (digest, id, principal, how, agent, created_ms, seen_ms, until_ms)"
    " VALUES (:digest, :id, :principal, :how, :agent, :created_ms, :seen_ms, :until_ms)"
)
_LATEST = (
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions"
    " WHERE principal = :principal ORDER BY created_ms DESC, id LIMIT -1 OFFSET :most)"
)
_SESSIONS = "SELECT id, principal, how, agent, created_ms, seen_ms, until_ms FROM sessions WHERE "


class SqliteSignIns:
    """`ports.SignIns`."""

    def __init__(self, session: database.Session) -> None:
        self._session = session

    def invite(self, digest: bytes, principal: str, until_ms: int, most: int, by: str = "") -> None:
        """Note an invitation. The `most` latest of a principal count. `by` made it."""
        given = {"digest": digest, "principal": principal, "until_ms": until_ms, "most": most, "maker": by}
        with self._session.writing() as connection:
            for each in (_INVITE, _BOUND, _MADE, _TIDY):
                connection.execute(sa.text(each), given)

    def invited(self, digest: bytes, now_ms: int) -> str | None:
        """The principal that an invitation is for."""
        with self._session.reading() as connection:
            found: str | None = connection.scalar(sa.text(_INVITED), {"digest": digest, "now_ms": now_ms})
        return found

    def take_invitation(self, digest: bytes, now_ms: int) -> str | None:
        """The same; and it counts no more, like those that have ended."""
        taken = "DELETE FROM invitations WHERE digest = :digest AND until_ms > :now_ms RETURNING principal"
        with self._session.writing() as connection:
            found: str | None = connection.scalar(sa.text(taken), {"digest": digest, "now_ms": now_ms})
            connection.execute(sa.text("DELETE FROM invitations WHERE until_ms <= :now"), {"now": now_ms})
        return found

    def add_passkey(self, passkey: Passkey) -> None:
        """Note a new passkey."""
        self._do(_ADD, **asdict(passkey))

    def passkey(self, passkey: str) -> Passkey | None:
        """A passkey by its id."""
        found = self._session.rows(f"{_PASSKEYS} id = ?", (passkey,))
        return Passkey(*found[0]) if found else None

    def passkeys(self, principal: str) -> Sequence[Passkey]:
        """Those of a principal, oldest first."""
        rows = self._session.rows(f"{_PASSKEYS} principal = ? ORDER BY created_ms, id", (principal,))
        return [Passkey(*row) for row in rows]

    def used_passkey(self, passkey: str, counter: int, at_ms: int) -> None:
        """Note that someone has signed in with a passkey."""
        used = "UPDATE passkeys SET counter = :counter, used_ms = :at_ms WHERE id = :id"
        self._do(used, id=passkey, counter=counter, at_ms=at_ms)

    def remove_passkey(self, passkey: str) -> None:
        """Forget a passkey; end the sessions of its principal that began with one, and its invitations."""
        found = self.passkey(passkey)
        if found is None:
            return
        with self._session.writing() as connection:
            for each in ("DELETE FROM sessions WHERE how = 'passkey' AND principal = :principal", _UNINVITE):
                connection.execute(sa.text(each), {"principal": found.principal})
            connection.execute(sa.text("DELETE FROM passkeys WHERE id = :id"), {"id": passkey})

    def begin(self, digest: bytes, session: PageSession, most: int) -> None:
        """Note that someone has signed in. The `most` latest of a principal count."""
        given = {"digest": digest, "most": most, **asdict(session)}
        with self._session.writing() as connection:
            for each in ("DELETE FROM sessions WHERE until_ms <= :created_ms", _BEGIN, _LATEST):
                connection.execute(sa.text(each), given)

    def signed_in(self, digest: bytes, now_ms: int) -> PageSession | None:
        """A session that has not ended."""
        found = self._session.rows(f"{_SESSIONS} digest = ? AND until_ms > ?", (digest, now_ms))
        return PageSession(*found[0]) if found else None

    def saw(self, session: str, at_ms: int, until_ms: int) -> None:
        """Note that a session was used, and when it ends now."""
        used = "UPDATE sessions SET seen_ms = :at_ms, until_ms = :until_ms WHERE id = :id"
        self._do(used, id=session, at_ms=at_ms, until_ms=until_ms)

    def sessions(self, principal: str, now_ms: int) -> Sequence[PageSession]:
        """The sessions of a principal that have not ended, oldest first."""
        query = f"{_SESSIONS} principal = ? AND until_ms > ? ORDER BY created_ms, id"
        return [PageSession(*row) for row in self._session.rows(query, (principal, now_ms))]

    def end(self, session: str) -> None:
        """End a session."""
        self._do("DELETE FROM sessions WHERE id = :id", id=session)

    def end_invitations(self, principal: str) -> None:
        """End all invitations that are for a principal or that it made."""
        self._do(_UNINVITE, principal=principal)

    def end_sessions(self, principal: str) -> None:
        """End all sessions of a principal, and its invitations."""
        self._forget(principal, "sessions")

    def shut_out(self, principal: str) -> None:
        """The same, and forget its passkeys."""
        self._forget(principal, "sessions", "passkeys")

    def _forget(self, principal: str, *tables: str) -> None:
        with self._session.writing() as connection:
            connection.execute(sa.text(_UNINVITE), {"principal": principal})
            for table in tables:
                named = sa.text(f"DELETE FROM {table} WHERE principal = :principal")  # noqa: S608 - ours
                connection.execute(named, {"principal": principal})

    def _do(self, statement: str, **given: Any) -> None:
        with self._session.writing() as connection:
            connection.execute(sa.text(statement), given)
