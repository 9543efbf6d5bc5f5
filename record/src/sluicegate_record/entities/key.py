"""Pinned keys, and who signed an envelope with them.

Rules:
- A threshold counts owners of keys, not signatures; a key has one owner, an owner speaks for one party.
- The caller says whose keys count: those that the log pins, or those in a gateway's trust file.
- Only the keys of the parties that are asked about are tried. So the keys of others neither count nor cost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sluicegate_record.form import Base64, Form, form
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.webauthn import RelyingParty


@form
class PinnedKey(Form):
    """A pinned key: `owner` holds it and speaks for `party` (an agency, or the developer).

    `webauthn` is the relying party, if it is the key of a passkey.
    """

    keyid: str
    public: Base64
    owner: str
    party: str
    webauthn: RelyingParty | None = None


class Keys:
    """The keys that count in a log, by their ids. `developer` is the party of the officers."""

    def __init__(self, developer: str, keys: Iterable[PinnedKey]) -> None:
        self.developer = developer
        self._keys = {key.keyid: key for key in keys}
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

    @property
    def sets(self) -> Collection[Mapping[str, PublicKey]]:
        """The keys of each party, by their ids."""
        return self._of.values()

    @property
    def parties(self) -> Collection[str]:
        """The parties that have a key."""
        return self._of.keys()
