"""An older signed head that a person has kept: does a log continue from it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from sluicegate_record.copy import read_file
from sluicegate_record.errors import InvalidInput, VerificationFailed
from sluicegate_record.log import checkpoint, merkle
from sluicegate_record.log.checkpoint import Verifier
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.terms.text import counted

NOTE_BYTES_MAX = 10_000


class KeptHead:
    """A head that was kept, and the root that the entries of a log have at its size."""

    def __init__(self, path: Path, verifier: Verifier) -> None:
        """Raises: InvalidInput: the file cannot be read, or has no head that this key signed."""
        try:
            self.head = checkpoint.open_checkpoint(read_file(path, NOTE_BYTES_MAX), verifier)
        except (OSError, ValueError, VerificationFailed) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise InvalidInput(
                f"--since {str(path)[:80]!r}: {why}", remedy="'ledger checkpoint --save FILE' keeps one"
            ) from error
        self._frontier = Frontier()

    def follow(self, leaves: Iterable[bytes]) -> Iterator[bytes]:
        """The same leaves. Those that the head is of are counted."""
        for leaf in leaves:
            if self._frontier.size < self.head.size:
                self._frontier.append(merkle.leaf_hash(leaf))
            yield leaf

    @property
    def problem(self) -> str:
        """Why the leaves do not continue from the head; empty if they do. Requires: all leaves were read."""
        had = counted(self.head.size, "entry", "entries")
        if self._frontier.size < self.head.size:
            return f"it has {self._frontier.size}, and the checkpoint that was kept is of {had}"
        if self._frontier.root() != self.head.root:
            return f"its first {had} are not those of the checkpoint that was kept: the log was rewritten"
        return ""
