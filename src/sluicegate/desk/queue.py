"""The cases of all instances in one list, by when they are due, with what changed since one last looked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sluicegate.desk import sentences
from sluicegate.desk.checking import ReadCase
from sluicegate.desk.following import Following, cases_of
from sluicegate_record import entries
from sluicegate_record.entities.case import Case
from sluicegate_record.terms import kinds
from sluicegate_record.terms.text import counted

CaseKey = tuple[str, str]
"""An instance and a case of it."""
Seen = Mapping[CaseKey, int]
"""How many entries the log had when a person last looked at a case."""
WAITING, ASKED, ANSWERED = "waiting", "asked", "answered"
"""What a case asks of the agency: its word, nothing until the applicant answers, or nothing more."""
ALL = "all"


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which cases: in a state, or all that are open; of one instance or kind, and with a text."""

    state: str = WAITING
    instance: str = ""
    kind: str = ""
    text: str = ""

    def wants(self, row: QueueRow) -> bool:
        """Whether a case is among those that are wanted."""
        text = self.text.casefold().strip()
        found = f"{row.what} {row.case} {row.instance} {row.kind}".casefold()
        return (
            self.state in {ALL, row.state}
            and self.instance in {"", row.instance}
            and self.kind in {"", row.kind}
            and text in found
        )


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

    @property
    def has_news(self) -> bool:
        """Whether anything is new about it."""
        return self.news is None or self.news > 0


def queue(followings: Iterable[Following], seen: Seen) -> list[QueueRow]:
    """The open cases that ask the agency, what is due first at the top; those without a date by their age."""
    found = [row for each in followings for row in _rows(each, seen)]
    return sorted(found, key=lambda row: (row.due_ms is None, row.due_ms or 0, row.opened_ms, row.case))


def _rows(following: Following, seen: Seen) -> Iterator[QueueRow]:
    with following.lock:
        for case in list(cases_of(following)):
            yield _row(following, case, seen.get((following.instance.name, case.id)))


def _row(following: Following, case: Case, seen: int | None) -> QueueRow:
    agency, known = following.instance.agency, following.known(case.id)
    read = ReadCase(case, entries.read(following.leaf(case.seq))) if known is None else known
    timer = case.clocks.get(agency)
    own = None if timer is None else timer.due_ms
    state, says = stands(case, agency)
    return QueueRow(
        instance=following.instance.name,
        case=case.id,
        kind=case.kind,
        what=sentences.thing(following.record, read),
        release=case.question.release or case.question.directive,
        state=state,
        says=says,
        due_ms=case.due_ms if own is None else own,
        due_by=sentences.due_by(case, agency) if own is not None else None,
        opened_ms=case.at_ms,
        news=None if seen is None else sum(seq >= seen for seq in following.seqs(case.id)),
        wrong=bool(read.lies or read.gaps),
    )


def stands(case: Case, agency: str) -> tuple[str, str]:
    """What a case asks of an agency now, and that in words."""
    if agency in case.asking:
        return ASKED, "waits for the applicant's answer"
    said = case.positions.get(agency)
    if agency in case.awaiting:
        if said is not None and said.is_stale:
            return WAITING, "your word does not count any more: sign again"
        if case.agency_clock is not None and agency not in case.clocks:
            return WAITING, "waits for you; confirm that you received it"
        return WAITING, "waits for you"
    if case.state == kinds.DETERMINED:
        return ANSWERED, f"decided: {case.outcome}"
    word = "" if said is None else f"you said {said.position.replace('-', ' ')}; "
    return ANSWERED, f"{word}waits for {', '.join(case.awaiting) or 'something else'}"


def summary(rows: Iterable[QueueRow]) -> str:
    """How many wait, and how many changed, in a sentence."""
    found = list(rows)
    waiting = [row for row in found if row.state == WAITING]
    news = sum(row.has_news for row in found)
    said = f"{counted(len(waiting), 'case')} {'waits' if len(waiting) == 1 else 'wait'} for your agency."
    if not found:
        return "No case asks your agency now."
    return f"{said} {counted(news, 'case')} {'has' if news == 1 else 'have'} changed since you last looked."
