"""Checking a log with only its key.

Rules:
- The key must have signed the checkpoint. The leaves must hash to the root of the checkpoint.
- Every leaf is an entry in canonical form, at its place, and no earlier than the entry before it.
- The law judges every entry, with the keys that the log itself pins. If the reader did not get a field that a
  rule needs, the audit counts the rule as unchecked, and never shows it as verified.
- If the log has no fault, the audit also checks each entry that says a directive is in force: it verifies the
  acknowledgements in the entry against the roots of this log.
- An audit finds a fault as early as the copy allows. With the leaf hashes beside the leaves, it finds which
  leaf was changed. Without them, it can only say from the root that some leaf was changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sluicegate_record import law
from sluicegate_record.entries import Entry, Unknown, entry
from sluicegate_record.entries.directives import DirectiveInForce
from sluicegate_record.entries.releases import LogStarted
from sluicegate_record.errors import BadProof, SluicegateError
from sluicegate_record.law import Breach, Support, Unchecked
from sluicegate_record.log import canonical, checkpoint, merkle, proof
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.record import Record
from sluicegate_record.terms.text import counted

_Proofs = dict[str, list[Mapping[str, Any]]]
"""The public parts of the `directive.in_force` entries, by what they are about: a directive, at a size."""
BREACHES_MAX = 1_000
"""How many breaches an audit lists. It counts all of them."""


@dataclass(frozen=True, slots=True)
class Unlawful:
    """An entry that the law does not allow: the rule that it breaks, and why."""

    seq: int
    type: str
    rule: str
    why: str

    def __str__(self) -> str:
        return f"entry {self.seq} ({self.type}): {self.why}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the law says about a log: how many entries it judged, which are unlawful, what it could not check.

    `unchecked` counts, for each rule, the entries where the reader did not get a field that the rule needs.
    """

    entries: int = 0
    unlawful: tuple[Unlawful, ...] = ()
    unlawful_count: int = 0
    unchecked: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    `first_bad` counts entries from 0; None if no entry has a fault, or no one can say which. `proofs` counts
    the claims that a directive is in force everywhere. `unproven` lists the claims that their
    acknowledgements do not prove, and why. Even then, the log is the one that was signed.
    """

    size: int
    root: bytes
    first_bad: int | None = None
    problem: str = ""
    proofs: int = 0
    unproven: tuple[str, ...] = ()
    law: Judgement = field(default_factory=Judgement)

    @property
    def ok(self) -> bool:
        """Whether this is the log that was signed, it is lawful,
        and it proves each directive that it says is in force.
        """
        return not self.problem and not self.unproven and not self.law.unlawful


def audit(
    note: str | bytes, verifier: checkpoint.Verifier, leaves: Iterable[bytes], hashes: Sequence[bytes] = ()
) -> Audit:
    """Check the leaves against a signed checkpoint, and each entry against the law.

    `hashes` are the leaf hashes beside the leaves, if the copy has them.
    Raises: BadCheckpoint: the key did not sign the checkpoint.
    """
    head = checkpoint.open_checkpoint(note, verifier)
    frontier, last_ms, claimed, nodes = Frontier(), 0, _Proofs(), _Nodes()
    judge = Judge(checkpoint.vkey(verifier.name, verifier.public))
    for index, leaf in enumerate(leaves):
        digest = merkle.leaf_hash(leaf)
        if index < len(hashes) and hashes[index] != digest:
            return Audit(
                head.size, head.root, index, "the entry does not have the hash that stands beside it"
            )
        found, problem = _read(leaf, index, last_ms)
        if found is None:
            return Audit(head.size, head.root, index, problem)
        last_ms = found.at_ms
        if isinstance(found.body, DirectiveInForce):
            of = f"{found.body.directive} at size {found.body.size}"
            claimed.setdefault(of, []).append(found.public)
        nodes.add(frontier.append(digest))
        judge.take(found)
    if frontier.size != head.size:
        had = counted(frontier.size, "entry", "entries")
        problem = f"{had}, expected {head.size} as the checkpoint says"
        return Audit(head.size, head.root, min(frontier.size, head.size), problem)
    if frontier.root() != head.root:
        return Audit(head.size, head.root, None, "the entries do not hash to the checkpoint's root")
    unproven = tuple(_unproven(claimed, nodes, head.size))
    return Audit(head.size, head.root, proofs=len(claimed), unproven=unproven, law=judge.judged())


class Judge:
    """Replays a log by the law, as far as its reader got the fields. `log` is the log's verifier key."""

    def __init__(self, log: str) -> None:
        self._log = log
        self._record = Record()
        self._entries = 0
        self._unlawful: list[Unlawful] = []
        self._count = 0
        self._unchecked: Counter[str] = Counter()

    def take(self, found: Entry) -> None:
        """Judge an entry, and fold in the part of it that has an effect."""
        record, keys = self._record, self._record.pinned()
        if isinstance(found.body, LogStarted) and found.body.vkey != self._log:
            self._note(found, "is_this_log", f"a log of the key {found.body.vkey!r}")
        verdict = law.breach(record, found, keys, self._log, Support.RECORD)
        self._entries += bool(law.rules_of(found))
        if isinstance(verdict, Breach):
            self._note(found, verdict.rule, verdict.why)
        elif isinstance(verdict, Unchecked):
            self._unchecked.update(verdict.rules)
            verdict = None
        honoured = law.effect(record, found, verdict, keys, self._log)
        if honoured is not None:
            self._apply(honoured)
        else:
            record.skip(found)

    def judged(self) -> Judgement:
        """What the law says so far."""
        unchecked = dict(sorted(self._unchecked.items()))
        return Judgement(self._entries, tuple(self._unlawful), self._count, unchecked)

    def _apply(self, honoured: Entry) -> None:
        try:
            self._record.apply(honoured)
        except (KeyError, ValueError, SluicegateError) as error:
            self._note(honoured, "is_about_something", f"about something that is not on the record: {error}")

    def _note(self, found: Entry, rule: str, why: str) -> None:
        self._count += 1
        if len(self._unlawful) < BREACHES_MAX:
            self._unlawful.append(Unlawful(found.seq, found.type, rule, why))


class _Nodes:
    """The complete nodes of the tree, level by level."""

    def __init__(self) -> None:
        self._levels: list[bytearray] = []

    def add(self, complete: Iterable[tuple[int, int, bytes]]) -> None:
        """Keep the nodes that `Frontier.append` completed: the next node of each level."""
        for level, _, node in complete:
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += node

    def read(self, level: int, index: int) -> bytes:
        """The node at this level and index."""
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
    """The entry in a leaf; or None, and what is wrong with the leaf."""
    try:
        found = entry.read(leaf)
        if canonical.dumps(canonical.loads(leaf)) != leaf:
            return None, "the entry is not in canonical form"
    except SluicegateError as error:
        return None, error.message
    if found.seq != index:
        return None, f"the entry says it is number {found.seq}"
    if found.at_ms < last_ms:
        return None, "the entry is earlier than the one before it"
    if isinstance(found.body, Unknown):
        return None, found.body.why
    return found, ""
