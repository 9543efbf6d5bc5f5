"""The docket: all cases, sorted by everything that lists and reports ask of them.

Rules:
- Each case is in one section, with all cases that have the same heading. A list or a report reads the
  headings, and then only cases that it wants.
- A heading follows from the case, the plan in force and the pinned keys; that of an appeal also from the
  appealed case and its application. If one of these changes, the case is stale. (The confirmation of a
  directive changes no heading: its issuer has a key then.)
- A section keeps its cases in each order that is asked for, and what they come to. So who reads looks at no
  more of them than it shows.
- Stale cases are put in order before anyone reads. A case that changed many times meanwhile moves once.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from sluicegate.acts.act import APPLICANT
from sluicegate.core.lifecycle import blocks, signers, timing, waits
from sluicegate.core.lifecycle.lengths import Lengths
from sluicegate.core.lifecycle.waits import Times, Wait
from sluicegate_record.entities.case import Case
from sluicegate_record.record import Record
from sluicegate_record.terms import kinds


class Heading(NamedTuple):
    """What the cases of a section have in common.

    `awaiting` names the parties that they wait for, the developer or `applicant`. `unable` are the agencies
    that are asked and that have too few keys to answer.
    """

    release: str
    kind: str
    standing: str
    outcome: str | None
    parties: frozenset[str]
    awaiting: tuple[str, ...]
    unable: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether the cases are not determined."""
        return self.standing != kinds.DETERMINED


class FirstDue(NamedTuple):
    """When an open case needs someone first; those without a time come last. `at_ms` is 0 then.

    Units: milliseconds since 1970 UTC.
    """

    never: bool
    at_ms: int
    case: str


def first_due(case: Case) -> FirstDue:
    """When the first of the times of an open case runs out."""
    at_ms = timing.first_due_ms(case)
    return FirstDue(at_ms is None, at_ms or 0, case.id)


class Section:
    """The cases with one heading, and what their times add up to.

    `transcripts` are the places in the log of what officers wrote down for agencies.
    """

    def __init__(self, transcripts: Collection[int] = ()) -> None:
        self._transcripts = transcripts
        self.transcribed = 0
        """In how many of the cases an agency's word was written down by officers."""
        self.cases: list[Case] = []
        """By their places in the log."""
        self.by_due: list[FirstDue] = []
        """The open ones, by the time that runs out first."""
        self.whole = Lengths()
        """How long the determined ones took."""
        self.answers: dict[str, Lengths] = {}
        """How long each party took that answered."""
        self.waits: dict[str, tuple[int, Wait]] = {}
        """How many cases waited for each party, and for how long together."""
        self.begun: dict[str, array[int]] = {}
        """Since when cases wait for each agency, as if no question had stopped its time; sorted.

        Units: milliseconds since 1970 UTC.
        """

    def add(self, case: Case) -> None:
        """Put a case in."""
        insort(self.cases, case, key=_seq)
        if case.state != kinds.DETERMINED:
            insort(self.by_due, first_due(case))
        times = waits.times(case, self._transcripts)
        for kept, ms in self._lengths(times):
            kept.add(ms)
        for begun, at_ms in self._beginnings(times):
            insort(begun, at_ms)
        self._count(times, 1)

    def remove(self, seq: int) -> None:
        """Take out the case that was opened by entry `seq`, as it was put in."""
        case = self.cases.pop(bisect_left(self.cases, seq, key=_seq))
        if case.state != kinds.DETERMINED:
            del self.by_due[bisect_left(self.by_due, first_due(case))]
        times = waits.times(case, self._transcripts)
        for kept, ms in self._lengths(times):
            kept.remove(ms)
        for begun, at_ms in self._beginnings(times):
            del begun[bisect_left(begun, at_ms)]
        self._count(times, -1)

    def newest(self, before: int | None = None) -> Iterator[Case]:
        """The cases, newest first; only those that were opened before entry `before`, if it is given."""
        end = len(self.cases) if before is None else bisect_left(self.cases, before, key=_seq)
        return (self.cases[at] for at in range(end - 1, -1, -1))

    def waited(self, now_ms: int) -> Iterator[tuple[str, int, Wait]]:
        """Who the cases waited for, how many of them by `now_ms`, and for how long together."""
        for party, (cases, wait) in self.waits.items():
            begun = self.begun.get(party, ())
            yield party, cases - len(begun) + bisect_left(begun, now_ms), wait

    def _lengths(self, times: Times) -> Iterator[tuple[Lengths, int]]:
        """How long a case and the answers in it took, each with where that is kept."""
        if times.whole is not None:
            yield self.whole, times.whole
        for party, took_ms in times.answers.items():
            yield self.answers.setdefault(party, Lengths()), took_ms

    def _beginnings(self, times: Times) -> Iterator[tuple[array[int], int]]:
        """Since when a case waits for agencies, each with where that is kept."""
        for party, wait in times.waits.items():
            if wait.running and party != APPLICANT:
                yield self.begun.setdefault(party, array("q")), -wait.ms

    def _count(self, times: Times, by: int) -> None:
        self.transcribed += by * times.transcribed
        for party, wait in times.waits.items():
            cases, total = self.waits.pop(party, (0, Wait()))
            if cases + by:
                self.waits[party] = cases + by, total.plus(by * wait.ms, by * wait.running)


