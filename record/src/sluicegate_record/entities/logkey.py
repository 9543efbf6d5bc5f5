"""The keys with which a log signs its heads, one after the other.

Rules:
- The first one is the name of the log, for ever: every statement is bound to it.
- A key signs the heads up to the entry that replaces it, and none after it. So no head by a replaced key
  counts for a reader of that entry.
- The old key hands over to the new one; or two officers do, for readers who know the officers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sluicegate_record.entities.key import OWNERS_TOGETHER
from sluicegate_record.errors import BadCheckpoint, VerificationFailed
from sluicegate_record.form import Form, form
from sluicegate_record.log import checkpoint
from sluicegate_record.log.checkpoint import Checkpoint, Verifier
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.handovers import Handover, is_signed_by_log


@form
class LogKey(Form):
    """A key of a log. `size` is the smallest head that it signs; `officers` put it in its place, if the key
    before did not.
    """

    vkey: str
    size: int = 0
    officers: tuple[str, ...] = ()

    @property
    def verifier(self) -> Verifier:
        """What verifies its signatures."""
        return checkpoint.parse_vkey(self.vkey)


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of one log, oldest first; none before its first entry."""

    keys: tuple[LogKey, ...] = ()

    @property
    def current(self) -> LogKey:
        """The key that signs now. Requires: the log has begun."""
        return self.keys[-1]

    def at(self, size: int) -> LogKey:
        """The key that signs the head of so many entries. Requires: the log has begun."""
        return next(key for key in reversed(self.keys) if key.size <= size or key is self.keys[0])

    def knows(self, vkey: str) -> bool:
        """Whether a key is one of these."""
        return any(key.vkey == vkey for key in self.keys)

    def open(self, note: str | bytes) -> Checkpoint:
        """The head in a note that the key signed whose turn it was. Raises: BadCheckpoint."""
        return checkpoint.open_checkpoint(note, self.at(checkpoint.stated(note).size).verifier)

    def followed_by(self, vkey: str, size: int, officers: tuple[str, ...]) -> LogKeys:
        """These, and a new one."""
        return LogKeys((*self.keys, LogKey(vkey=vkey, size=size, officers=officers)))


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log, known by one of its keys: its name, which is its first key, and the key that signs now."""

    name: str
    vkey: str

    @property
    def verifier(self) -> Verifier:
        """What verifies the signatures of the key that signs now."""
        return checkpoint.parse_vkey(self.vkey)


def _no_officers(_: Envelope) -> int:
    return 0


def follow(
    known: str, handovers: Sequence[Envelope], officers: Callable[[Envelope], int] = _no_officers
) -> KnownLog:
    """The log of which someone knows the key `known`, as its handovers lead on from there, in their order.

    `officers` says how many officers signed one, as far as the reader knows officers.
    Raises: VerificationFailed: they do not lead on from this key. BadEnvelope: one is no handover.
    """
    if not handovers:
        return KnownLog(known, known)
    said = [Handover.read(each) for each in handovers]
    chain = [said[0].replaces, *(each.key for each in said)]
    is_chained = all(after.replaces == before.key for before, after in pairwise(said))
    if not is_chained or len({each.log for each in said}) > 1:
        raise VerificationFailed("handovers of the log's key that do not follow each other")
    if known not in chain:
        raise VerificationFailed(
            "this log never had the key that is given", remedy="check --key: its name is its first key"
        )
    start = chain.index(known)
    if start and not is_signed_by_log(handovers[start - 1], known):
        raise VerificationFailed("a handover that the new key of the log did not sign")
    for each, envelope in zip(said[start:], handovers[start:], strict=True):
        _check(each, envelope, officers)
    return KnownLog(said[0].log, chain[-1])


def _check(said: Handover, envelope: Envelope, officers: Callable[[Envelope], int]) -> None:
    if not is_signed_by_log(envelope, said.key):
        raise VerificationFailed("a handover that the new key of the log did not sign")
    if not is_signed_by_log(envelope, said.replaces) and officers(envelope) < OWNERS_TOGETHER:
        raise VerificationFailed(
            "the key of the log was replaced without its signature, by officers who are not known here",
            remedy=f"give the new key, if you have it from elsewhere: {said.key}",
        )


def expected(note: str | bytes, verifier: Verifier) -> Checkpoint:
    """The head in a note, for a reader who has still to find out which key had to sign it.

    It is verified, or says that a key of the same name signed it, which may have followed this one.
    Raises: BadCheckpoint: malformed, or no key of this name signed it.
    """
    if not checkpoint.is_signed_otherwise(note, verifier):
        return checkpoint.open_checkpoint(note, verifier)
    found = checkpoint.stated(note)
    if found.origin != verifier.name:
        raise BadCheckpoint(f"checkpoint of {found.origin!r}, expected {verifier.name!r}")
    return found
