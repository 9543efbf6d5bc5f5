"""Pinned keys, and who signed an envelope with them.

Rules:
- A key counts from the entry that pins it to the entry that ends it. What it signed in between stays signed.
- A key that was compromised has a size from which on what it signed admits no one any more.
- A threshold counts owners of keys, not signatures; a key has one owner, an owner speaks for one party.
- The caller says whose keys count: those that the log pins, or those in a gateway's trust file.
- Only the keys of the parties that are asked about are tried. So the keys of others neither count nor cost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from sluicegate_record.form import Base64, Form, form
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.webauthn import RelyingParty

OWNERS_TOGETHER = 2
"""How many owners of a party sign together what one may not sign alone: officers, or owners of an agency."""


@form
class KeyEnd(Form):
    """How a key ended: `retired` or `revoked`, by the entry `seq`.

    `since` is the log size from which on it was compromised: what it signed in later entries does not admit.
    """

    how: str
    seq: int
    since: int | None = None


@form
class PinnedKey(Form):
    """A pinned key: `owner` holds it and speaks for `party` (an agency, or the developer).

    `webauthn` is the relying party, if it is the key of a passkey. `seq` is the entry that pinned it, `by`
    are the keys that signed that entry; none if the configuration pinned it.
    """

    keyid: str
    public: Base64
    owner: str
    party: str
    webauthn: RelyingParty | None = None
    seq: int = 0
    by: tuple[str, ...] = ()
    ended: KeyEnd | None = None

    @property
    def counts(self) -> bool:
        """Whether it may sign what is entered now."""
        return self.ended is None

    def signed_unsafely(self, seq: int) -> bool:
        """Whether it may be someone else who signed the entry `seq` with it."""
        end = self.ended
        return end is not None and end.since is not None and end.since <= seq <= end.seq


class Keys:
    """The keys of a log that count now, by their ids. `developer` is the party of the officers."""

    def __init__(self, developer: str, keys: Iterable[PinnedKey]) -> None:
        self.developer = developer
        self._keys = {key.keyid: key for key in keys if key.counts}
        self._of: dict[str, dict[str, PublicKey]] = {}
        for key in self._keys.values():
            self._of.setdefault(key.party, {})[key.keyid] = PublicKey(key.public, key.webauthn)

    def signers(self, envelope: Envelope, parties: Collection[str]) -> frozenset[PinnedKey]:
        """The keys of these parties that signed an envelope."""
        asked: dict[str, PublicKey] = {}
        for party in sorted(parties):
            asked |= self._of.get(party, {})
        return frozenset(self._keys[keyid] for keyid in dsse.verify(envelope, asked))

    def owners(self, envelope: Envelope, party: str) -> frozenset[str]:
        """The owners who signed an envelope for a party."""
        return frozenset(key.owner for key in self.signers(envelope, {party}))

    def get(self, keyid: str) -> PinnedKey | None:
        """The key of an id, if it counts."""
        return self._keys.get(keyid)

    @property
    def sets(self) -> Collection[Mapping[str, PublicKey]]:
        """The keys of each party, by their ids."""
        return self._of.values()

    @property
    def parties(self) -> Collection[str]:
        """The parties that have a key."""
        return self._of.keys()


class _Owned(Protocol):
    """A key of an owner, who speaks for a party."""

    @property
    def owner(self) -> str: ...

    @property
    def party(self) -> str: ...


def owners_to_pin(known: Iterable[_Owned], party: str) -> int:
    """How many owners of a party sign a further key of it, of all keys that are known, also such as ended."""
    had = {key.owner for key in known if key.party == party}
    return min(OWNERS_TOGETHER, max(1, len(had)))
