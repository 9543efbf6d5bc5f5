"""Pinned keys, and who signed an envelope with them.

Rules:
- A threshold counts owners of keys, not signatures; a key has one owner, an owner speaks for one party.
- The caller says whose keys count: those that the log pins, or those in a gateway's trust file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from types import MappingProxyType

from sluicegate_record.form import Base64, Form, form
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope


@form
class PinnedKey(Form):
    """A pinned key: `owner` holds it and speaks for `party` (an agency, or the developer)."""

    keyid: str
    public: Base64
    owner: str
    party: str


class Keys:
    """The keys that count in a log, by their ids. `developer` is the party of the officers."""

    def __init__(self, developer: str, keys: Iterable[PinnedKey]) -> None:
        self.developer = developer
        self._keys = {key.keyid: key for key in keys}

    @cached_property
    def _public(self) -> Mapping[str, bytes]:
        return MappingProxyType({keyid: key.public for keyid, key in self._keys.items()})

    def signers(self, envelope: Envelope) -> frozenset[PinnedKey]:
        """The keys that signed an envelope, out of these."""
        return frozenset(self._keys[keyid] for keyid in dsse.verify(envelope, self._public))

    def owners(self, envelope: Envelope, party: str) -> frozenset[str]:
        """The owners who signed an envelope for a party."""
        return frozenset(key.owner for key in self.signers(envelope) if key.party == party)

    def parties(self, envelope: Envelope) -> frozenset[str]:
        """The parties that signed an envelope."""
        return frozenset(key.party for key in self.signers(envelope))
