"""The gateway's side of the feed: verify, advance, renew. Without this, the gateway serves nothing.

Rules of `Tail`, which takes bytes and never fetches:
- An answer counts only for the open question. Its entries must lead from our root to the signed root.
- The log never goes back and never forks, in this run or compared with an earlier run; except where two
  officers have begun it again, and have named the head that was seen here as abandoned (`epoch.began`). Then
  what this gateway had seen narrowed goes on to hold (`Table.carry_over`).
- If the log's key was replaced, the gateway follows from the one that it knows, by the signature of that
  key, or of two officers that it knows itself. A lease comes under the key that the log's own entries lead
  to, and not under one that was replaced in what an epoch has abandoned.
- Entries are applied and what is in flight is re-decided before the lease that came with them counts.
- Time is bounded. An answer whose time is too far from this machine's clock is not taken, nor one whose
  entries are later than it, or earlier than those before them. No lease is longer than the plans allow.
- A feed's certificate is over when any answer or entry has shown a later time: its own word is not asked.
- An entry that this build cannot fold halts the tail forever: there is no further lease, so the gateway
  closes.
- A feed that has once given a part of the rates gives one with every lease. A feed of an earlier build gives
  none: then the gateway may spend the whole rates, and never more than that.
- Where a plan enforces the requests a day of a stage, a question asks for budgets of the day, and an answer
  with a lease has them (`gate.days`).
- Every question is signed with the key of this run. The key never leaves the run, so no one else can
  acknowledge for it.

`Feed` does the waiting: it asks, passes the bytes on, and asks again. It also ends requests when their time
is over, and reports the use of the gateway to the control plane, on which nothing depends.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate import journal
from sluicegate.core.access import feed, versions
from sluicegate.core.access.decision import Instant
from sluicegate.core.access.rate import WHOLE
from sluicegate.core.access.refusals import Reason
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.errors import BadFeed, SluicegateError, VerificationFailed
from sluicegate.gate.days import DayBalance
from sluicegate.gate.engine import Engine, Lease
from sluicegate.gate.kept import Memory, TrustedHead
from sluicegate.gate.upstream import tls
from sluicegate.memory import Lasting
from sluicegate.settings import CLOCK_BOUND_MS, GatewaySettings
from sluicegate_record.entries import Entry
from sluicegate_record.entries.epochs import EpochBegan
from sluicegate_record.log import acknowledgement, checkpoint, merkle
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.statements.epochs import TreeHead

_log = logging.getLogger(__name__)

RETRY_MS = (50, 100, 200, 400, 800, 1_000)
TICK_MS = 25
WAIT_MS_MAX = 20_000
ASK_AGAIN_MS = 60_000
"""How long a feed that knows no parts of rates is not asked for one."""
REPORT_MS = 1_000
"""How often the use of the gateway is reported, if there is any."""
REPORT_TIMEOUT_S = 10
FORKED: Final = "log_forked"
WENT_BACK: Final = "log_went_back"
CLOCK: Final = "clock_jumped"
_EVENTS: tuple[journal.EventName, ...] = (FORKED, WENT_BACK, CLOCK)
"""The codes of errors that are events of security."""


@dataclass(frozen=True, slots=True)
class MachineClock:
    """What a gateway reads the time from, in milliseconds.

    `boot_ms` reads CLOCK_BOOTTIME, `wall_ms` the wall clock, since 1970 UTC. The control plane's time may
    differ from that by `bound_ms`.
    """

    boot_ms: Callable[[], float]
    wall_ms: Callable[[], int]
    bound_ms: int = CLOCK_BOUND_MS


class Tail:
    """The verified tail of one log, feeding one engine.

    `seen` is the head that an earlier run trusted.
    """

    def __init__(  # noqa: PLR0913 - a log and an engine; what is kept, and a clock
        self,
        engine: Engine,
        verifier: checkpoint.Verifier,
        gateway: str,
        clock: MachineClock,
        seen: TrustedHead,
        kept: Memory | None = None,
    ) -> None:
        self._engine = engine
        self._kept = kept
        """What is kept of the log; None in a gateway that keeps nothing: it crosses no epoch."""
        self.new: list[Entry] = []
        """The entries that were taken and are not kept yet."""
        self.note = ""
        """The log's signed head of what was taken, where the feed has sent it."""
        self._given = verifier
        self._log = verifier
        """The newest key of the log that is known."""
        self._gateway = gateway
        self._clock = clock
        self._seen = seen
        self._key = Ed25519PrivateKey.generate()
        self._frontier = Frontier()
        self._asked: dict[str, Any] | None = None
        self._asked_ms = 0.0
        self._latest_ms = 0
        """The latest time that an answer has shown, milliseconds since 1970 UTC."""
        self._entry_ms = 0
        """The time of the newest entry, milliseconds since 1970 UTC."""
        self._fold = versions.FOLD_VERSION
        self._oldest_fold = versions.OLDEST_FOLD_VERSION
        """The oldest version of the fold that gives the same table from the log so far."""
        self._had_part = False
        self._asked_days: list[DayBalance] = []
        self._misread_ms = float("-inf")
        """When a feed of an earlier build did not know what a spender is."""
        self._says_spender = False
        self.incarnation = secrets.token_hex(16)
        self.halted: VerificationFailed | None = None

    @property
    def seen(self) -> TrustedHead:
        """The head below which the log may not go back."""
        return self._seen

    @property
    def run(self) -> dict[str, str]:
        """Which run this is."""
        return {"gateway": self._gateway, "incarnation": self.incarnation, "surface": self._engine.surface}

    def question(self, wait_ms: int) -> dict[str, Any]:
        """The next question; from now on only its answer counts.

        INVARIANT: what it acknowledges, everything in flight was decided by.
        """
        self._engine.redecide_rest()
        self._asked = {
            "gateway": self._gateway,
            "incarnation": self.incarnation,
            "after": self._frontier.size,
            "nonce": secrets.token_hex(16),
        }
        self._asked_ms = self._clock.boot_ms()
        question = {
            **self._asked,
            "surface": self._engine.surface,
            "waitMs": wait_ms,
            "report": {"streamsCut": self._engine.newest_cuts(feed.CUTS_MAX)},
            "root": self._frontier.root().hex(),
            "fold": self._fold,
        }
        again = self._had_part or self._asked_ms - self._misread_ms >= ASK_AGAIN_MS
        self._says_spender = again and self._engine.rates.spender is not None
        if self._says_spender:
            question["spender"] = self._engine.rates.spender
        question |= self._days()
        return acknowledgement.signed(question, self._key)

    def _days(self) -> dict[str, Any]:
        """What asks for budgets, where a plan enforces the requests of a day."""
        engine, now = self._engine, self._engine.now()
        self._asked_days = engine.days.rows(engine.table, now) if isinstance(now, Instant) else []
        if not self._asked_days:
            return {}
        rows = [row.to_json() for row in self._asked_days]
        return {"days": {"spender": engine.days.spender, "bootMs": int(self._asked_ms), "rows": rows}}

    def take(self, data: bytes) -> TrustedHead:
        """Take an answer: advance by it, and renew the lease if it is whole.

        Returns: the head now trusted.
        Raises:  BadFeed: the answer is not what was asked, or the log goes back or forks: no lease is longer.
                 VerificationFailed: an entry this build cannot fold; the tail has halted.
        """
        if self.halted is not None:
            raise self.halted
        asked, self._asked = self._asked, None
        if asked is None:
            raise BadFeed("a feed answer that nobody asked for")
        answer = feed.open_answer(data, asked, self._log, self._engine.table.officers)
        if self._says_spender and answer.part is None:
            raise BadFeed("a feed answer without the part of the rates that was asked for")
        if answer.lease_ms and len(answer.budgets) != len(self._asked_days):
            raise BadFeed("a feed answer without the budgets of the days that were asked for")
        received_ms = self._clock.boot_ms()
        self._check_clocks(answer, received_ms)
        self._check_times(answer)
        self._check_root(answer)
        for entries in _parts(answer.entries):
            self._follow(entries)
        self._log = checkpoint.parse_vkey(answer.log_key)
        if answer.lease_ms:
            self._check_log_key(answer.log_key)
        grown = self._frontier
        self.note = answer.note or (self.note if not answer.entries else "")
        if answer.lease_ms and grown.size < self._seen.size:
            raise BadFeed(
                f"the log goes back: it has {grown.size} entries, {self._seen.size} were seen before",
                code=WENT_BACK,
            )
        if answer.lease_ms:
            lease_ms = min(answer.lease_ms, self._engine.table.lease_ms)
            ends_ms = self._asked_ms + lease_ms - answer.age_ms
            part = WHOLE if answer.part is None else answer.part
            self._had_part = answer.part is not None
            self._engine.renew(Lease(self._asked_ms, received_ms, ends_ms, answer.control_ms, part))
            self._engine.days.answered(self._asked_days, answer.budgets)
        return TrustedHead(grown.size, grown.root())

    def begin_again(self) -> None:
        """Read the log from its beginning: it is not a continuation of what was taken.

        Requires: no lease. What was seen is not forgotten.
        """
        if self._frontier.size > self._seen.size:
            self._seen = TrustedHead(self._frontier.size, self._frontier.root())
        self._engine.table.forget()
        self._frontier, self._entry_ms, self._log = Frontier(), 0, self._given
        self.incarnation = secrets.token_hex(16)
        self._key = Ed25519PrivateKey.generate()

    def drifted(self) -> None:
        """Say another version of the fold next time: the control plane may be of an earlier build.

        It is said only as long as it is true of the log so far.
        """
        self._fold = self._fold - 1 if self._fold > self._oldest_fold else versions.FOLD_VERSION

    def misread(self) -> None:
        """Do not say who spends for a while: the feed is of an earlier build, which may be replaced.

        One that has given a part is not.
        """
        self._misread_ms = self._clock.boot_ms()

    def _check_log_key(self, key: str) -> None:
        """Check that a lease comes under the key that signs by the log's own entries. Raises: BadFeed."""
        table = self._engine.table
        if table.log_key not in {"", key}:
            raise BadFeed(f"a feed answer by the key {key}, and by its entries {table.log_key} signs the log")
        if key in table.replaced:
            raise BadFeed(
                f"the log goes on under {key}, which was replaced in what was abandoned",
                remedy="replace it again: 'sluicegate keys rotate-log'",
            )

    def _check_clocks(self, answer: feed.FeedAnswer, received_ms: float) -> None:
        """Check that the control plane's clock and this machine's agree.

        The answer was signed between its question and now. What counts is the time that would be taken: the
        signed one, or that which has certainly come. Raises: BadFeed.
        """
        engine, wall_ms = self._engine, self._clock.wall_ms()
        ahead_ms = max(answer.control_ms, engine.passed_ms(received_ms)) - wall_ms
        behind_ms = wall_ms - answer.control_ms - (received_ms - self._asked_ms)
        engine.clock_offset_ms = answer.control_ms - wall_ms
        engine.clocks_differ = max(ahead_ms, behind_ms) > self._clock.bound_ms
        if engine.clocks_differ:
            said = f"{ahead_ms / 1000:.0f} s ahead of" if ahead_ms > 0 else f"{behind_ms / 1000:.0f} s behind"
            most = f"{self._clock.bound_ms / 1000:g} s are allowed"
            raise BadFeed(
                f"the control plane's clock is {said} this machine's, {most}",
                code=CLOCK,
                remedy="set the wrong one right; if it is this machine's, start the gateway again after that",
            )

    def _check_times(self, answer: feed.FeedAnswer) -> None:
        """Check that the entries are in the order of time, none later than the answer, and its certificate
        good now.

        Raises: BadFeed.
        """
        newest_ms = self._entry_ms
        for entry in answer.entries:
            if entry.at_ms < newest_ms:
                raise BadFeed(f"entry {entry.seq} is earlier than the one before it")
            newest_ms = entry.at_ms
        if newest_ms > answer.control_ms:
            raise BadFeed("a feed answer of an earlier time than its newest entry")
        self._latest_ms = max(self._latest_ms, answer.control_ms)
        if answer.good_until_ms is not None and answer.good_until_ms <= self._latest_ms:
            raise BadFeed("a feed answer under a certificate that is over")

    def _check_root(self, answer: feed.FeedAnswer) -> None:
        """Check that the entries lead to the signed root. Raises: BadFeed."""
        if _grown(self._frontier, answer.entries).root() != answer.root:
            raise BadFeed(
                f"the log has forked: its entries do not lead to the signed root at size {answer.size}",
                code=FORKED,
            )

    def _follow(self, entries: Sequence[Entry]) -> None:
        """Take entries that lead to a signed root. If one begins an epoch, it is the first.

        Raises: BadFeed: the log has forked, and none of them is taken.
        """
        first, seen = entries[0], self._seen
        if isinstance(first.body, EpochBegan):
            seen = self._crossed(first, first.body, self._frontier, seen)
        grown = self._frontier.copy()
        for entry in entries:
            grown.append(merkle.leaf_hash(entry.leaf))
            if grown.size == seen.size and grown.root() != seen.root:
                raise BadFeed(
                    f"the log has forked: at size {grown.size} it has another root than was seen before",
                    remedy="put the newest database back, or see 'Back up, restore, go on after a loss'",
                    code=FORKED,
                )
        self._seen = seen
        self._advance(entries)
        self._frontier = grown
        if self._kept is not None:
            self.new += [entry for entry in entries if entry.seq >= self._kept.next]

    def _crossed(self, entry: Entry, body: EpochBegan, grown: Frontier, seen: TrustedHead) -> TrustedHead:
        """What counts as seen from an epoch on, and what the table is to carry over.

        Requires: `grown`, like the table, is of the entries before it: its keys say whose word it is.
        Raises: BadFeed: what was seen and abandoned is not kept here, so what it narrowed would be lost.
        """
        if self._kept is None:
            return seen
        restored = TrustedHead(grown.size, grown.root())
        is_named = TreeHead(size=seen.size, root=seen.root) in body.abandoned
        if seen.size > grown.size and is_named:
            try:
                held = self._kept.abandon(grown.size, seen)
            except VerificationFailed as error:
                raise BadFeed(f"an epoch that would lose what was seen here: {error.message}") from error
            until = _grown(grown, held)
            if (until.size, until.root()) != (seen.size, seen.root):
                raise BadFeed("an epoch, and what is kept of what it abandons does not lead to what was seen")
            if not self._engine.table.honours(entry, restored.root, held):
                return seen
            self._kept.begin_again(grown.size)
            self.new.clear()
            seen = restored
        self._engine.table.abandoned[entry.seq] = self._kept.abandoned(entry.seq)
        return seen

    def _advance(self, entries: Sequence[Entry]) -> None:
        self._entry_ms = entries[-1].at_ms
        try:
            self._engine.advance(entries)
        except VerificationFailed as error:
            self.halted = error
            raise
        if self._oldest_fold < versions.FOLD_VERSION:
            self._oldest_fold = max([self._oldest_fold, *map(versions.fold_version, entries)])
        if self._fold < self._oldest_fold:
            self._fold = versions.FOLD_VERSION
        if isinstance(self._engine.table, VouchedTable):
            while self._engine.table.told:
                said = self._engine.table.told.popleft()
                journal.note("widening_unvouched", said, logging.ERROR, gateway=self._gateway)


