"""The people of a desk: each comes in by a link that counts once, and then by a passkey.

Rules:
- No one comes in by a token: a desk has none to give.
- Who is let in says nothing about who signs. A person signs with a key that the agency has pinned.
"""

from __future__ import annotations

import re
import secrets

from sluicegate.acts.act import AGENCY
from sluicegate.acts.sign_ins import INVITATIONS_MAX
from sluicegate.core.access import invitations
from sluicegate.errors import InvalidInput
from sluicegate.ports import DeskMemory, Principal, SignIns

_PERSON = "person_"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", re.ASCII)


class NoTokens:
    """`ports.KnownTokens`, of a server at which no one has any."""

    def by_token(self, token_digest: bytes) -> Principal | None:
        """No one."""
        del token_digest
        return None


def principal_of(name: str) -> Principal:
    """A person, as the way in knows them."""
    return Principal(f"{_PERSON}{name}", AGENCY, name)


def known(memory: DeskMemory, principal: str) -> Principal | None:
    """A person who may come in, by their id."""
    name = principal.removeprefix(_PERSON)
    return principal_of(name) if name in memory.people() else None


def let_in(memory: DeskMemory, sign_ins: SignIns, name: str, now_ms: int) -> str:
    """Let a person come in: the path of a link that signs them in once.

    Raises: InvalidInput: the name cannot be that of an owner of a key.
    """
    if not _NAME.fullmatch(name):
        said = f"the name {name[:80]!r}, expected lower-case letters, digits and .-"
        raise InvalidInput(said, remedy="name them as an owner of a key is named, such as anna")
    memory.let_in(name)
    return invited(sign_ins, principal_of(name), now_ms)


def invited(sign_ins: SignIns, person: Principal, now_ms: int) -> str:
    """The path of a link that signs a person in once."""
    made = invitations.made(secrets.token_bytes(32), now_ms)
    sign_ins.invite(made.digest, person.id, made.until_ms, INVITATIONS_MAX)
    return made.path


def shut_out(memory: DeskMemory, sign_ins: SignIns, name: str) -> None:
    """Let a person come in no more, at once. Raises: InvalidInput: no such person."""
    if name not in memory.people():
        listed = ", ".join(memory.people()) or "no one"
        raise InvalidInput(f"no person {name[:80]!r}", remedy=f"here are: {listed}")
    memory.shut_out(name)
    sign_ins.shut_out(principal_of(name).id)
