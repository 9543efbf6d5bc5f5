"""The desk's own copy of a log: its head and its entry bundles, which grow by what a signed head proves.

Rules:
- An entry is in the copy once a head that the log's key has signed is over it and all entries before it.
  What was fetched and is not proven yet counts for nothing; it is fetched again.
- The copy never goes back, and no entry in it changes. A log that does not continue it is `NotContinued`.
- The head is written last: what ends in between leaves the copy as it was.
- Who follows the log says which key signs its head now: the log's key may have been replaced.
- It has no tiles of hashes: a reader hashes every entry again.

Source: C2SP tlog-tiles.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sluicegate.errors import VerificationFailed
from sluicegate_record import copy
from sluicegate_record.copy import Fetch
from sluicegate_record.entities import logkey
from sluicegate_record.log import checkpoint, merkle, tiles
from sluicegate_record.log.checkpoint import Checkpoint, Verifier
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.terms.text import counted

HEAD = "checkpoint"


class NotContinued(VerificationFailed):
    """A log does not continue the copy: it goes back, or it has another past."""

    code = "log_forked"


class LogCopy:
    """The copy in a folder, which is made if it does not exist.

    Raises: VerificationFailed: its head is not signed by a key of the log's name.
    """

    def __init__(self, folder: Path, verifier: Verifier) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.verifier = folder, verifier
        self.head: Checkpoint | None = None
        """The newest head that is proven; None before the first."""
        self.note = b""
        """That head as it was signed."""
        if (folder / HEAD).exists():
            self.note = (folder / HEAD).read_bytes()
            self.head = logkey.expected(self.note, verifier)

    @property
    def size(self) -> int:
        """How many entries it has."""
        return 0 if self.head is None else self.head.size

    def leaves(self, begin: int, end: int) -> Iterator[bytes]:
        """Some of its leaves. Requires: 0 <= begin <= end <= size.

        Raises: VerificationFailed: a file is missing or damaged.
        """
        files = copy.files_of(str(self.folder))
        for index in range(begin // tiles.TILE_WIDTH, -(-end // tiles.TILE_WIDTH)):
            first = index * tiles.TILE_WIDTH
            found = copy.bundle(files, self.size, index)
            yield from found[max(begin - first, 0) : end - first]

    def grow(self, fetch: Fetch, grown: Frontier, signer: Callable[[bytes], Verifier]) -> None:
        """Copy what a log has more than the copy; `grown` is the tree of the entries so far, and grows.

        `signer` says by which key a head has to be signed, and raises as this does.

        Raises: NotContinued. VerificationFailed: its head is not signed, or a file is damaged. As `fetch`.
        """
        note = fetch(HEAD, checkpoint.MAX_NOTE_BYTES)
        head = checkpoint.open_checkpoint(note, signer(note))
        if head.size < self.size:
            raise NotContinued(f"it has {_entries(head.size)}, and this desk has {self.size} of them already")
        if head.size > self.size:
            grown = self._fetched(fetch, head, grown)
        if grown.root() != head.root:
            said = f"its head over {_entries(head.size)} does not continue the {self.size} that this desk has"
            raise NotContinued(said)
        if self.head != head:
            self._keep(note, head)

    def _fetched(self, fetch: Fetch, head: Checkpoint, grown: Frontier) -> Frontier:
        """Write the entries that a head has more, and return the tree with them. Raises: NotContinued."""
        for index in range(self.size // tiles.TILE_WIDTH, -(-head.size // tiles.TILE_WIDTH)):
            found = copy.bundle(fetch, head.size, index)
            first = index * tiles.TILE_WIDTH
            had = list(self.leaves(first, max(first, self.size)))
            if found[: len(had)] != had:
                raise NotContinued("it serves other entries than those that this desk has at the same places")
            for leaf in found[len(had) :]:
                grown.append(merkle.leaf_hash(leaf))
            _write(self.folder / tiles.entries_path(index, len(found)), tiles.encode_entries(found))
        return grown

    def _keep(self, note: bytes, head: Checkpoint) -> None:
        """Believe a head from now on. A bundle that was part of a longer one now is deleted."""
        index, width = divmod(self.size, tiles.TILE_WIDTH)
        was = tiles.entries_path(index, width) if width and head.size > self.size else ""
        _write(self.folder / HEAD, note)
        self.head, self.note = head, note
        if was:
            (self.folder / was).unlink(missing_ok=True)


def _entries(count: int) -> str:
    return counted(count, "entry", "entries")


def _write(path: Path, data: bytes) -> None:
    """Write a file as a whole; it is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