class Docket:
    """The sections of a record's cases. `transcripts` as in `Section`; it may grow."""

    def __init__(self, transcripts: Collection[int] = ()) -> None:
        self._transcripts = transcripts
        self._sections: dict[Heading, Section] = {}
        self._headings: dict[str, Heading] = {}
        """The heading of each case, by its id."""
        self._stale: dict[str, None] = {}

    @property
    def sections(self) -> Mapping[Heading, Section]:
        """Every section that has cases, by its heading."""
        return self._sections

    def heading(self, case: str) -> Heading:
        """The heading of a case. Raises: KeyError."""
        return self._headings[case]

    def newest(self, wanted: Callable[[Heading], bool], before: int | None = None) -> Iterator[Case]:
        """The cases with wanted headings, newest first. `before` as in `Section.newest`."""
        found = (section.newest(before) for heading, section in self._sections.items() if wanted(heading))
        return heapq.merge(*found, key=_newest_first)

    def by_due(self, wanted: Callable[[Heading], bool]) -> Iterator[str]:
        """The open cases with wanted headings, by the time that runs out first."""
        found = (section.by_due for heading, section in self._sections.items() if wanted(heading))
        return (each.case for each in heapq.merge(*found))

    def count(self, wanted: Callable[[Heading], bool]) -> int:
        """How many cases have wanted headings."""
        return sum(len(section.cases) for heading, section in self._sections.items() if wanted(heading))

    def stale(self, cases: Iterable[str]) -> None:
        """These cases are new or have changed, or something that open ones depend on has."""
        self._stale.update(dict.fromkeys(cases))

    def open_cases(self, release: str | None = None) -> Iterator[Case]:
        """The cases that are not determined, of one release or of all; in no order."""
        for heading, section in self._sections.items():
            if heading.is_open and release in {None, heading.release}:
                yield from section.cases

    def settle(self, record: Record) -> None:
        """Put the stale cases in order."""
        stale, self._stale = self._stale, {}
        for name in list(stale):
            stale.update(dict.fromkeys(record.cases[record.cases[name].root].appeals))
        for name in stale:
            self._move(record, record.cases[name])

    def _move(self, record: Record, case: Case) -> None:
        heading, before = heading_of(record, case), self._headings.get(case.id)
        if before is not None:
            section = self._sections[before]
            section.remove(case.seq)
            if not section.cases and before != heading:
                del self._sections[before]
        section = self._sections.get(heading) or self._sections.setdefault(
            heading, Section(self._transcripts)
        )
        section.add(case)
        self._headings[case.id] = heading


def heading_of(record: Record, case: Case) -> Heading:
    """The heading of a case."""
    unable = tuple(signers.unable(record, case))
    return Heading(
        release=case.question.release,
        kind=case.kind,
        standing=case.standing,
        outcome=case.outcome,
        parties=case.parties,
        awaiting=_awaiting(record, case, unable),
        unable=unable,
    )


def _awaiting(record: Record, case: Case, unable: tuple[str, ...]) -> tuple[str, ...]:
    """Who a case waits for: parties by name; `applicant` if it was asked something or offered a seat; the
    developer if it must screen, or pin another key because too few agencies can sign.
    """
    if case.state == kinds.DETERMINED:
        return ()
    asked = [APPLICANT] if case.standing in {kinds.ASKED, kinds.OFFERED} else []
    acts_now = blocks.screening_needed(record, case) or signers.is_stuck(case, unable)
    screens = [record.developer] if acts_now else []
    asking = case.asking
    parties = {party for party in (*case.awaiting, *_reviewing(case)) if party not in asking}
    return (*asked, *sorted(parties), *screens)


def _reviewing(case: Case) -> Iterator[str]:
    """Who stood against before the applicant replied, and has said nothing since."""
    replied_seq = case.replied_seq
    if replied_seq is None or case.kind == kinds.REMOVAL:
        return
    for party in case.against:
        said = case.positions.get(party)
        if said is None or said.seq < replied_seq:
            yield party


def _seq(case: Case) -> int:
    return case.seq


def _newest_first(case: Case) -> int:
    return -case.seq
