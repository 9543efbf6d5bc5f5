"""Casework of a busy programme: a hundred thousand applications in one ledger, read in pages.

The entries are written through the store as the ledger writes them, but without the signatures in them, which
no fold reads. Times are those of the service, without a socket. A page is what a person waits for.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench import pages as bench_pages
from bench.pages import Ask, Given
from sluicegate.acts import credentials, reports, review
from sluicegate.acts.act import APPLICANT, AnyAct
from sluicegate.bootstrap import SWITCH_S
from sluicegate.core.lifecycle import ticks
from sluicegate.core.lifecycle.credentials import RevokeCredential
from sluicegate.core.people import legal_names
from sluicegate.ports import Principal
from sluicegate.service import doings, due
from sluicegate.service.ledger import Ledger
from sluicegate_record import entries
from sluicegate_record.entries import Draft, Entry, seen
from sluicegate_record.entries.cases import (
    CaseDetermined,
    CaseOpened,
    CaseReceived,
    CaseWaitlisted,
    PositionRecorded,
)
from sluicegate_record.entries.grants import GrantApproved
from sluicegate_record.log import canonical, checkpoint, merkle
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.dsse import Envelope, Signature
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import Procedure
from tools.record import Example

APPLICATIONS, FEW = 100_000, 100
"""How many applications there are, and how many in the ledger that is compared with."""
CHUNK = 5_000
PAGES, REPORTS = 20, 3
TURNS, BATCHED = 3, 256
ORDERS, ORDER_EVERY_S = 100, 0.05
DUE_DAYS = 30
SEATS = 24
"""How many seats the stage has, all of which are taken: so the others wait."""


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    with _grown(FEW) as few, _grown(APPLICATIONS) as grown:
        ledger = grown.ledger
        values = _ms_by_page(grown)
        values["report_ms"] = median(_ms(lambda: grown.do(reports.REPORT)) for _ in range(REPORTS))
        values |= _ratios(few, grown)
        issued = grown.issued(ORDERS)
        grown.later(DUE_DAYS + 1)
        grown.run_clock()
        values["ledger_batched_ratio"] = _batched_ratio(ledger, min(BATCHED, grown.due // (4 * TURNS)))
        with _narrowed(ledger, issued) as waits:
            values["tick_10k_s"] = _ms(ledger.tick) / 1_000
        values["tick_order_ms"] = max(waits)
        with ledger.reading() as state:
            assert ticks.due(state, ledger.now_ms()) is None
    return values


def _batched_ratio(ledger: Ledger, entries_: int) -> float:
    """How much longer it takes to let what is due happen one by one than in batches of so many entries, in
    turns. Requires: so many things are due for each of the turns, twice.

    One by one each has its own turn to write, commit and signed head.
    """
    ratios = []
    for _ in range(TURNS):
        alone = _each_ms(ledger, entries_, 1)
        ratios.append(alone / _each_ms(ledger, entries_, min(entries_, due.BATCH)))
    return median(ratios)


def _each_ms(ledger: Ledger, entries_: int, batch: int) -> float:
    """How long an entry of what is due takes, for about so many, with so many in a batch."""
    before, due.BATCH, size = due.BATCH, batch, ledger.size()
    try:
        began_s = time.perf_counter()
        while ledger.size() < size + entries_:
            with ledger._lock.hold():
                ledger._tick()
        return (time.perf_counter() - began_s) * 1_000 / (ledger.size() - size)
    finally:
        due.BATCH = before


@contextmanager
def _grown(applications: int) -> Iterator[Grown]:
    """A ledger of so many applications."""
    with tempfile.TemporaryDirectory(dir="build") as name:
        example = Example(Path(name), Path("examples"))
        yield Grown(example, applications)
        example.ledger.store.close()


@contextmanager
def _written(grown: Grown) -> Iterator[None]:
    """Commands are appended meanwhile, one after the other."""
    over = threading.Event()

    def write() -> None:
        for number in count():
            if over.is_set():
                return
            grown.do(review.USE_LIST, command_id=f"bench-{number:08d}", name="list", version=str(number))

    writing = threading.Thread(target=write)
    writing.start()
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)  # as in a control plane
    try:
        yield
    finally:
        over.set()
        writing.join()
        sys.setswitchinterval(before_s)


@contextmanager
def _narrowed(ledger: Ledger, issued: list[str]) -> Iterator[list[float]]:
    """Credentials are revoked meanwhile: how long each took, in milliseconds.

    As an order, it goes before what is due.
    """
    over, waits = threading.Event(), list[float]()

    def narrow() -> None:
        for name in issued:
            asked: Any = {"by": "bench", "command_id": name, "effect": "narrows"}
            waits.append(_ms(partial(ledger.execute, RevokeCredential(name), **asked)))
            if over.wait(ORDER_EVERY_S):
                return

    narrowing = threading.Thread(target=narrow)
    narrowing.start()
    try:
        yield waits
    finally:
        over.set()
        narrowing.join()


def _ms_by_page(grown: Grown) -> dict[str, float]:
    """How long pages take, for each kind of page, and over all of them."""
    with _pages(grown) as asked:
        times = {name: [_ms(what) for _ in range(PAGES)] for name, what in asked.items()}
    every = {f"{name}_ms": median(taken) for name, taken in times.items()}
    return every | {"page_p95_ms": max(map(_p95, times.values()))}


def _ratios(few: Grown, many: Grown) -> dict[str, float]:
    """Each page of many applications by the same of a few, in turns, while commands are appended to both.

    Of each page the processor time: one that takes a hundredth of a millisecond may wait a hundred times as
    long for a turn. Over all pages that, and the time with its waiting.
    """
    worked, took = dict[str, float](), dict[str, float]()
    with _pages(few) as small, _pages(many) as large, _written(few), _written(many):
        for name in small:
            found = [(_times_ms(small[name]), _times_ms(large[name])) for _ in range(PAGES)]
            few_ms, many_ms = (list(zip(*each, strict=True)) for each in zip(*found, strict=True))
            worked[f"{name}_ratio"] = _p95(many_ms[0]) / _p95(few_ms[0])
            took[name] = _p95(many_ms[1]) / _p95(few_ms[1])
    return worked | {"page_ratio": max(worked.values()), "page_time_ratio": max(took.values())}


def _p95(times: Sequence[float]) -> float:
    return quantiles(times, n=20)[-1]


@contextmanager
def _pages(grown: Grown) -> Iterator[dict[str, Ask]]:
    """What makes each page: searches, pages by their routes, and the desk."""
    given = Given(grown, random.Random(0))
    with bench_pages.desk(grown) as of_desk:
        yield {**bench_pages.searches(given), **bench_pages.routes(given), **of_desk}


class Grown:
    """The example's ledger, with many cases. Its clock moves only when `later` moves it.

    The first applications are approved, and take all seats. A tenth become silent at once, a twentieth wait
    for a seat, three twentieths are open. The others ended. Each has an applicant of its own.
    """

    def __init__(self, example: Example, applications: int) -> None:
        self._example = example
        self.ledger, self.staff, self.services = example.ledger, example.staff, example.services
        self._applications = applications
        self.due, self._listed, self._open = applications // 10, applications // 20, 3 * applications // 20
        self._frontier = _frontier(self.ledger)
        self._entropy = Entropy(sha256(b"casework").digest())
        with self.ledger.reading() as state:
            (granted,) = state.grants.values()
            self._model = state.cases[granted.case]
            self._terms = self._model.question.terms
        self._now_ms = self.ledger.now_ms()
        drafts = self._drafts()
        while chunk := list(islice(drafts, CHUNK)):
            self._append(chunk)
        self.ledger.catch_up()
        self.cases = [_case(number) for number in range(applications)]
        self.own_case, self.grant = self.cases[0], _grant(0)
        self.applicant = Principal(_applicant(0), APPLICANT, "applicant")
        example.suspend()
        self.draft = bench_pages.drafted(self, Path("examples/example-utility.yaml").read_text())

    def do(self, act: AnyAct, by: Principal | None = None, command_id: str = "", **asked: Any) -> Any:
        """Do an act, as the developer's staff or as another."""
        return doings.do(self.services, by or self.staff, act, act.asked(**asked), command_id)

    def named(self, number: int) -> str:
        """What the organization of an application is called."""
        return _name(number)

    def entries(self) -> Iterator[Entry]:
        """The entries of its log."""
        for after in range(0, self.ledger.size(), CHUNK):
            yield from self.ledger.store.log.entries(after, CHUNK)

    def issued(self, number: int) -> list[str]:
        """Credentials, issued now."""
        grant = self._model.grant
        digests = (sha256(b"casework %d" % each).hexdigest() for each in range(number))
        made = (
            self.do(credentials.ISSUE, command_id=f"issue-{each[:16]}", grant=grant, digest=each)
            for each in digests
        )
        return [each.credential for each in made]

    def later(self, days: int) -> None:
        self._example.later_ms += days * DAY_MS

    def run_clock(self) -> None:
        """Let a batch of what is due take no longer than it may: so far no time has passed in one."""
        self._example.boot_ms = lambda: time.monotonic() * 1_000

    def _append(self, drafts: list[Draft]) -> None:
        ledger = self.ledger
        with ledger.store.write() as ports:
            size = ports.log.size()
            placed = [self._placed(draft, size + at) for at, draft in enumerate(drafts)]
            frontier = self._frontier
            nodes = [node for entry in placed for node in frontier.append(merkle.leaf_hash(entry.leaf))]
            note = checkpoint.sign(ledger.origin, frontier.size, frontier.root(), ledger.key)
            ports.log.append(placed, nodes, note)
            for entry in placed:
                if isinstance(entry.body, CaseOpened):
                    pseudonym = seen(entry.body.organization)
                    assert pseudonym is not None
                    name = legal_names.name_key(_name(int(pseudonym.removeprefix("org_"))))
                    ports.principals.add_organization(pseudonym, "applicant", name, "US")
        ledger.catch_up()

    def _placed(self, draft: Draft, seq: int) -> Entry:
        by = draft.stream.replace("case", "applicant")
        return entries.place(draft, seq=seq, at_ms=self._now_ms, by=by, command="bench")

    def _drafts(self) -> Iterator[Draft]:
        """Those that take the seats first, then those that ended, that wait for a seat, and that are open."""
        ended = self._applications - self.due - self._listed - self._open
        for number in range(self._applications):
            case = _case(number)
            yield self._opened(case, number)
            if number < SEATS:
                yield Draft(case, CaseDetermined(case=case, outcome="approved"))
                yield self._granted(case, number)
            elif number < ended:
                yield self._position(case, "oncd", "object")
                yield Draft(case, CaseDetermined(case=case, outcome="denied"))
            elif number < ended + self._listed:
                yield self._position(case, "oncd", "approve")
                yield self._position(case, "ostp", "approve")
                yield Draft(case, CaseWaitlisted(case=case))
            elif number < ended + self._listed + self.due:
                yield self._received(case, "oncd")

    def _opened(self, case: str, number: int) -> Draft:
        question = replace(self._model.question, case=case)
        organization = f"org_{number:08d}"
        dossier = {"organization": {"name": _name(number)}}
        body = CaseOpened(
            case=case,
            kind=kinds.ADMISSION,
            release=question.release,
            stage=question.stage,
            surface=question.surface,
            question=question,
            rule=self._model.rule,
            basis="agreed",
            procedure=_PROCEDURE,
            organization=organization,
            sealed_parts={"application": leaves.opening(dossier, self._entropy)},
        )
        return Draft.of(case, body, self._entropy)

    def _granted(self, case: str, number: int) -> Draft:
        model = self._model.question
        body = GrantApproved(
            grant=_grant(number),
            case=case,
            release=model.release,
            stage=model.stage,
            surface=model.surface,
            terms=self._terms,
            valid_from_ms=self._now_ms,
            valid_until_ms=None,
            organization=f"org_{number:08d}",
        )
        return Draft.of(case, body, self._entropy)

    def _position(self, case: str, agency: str, word: str) -> Draft:
        body = PositionRecorded(
            case=case,
            agency=agency,
            owner=agency,
            owners=(agency,),
            position=word,
            reason="",
            digest=canonical.digest([case, agency]),
            envelope=_UNSIGNED,
        )
        return Draft(case, body)

    def _received(self, case: str, agency: str) -> Draft:
        due_ms = self._now_ms + DUE_DAYS * DAY_MS
        body = CaseReceived(
            case=case, agency=agency, owner=agency, due_ms=due_ms, digest="", envelope=_UNSIGNED
        )
        return Draft(case, body)


_UNSIGNED = Envelope("", b"", (Signature("", b""),))
_CLOCK = {"within": DUE_DAYS, "unit": "days", "calendar": "weekends", "silence": "deny"}
_PROCEDURE = Procedure.from_json({"mode": "approve", "clock": _CLOCK})


def _frontier(ledger: Ledger) -> Frontier:
    """The frontier of what a ledger holds."""
    found = Frontier()
    for leaf in ledger.store.log.leaves(0, ledger.size()):
        found.append(merkle.leaf_hash(leaf))
    return found


def _case(number: int) -> str:
    return f"case_{number:016d}"


def _applicant(number: int) -> str:
    return _case(number).replace("case", "applicant")


def _grant(number: int) -> str:
    return f"grant_{number:016d}"


def _name(number: int) -> str:
    return f"Example Utility {number:08d}"


def _ms(what: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    what()
    return (time.perf_counter() - began_s) * 1_000


def _times_ms(what: Callable[[], object]) -> tuple[float, float]:
    """How long something takes: of the processor, and in all."""
    began_ns = time.thread_time_ns()
    in_all = _ms(what)
    return (time.thread_time_ns() - began_ns) / 1e6, in_all
