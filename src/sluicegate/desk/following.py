"""One instance, as the desk follows it: its log, copied, verified and judged; and what it shows of cases.

Rules:
- The log comes first. What the instance shows of a case is compared with the copy, and kept in memory alone.
- A log that does not continue the copy is followed no more, until a person drops the instance. Only an epoch
  that lawfully abandons the head of the copy is another beginning.
- What is known stays known, also if an instance does not answer or cannot be read.
- Whatever an instance does, it ends its own following at most.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from sluicegate.acts import keys as key_acts
from sluicegate.acts import review
from sluicegate.acts.act import Act, Answered, Asked, Nothing
from sluicegate.acts.cases import CaseArgument
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.keys import KeyReceipt
from sluicegate.acts.log import HEAD
from sluicegate.acts.review import ExportedCase, ReviewStatement, StatementReceipt
from sluicegate.client.http import Client, Patience
from sluicegate.desk import sentences
from sluicegate.desk.checking import OutOfStep, ReadCase, ShownCase, compared
from sluicegate.desk.inbox import Inbox
from sluicegate.desk.instances import Instance
from sluicegate.desk.logcopy import LogCopy, NotContinued
from sluicegate.errors import SluicegateError, Unreachable, VerificationFailed
from sluicegate_record import copy, entries
from sluicegate_record.audit import AuditedLog
from sluicegate_record.copy import Fetch
from sluicegate_record.entities import logkey
from sluicegate_record.entities.case import Case
from sluicegate_record.entries import Entry
from sluicegate_record.log import checkpoint, merkle
from sluicegate_record.log.checkpoint import Verifier
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.record import Record
from sluicegate_record.statements.epochs import TreeHead

_log = logging.getLogger(__name__)
STOPPED = "stopped"
"""The file that says why an instance is followed no more."""
OTHER = "other"
"""The folder in a copy with what was served that does not continue it."""
READ_AT_ONCE = 256
"""How many entries are judged before others may look."""
TRIES = 3
"""How often a case and its log are asked for until they are of one moment."""
SHOWN_AT_ONCE = 50
"""How many cases are asked for in one turn."""
ANSWER_S = 15.0
"""How long someone at a page waits for an answer of an instance, as a whole."""
PATIENCE = Patience(whole_s=ANSWER_S)


class Counterpart(Protocol):
    """What a desk asks of an instance."""

    def files(self, within_s: float) -> Fetch:
        """What gives the files of its log, for so many seconds."""
        ...

    def handovers(self) -> Sequence[Envelope]:
        """What was signed when its log's key was replaced, oldest first. Raises: SluicegateError."""
        ...

    def export(self, case: str) -> ExportedCase:
        """A case for review. Raises: SluicegateError."""
        ...

    def record(self, given: ReviewStatement) -> StatementReceipt:
        """Put what was signed about a case on the record. Raises: SluicegateError."""
        ...

    def record_key(self, given: SignedStatement) -> KeyReceipt:
        """Put what was signed about a key on the record. Raises: SluicegateError."""
        ...


class HttpCounterpart:
    """`Counterpart`, over HTTP, with the agency's token."""

    def __init__(self, instance: Instance) -> None:
        self._url, self._token = instance.url, instance.token

    def files(self, within_s: float) -> Fetch:
        """What gives the files of its log, for so many seconds."""
        return copy.files_of(self._url, within_s)

    def handovers(self) -> Sequence[Envelope]:
        """What was signed when its log's key was replaced."""
        return [Envelope.from_json(each) for each in self._do(HEAD, Nothing()).handovers]

    def export(self, case: str) -> ExportedCase:
        """A case for review."""
        return self._do(review.EXPORT, CaseArgument(case=case))

    def record(self, given: ReviewStatement) -> StatementReceipt:
        """Put what was signed about a case on the record."""
        return self._do(review.IMPORT, given)

    def record_key(self, given: SignedStatement) -> KeyReceipt:
        """Put what was signed about a key on the record."""
        return self._do(key_acts.RECORD, given)

    def _do(self, act: Act[Asked, Answered], asked: Asked) -> Answered:
        with closing(Client(self._url, self._token, patience=PATIENCE)) as client:
            return client.do(act, asked)


@dataclass(frozen=True, slots=True)
class InstanceState:
    """How it stands with an instance: `reading`, `followed`, `unreachable`, or `stopped`, and why.

    `read_ms` is when its log was last read to the end: milliseconds since 1970 UTC; None before that.
    """

    word: str
    why: str = ""
    read_ms: int | None = None


