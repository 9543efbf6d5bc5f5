"""Where a case stands, as its applicant reads it: in a line, and whose turn it is.

Rules:
- What is said here is what the answer about the case has, in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sluicegate.acts.cases import AgencyClock, CaseView
from sluicegate_record.terms import kinds, phrases
from sluicegate_record.terms.phrases import SILENCE
from sluicegate_record.terms.rule import Rule

Names = Mapping[str, str]
"""What agencies are called, by their names."""
APPLICANT = "applicant"
_ENDS: Mapping[str, str] = {
    "approved": "approved",
    "approved-with-conditions": "approved, with conditions",
    "denied": "denied",
    "returned": "returned without a decision; you can apply again",
    "lapsed": "over: its time has passed without a decision",
    "withdrawn": "withdrawn by you",
    "superseded": "over: something later has taken its place",
}
_KINDS: Mapping[str, str] = {
    kinds.ADMISSION: "Application",
    kinds.AMENDMENT: "Change of a grant",
    kinds.REMOVAL: "Removal of your grant",
    kinds.APPEAL: "Appeal",
    kinds.LICENCE: "Exception from a directive",
    kinds.RECONSIDER: "Designation",
}
_WAITS = frozenset({"answer", "accept", "reply", "issue"})
"""The steps that a case waits for; an appeal only may be made."""


class CaseLine(NamedTuple):
    """A case in a list. `turn`: it waits for its applicant."""

    case: CaseView
    title: str
    standing: str
    turn: bool


class ClockLine(NamedTuple):
    """Whose time runs, and until when, in words."""

    who: str
    words: str


def line(case: CaseView, names: Names) -> CaseLine:
    """A case in a line."""
    return CaseLine(case, title(case), standing(case, names), waits_for_applicant(case))


def title(case: CaseView) -> str:
    """What kind of case it is, about what."""
    on = f" on {case.surface}" if case.surface else ""
    return f"{_KINDS.get(case.kind, case.kind.capitalize())}: {case.about}{on}"


def in_order(found: Iterable[CaseLine]) -> Sequence[CaseLine]:
    """What waits for the applicant first, then what is open, then the rest; newest first in each."""
    return sorted(found, key=lambda each: (not each.turn, each.case.state == kinds.DETERMINED))


def waits_for_applicant(case: CaseView) -> bool:
    """Whether it is the applicant's turn."""
    return bool(_WAITS.intersection(case.next_steps))


def standing(case: CaseView, names: Names) -> str:
    """Where a case stands, in a sentence without its full stop."""
    if case.determination is not None:
        return _decided(case)
    if case.questions:
        askers = (called(each.agency, names) for each in case.questions)
        return f"waiting for your answer to {' and '.join(askers)}"
    if case.state == kinds.OFFERED:
        return "a seat is offered to you"
    if case.state == kinds.WAITLISTED:
        return f"place {case.place} on the waiting list" if case.place else "on the waiting list"
    waited = [_waited(each, case, names) for each in case.awaiting if each != APPLICANT]
    return f"waiting for {'; '.join(waited)}" if waited else "waiting for its time to pass"


def _decided(case: CaseView) -> str:
    if case.kind == kinds.REMOVAL and case.determination in kinds.GRANTED:
        return "your grant has ended"
    why = f" ({case.reason_code.replace('_', ' ')})" if case.reason_code else ""
    ended = _ENDS.get(case.determination or "", case.determination or "")
    return f"{ended}{why}; make a key to use it" if "issue" in case.next_steps else f"{ended}{why}"


def _waited(party: str, case: CaseView, names: Names) -> str:
    """Who is waited for, and until when."""
    clock = next((each for each in case.clocks if each.agency == party), None)
    due = clock.due_by if clock is not None else None
    return f"{called(party, names)}, due by {due}" if due else called(party, names)


def clocks(case: CaseView, names: Names) -> Iterator[ClockLine]:
    """Whose time runs in a case that is open."""
    if case.determination is not None:
        return
    for each in case.clocks:
        yield ClockLine(called(each.agency, names), _clock(each, names))
    for party in case.unreceived:
        yield ClockLine(called(party, names), "not started: it has not confirmed receipt")


def _clock(clock: AgencyClock, names: Names) -> str:
    if clock.stopped:
        return "stopped until you answer"
    if clock.silence is not None:
        return f"over; {SILENCE.get(clock.silence, clock.silence)}"
    if clock.due_ms is None:
        return "no time runs"
    passed = f"passed on to {called(clock.escalated_to, names)}; " if clock.escalated_to else ""
    return f"{passed}due by {clock.due_by}"


def called(party: str, names: Names) -> str:
    """What a party is called."""
    return names.get(party, party)


def rule(given: Rule, names: Names) -> str:
    """A rule over agencies, by what those are called."""
    return phrases.rule(_called(given, names))


def _called(given: Rule, names: Names) -> Rule:
    members = (
        called(each, names) if isinstance(each, str) else _called(each, names) for each in given.members
    )
    return Rule(given.operator, tuple(members), given.n)


def needed(case: CaseView, names: Names) -> str:
    """Whose yes would decide a case; empty if it needs none."""
    if () in case.would_decide:
        return ""
    return " or ".join(" and ".join(called(each, names) for each in some) for some in case.would_decide)


class SaidLine(NamedTuple):
    """What was said in a case: who, what, and its place in the log."""

    seq: int | None
    at_ms: int | None
    who: str
    what: str
    text: str


def said(case: CaseView, names: Names) -> Iterator[SaidLine]:
    """What was said in a case, as far as its applicant reads it, oldest first; then notes."""
    found = [*_positions(case, names), *_own(case), *_referrals(case, names)]
    yield from sorted(found, key=lambda each: -1 if each.seq is None else each.seq)
    for note in case.notes:
        yield SaidLine(None, note.at_ms, called(note.party, names), f"noted ({note.kind})", note.text)


def _positions(case: CaseView, names: Names) -> Iterator[SaidLine]:
    for each in case.positions:
        what = _POSITIONS.get(each.position, each.position)
        later = ", and took another position later" if each.superseded else ""
        for_it = ", written down by two officers" if each.transcribed else ""
        why = each.reason or ("The reason is not public." if each.sealed else "")
        yield SaidLine(each.seq, each.at_ms, called(each.agency, names), what + later + for_it, why)


def _own(case: CaseView) -> Iterator[SaidLine]:
    for each in case.answers:
        who, what = _OWN.get(each.what, ("you", each.what))
        yield SaidLine(each.seq, None, who, what, each.text)


def _referrals(case: CaseView, names: Names) -> Iterator[SaidLine]:
    for each in case.referrals:
        joins = ", which joins those who decide" if each.binds else ""
        what = f"referred it to {called(each.to, names)}{joins}"
        yield SaidLine(each.seq, None, called(each.by, names), what, each.reason)


_POSITIONS: Mapping[str, str] = {
    "approve": "approves",
    "approve-with-conditions": "approves, with conditions",
    "object": "objects",
    "no-objection": "does not object",
    "abstain": "abstains",
    "ask": "asks you",
    "decline": "declines to take part",
    "recuse": "takes no part",
}
_OWN: Mapping[str, tuple[str, str]] = {
    "answer": ("You", "answered"),
    "reply": ("You", "replied"),
    "appeal": ("You", "appealed"),
    "notice": ("The developer", "gave notice"),
    "returned": ("The developer", "returned it, because"),
}
