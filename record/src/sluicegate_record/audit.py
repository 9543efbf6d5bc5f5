"""Checking a log with only its key.

Rules:
- The key must have signed the checkpoint, or one that it leads to by the log's own entries: a key that was
  replaced signs nothing more. The leaves must hash to the root of the checkpoint.
- Every leaf is an entry in canonical form, at its place, and no earlier than the entry before it.
- The law judges every entry, with the keys that the log itself pins. If the reader did not get a field that a
  rule needs, the audit counts the rule as unchecked, and never shows it as verified.
- If the log has no fault, the audit also checks each entry that says a directive is in force: it verifies the
  acknowledgements in the entry against the roots of this log. Only what gateways signed is proven.
- An audit finds a fault as early as the copy allows. With the leaf hashes beside the leaves, it finds which
  leaf was changed. Without them, it can only say from the root that some leaf was changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sluicegate_record import law
from sluicegate_record.entities import logkey
from sluicegate_record.entities.logkey import LogKeys
from sluicegate_record.entries import Entry, Unknown, entry
from sluicegate_record.entries.directives import DirectiveInForce
from sluicegate_record.entries.epochs import EpochBegan
from sluicegate_record.entries.releases import LogKeyReplaced, LogStarted
from sluicegate_record.errors import BadCheckpoint, BadProof, SluicegateError
from sluicegate_record.law import Breach, Support, Unchecked
from sluicegate_record.log import canonical, checkpoint, merkle, proof
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.log.proof import Proven
from sluicegate_record.record import Record
from sluicegate_record.statements.epochs import TreeHead
from sluicegate_record.terms.text import counted

BREACHES_MAX = 1_000
"""How many breaches are listed, and for each rule how many unchecked entries. All of them are counted."""


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
    `unchecked_at` has their numbers.
    """

    entries: int = 0
    unlawful: tuple[Unlawful, ...] = ()
    unlawful_count: int = 0
    unchecked: Mapping[str, int] = field(default_factory=dict)
    unchecked_at: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InForce:
    """A claim of the log that a directive, at a size, came into force everywhere; and what proves it.

    `seq` is the first entry with the claim. If its acknowledgements do not fit the log, `proven` is None, and
    `why` has the reason.
    """

    seq: int
    directive: str
    size: int
    proven: Proven | None
    why: str = ""

    @property
    def is_proven(self) -> bool:
        """Whether signatures of gateways prove the whole claim. Otherwise only the control plane says so."""
        return self.proven is not None and self.proven.is_whole

    def __str__(self) -> str:
        return f"{self.directive} at size {self.size}: {self.why or self.proven}"


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    `first_bad` counts entries from 0; None if no entry has a fault, or no one can say which. `in_force` has
    the claims that a directive is in force. Even if one of them is not proven, the log is the one that was
    signed. `log` is the name of the log, `at_ms` the time of its last entry: milliseconds since 1970 UTC.
    `since` is the size of an older checkpoint that the log was compared with. `keys` are those that the log
    had, oldest first.
    """

    size: int
    root: bytes
    first_bad: int | None = None
    problem: str = ""
    in_force: tuple[InForce, ...] = ()
    law: Judgement = field(default_factory=Judgement)
    log: str = ""
    at_ms: int | None = None
    since: int | None = None
    keys: LogKeys = field(default_factory=LogKeys)

    @property
    def proofs(self) -> int:
        """How many claims there are that a directive is in force everywhere."""
        return len(self.in_force)

    @property
    def unproven(self) -> tuple[str, ...]:
        """The claims whose acknowledgements do not fit the log, each with the reason."""
        return tuple(str(each) for each in self.in_force if each.proven is None)

    @property
    def ok(self) -> bool:
        """Whether this is the log that was signed, it is lawful,
        and it proves each directive that it says is in force.
        """
        return not self.problem and not self.unproven and not self.law.unlawful


def audit(
    note: str | bytes, verifier: checkpoint.Verifier, leaves: Iterable[bytes], hashes: Iterable[bytes] = ()
) -> Audit:
    """Check the leaves against a signed checkpoint, and each entry against the law.

    `verifier` has any of the keys that the log had; `hashes` are the leaf hashes beside the leaves, if the
    copy has them.
    Raises: BadCheckpoint: neither the key signed the checkpoint, nor one that follows it. The errors of the
            two iterators.
    """
    head = logkey.expected(note, verifier)
    log, beside = AuditedLog(verifier), iter(hashes)

    def bad(at: int | None, problem: str) -> Audit:
        return Audit(head.size, head.root, at, problem, log=head.origin)

    for index, leaf in enumerate(leaves):
        if index == head.size:
            return bad(index, f"more entries than the {head.size} that the checkpoint says")
        digest = merkle.leaf_hash(leaf)
        if next(beside, digest) != digest:
            return bad(index, "the entry does not have the hash that stands beside it")
        problem = log.take(leaf, digest)
        if problem:
            return bad(index, problem)
    if log.size != head.size:
        had = counted(log.size, "entry", "entries")
        return bad(log.size, f"{had}, expected {head.size} as the checkpoint says")
    is_more = next(beside, None) is not None  # asked in any case: the copy checks other files after the last
    if is_more or log.root() != head.root:
        what = "more hashes stand beside the entries than there are entries"
        return bad(None, what if is_more else "the entries do not hash to the checkpoint's root")
    log.check_signer(note)
    in_force = tuple(log.claims())
    return Audit(
        head.size,
        head.root,
        in_force=in_force,
        law=log.judge.judged(),
        log=head.origin,
        at_ms=log.at_ms if head.size else None,
        keys=log.judge.log_keys,
    )


class AuditedLog:
    """A log while it is audited, entry by entry: its tree, and what the law says.

    `verifier` has any of its keys.
    `at_ms` is the time of its last entry: milliseconds since 1970 UTC, 0 without one. `told` gets each entry
    that could be read.
    """

    def __init__(self, verifier: checkpoint.Verifier, told: Callable[[Entry], None] | None = None) -> None:
        self._verifier = verifier
        self.judge = Judge(checkpoint.vkey(verifier.name, verifier.public))
        self.at_ms = 0
        self._told = told
        self._frontier, self._claims, self._nodes = Frontier(), _Claims(), _Nodes()

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self._frontier.size

    def root(self) -> bytes:
        """The root over its entries."""
        return self._frontier.root()

    def tree(self) -> Frontier:
        """The tree over its entries, to grow separately."""
        return self._frontier.copy()

    def take(self, leaf: bytes, digest: bytes) -> str:
        """Audit the next leaf, whose hash is `digest`; what is wrong with it, empty if it can be read.

        Whether the law allows it is for `judge` to say.
        """
        found, problem = _read(leaf, self.size, self.at_ms)
        if found is None:
            return problem
        self.at_ms = found.at_ms
        if not self.size and isinstance(found.body, LogStarted):
            self.judge = Judge(found.body.vkey)
        self.judge.check_place(found, self._frontier)
        self._nodes.add(self._frontier.append(digest))
        if self.judge.take(found):
            self._claims.take(found)
        if self._told is not None:
            self._told(found)
        return ""

    def check_signer(self, note: str | bytes) -> None:
        """Check that the key that signs the log now has signed a head, and that the known key is this log's.

        Raises: BadCheckpoint.
        """
        keys = self.judge.log_keys
        if not keys.knows(checkpoint.vkey(self._verifier.name, self._verifier.public)):
            checkpoint.open_checkpoint(note, self._verifier)  # it may have no entry yet
            return
        try:
            keys.open(note)
        except BadCheckpoint as error:
            unlawful = map(str, self.judge.judged().unlawful[:1])
            raise BadCheckpoint("; ".join([error.message, *unlawful]), remedy=error.remedy) from error

    def claims(self) -> Iterator[InForce]:
        """Each claim that a directive is in force everywhere, checked with the roots of this log."""
        return self._claims.checked(self._nodes, self.size)


class _Claim(NamedTuple):
    """The number of the first entry with a claim, and the public parts of all its entries."""

    seq: int
    parts: list[Mapping[str, Any]]


class _Claims:
    """The claims of the `directive.in_force` entries, by the name and size of the directive."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], _Claim] = {}

    def take(self, found: Entry) -> None:
        """Keep an entry if it makes a claim. Requires: it is lawful."""
        if isinstance(found.body, DirectiveInForce):
            key = found.body.directive, found.body.size
            self._found.setdefault(key, _Claim(found.seq, [])).parts.append(found.public)

    def checked(self, nodes: _Nodes, size: int) -> Iterator[InForce]:
        """Each claim, checked with the roots of the log of `size`."""

        def root_of(acknowledged: int) -> bytes:
            if not 0 <= acknowledged <= size:
                raise BadProof(f"size {acknowledged} was acknowledged, in a log of {size}")
            return merkle.root(acknowledged, nodes.read)

        for (name, at), claim in self._found.items():
            proven, why = None, ""
            try:
                proven = proof.in_force(claim.parts, root_of)
            except BadProof as error:
                why = error.message
            yield InForce(claim.seq, name, at, proven, why)


