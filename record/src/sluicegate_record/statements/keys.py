"""What owners of a party sign about the keys of that party: that one is pinned, retired or revoked."""

from __future__ import annotations

import re
from typing import ClassVar

from sluicegate_record.errors import BadEnvelope, BadKey
from sluicegate_record.form import Base64, Json, form
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.webauthn import RelyingParty
from sluicegate_record.statements.statement import Statement, check_text, is_hash

PINS, RETIRES, REVOKES = "pins", "retires", "revokes"
ENDS = {RETIRES: "retired", REVOKES: "revoked"}
"""How a key ends, by the word that ends it."""
_FIELDS = {
    PINS: ({"key"}, {"webauthn", "replaces"}),
    RETIRES: ({"reason"}, set[str]()),
    REVOKES: ({"reason", "since"}, set[str]()),
}
"""The fields that each word needs, and those that it may have."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", re.ASCII)


@form
class KeyStatement(Statement):
    """A party's word on a key of its own: `pins`, `retires` or `revokes`.

    `keyid` is the key that it is about. One that is pinned signs, too, and is there whole in `key`; it may
    take the place of the owner's key `replaces`. `since` is the log size from which on a revoked key was
    compromised.
    """

    TYPE: ClassVar = "urn:sluicegate:key:v1"

    log: str
    party: str
    owner: str
    says: str
    keyid: str
    key: Base64 | None = None
    webauthn: RelyingParty | None = None
    replaces: str | None = None
    since: int | None = None
    reason: str | None = None

    @property
    def subject(self) -> tuple[str, Json]:
        """The party and the key, by the whole statement."""
        return f"{self.party}/{self.keyid}", self.to_json()

    def check(self) -> None:
        """Check that it says what its word needs, and no more. Raises: BadEnvelope."""
        if self.says not in _FIELDS:
            raise BadEnvelope(f"one of {', '.join(_FIELDS)} expected, found {self.says[:40]!r}")
        needed, allowed = _FIELDS[self.says]
        names = ("key", "webauthn", "replaces", "since", "reason")
        said = {name for name in names if getattr(self, name) is not None}
        if not needed <= said <= needed | allowed:
            raise BadEnvelope(f"a party that {self.says} a key says {', '.join(sorted(needed))}")
        if not _NAME.fullmatch(self.owner):
            raise BadEnvelope(f"the owner {self.owner[:80]!r}, expected lower-case letters, digits and .-")
        if self.since is not None and self.since < 0:
            raise BadEnvelope(f"a log size expected, found {self.since}")
        if self.reason is not None:
            check_text(self.reason, "a reason")
        for keyid in (self.keyid, self.replaces or self.keyid):
            if not is_hash(keyid):
                raise BadEnvelope(f"the id of a key in 64 hex digits expected, found {keyid[:80]!r}")
        if self.key is not None:
            self._check_key(PublicKey(self.key, self.webauthn))

    def _check_key(self, key: PublicKey) -> None:
        try:
            key.check()
        except BadKey as error:
            raise BadEnvelope(f"the key that is pinned: {error.message}") from error
        if key.keyid != self.keyid:
            raise BadEnvelope("a key under another id than its own")
