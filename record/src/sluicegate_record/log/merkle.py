"""The Merkle tree of RFC 6962 over SHA-256, as pure functions over stored nodes.

Rules
- Node (level, index) covers the leaves from index * 2**level up to (index + 1) * 2**level. Only complete
  nodes are stored; they never change. `read` fetches all that a root or a proof needs at once.
- A proof is the list of siblings from the leaf up. Proving and checking take the same walk from the leaf to
  the root, so a proof has exactly one length and every hash in it is used.
- A writer keeps a `Frontier`: the roots of the maximal complete subtrees, largest first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, islice
from typing import TypeAlias

from sluicegate_record.errors import BadProof, InvalidInput

Place: TypeAlias = tuple[int, int]
"""The level and the index of a node."""
ReadNodes: TypeAlias = Callable[[Sequence[Place]], Sequence[bytes]]
"""The nodes at some places, in their order."""

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf with the content `data`. Source: RFC 6962 section 2.1."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node over `left` and `right`. Source: RFC 6962 section 2.1."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The right edge of a growing tree: enough to append and to know the root.

    Units: size counts leaves; hashes are the roots of the maximal complete subtrees, largest first.
    """

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    @classmethod
    def at(cls, size: int, read: ReadNodes) -> Frontier:
        """The frontier of the first `size` leaves, from stored nodes.

        Requires: 0 <= size, and all complete nodes over the first `size` leaves can be read.
        Raises:   InvalidInput: a negative size.
        """
        if size < 0:
            raise InvalidInput(f"tree size {size}, expected 0 or more")
        return cls(size, list(read(_peaks(0, size))))

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf hash; return each node this completes as (level, index, hash), the leaf itself first.

        Requires: leaf is a leaf hash of 32 bytes.
        """
        level, index, node = 0, self.size, leaf
        complete = [(level, index, node)]
        while index & 1:
            level, index, node = level + 1, index >> 1, node_hash(self.hashes.pop(), node)
            complete.append((level, index, node))
        self.hashes.append(node)
        self.size += 1
        return complete

    def root(self) -> bytes:
        """The tree's root hash, of 32 bytes."""
        return _joined(self.hashes) if self.hashes else EMPTY_ROOT

    def copy(self) -> Frontier:
        """A copy that grows separately."""
        return Frontier(self.size, list(self.hashes))


def root(size: int, read: ReadNodes) -> bytes:
    """The root of the first `size` leaves, from stored nodes. Requires and raises as `Frontier.at` does."""
    return Frontier.at(size, read).root()


def inclusion_proof(index: int, size: int, read: ReadNodes) -> list[bytes]:
    """The proof that leaf `index` is in the tree of the first `size` leaves, siblings from the leaf up.

    Requires: all complete nodes over the first `size` leaves can be read.
    Units:    index and size count leaves; hashes are 32 raw bytes.
    Raises:   InvalidInput: not 0 <= index < size.
    Source:   RFC 6962 section 2.1.1, PATH.
    """
    if not 0 <= index < size:
        raise InvalidInput(f"leaf {index} of {size}, expected 0 <= index < size")
    return _roots([peaks for _, peaks in _siblings(0, index, size)], read)


