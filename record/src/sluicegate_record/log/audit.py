"""Checking a log with nothing but its key.

Rules:
- The checkpoint must be signed by the key; the leaves must hash to its root.
- Every leaf is an entry in canonical form, in its place, no earlier than the one before it.
- Of a log that is well, what each directive's entries say of its coming to be in force is checked by the
  acknowledgements that they hold, with the roots of this very log.
- What is wrong is found as early as the copy allows: leaf hashes that came beside the leaves show which
  leaf was altered; without them only the root tells that one was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sluicegate_record.errors import BadProof, SluicegateError
from sluicegate_record.log import canonical, checkpoint, events, merkle, proof
from sluicegate_record.log.events import Entry
from sluicegate_record.log.merkle import Frontier

_Proofs = dict[str, list[Mapping[str, Any]]]
"""The public parts of `directive.in_force` entries, by what they are of: a directive, at a size."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found. `first_bad` counts entries from 0; None where it cannot be told or all is well.

    `proofs` counts what said that a directive is in force everywhere; `unproven` names those of it whose
    acknowledgements do not prove it, each with why. The log is the one that was signed all the same.
    """

    size: int
    root: bytes
    first_bad: int | None = None
    problem: str = ""
    proofs: int = 0
    unproven: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether this is the log that was signed, and proves what it says is in force."""
        return not self.problem and not self.unproven


def audit(
    note: str | bytes, verifier: checkpoint.Verifier, leaves: Iterable[bytes], hashes: Sequence[bytes] = ()
) -> Audit:
    """Check leaves against a signed checkpoint.

    `hashes` are the leaf hashes a copy holds beside its leaves, if it does.
    Raises: BadCheckpoint: the checkpoint itself is not signed by the key.
    """
    head = checkpoint.open_checkpoint(note, verifier)
    frontier, last_ms, claimed, nodes = Frontier(), 0, _Proofs(), _Nodes()
    for index, leaf in enumerate(leaves):
        digest = merkle.leaf_hash(leaf)
        if index < len(hashes) and hashes[index] != digest:
            return Audit(
                head.size, head.root, index, "the entry does not have the hash that stands beside it"
            )
        entry, problem = _read(leaf, index, last_ms)
        if entry is None:
            return Audit(head.size, head.root, index, problem)
        last_ms = entry.at_ms
        if entry.type == events.DIRECTIVE_IN_FORCE:
            of = f"{entry.public.get('directive')} at size {entry.public.get('size')}"
            claimed.setdefault(of, []).append(entry.public)
        nodes.add(frontier.append(digest))
    if frontier.size != head.size:
        problem = f"{frontier.size} entries, expected {head.size} as the checkpoint says"
        return Audit(head.size, head.root, min(frontier.size, head.size), problem)
    if frontier.root() != head.root:
        return Audit(head.size, head.root, None, "the entries do not hash to the checkpoint's root")
    return Audit(
        head.size, head.root, proofs=len(claimed), unproven=tuple(_unproven(claimed, nodes, head.size))
    )


class _Nodes:
    """The complete nodes of the tree, level by level."""

    def __init__(self) -> None:
        self._levels: list[bytearray] = []

    def add(self, complete: Iterable[tuple[int, int, bytes]]) -> None:
        """Keep what `Frontier.append` completed: the next node of each of its levels."""
        for level, _, node in complete:
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += node

    def read(self, level: int, index: int) -> bytes:
        """The node that stands there."""
        return bytes(self._levels[level][index * merkle.HASH_BYTES : (index + 1) * merkle.HASH_BYTES])


def _unproven(claimed: _Proofs, nodes: _Nodes, size: int) -> Iterator[str]:
    def root_of(acknowledged: int) -> bytes:
        if not 0 <= acknowledged <= size:
            raise BadProof(f"size {acknowledged} was acknowledged, in a log of {size}")
        return merkle.root(acknowledged, nodes.read)

    for of, parts in claimed.items():
        try:
            proof.in_force(parts, root_of)
        except BadProof as error:
            yield f"{of}: {error.message}"


def _read(leaf: bytes, index: int, last_ms: int) -> tuple[Entry | None, str]:
    """The entry that a leaf is, or None and what is wrong with it."""
    try:
        entry = events.read(leaf)
        if canonical.dumps(canonical.loads(leaf)) != leaf:
            return None, "the entry is not in canonical form"
    except SluicegateError as error:
        return None, error.message
    if entry.seq != index:
        return None, f"the entry says it is number {entry.seq}"
    if entry.at_ms < last_ms:
        return None, "the entry is earlier than the one before it"
    return entry, ""
