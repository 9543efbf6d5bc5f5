"""Checking a log with nothing but its key.

Rules:
- The checkpoint must be signed by the key; the leaves must hash to its root.
- Every leaf is an entry in canonical form, in its place, no earlier than the one before it.
- Every entry is judged by the law, with the keys that the log itself pins. Where the reader was not given
  what a rule needs, it is unchecked: that is counted, and never shown as verified.
- Of a log that is well, what each directive's entries say of its coming to be in force is checked by the
  acknowledgements that they hold, with the roots of this very log.
- What is wrong is found as early as the copy allows: leaf hashes that came beside the leaves show which
  leaf was altered; without them only the root tells that one was.
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
"""The public parts of `directive.in_force` entries, by what they are of: a directive, at a size."""
BREACHES_MAX = 1_000
"""How many breaches are listed; all are counted."""


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
    """What the law says of a log: how many entries it is about, what is unlawful, what could not be checked.

    `unchecked` counts, by rule, the entries of which a part that the rule needs was withheld.
    """

    entries: int = 0
    unlawful: tuple[Unlawful, ...] = ()
    unlawful_count: int = 0
    unchecked: Mapping[str, int] = field(default_factory=dict)


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
    law: Judgement = field(default_factory=Judgement)

    @property
    def ok(self) -> bool:
        """Whether this is the log that was signed, is lawful, and proves what it says is in force."""
        return not self.problem and not self.unproven and not self.law.unlawful


def audit(
    note: str | bytes, verifier: checkpoint.Verifier, leaves: Iterable[bytes], hashes: Sequence[bytes] = ()
) -> Audit:
    """Check leaves against a signed checkpoint, and each entry by the law.

    `hashes` are the leaf hashes a copy holds beside its leaves, if it does.
    Raises: BadCheckpoint: the checkpoint itself is not signed by the key.
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
    """Replays a log by the law, as far as its reader was given it. `log` is the log's verifier key."""

    def __init__(self, log: str) -> None:
        self._log = log
        self._record = Record()
        self._entries = 0
        self._unlawful: list[Unlawful] = []
        self._count = 0
        self._unchecked: Counter[str] = Counter()

    def take(self, found: Entry) -> None:
        """Judge an entry and fold in what of it is honoured."""
        record, keys = self._record, self._record.pinned()
        if isinstance(found.body, LogStarted) and found.body.vkey != self._log:
            self._note(found, "is_this_log", f"a log of the key {found.body.vkey!r}")
        verdict = law.breach(record, found, keys, self._log, Support.RECORD)
        self._entries += type(found.body) in law.RULES
        if isinstance(verdict, Breach):
            self._note(found, verdict.rule, verdict.why)
        elif isinstance(verdict, Unchecked):
            self._unchecked.update(verdict.rules)
            verdict = None
        honoured = law.effect(record, found, verdict, keys, self._log)
        if honoured is not None:
            self._apply(honoured)

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