def _grown(frontier: Frontier, entries: Iterable[Entry]) -> Frontier:
    """A frontier, and entries after it."""
    grown = frontier.copy()
    for entry in entries:
        grown.append(merkle.leaf_hash(entry.leaf))
    return grown


def _parts(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Entries in parts: each epoch begins one. What comes before it says whose keys count there."""
    begins = [at for at, entry in enumerate(entries) if isinstance(entry.body, EpochBegan)]
    for begin, end in pairwise(sorted({0, *begins, len(entries)})):
        yield entries[begin:end]


def wait_ms(engine: Engine) -> int:
    """How long a question may wait for news: a third of the lease, and half of what is left of it.

    Before the first lease it does not wait, so that a start is quick; nor while a budget of a day is short. A
    lease may already be old when it comes, because the control plane confirmed the head some time before; it
    is renewed before it ends.
    """
    now = engine.now()
    if isinstance(now, Instant) and engine.days.is_short(engine.table, now):
        return 0
    return min(WAIT_MS_MAX, engine.table.lease_ms // 3, int(engine.lease_left_ms() / 2))


class Feed:
    """Polls one control plane for one engine."""

    def __init__(
        self,
        settings: GatewaySettings,
        engine: Engine,
        clock: MachineClock,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._context = tls(None, settings.client_cert)
        self._memory = Memory(settings.state_dir)
        self._seen = self._memory.load()
        self._note = ""
        self._kept = self._seen
        self._news = asyncio.Event()
        self._lasting = Lasting()
        verifier = checkpoint.parse_vkey(settings.log_vkey)
        self._tail = Tail(engine, verifier, settings.name, clock, self._seen, self._memory)

    @property
    def halted(self) -> VerificationFailed | None:
        """Why the feed has stopped forever, or None."""
        return self._tail.halted

    async def run(self) -> None:
        """Poll and watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._poll())
            tasks.create_task(self._watch())
            tasks.create_task(self._keep())
            tasks.create_task(self._report())

    async def _poll(self) -> None:
        async with self._session() as session:
            failures = 0
            while self._tail.halted is None:
                try:
                    await self._once(session)
                    failures = 0
                except (aiohttp.ClientError, TimeoutError, OSError, SluicegateError) as error:
                    self._complain(error, failures)
                    await asyncio.sleep(RETRY_MS[min(failures, len(RETRY_MS) - 1)] / 1000)
                    failures += 1

    async def _once(self, session: aiohttp.ClientSession) -> None:
        lease_ms = self._engine.table.lease_ms
        question = self._tail.question(wait_ms(self._engine))
        timeout = aiohttp.ClientTimeout(total=(question["waitMs"] + lease_ms) / 1000)
        url = f"{self._settings.feed_url.rstrip('/')}/fleet/v1/poll"
        async with session.post(url, json=question, timeout=timeout, allow_redirects=False) as response:
            data = await response.content.read(feed.ANSWER_BYTES_MAX + 1)
            while not response.content.at_eof() and len(data) <= feed.ANSWER_BYTES_MAX:
                data += await response.content.read(feed.ANSWER_BYTES_MAX + 1 - len(data))
        if response.status == 409:
            self._tail.drifted()
        if response.status != 200 and (b'"log_goes_back"' in data or b'"log_forked"' in data):
            self._begin_again()
        if response.status == 400 and b"spender" in data:  # every build names the field that it does not know
            self._tail.misread()
        if response.status != 200:
            raise BadFeed(f"the feed answered {response.status}: {data[:300]!r}")
        try:
            seen = self._tail.take(data)
        finally:
            await self._settle()
        self._remember(seen, self._tail.note)
        self._lasting.grown(len(self._engine.table.credentials))

    async def _settle(self) -> None:
        """Decide again what is due, and let others run meanwhile. The next question acknowledges it."""
        while self._engine.redecide_more():  # noqa: ASYNC110 - it waits for nothing
            await asyncio.sleep(0)

    def _begin_again(self) -> None:
        """The feed has a log that does not continue ours: when no lease is left, read all of it again."""
        if isinstance(self._engine.now(), Reason):
            self._tail.begin_again()

    def _session(self) -> aiohttp.ClientSession:
        headers = {"authorization": f"Bearer {self._settings.token}"}
        connector = aiohttp.TCPConnector(ssl=self._context)
        return aiohttp.ClientSession(headers=headers, trust_env=False, connector=connector)

    async def _report(self) -> None:
        """Report what was used and what is proven, from time to time. What does not arrive is sent again."""
        url = f"{self._settings.control_url.rstrip('/')}/fleet/v1/report"
        async with self._session() as session:
            while True:
                await asyncio.sleep(REPORT_MS / 1000)
                proven, usage = self._engine.unproven(), self._engine.usage.report()
                differing = self._engine.unrecorded()
                asked_ms = self._clock.boot_ms()
                missing, days = self._engine.missing.report(asked_ms), self._engine.days.report(asked_ms)
                tally = self._engine.tally.report(asked_ms)
                if not (proven or usage or missing or days or differing or tally):
                    continue
                body: dict[str, Any] = {**self._tail.run, "proven": proven, "usage": usage}
                # Each of these only if it has something: an earlier control plane does not know the field.
                if missing:
                    body["missing"] = missing
                if differing:
                    body["differences"] = [{"grant": grant, "kind": kind} for grant, kind in differing]
                if days:
                    body["days"] = {"spender": self._engine.days.spender, "rows": days}
                if tally:
                    body["tally"] = tally
                timeout = aiohttp.ClientTimeout(total=REPORT_TIMEOUT_S)
                try:
                    async with session.post(
                        url, json=body, timeout=timeout, allow_redirects=False
                    ) as response:
                        if response.status == 200:
                            self._engine.usage.arrived()
                            self._engine.days.arrived(asked_ms)
                        self._engine.tally.answered(response.status, asked_ms)
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    _log.debug("a report of use did not arrive: %s", error)

    def _remember(self, seen: TrustedHead, note: str) -> None:
        """Have the newest head written. The next question acknowledges it, and does not wait for the disk."""
        if seen.size >= self._tail.seen.size and (seen, note) != (self._seen, self._note):
            self._seen, self._note = seen, note
            self._news.set()

    async def _keep(self) -> None:
        """Write the newest entries and the head whenever there are new ones, and at the end."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                seen, note = self._seen, self._note
                new, self._tail.new = self._tail.new, []
                try:
                    await asyncio.to_thread(self._memory.save, seen, new, note)
                    self._kept = seen
                except OSError as error:  # it is tried again, with whatever is newest then
                    self._tail.new = new + self._tail.new
                    self._complain(error, 0)
                    await asyncio.sleep(RETRY_MS[-1] / 1000)
                    self._news.set()
        finally:
            if self._kept != self._seen:
                try:
                    self._memory.save(self._seen, self._tail.new, self._note)
                except OSError as error:
                    self._complain(error, 0)

    def _complain(self, error: Exception, failures: int) -> None:
        if failures not in (0, 10) and failures % 60:
            return
        said = str(error) or type(error).__name__
        for event in _EVENTS:
            if isinstance(error, SluicegateError) and error.code == event:
                journal.note(event, said, logging.ERROR, gateway=self._settings.name)
                return
        _log.warning("the feed %s: %s", self._settings.feed_url, said)

    async def _watch(self) -> None:
        """Re-decide what is in flight when a lease or an `until` has passed."""
        while True:
            deadline_ms = self._engine.deadline_ms()
            if deadline_ms is not None and self._clock.boot_ms() >= deadline_ms:
                self._engine.redecide_soon()
                await self._settle()
            await asyncio.sleep(TICK_MS / 1000)