def consistency_proof(first: int, second: int, read: ReadNodes) -> list[bytes]:
    """The proof that the tree of `first` leaves is a prefix of the tree of `second`.

    Empty where there is nothing to prove: first is 0 or equals second.

    Requires: all complete nodes over the first `second` leaves can be read.
    Raises:   InvalidInput: not 0 <= first <= second.
    Source:   RFC 6962 section 2.1.2, PROOF and SUBPROOF.
    """
    if not 0 <= first <= second:
        raise InvalidInput(f"tree sizes {first} and {second}, expected 0 <= first <= second")
    if first in (0, second):
        return []
    level, index = _edge(first)
    trees = [peaks for _, peaks in _siblings(level, index, second)]
    return _roots([[(level, index)], *trees] if index else trees, read)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that `leaf` is the leaf hash at `index` in the tree of `size` leaves with `root`.

    Requires: 0 <= index < size.
    Units:    index and size count leaves; hashes are 32 raw bytes.
    Raises:   BadProof: out of range, wrong length, or another root.
    Source:   RFC 6962 section 2.1.1.
    """
    if not 0 <= index < size:
        raise BadProof(f"leaf {index} of {size}, expected 0 <= index < size")
    siblings = _siblings(0, index, size)
    _check_lengths(len(siblings), proof, leaf, root)
    node = leaf
    for (left, _), other in zip(siblings, proof, strict=True):
        node = node_hash(other, node) if left else node_hash(node, other)
    _check_root(node, root, size)


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Check that the tree of `first` leaves with `first_root` is a prefix of that of `second`.

    Requires: 0 <= first <= second; the empty tree is a prefix of every tree, with an empty proof.
    Units:    sizes count leaves; hashes are 32 raw bytes.
    Raises:   BadProof: out of range, wrong length, or another root.
    Source:   RFC 6962 section 2.1.2.
    """
    if not 0 <= first <= second:
        raise BadProof(f"tree sizes {first} and {second}, expected 0 <= first <= second")
    if first == 0:
        _check_lengths(0, proof, first_root, second_root)
        _check_root(EMPTY_ROOT, first_root, first)
        if second == 0:
            _check_root(EMPTY_ROOT, second_root, second)
        return
    level, index = _edge(first)
    siblings = _siblings(level, index, second) if first < second else []
    start = 1 if index and siblings else 0
    _check_lengths(start + len(siblings), proof, first_root, second_root)
    older = newer = proof[0] if start else first_root
    for (left, _), other in zip(siblings, proof[start:], strict=True):
        if left:
            older, newer = node_hash(other, older), node_hash(other, newer)
        else:
            newer = node_hash(newer, other)
    _check_root(older, first_root, first)
    _check_root(newer, second_root, second)


def _siblings(level: int, index: int, size: int) -> list[tuple[bool, list[Place]]]:
    """The siblings beside the path from a complete node to the root, from the node up.

    Of each: whether it is on the left, and the complete nodes over it, largest first.
    """
    siblings = []
    last = (size - 1) >> level
    while last:
        if index & 1:
            siblings.append((True, [(level, index - 1)]))
        elif index + 1 < last:
            siblings.append((False, [(level, index + 1)]))
        elif index < last:
            start = last << level
            siblings.append((False, _peaks(start, size - start)))
        level, index, last = level + 1, index >> 1, last >> 1
    return siblings


def _edge(size: int) -> Place:
    """The last maximal complete node of a tree that is not empty."""
    level = (size & -size).bit_length() - 1
    return level, (size >> level) - 1


def _peaks(start: int, width: int) -> list[Place]:
    """The maximal complete nodes over `width` leaves from `start` on, largest first."""
    peaks = []
    while width:
        level = width.bit_length() - 1
        peaks.append((level, start >> level))
        start, width = start + (1 << level), width - (1 << level)
    return peaks


def _roots(trees: Sequence[Sequence[Place]], read: ReadNodes) -> list[bytes]:
    """The roots of some subtrees, each given as its complete nodes, largest first."""
    nodes = iter(read(list(chain.from_iterable(trees))))
    return [next(nodes) if len(tree) == 1 else _joined(list(islice(nodes, len(tree)))) for tree in trees]


def _joined(peaks: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, given largest first; at least one."""
    node = peaks[-1]
    for left in reversed(peaks[:-1]):
        node = node_hash(left, node)
    return node


def _check_lengths(count: int, proof: Sequence[bytes], *ends: bytes) -> None:
    if len(proof) != count:
        raise BadProof(f"proof of {len(proof)} hashes, expected {count}")
    for found in (*proof, *ends):
        if len(found) != HASH_BYTES:
            raise BadProof(f"hash of {len(found)} bytes, expected {HASH_BYTES}")


def _check_root(found: bytes, expected: bytes, size: int) -> None:
    if found != expected:
        raise BadProof(f"proof leads to root {found.hex()} at size {size}, expected {expected.hex()}")
