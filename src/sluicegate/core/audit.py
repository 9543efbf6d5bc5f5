"""Checking a log with nothing but its key.

Rules:
- The checkpoint must be signed by the key; the leaves must hash to its root.
- Every leaf is an entry in canonical form, in its place, no earlier than the one before it.
- What is wrong is found as early as the copy allows: leaf hashes that came beside the leaves show which
  leaf was altered; without them only the root tells that one was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sluicegate.core import canonical, checkpoint, events, merkle
from sluicegate.core.merkle import Frontier
from sluicegate.errors import SluicegateError


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found. `first_bad` counts entries from 0; None where it cannot be told or all is well."""

    size: int
    root: bytes
    first_bad: int | None = None
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether this is the log that was signed."""
        return not self.problem


def audit(
    note: str | bytes, verifier: checkpoint.Verifier, leaves: Iterable[bytes], hashes: Sequence[bytes] = ()
) -> Audit:
    """Check leaves against a signed checkpoint.

    `hashes` are the leaf hashes a copy holds beside its leaves, if it does.
    Raises: BadCheckpoint: the checkpoint itself is not signed by the key.
    """
    head = checkpoint.open_checkpoint(note, verifier)
    frontier, last_ms = Frontier(), 0
    for index, leaf in enumerate(leaves):
        beside = hashes[index] if index < len(hashes) else None
        problem, last_ms = _problem(leaf, index, last_ms, beside)
        if problem:
            return Audit(head.size, head.root, index, problem)
        frontier.append(merkle.leaf_hash(leaf))
    if frontier.size != head.size:
        problem = f"{frontier.size} entries, expected {head.size} as the checkpoint says"
        return Audit(head.size, head.root, min(frontier.size, head.size), problem)
    if frontier.root() != head.root:
        return Audit(head.size, head.root, None, "the entries do not hash to the checkpoint's root")
    return Audit(head.size, head.root)


def _problem(leaf: bytes, index: int, last_ms: int, beside: bytes | None) -> tuple[str, int]:
    """What is wrong with a leaf, or nothing; and its time."""
    if beside is not None and merkle.leaf_hash(leaf) != beside:
        return "the entry does not have the hash that stands beside it", last_ms
    try:
        entry = events.read(leaf)
        if canonical.dumps(canonical.loads(leaf)) != leaf:
            return "the entry is not in canonical form", last_ms
    except SluicegateError as error:
        return error.message, last_ms
    if entry.seq != index:
        return f"the entry says it is number {entry.seq}", last_ms
    if entry.at_ms < last_ms:
        return "the entry is earlier than the one before it", last_ms
    return "", entry.at_ms
