"""An older signed head that a person has kept: does a log continue from it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from sluicegate_record.copy import read_file
from sluicegate_record.entities import logkey
from sluicegate_record.entities.logkey import LogKeys
from sluicegate_record.entries import read
from sluicegate_record.entries.epochs import EpochBegan
from sluicegate_record.errors import InvalidInput, SluicegateError, VerificationFailed
from sluicegate_record.log import merkle
from sluicegate_record.log.checkpoint import Verifier
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.statements.epochs import TreeHead
from sluicegate_record.terms.text import counted

NOTE_BYTES_MAX = 10_000


class KeptHead:
    """A head that was kept, and the root that the entries of a log have at its size."""

    def __init__(self, path: Path, verifier: Verifier) -> None:
        """Raises: InvalidInput: the file cannot be read, or has no head that a key of this name signed."""
        self._path = path
        try:
            self._note = read_file(path, NOTE_BYTES_MAX)
            self.head = logkey.expected(self._note, verifier)
        except (OSError, ValueError, VerificationFailed) as error:
            raise self._useless(error) from error
        self._frontier = Frontier()
        self._is_abandoned = False

    def check_key(self, keys: LogKeys) -> None:
        """Check that the head was signed by the key whose turn it was. Raises: InvalidInput."""
        try:
            keys.open(self._note)
        except VerificationFailed as error:
            raise self._useless(error) from error

    def _useless(self, error: Exception) -> InvalidInput:
        why = getattr(error, "strerror", None) or str(error)
        remedy = "'sluicegate ledger checkpoint --key KEY --save FILE' keeps one"
        return InvalidInput(f"--since {str(self._path)[:80]!r}: {why}", remedy=remedy)

    def follow(self, leaves: Iterable[bytes]) -> Iterator[bytes]:
        """The same leaves. Those that the head is of are counted."""
        for leaf in leaves:
            if self._frontier.size < self.head.size:
                self._frontier.append(merkle.leaf_hash(leaf))
            if _EPOCH in leaf:
                self._look(leaf)
            yield leaf

    @property
    def problem(self) -> str:
        """Why the leaves do not continue from the head; empty if they do, or if an epoch abandons it.

        Requires: all leaves were read. Whether an epoch is lawful is for the audit to say.
        """
        if self._is_abandoned:
            return ""
        had = counted(self.head.size, "entry", "entries")
        if self._frontier.size < self.head.size:
            return f"it has {self._frontier.size}, and the checkpoint that was kept is of {had}"
        if self._frontier.root() != self.head.root:
            return f"its first {had} are not those of the checkpoint that was kept: the log was rewritten"
        return ""

    def _look(self, leaf: bytes) -> None:
        """Note an epoch that abandons the head."""
        with suppress(SluicegateError):
            body = read(leaf).body
            head = TreeHead(size=self.head.size, root=self.head.root)
            if isinstance(body, EpochBegan) and head in body.abandoned:
                self._is_abandoned = True


_EPOCH = EpochBegan.type.encode()
