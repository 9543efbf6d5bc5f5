"""The cases of all instances in one list, by when they are due, with what changed since one last looked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sluicegate.desk import inbox, sentences
from sluicegate.desk.checking import ShownCase
from sluicegate.desk.following import Following
from sluicegate.desk.inbox import WAITING, Line
from sluicegate_record.entities.case import Case
from sluicegate_record.terms.text import counted

CaseKey = tuple[str, str]
"""An instance and a case of it."""
Seen = Mapping[CaseKey, int]
"""How many entries the log had when a person last looked at a case."""
SHOWN_MAX = 50
"""How many cases are on one page."""


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which cases: in a state, or all that are open; of one instance or kind, and with a text; only those
    after one of them, if it is given.
    """

    state: str = WAITING
    instance: str = ""
    kind: str = ""
    text: str = ""
    after: CaseKey | None = None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A case in the list. `news` counts what is new about it since a person last looked; None: never seen.

    `due_ms` is when the agency's time ends, else when the whole case is due. `wrong` says that the instance
    shows something else than its log, or hides something.
    """

    instance: str
    case: str
    kind: str
    what: str
    release: str
    state: str
    says: str
    due_ms: int | None
    due_by: str | None
    opened_ms: int
    news: int | None
    wrong: bool


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of the list. `more`: other cases come after its last one."""

    rows: Sequence[QueueRow]
    more: bool


def queue(followings: Mapping[str, Following], seen: Seen, wanted: QueueFilter) -> QueuePage:
    """The open cases that ask the agency, what is due first at the top; those without a date by their age."""
    after = None if wanted.after is None else _line(followings, *wanted.after)
    found: list[tuple[Line, QueueRow]] = []
    for name, following in followings.items():
        if wanted.instance in {"", name}:
            with following.lock:
                found += islice(_rows(following, seen, wanted, after), SHOWN_MAX + 1)
    found.sort(key=lambda each: each[0])
    return QueuePage([row for _, row in found[:SHOWN_MAX]], len(found) > SHOWN_MAX)


def _line(followings: Mapping[str, Following], instance: str, case: str) -> Line | None:
    """Where a case is in the list, or was while it was open; None if no log has it."""
    following = followings.get(instance)
    if following is None:
        return None
    with following.lock:
        found = following.record.cases.get(case)
        return None if found is None else inbox.line(found, following.instance.agency)


def _rows(
    following: Following, seen: Seen, wanted: QueueFilter, after: Line | None
) -> Iterator[tuple[Line, QueueRow]]:
    for line in following.open.first(wanted.state, wanted.kind, wanted.text.casefold().strip(), after):
        case = following.record.cases[line.case]
        yield line, _row(following, case, seen.get((following.instance.name, case.id)))


def _row(following: Following, case: Case, seen: int | None) -> QueueRow:
    agency, known = following.instance.agency, following.known(case.id)
    read = ShownCase(case) if known is None else known
    timer = case.clocks.get(agency)
    own = None if timer is None else timer.due_ms
    state, says = inbox.turn(case, agency)
    return QueueRow(
        instance=following.instance.name,
        case=case.id,
        kind=case.kind,
        what=sentences.thing(following.record, read),
        release=case.question.release or case.question.directive,
        state=state,
        says=says,
        due_ms=inbox.agency_due_ms(case, agency),
        due_by=sentences.due_by(case, agency) if own is not None else None,
        opened_ms=case.at_ms,
        news=None if seen is None else _news(following, case.id, seen),
        wrong=bool(read.lies or read.gaps),
    )


def _news(following: Following, case: str, seen: int) -> int:
    return sum(seq >= seen for seq in following.seqs(case))


def summary(followings: Mapping[str, Following], seen: Seen) -> str:
    """How many wait, and how many changed, in a sentence."""
    total = waiting = news = 0
    for following in followings.values():
        with following.lock:
            total += following.open.count()
            waiting += following.open.count(WAITING)
            news += following.open.count() - _unchanged(following, seen)
    if not total:
        return "No case asks your agency now."
    said = f"{counted(waiting, 'case')} {'waits' if waiting == 1 else 'wait'} for your agency."
    return f"{said} {counted(news, 'case')} {'has' if news == 1 else 'have'} changed since you last looked."


def _unchanged(following: Following, seen: Seen) -> int:
    """How many open cases have not changed since a person looked."""
    own = ((case, size) for (name, case), size in seen.items() if name == following.instance.name)
    return sum(case in following.open and not _news(following, case, size) for case, size in own)
