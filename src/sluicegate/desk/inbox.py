"""The open cases of one log that ask an agency, kept in the order in which its list shows them.

Rules:
- A case is in one pile: with all that are of its kind and ask the same of the agency. It is put into it when
  it changes. So a list looks at no more cases than it shows, however many are open.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from sluicegate_record.entities.case import Case
from sluicegate_record.terms import kinds

WAITING, ASKED, ANSWERED = "waiting", "asked", "answered"
"""What a case asks of the agency: its word, nothing until the applicant answers, or nothing more."""
ALL = "all"
FEW = 500
"""In how many cases a text is looked for in the order of the list, before it is looked for in all."""


class Turn(NamedTuple):
    """What a case asks of an agency now, and that in words."""

    state: str
    says: str


def turn(case: Case, agency: str) -> Turn:
    """What a case asks of an agency now."""
    if agency in case.asking:
        return Turn(ASKED, "waits for the applicant's answer")
    said = case.positions.get(agency)
    if agency in case.awaiting:
        if said is not None and said.is_stale:
            return Turn(WAITING, "your word does not count any more: sign again")
        if case.agency_clock is not None and agency not in case.clocks:
            return Turn(WAITING, "waits for you; confirm that you received it")
        return Turn(WAITING, "waits for you")
    if case.state == kinds.DETERMINED:
        return Turn(ANSWERED, f"decided: {case.outcome}")
    word = "" if said is None else f"you said {said.position.replace('-', ' ')}; "
    return Turn(ANSWERED, f"{word}waits for {', '.join(case.awaiting) or 'something else'}")


class Line(NamedTuple):
    """Where a case is in the list: what is due first at the top; those without a date by their age.

    Units: milliseconds since 1970 UTC; `due_ms` is 0 without a date.
    """

    is_undated: bool
    due_ms: int
    opened_ms: int
    case: str


def line(case: Case, agency: str) -> Line:
    """Where a case is in the list of an agency."""
    due_ms = agency_due_ms(case, agency)
    return Line(due_ms is None, due_ms or 0, case.at_ms, case.id)


def agency_due_ms(case: Case, agency: str) -> int | None:
    """When the agency's time ends, else when the whole case is due."""
    timer = case.clocks.get(agency)
    return case.due_ms if timer is None or timer.due_ms is None else timer.due_ms


class _Pile(NamedTuple):
    state: str
    kind: str


class Inbox:
    """The open cases that ask an agency, each with the text by which it is searched for."""

    def __init__(self, agency: str) -> None:
        self._agency = agency
        self._piles: dict[_Pile, list[Line]] = {}
        self._lines: dict[str, tuple[_Pile, Line]] = {}
        self._texts: dict[str, str] = {}
        self._threes: Counter[str] = Counter()
        """In how many texts there are three characters in a row."""

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __contains__(self, case: object) -> bool:
        return case in self._lines

    def put(self, case: Case, text: str) -> None:
        """Put a case where it is now; one that does not ask the agency, or is decided, is not in it."""
        before = self._lines.pop(case.id, None)
        if before is not None:
            pile, known = before
            del self._piles[pile][bisect_left(self._piles[pile], known)]
            self._forget(self._texts.pop(case.id))
        if self._agency in case.parties and case.state != kinds.DETERMINED:
            pile = _Pile(turn(case, self._agency).state, case.kind)
            now = line(case, self._agency)
            insort(self._piles.setdefault(pile, []), now)
            self._lines[case.id], self._texts[case.id] = (pile, now), text.casefold()
            self._threes.update(_threes(self._texts[case.id]))

    def _forget(self, text: str) -> None:
        for three in _threes(text):
            self._threes[three] -= 1
            if not self._threes[three]:
                del self._threes[three]

    def count(self, state: str = ALL) -> int:
        """How many cases are in a state."""
        return sum(len(lines) for pile, lines in self._piles.items() if state in {ALL, pile.state})

    def kinds(self) -> set[str]:
        """The kinds of the cases."""
        return {pile.kind for pile, lines in self._piles.items() if lines}

    def first(self, state: str, kind: str, text: str, after: Line | None) -> Iterator[Line]:
        """The cases in a state, of a kind and with a text, in order; empty: of any. Only those after a line,
        if it is given. A text of which no case has some three characters costs no look at any.
        """

        def is_wanted(pile: _Pile) -> bool:
            return state in {ALL, pile.state} and kind in {"", pile.kind}

        lines = heapq.merge(*(_after(each, after) for pile, each in self._piles.items() if is_wanted(pile)))
        if not text:
            return lines
        return self._named(text, lines, is_wanted)

    def _named(self, text: str, lines: Iterator[Line], is_wanted: Callable[[_Pile], bool]) -> Iterator[Line]:
        """Those of some lines whose cases have a text. If few of the first ones have it, few have it at all:
        then those are looked for, and sorted.
        """
        if any(three not in self._threes for three in _threes(text)):
            return
        last = None
        for last in islice(lines, FEW):
            if text in self._texts[last.case]:
                yield last
        if last is None:
            return
        named = (self._lines[name] for name, said in self._texts.items() if text in said)
        yield from sorted(each for pile, each in named if each > last and is_wanted(pile))


def _threes(text: str) -> set[str]:
    return {text[at : at + 3] for at in range(len(text) - 2)}


def _after(lines: Sequence[Line], after: Line | None) -> Iterator[Line]:
    begin = 0 if after is None else bisect_right(lines, after)
    return (lines[at] for at in range(begin, len(lines)))