class Judge:
    """Replays a log by the law, as far as its reader got the fields. `log` is its first verifier key."""

    def __init__(self, log: str) -> None:
        self._log = log
        self._record = Record()
        self._entries = 0
        self._unlawful: list[Unlawful] = []
        self._count = 0
        self._unchecked: Counter[str] = Counter()
        self._unchecked_at: dict[str, list[int]] = {}

    def take(self, found: Entry) -> bool:
        """Judge an entry, and fold in the part of it that has an effect. The answer is whether no rule that
        was checked is broken.
        """
        record, keys = self._record, self._record.pinned()
        verdict = law.breach(record, found, keys, self._log, Support.RECORD)
        self._entries += bool(law.rules_of(found))
        if isinstance(verdict, Breach):
            self._note(found, verdict.rule, verdict.why)
        elif isinstance(verdict, Unchecked):
            self._leave(found, verdict.rules)
            verdict = None
        is_lawful = verdict is None
        honoured = law.effect(record, found, verdict, keys, self._log)
        if honoured is not None:
            self._apply(honoured)
        else:
            record.skip(found)
        return is_lawful

    @property
    def log_keys(self) -> LogKeys:
        """The keys that the log had so far."""
        return self._record.log_keys

    def check_place(self, found: Entry, before: Frontier) -> None:
        """Note an epoch that begins after other entries than it says, and a key of the log that replaces the
        one that signed others; `before` is the tree of those before.
        """
        body = found.body
        if isinstance(body, EpochBegan) and body.restored != TreeHead(size=before.size, root=before.root()):
            self._note(found, "begins_where_it_says", "an epoch after other entries than it says")
        elif isinstance(body, LogKeyReplaced) and not _is_head_of(body.head, before):
            why = "a key of the log that is replaced after other entries than it signed"
            self._note(found, "follows_the_last_head", why)

    @property
    def record(self) -> Record:
        """What has an effect of the entries so far. Only `take` changes it."""
        return self._record

    def judged(self) -> Judgement:
        """What the law says so far."""
        unchecked = dict(sorted(self._unchecked.items()))
        at = {rule: tuple(self._unchecked_at[rule]) for rule in unchecked}
        return Judgement(self._entries, tuple(self._unlawful), self._count, unchecked, at)

    def _apply(self, honoured: Entry) -> None:
        try:
            self._record.apply(honoured)
        except (KeyError, ValueError, SluicegateError) as error:
            self._note(honoured, "is_about_something", f"about something that is not on the record: {error}")

    def _leave(self, found: Entry, rules: Iterable[str]) -> None:
        for rule in rules:
            self._unchecked[rule] += 1
            listed = self._unchecked_at.setdefault(rule, [])
            if len(listed) < BREACHES_MAX:
                listed.append(found.seq)

    def _note(self, found: Entry, rule: str, why: str) -> None:
        self._count += 1
        if len(self._unlawful) < BREACHES_MAX:
            self._unlawful.append(Unlawful(found.seq, found.type, rule, why))


def _is_head_of(note: str, tree: Frontier) -> bool:
    try:
        said = checkpoint.stated(note)
    except BadCheckpoint:
        return False
    return (said.size, said.root) == (tree.size, tree.root())


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

    def read(self, places: Sequence[merkle.Place]) -> list[bytes]:
        """The nodes at these places."""
        width = merkle.HASH_BYTES
        return [bytes(self._levels[level][index * width : (index + 1) * width]) for level, index in places]


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
