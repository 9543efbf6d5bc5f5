"""Which entries each key signed, and when it last did.

Rules:
- Only places are kept. What an entry says is read from the log.
- An entry names the owners who signed it, and an owner has one key at a time. So no signature is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sluicegate_record.entries import Body, Entry, cases, releases
from sluicegate_record.entries.body import Hidden
from sluicegate_record.record import Record


@dataclass(slots=True)
class KeyUse:
    """The places of the entries that a key signed, and the time of the newest one."""

    places: list[int] = field(default_factory=list)
    at_ms: int = 0


class Signings:
    """What each key signed, by its id."""

    def __init__(self) -> None:
        self._uses: dict[str, KeyUse] = {}
        self._current: dict[str, str] = {}

    def of(self, keyid: str) -> KeyUse:
        """What a key signed."""
        return self._uses.get(keyid) or KeyUse()

    def add(self, record: Record, entry: Entry) -> None:
        """Note who signed an entry. Requires: it is the newest of the record."""
        for owner in set(_owners(entry.body)):
            if owner in self._current:
                self._note(self._current[owner], entry)
        if isinstance(entry.body, releases.KeyPinned):
            for keyid in record.keys[entry.body.keyid].by:
                self._note(keyid, entry)
            self._current[entry.body.owner] = entry.body.keyid

    def _note(self, keyid: str, entry: Entry) -> None:
        use = self._uses.setdefault(keyid, KeyUse())
        use.places.append(entry.seq)
        use.at_ms = entry.at_ms


def _owners(body: Body) -> Iterator[str]:
    """The owners who signed what an entry carries."""
    if isinstance(body, cases.CaseOpened):
        if body.opening is not None:
            yield body.opening.officer
    elif isinstance(body, releases.KeyEnded):
        yield body.by
    elif not isinstance(body, releases.KeyPinned) and getattr(body, "envelope", None) is not None:
        for name in ("owner", "officer", "signed_by"):
            found = getattr(body, name, None)
            if found is not None and not isinstance(found, Hidden):
                yield found
        for name in ("owners", "signers"):
            yield from getattr(body, name, None) or ()
