"""The ledger: the one writer, and the follower whose state it decides by.

Rules:
- A decision only reads the state, so that others read it beside a decision, a signature and a commit. They
  wait for a fold alone.
- A command is decided on the state of exactly the log it is appended to: hold the head, catch up, decide,
  append, commit.
- The state follows the log, never the other way round: entries are folded in after their commit, by the
  same function that folds them at start. A commit whose fate is unknown is found out by catching up.
- A command id is done once; done again it returns its first result, without a turn to write.
- Signatures are checked before a command has its turn.
- Nothing is decided while something is due: time goes first, in the order in which it was due. Only a command
  that narrows what is allowed, and that nothing due can change, goes before: customers wait for no backlog.
- What is due is done in batches: one commit and one signed head for many things. Between two batches others
  get their turn, first those that narrow. What a crash leaves undone is due again.
- On a disk that is nearly full only what narrows is done (`room.py`); so it is while the clock is in doubt
  (`doubt.py`).
- What is appended is lawful: it is asserted of each entry, on the record as the entries before it leave it.
- The key that signs a head is the one that the log names for it. What keys the names in entries is kept
  beside the log: it came from its first key, and stays.
- The commit that appends an entry also puts its letters in the outbox.
- Starting recomputes every hash: a log whose root is not that of its entries is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.acts.act import Effect
from sluicegate.core import lifecycle
from sluicegate.core.lifecycle import Acceptance, Command, Refusal, State, ticks
from sluicegate.core.people import application, legal_names
from sluicegate.errors import BadCheckpoint, StoreUnavailable, StoreUnusable
from sluicegate.ports import Log, PastCommand, Ports, Store, log_keys
from sluicegate.service import letters
from sluicegate.service.allowance import Charge
from sluicegate.service.doubt import Doubt
from sluicegate.service.due import Due, check_law, command_name
from sluicegate.service.follower import Follower
from sluicegate.service.room import Room, endless
from sluicegate.service.write_lock import WriteLock
from sluicegate_record import entries
from sluicegate_record.entities.logkey import LogKeys
from sluicegate_record.entries import Entry
from sluicegate_record.entries.releases import LogKeyReplaced
from sluicegate_record.form import Json
from sluicegate_record.log import canonical, checkpoint, dsse, merkle
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.terms import audience

Result = TypeVar("Result")
_Asked: TypeAlias = Command | Callable[[Ports], Command | Refusal]

_log = logging.getLogger(__name__)

ROW_BYTES = 128
"""How many bytes a row of the store takes, beside what it says."""


@dataclass(frozen=True, slots=True)
class Unchanged(Generic[Result]):
    """The answer of an arrangement that found everything as it was asked for: it has no effect, like a
    command from which no entry follows.
    """

    answer: Result


class Ledger:
    """The log of one developer, named `origin`.

    `wall_ms` reads the wall clock, milliseconds since 1970 UTC; `boot_ms` reads CLOCK_BOOTTIME in
    milliseconds; `random` gives n random bytes; `room` is that of the disk. `doubted_ms` reads the wall clock
    while it is in doubt; then `wall_ms` is earlier. `key` signs the log now, or is the `successor` that it is
    about to have.
    """

    def __init__(  # noqa: PLR0913 - a store, a key and a name; and what a test gives for the machine's
        self,
        store: Store,
        key: Ed25519PrivateKey,
        origin: str,
        *,
        wall_ms: Callable[[], int],
        boot_ms: Callable[[], float],
        random: Callable[[int], bytes],
        before: Ed25519PrivateKey | None = None,
        successor: bool = False,
        directs: Mapping[str, frozenset[str]] = MappingProxyType({}),
        room: Room | None = None,
        doubted_ms: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.store = store
        self.key = key
        self.before = before
        """The key that the log had before. While it is given, heads have its signature, too."""
        self.origin = origin
        self.wall_ms = wall_ms
        self.random = random
        self.boot_ms = boot_ms
        self.directs = directs
        """The models that agencies direct by the trust file, where it says so."""
        self.room = room or endless()
        self.doubt = Doubt(doubted_ms)
        self._lock = WriteLock()
        """The writer holds them. They are taken before the follower's lock, never while that is held."""
        self._follower = Follower()
        self._state = self._follower.state
        """Folded by the follower alone."""
        self._watchers: list[Callable[[], None]] = []
        self._own = checkpoint.vkey(origin, key.public_key().public_bytes_raw())
        keys = log_keys(store.log)
        self._vkey = keys.keys[0].vkey if keys.keys else self._own
        if not successor:
            self._check_key(keys)
        self._naming, self._listing = self._name_secrets()
        self._due = Due(self._follower, self._vkey, self.now_ms, boot_ms, random, self._commit)
        self._load()

    def execute(  # noqa: PLR0913 - what, who, which command; and what it means for counts and for the disk
        self,
        command: _Asked,
        *,
        by: str,
        command_id: str,
        request: Any = None,
        charge: Charge | None = None,
        effect: Effect = "any",
        is_unlinked: bool = False,
    ) -> dict[str, Any] | Refusal:
        """Decide a command and append what follows.

        `command` may be made inside the transaction, from what must be looked up there. `request` is what
        the caller asked, to tell a repeated command from another one under the same id. `charge` is what it
        is counted to, `effect` what the row of its act says. `is_unlinked`: the entries name the caller by a
        pseudonym for this command only.
        Raises: InvalidInput: malformed. StoreUnavailable: nothing was done, or it will be found done.
        """
        asked = canonical.digest([by, request])
        command_id = command_name(by, command_id)
        is_first = effect == "narrows" or (
            effect == "directs" and isinstance(command, Command) and lifecycle.narrows(command)
        )
        overtakes = is_first and ticks.due(self._state, self.now_ms()) is not None
        by = self.pseudonym(by, command_id) if is_unlinked else by
        result = self._before(command_id, asked)
        if isinstance(result, Refusal):
            return result
        if result is None and isinstance(command, Command):
            self._rehearse(command)
        while result is None:
            with self._lock.hold(first=is_first), self._telling():
                try:
                    result = self._do(
                        _Asking(command, by, command_id, asked, charge, effect), is_first=is_first
                    )
                except _SomethingDue:
                    self._tick()
                except _RolledBack as rolled_back:
                    return rolled_back.refusal
        if not overtakes:  # else the answer would wait for what was due before
            with suppress(StoreUnavailable):  # whoever comes next does what has become due
                self.tick()
        return result

    def tick(self) -> None:
        """Let everything happen that is due by now, in order, many things in a transaction.

        Raises: StoreUnavailable: the rest will be done when asked again.
        """
        while ticks.due(self._state, self.now_ms()) is not None:
            with self._lock.hold(), self._telling():
                self._tick()

    def arrange(  # noqa: PLR0913 - what, who, which command; and what it means for counts and for the disk
        self,
        change: Callable[[Ports], dict[str, Any] | Unchanged[dict[str, Any]] | Refusal],
        *,
        by: str,
        command_id: str,
        request: Any = None,
        charge: Charge | None = None,
        effect: Effect = "any",
    ) -> dict[str, Any] | Refusal:
        """Change what the store holds beside the log, in one transaction; no entry is appended.

        The answer is remembered, unless the command id is empty: then it has a secret. What is `Unchanged` is
        counted as what has no effect. What ends something here takes rows away; it is done also on a disk
        that is nearly full.
        Raises: StoreUnavailable: nothing was done, or it will be found done.
        """
        asked = canonical.digest([by, request])
        named = command_name(by, command_id) if command_id else ""
        before = self._before(named, asked) if named else None
        if before is not None:
            return before
        with self._lock.hold():
            try:
                with self.store.write() as ports:
                    result = _first(ports.log, named, asked) if named else None
                    if result is None:
                        if effect == "any":
                            self.room.check()
                        made = change(ports)
                        is_new = not isinstance(made, Unchanged)
                        result = _agreed(made.answer if isinstance(made, Unchanged) else made)
                        self._count(ports, charge, result, [], changes=is_new)
                        if named:
                            ports.log.remember(named, PastCommand(asked, result))
            except _RolledBack as rolled_back:
                return rolled_back.refusal
            self._tell()
            return result

    def first(self, *, by: str, command_id: str, request: Any) -> dict[str, Any] | Refusal | None:
        """The first result of a command that was done before; None of one that was not.

        Raises: StoreUnavailable.
        """
        return self._before(command_name(by, command_id), canonical.digest([by, request]))

    def _before(self, named: str, asked: str) -> dict[str, Any] | Refusal | None:
        """The first result of a command that was done: looked up before the lock is taken, which a command
        that is sent again and again would keep from others.
        """
        try:
            found = _first(self.store.log, named, asked)
        except _RolledBack as rolled_back:
            return rolled_back.refusal
        if found is not None and self.store.log.size() > self.size():
            self.catch_up()  # its commit was of unknown fate: who has its answer reads what it wrote
        return found

    def _rehearse(self, command: Command) -> None:
        """Check the signatures of a command before the lock is taken: wrong ones may take half a second."""
        envelopes = lifecycle.envelopes_of(command)
        if not envelopes:
            return
        with self.reading() as state:
            key_sets = lifecycle.key_sets(state, command)
        for envelope in envelopes:
            dsse.rehearse(envelope, key_sets)

    def consider(self, command: Command) -> Acceptance | Refusal:
        """What a command would come to now; nothing is done."""
        with self.reading() as state:
            return lifecycle.decide(state, command, self.now_ms(), Entropy(self.random(32)))

    def catch_up(self) -> None:
        """Follow what others, or a commit whose fate was unknown, have added to the log."""
        with self._lock.hold(), self._telling():
            self._follower.catch_up(self.store.log)

    def now_ms(self) -> int:
        """The log's time: the wall clock, but never earlier than the newest entry."""
        return max(self.wall_ms(), self._follower.position.at_ms)

    def reading(self) -> AbstractContextManager[State]:
        """The state, while nothing changes it. Do not keep it, and do not be long: a commit's fold waits."""
        return self._follower.reading()

    def size(self) -> int:
        """The log's size, as far as this process has followed it."""
        return self._follower.position.size

    def entries(self, after: int, end: int) -> Sequence[Entry]:
        """The entries from `after` to `end` (exclusive)."""
        newest = self._follower.entries(after, end)
        return newest if newest is not None else self.store.log.entries(after, end - after)

    def root(self, size: int) -> bytes:
        """The root of the first `size` entries, 32 bytes."""
        return self._follower.root(size) or merkle.root(size, self.store.log.nodes)

    def checkpoint(self) -> str:
        """The signed head of the log, as a C2SP checkpoint."""
        return self.store.log.checkpoint()

    def vkey(self) -> str:
        """The log's first verifier key, as text: its name, to which statements are bound."""
        return self._vkey

    def handovers(self) -> tuple[Json, ...]:
        """What was signed when the log's key was replaced, oldest first: envelopes, as JSON."""
        with self.reading() as state:
            has_some = len(state.record.log_keys.keys) > 1
        bodies = (entry.body for entry in (self.store.log.handovers() if has_some else ()))
        return tuple(body.envelope.to_json() for body in bodies if isinstance(body, LogKeyReplaced))

    def tags(self, name: str) -> tuple[str, ...]:
        """The tags of a legal name in entries. Without the log's key, no one can find out the name."""
        return legal_names.tags(self._naming, name)

    def listed_tags(self, name: str) -> tuple[str, ...]:
        """The tags of what a list has: a legal name, or an identifier."""
        return legal_names.listed_tags(self._naming, name)

    def listed(self, release: str, name: str) -> Opening:
        """What opens the commitment by which a list of a release names an organization."""
        salt = legal_names.salt(self._listing, release, name)
        return Opening(salt, canonical.dumps(audience.dossier(name)))

    def pseudonym(self, by: str, command: str) -> str:
        """The name of a caller in the entries of one command, by its id on the record."""
        return application.pseudonym(self._naming, by, command)

    def waiting(self) -> int:
        """How many threads wait for their turn to write."""
        return self._lock.waiting()

    def set_aside(self) -> int:
        """How many things were due, failed, and were set aside."""
        with self.reading() as state:
            return len(state.agenda.aside)

    def due_lag_ms(self) -> int:
        """How long the oldest thing that is due has waited; 0 if nothing is due."""
        with self.reading() as state:
            first = state.agenda.first()
        return 0 if first is None else max(0, self.now_ms() - first[0])

    def watch(self, told: Callable[[], None]) -> None:
        """Call `told`, which must not wait, after every advance and arrangement, from any thread."""
        self._watchers.append(told)

    def _load(self) -> None:
        self.catch_up()
        size, root = self.size(), self._follower.frontier.root()
        if root != merkle.root(size, self.store.log.nodes):
            raise StoreUnusable(
                "the stored tree does not have the root of the stored entries: the database was altered",
                remedy="restore it from a backup",
            )
        if size and self._state.origin == self.origin and self._signed_head() != (size, root):
            raise StoreUnusable(
                "the stored entries are not those of the signed head: the database was altered",
                remedy="restore it from a backup",
            )

    def _check_key(self, keys: LogKeys) -> None:
        """Check that the key that is given signs now, in a log of this name. Raises: StoreUnusable."""
        if keys.keys and keys.current.verifier.name == self.origin and keys.current.vkey != self._own:
            raise StoreUnusable(
                f"this log was not signed with this key: {keys.current.vkey} signs it, this is {self._own}",
                remedy="restore the log's own signing key, or the database, from a backup",
            )

    def _name_secrets(self) -> Iterator[bytes]:
        """What keys the tags of names, and the names on lists: it comes from the first key of the log."""
        for purpose, derived in (("tags", legal_names.tag_key), ("lists", legal_names.list_key)):
            kept = self.store.principals.name_secret(purpose)
            if kept is None:
                kept = self._kept(purpose, derived(self.key))
            yield kept

    def _kept(self, purpose: str, secret: bytes) -> bytes:
        if self._vkey != self._own and checkpoint.parse_vkey(self._vkey).name == self.origin:
            raise StoreUnusable(
                "what keys the names in this log came from its first key, and is not in the database",
                remedy="start this build once with that key, or restore a database that this build has used",
            )
        if self._vkey == self._own:
            with suppress(StoreUnavailable):  # on a full disk: it still follows from this key
                self.store.principals.keep_name_secret(purpose, secret)
        return secret

    def _signed_head(self) -> tuple[int, bytes]:
        try:
            head = self._state.record.log_keys.open(self.checkpoint())
        except BadCheckpoint as error:
            raise StoreUnusable(
                f"this log was not signed with this key: {error.message}",
                remedy="restore the log's own signing key, or the database, from a backup",
            ) from error
        return head.size, head.root

    def _do(self, asking: _Asking, *, is_first: bool) -> dict[str, Any]:
        """Do one command at the head. Requires: the lock is held."""
        entries, result = self._transact(asking, is_first=is_first)
        self._fold(entries)
        return result

    def _fold(self, entries: Sequence[Entry]) -> None:
        """Fold in what has been committed: it is durable.

        Raises: StoreUnusable: it cannot be. What is half folded decides nothing; this process has to end.
        """
        try:
            self._follower.follow(entries)
        except Exception as error:
            said = f"what was appended cannot be folded: {error!r}"
            raise StoreUnusable(said, remedy="report this; run the build that ran before") from error

    def _transact(self, asking: _Asking, *, is_first: bool) -> tuple[list[Entry], dict[str, Any]]:
        with self.store.write() as ports:
            self._hold(ports.log)
            first = _first(ports.log, asking.id, asking.digest)
            if first is not None:
                return [], first
            now_ms = self.now_ms()
            if not is_first and ticks.due(self._state, now_ms) is not None:
                raise _SomethingDue
            made = asking.command(ports) if callable(asking.command) else asking.command
            if isinstance(made, Refusal):
                raise _RolledBack(made)
            if is_first:
                now_ms = self.doubt.entered_ms(made, now_ms)
            decided = _agreed(lifecycle.decide(self._state, made, now_ms, Entropy(self.random(32))))
            placed = self._placed(decided, now_ms, asking)
            if placed and not self._narrows(made, asking.effect):
                self.room.check()
                self.doubt.check(now_ms)
            result = {**decided.result.to_json(), "size": self._state.size + len(placed)}
            self._count(ports, asking.charge, result, placed, changes=bool(placed))
            self._write(ports, placed)
            ports.log.remember(asking.id, PastCommand(asking.digest, result))
        return placed, result

    def _narrows(self, command: Command, effect: Effect) -> bool:
        """Whether a command that is decided at the head provably only narrows access."""
        return effect == "narrows" or (effect == "directs" and lifecycle.narrows(command, self._state))

    def _count(
        self,
        ports: Ports,
        charge: Charge | None,
        result: dict[str, Any],
        placed: Sequence[Entry],
        *,
        changes: bool,
    ) -> None:
        """Count what a command writes, where it is counted."""
        if charge is None:
            return
        written = len(canonical.dumps(result)) + sum(map(_bytes_of, placed))
        spent, share = ports.principals, self.room.share_bytes()
        refusal = charge.take(spent, self.now_ms(), written, changes=changes, share_bytes=share)
        if refusal is not None:
            raise _RolledBack(refusal)

    def _hold(self, log: Log) -> None:
        """Be at the head that the write holds."""
        size = log.size()
        if size > self._state.size:
            self._follower.follow(log.entries(self._state.size, size - self._state.size))
        if size != self._state.size:
            raise StoreUnusable(
                f"the log goes back: {size} entries are stored, {self._state.size} were known",
                remedy="put the newest database back",
            )

    def _tick(self) -> None:
        """Let happen what is due at the head, as much as one batch holds. Requires: the lock is held."""
        self.room.check_time()
        self._fold(self._due.entries())

    def _commit(self, made: Callable[[int], list[Entry]]) -> list[Entry]:
        """Commit the entries that a function makes of the time at the head."""
        with self.store.write() as ports:
            self._hold(ports.log)
            placed = made(self.now_ms())
            self._write(ports, placed)
        return placed

    def _placed(self, decided: Acceptance, now_ms: int, asking: _Asking) -> list[Entry]:
        """The entries of a command, each lawful after those before it."""
        placed = entries.place_all(
            decided.drafts, seq=self._state.size, at_ms=now_ms, by=asking.by, command=asking.id
        )
        after = self._state.record.overlay() if len(placed) > 1 else self._state.record
        for entry in placed:
            check_law(after, self.vkey(), entry)
            if after is not self._state.record:
                after.apply(entry)
        return placed

    def _write(self, ports: Ports, placed: Sequence[Entry]) -> None:
        """Write entries, the signed head that holds them, and their letters."""
        if placed:
            grown = self._follower.frontier.copy()
            nodes = [node for entry in placed for node in grown.append(merkle.leaf_hash(entry.leaf))]
            new = [entry.body.key for entry in placed if isinstance(entry.body, LogKeyReplaced)]
            if self._own not in new:
                self._check_key(self._state.record.log_keys)
            note = checkpoint.sign(self.origin, grown.size, grown.root(), *self._signing())
            ports.log.append(placed, nodes, note)
            ports.outbox.post(letters.addressed(ports.outbox, placed, self._state))

    def _signing(self) -> Iterator[Ed25519PrivateKey]:
        yield self.key
        if self.before is not None:
            yield self.before

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell the watchers if the log has grown meanwhile, however it ends."""
        size = self.size()
        try:
            yield
        finally:
            if self.size() != size:
                self._tell()

    def _tell(self) -> None:
        for told in self._watchers:
            told()


class _Asking(NamedTuple):
    """A command as it was asked for: `digest` tells it from another under the same id."""

    command: _Asked
    by: str
    id: str
    digest: str
    charge: Charge | None
    effect: Effect


class _SomethingDue(Exception):
    """Ends a transaction before anything is decided in it."""


class _RolledBack(Exception):
    """Carries a refusal out of the transaction, which ends without a trace."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def _bytes_of(entry: Entry) -> int:
    """About how many bytes of the store an entry takes, with its hidden parts and its nodes of the tree."""
    parts = (*entry.gate.values(), *entry.sealed.values())
    return len(entry.leaf) + ROW_BYTES + sum(len(opened.body) + ROW_BYTES for opened in parts)


def _first(log: Log, command_id: str, asked: str) -> dict[str, Any] | None:
    """The result of a command that was done before, None of one that was not."""
    done = log.done(command_id)
    if done is not None and done.request != asked:
        raise _RolledBack(_reused())
    return done.result if done is not None else None


def _agreed(answer: Result | Refusal) -> Result:
    """An answer that is no refusal; a refusal ends the transaction."""
    if isinstance(answer, Refusal):
        raise _RolledBack(answer)
    return answer


def _reused() -> Refusal:
    return Refusal(
        "conflict",
        "command_id_reused",
        "this command id was used for another command",
        "send a new Idempotency-Key",
    )