class Following:
    """An instance that is followed, with the copy of its log in a folder. `now_ms` is the wall clock."""

    def __init__(
        self, instance: Instance, folder: Path, counterpart: Counterpart, now_ms: Callable[[], int]
    ) -> None:
        self.instance, self.counterpart = instance, counterpart
        self.lock = threading.RLock()
        """Held while something is read of it, or changes."""
        self._turn = threading.Lock()
        """Held by who follows."""
        self._now_ms = now_ms
        self._copy = LogCopy(folder, instance.verifier)
        self._begin()
        stopped = folder / STOPPED
        self.state = InstanceState("reading")
        if stopped.exists():
            self.state = InstanceState(STOPPED, stopped.read_text().strip())

    def _begin(self) -> None:
        """Judge the log from its beginning."""
        self.audited = AuditedLog(self.instance.verifier, self._told)
        self.open = Inbox(self.instance.agency)
        """The cases that ask the agency and are not decided."""
        self._places: dict[str, list[int]] = {}
        self._read: dict[str, ReadCase] = {}
        self._wanted: dict[str, None] = {}
        """The cases that someone looks at, and that were not shown."""

    @property
    def record(self) -> Record:
        """What the log says. Requires: the lock is held."""
        return self.audited.judge.record

    @property
    def size(self) -> int:
        """How many entries were judged so far."""
        return self.audited.size

    @property
    def copied(self) -> int:
        """How many entries the copy has."""
        return self._copy.size

    @property
    def head(self) -> TreeHead | None:
        """The newest head that is proven."""
        found = self._copy.head
        return None if found is None else TreeHead(size=found.size, root=found.root)

    def leaf(self, seq: int) -> bytes:
        """A leaf of the copy. Requires: it has been judged."""
        return next(self._copy.leaves(seq, seq + 1))

    def history(self, case: str) -> Iterator[Entry]:
        """The entries about a case, newest first."""
        for seq in reversed(self._places.get(case, [])):
            yield entries.read(self.leaf(seq))

    def seqs(self, case: str) -> list[int]:
        """The places of the entries about a case, oldest first."""
        return self._places.get(case, [])

    def known(self, case: str) -> ReadCase | None:
        """What the instance showed of a case, if that is still how the case is."""
        found, now = self._read.get(case), self.record.cases.get(case)
        return found if found is not None and found.case is now else None

    def follow(self) -> None:
        """Read what is new, and ask for the cases that are looked at or wait for the agency. It raises
        nothing.
        """
        with self._turn:
            if self._caught_up(copy.LOG_S):
                self._attempted(self._ask)

    def catch_up(self) -> None:
        """Read what is new of the log, for someone who waits: within a time, or not. It raises nothing."""
        if self._turn.acquire(timeout=ANSWER_S):
            try:
                self._caught_up(ANSWER_S)
            finally:
                self._turn.release()

    def _caught_up(self, within_s: float) -> bool:
        """Read what is new of the log. Requires: the turn is held. Returns: whether it is followed."""
        return self.state.word != STOPPED and self._attempted(partial(self._follow, within_s))

    def _attempted(self, work: Callable[[], None]) -> bool:
        """Do some work with the instance, and note what is wrong. Returns: whether it is followed."""
        try:
            work()
        except SluicegateError as error:
            self._stands("unreachable", error.message)
        except Exception as error:  # noqa: BLE001 - whatever it serves, the desk goes on
            _log.exception("the instance %s cannot be read", self.instance.name)
            self._stands("unreachable", f"what it serves cannot be read: {type(error).__name__}")
        return self.state.word == "followed"

    def look(self, case: str) -> ReadCase | None:
        """A case as it was shown last, if it still is so; else as the log has it alone, and the instance is
        asked in its next turn. None if the log has no such case.
        """
        with self.lock:
            found = self.known(case)
            if found is None and case in self.record.cases:
                self._wanted[case] = None
            return self.bare(case, "the instance has not shown it yet") if found is None else found

    def read(self, case: str) -> ReadCase | None:
        """A case with what the instance shows of it now; where it does not show it, as the log has it alone,
        with a gap that says why. That is asked for again. None if the log has no such case.
        """
        with self.lock:
            found, now = self.known(case), self.record.cases.get(case)
        if now is None or found is not None:
            return found
        for _ in range(TRIES):
            try:
                return self._compared(case)
            except OutOfStep:
                self.catch_up()
            except SluicegateError as error:
                return self.bare(case, error.message)
        return self._note(case, "it shows a case that does not come to fit its log")

    def _compared(self, case: str) -> ReadCase:
        """A case with what the instance shows of it. Raises: OutOfStep. SluicegateError."""
        with self.lock:
            had = len(self.record.cases[case].discussion)
        shown = self.counterpart.export(case)
        with self.lock:
            found = compared(self.record, self.record.cases[case], self.leaf, shown, had)
            self._keep(found)
        return found

    def _follow(self, within_s: float) -> None:
        files = self.counterpart.files(within_s)
        self._judge()
        try:
            self._copy.grow(files, self.audited.tree(), self._signer)
        except NotContinued as error:
            if not self._is_another_epoch(files):
                self._stop(error.message)
                return
        self._judge()
        self._stands("followed", read=True)

    def _judge(self) -> None:
        """Judge the entries of the copy that were not judged yet."""
        while self.size < self._copy.size:
            end = min(self._copy.size, self.size + READ_AT_ONCE)
            leaves = list(self._copy.leaves(self.size, end))
            with self.lock:
                for leaf in leaves:
                    problem = self.audited.take(leaf, merkle.leaf_hash(leaf))
                    if problem:
                        raise Unreachable(f"entry {self.size} of its log cannot be read: {problem}")
        head = self._copy.head
        if head is None:
            return
        self.audited.check_signer(self._copy.note)
        if self.audited.root() != head.root:
            raise Unreachable("the copy of its log was damaged", remedy="drop the instance, and add it again")

    def _signer(self, note: bytes) -> Verifier:
        """The key by which a head has to be signed: the newest one known, or one that it hands over to. Who
        the officers are is known here. Raises: SluicegateError.
        """
        with self.lock:
            record = self.record
            known = record.log_keys.current.vkey if record.log_keys.keys else self.instance.vkey
        return self._followed(known, note)

    def _followed(self, known: str, note: bytes) -> Verifier:
        """The key by which a head has to be signed: `known`, or one that it hands over to."""
        if not checkpoint.is_signed_otherwise(note, checkpoint.parse_vkey(known)):
            return checkpoint.parse_vkey(known)
        with self.lock:
            officers, developer = self.record.pinned(), self.record.developer
        handovers = self.counterpart.handovers()
        return logkey.follow(known, handovers, lambda each: len(officers.owners(each, developer))).verifier

    def _told(self, entry: Entry) -> None:
        """Note an entry that was judged."""
        self._places.setdefault(entry.stream, []).append(entry.seq)
        for change in self.record.changes:
            if isinstance(change.after, Case):
                self._put(change.after)

    def _put(self, case: Case) -> None:
        """Put a case where it is now in the list, with the text by which it is found."""
        known = self.known(case.id)
        what = sentences.thing(self.record, ShownCase(case) if known is None else known)
        self.open.put(case, f"{what} {case.id} {self.instance.name} {case.kind}")

    def _ask(self) -> None:
        """Ask for cases that someone looks at or that wait for the agency, and that are not shown so far."""
        with self.lock:
            wanted = dict.fromkeys([*self._wanted, *filter(self._awaits, self.open)])
            lacking = [name for name in wanted if self.known(name) is None]
            self._wanted.clear()
        for name in lacking[:SHOWN_AT_ONCE]:
            try:
                self._compared(name)
            except Unreachable:
                raise
            except SluicegateError:
                continue  # it is asked for again in the next turn

    def bare(self, case: str, why: str) -> ReadCase | None:
        """A case as the log has it alone, and why the rest is a gap; None if the log has no such case."""
        with self.lock:
            now, gaps = self.record.cases.get(case), (f"the case ({why})",)
            return None if now is None else ReadCase(now, opening=entries.read(self.leaf(now.seq)), gaps=gaps)

    def _note(self, case: str, lie: str) -> ReadCase:
        """Keep of a case what the log says alone, and what is wrong with what the instance shows."""
        with self.lock:
            now = self.record.cases[case]
            found = ReadCase(now, opening=entries.read(self.leaf(now.seq)), lies=(lie,))
            self._keep(found)
        return found

    def _keep(self, found: ReadCase) -> None:
        """Keep what the instance has shown of a case. Requires: the lock is held."""
        self._read[found.case.id] = found
        self._put(found.case)

    def _awaits(self, case: str) -> bool:
        return self.instance.agency in self.record.cases[case].awaiting

    def _is_another_epoch(self, files: Fetch) -> bool:
        """Whether the log goes on after a loss, by an epoch that abandons the head of the copy; then the copy
        is of the new log. The old one is kept beside it. Raises: Unreachable: that is not known yet.
        """
        had, folder = self.head, self._copy.folder
        if had is None:
            return False
        beside = folder / OTHER
        shutil.rmtree(beside, ignore_errors=True)
        other, log = LogCopy(beside, self.instance.verifier), AuditedLog(self.instance.verifier)
        try:
            other.grow(files, log.tree(), partial(self._followed, self.instance.vkey))
            for leaf in other.leaves(0, other.size):
                if log.take(leaf, merkle.leaf_hash(leaf)):
                    return False
            log.check_signer(other.note)
        except VerificationFailed:
            return False
        replaced = {key.vkey for key in self.record.log_keys.keys[:-1]}
        if had not in log.judge.record.abandoned or log.judge.log_keys.current.vkey in replaced:
            return False
        with self.lock:
            kept = folder.rename(folder.with_name(f"{folder.name}.abandoned.{had.size}"))
            (kept / OTHER).rename(folder)
            self._copy = LogCopy(folder, self.instance.verifier)
            self._begin()
        return True

    def _stop(self, why: str) -> None:
        """Follow the instance no more. What is known stays, with both heads, as evidence."""
        (self._copy.folder / STOPPED).write_text(f"{why}\n")
        _log.critical("the log of %s does not continue its copy: %s", self.instance.name, why)
        self._stands(STOPPED, why)

    def _stands(self, word: str, why: str = "", *, read: bool = False) -> None:
        with self.lock:
            at_ms = self._now_ms() if read else self.state.read_ms
            self.state = replace(self.state, word=word, why=why, read_ms=at_ms)
