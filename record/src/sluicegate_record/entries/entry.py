"""Entries: a body at its place in the log, with the openings of its hidden parts.

Rules:
- A draft has no place yet; the writer gives it one. Its openings are drawn when it is made, in the order of
  its gate fields. So the same entropy of a command always gives the same leaf.
- One class reads the entries of its type in every version. A new version adds fields, and has its own rules
  in the law.
- A leaf with a version, type or field that this build does not know has an `Unknown` body. No one folds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Self

from sluicegate_record.entries.body import TYPES, Body
from sluicegate_record.errors import InvalidInput
from sluicegate_record.form import Json, Misread, form
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.leaf import GATE_BYTES_MAX, LEAF_BYTES_MAX, VERSION, Entropy, Leaf, Opening

NO_OPENINGS: Mapping[str, Opening] = {}


@form
class Unknown(Body):
    """What this build cannot read, and `why`: an unknown version or type, or a missing field."""

    type: ClassVar[str] = "unknown"
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before the writer has given it a place and a time."""

    stream: str
    body: Body
    gate: Mapping[str, Opening] = field(default_factory=dict)
    sealed: Mapping[str, Opening] = field(default_factory=dict)

    @classmethod
    def of(cls, stream: str, body: Body, entropy: Entropy) -> Self:
        """A draft, with fresh salts for its gate part."""
        gate = {name: leaves.opening(value, entropy) for name, value in body.gate().items()}
        return cls(stream, body, gate, body.sealed())


class Entry(NamedTuple):
    """One entry with its openings.

    Units: `seq` counts from 0 and is the leaf index; `at_ms` milliseconds since 1970 UTC; `v` is its version.
    """

    seq: int
    at_ms: int
    stream: str
    by: str
    id: str
    body: Body
    gate: Mapping[str, Opening]
    sealed: Mapping[str, Opening]
    leaf: bytes
    v: int = VERSION

    @property
    def type(self) -> str:
        """The entry's type, such as `grant.approved`."""
        return self.body.name if isinstance(self.body, Unknown) else self.body.type

    @property
    def size(self) -> int:
        """The smallest log size that holds this entry."""
        return self.seq + 1

    @property
    def public(self) -> Mapping[str, Json]:
        """The public part of the leaf, for readers who show entries that they do not know."""
        return leaves.read(self.leaf).public

    def saying(self, body: Body) -> Entry:
        """The same entry with another body: the part of it that has an effect, where that is not all."""
        return self._replace(body=body)


def place(draft: Draft, *, seq: int, at_ms: int, by: str, command: str) -> Entry:
    """Give a draft its place in the log.

    Raises: InvalidInput: the leaf would be larger than 65,535 bytes, or the gate part than GATE_BYTES_MAX.
    """
    carried = sum(len(opened.body) for opened in draft.gate.values())
    if carried > GATE_BYTES_MAX:
        raise InvalidInput(
            f"a {draft.body.type} entry with {carried} bytes for gateways, "
            f"expected at most {GATE_BYTES_MAX}; name fewer"
        )
    leaf = Leaf(
        seq,
        at_ms,
        draft.body.type,
        draft.stream,
        by,
        command,
        draft.body.public(),
        {name: opened.commitment("gate", name) for name, opened in draft.gate.items()},
        {name: opened.commitment("sealed", name) for name, opened in draft.sealed.items()},
    ).to_bytes()
    if len(leaf) > LEAF_BYTES_MAX:
        raise InvalidInput(
            f"a {draft.body.type} entry of {len(leaf)} bytes, expected at most {LEAF_BYTES_MAX}; "
            "make it smaller"
        )
    return Entry(seq, at_ms, draft.stream, by, command, draft.body, draft.gate, draft.sealed, leaf)


def place_all(drafts: Sequence[Draft], *, seq: int, at_ms: int, by: str, command: str) -> list[Entry]:
    """Give the drafts of a command consecutive places, from `seq` on."""
    return [place(draft, seq=seq + i, at_ms=at_ms, by=by, command=command) for i, draft in enumerate(drafts)]


def read(
    data: bytes, gate: Mapping[str, Opening] = NO_OPENINGS, sealed: Mapping[str, Opening] = NO_OPENINGS
) -> Entry:
    """Read an entry from its leaf, and check every given opening against its commitment.

    Openings may be missing (an auditor has none). An opening that is given must fit.
    Raises: NotCanonical; VerificationFailed: not an entry, or a wrong opening.
    """
    leaf = leaves.read(data)
    if gate or sealed:
        leaves.check(leaf, "gate", gate)
        leaves.check(leaf, "sealed", sealed)
    return of_leaf(leaf, data, gate, sealed)


def of_leaf(
    leaf: Leaf,
    data: bytes,
    gate: Mapping[str, Opening] = NO_OPENINGS,
    sealed: Mapping[str, Opening] = NO_OPENINGS,
) -> Entry:
    """The entry of a leaf that was read from `data`. Requires: the openings fit their commitments."""
    body = body_of(leaf, gate, sealed)
    seq, at_ms, _, stream, by, id_, _, _, _, v = leaf
    return Entry(seq, at_ms, stream, by, id_, body, gate, sealed, data, v)


def body_of(leaf: Leaf, gate: Mapping[str, Opening], sealed: Mapping[str, Opening]) -> Body:
    """What a leaf says, as far as it is opened; `Unknown` if this build cannot read it."""
    if leaf.v not in leaves.VERSIONS:
        return Unknown(name=leaf.type, why=f"the version {leaf.v} is unknown to this build; update it")
    cls = TYPES.get(leaf.type)
    if cls is None:
        return Unknown(name=leaf.type, why=f"the type {leaf.type!r} is unknown to this build; update it")
    try:
        return cls.read(leaf, gate, sealed)
    except Misread as error:
        return Unknown(name=leaf.type, why=f"it lacks what its type needs: {error.message}")


def types() -> Iterator[type[Body]]:
    """The body of every type of entry, in the order of the reference."""
    yield from TYPES.values()
