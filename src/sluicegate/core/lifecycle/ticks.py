"""Time: what becomes due moves cases by itself, one thing at a time, in the order it was due.

Rules:
- A tick decides the earliest thing that is due, and always writes an entry that takes it off the agenda: it
  fires once, however often it is asked for, and after a downtime everything is caught up with in order.
- The writer lets nothing be decided while something is due. So what comes at the very moment something is
  due comes after it: in time is strictly before.
- A silence is proven by the plan, the receipt and the log's time; the entry names the first two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sluicegate.core.lifecycle import determination, directives, grants
from sluicegate.core.lifecycle.agenda import What
from sluicegate.core.lifecycle.answer import Decided, Refusal
from sluicegate.core.lifecycle.case import Case
from sluicegate.core.lifecycle.state import State
from sluicegate_record.log import events, times
from sluicegate_record.log.events import Draft, Entropy
from sluicegate_record.terms.plan import Clock


@dataclass(frozen=True, slots=True)
class Tick:
    """Let the earliest thing happen that is due."""


def due(state: State, now_ms: int) -> What | None:
    """The earliest thing that is due, if any is."""
    first = state.agenda.first()
    return first[1] if first is not None and first[0] <= now_ms else None


def tick(state: State, command: Tick, now_ms: int, entropy: Entropy) -> Decided | Refusal:
    """Decide `Tick`: nothing where nothing is due."""
    what = due(state, now_ms)
    if what is None:
        return Decided([], {"due": None})
    drafts = _TICKS[what.what](state, what, now_ms, entropy)
    assert drafts, what
    return Decided(drafts, {"due": what._asdict()})


def _warning(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    case = state.cases[what.about]
    public = {"case": case.id, "agency": what.agency, "due": _time(case.clocks[what.agency].due_ms)}
    return [Draft(events.CASE_WARNED, case.id, public)]


def _silence(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    case = state.cases[what.about]
    stated = case.clocked()
    assert stated is not None
    clock = case.clocks[what.agency]
    meaning = stated.silence
    if meaning == "escalate":
        if clock.rung < len(stated.to):
            return [_escalated(case, what.agency, stated, now_ms)]
        meaning = stated.then or "wait"
    after = case.fork()
    after.clocks[what.agency].silence = meaning
    public = {
        "case": case.id,
        "agency": what.agency,
        "meaning": meaning,
        "due": _time(clock.due_ms),
        "receipt": clock.receipt,
    }
    silent = Draft(events.CASE_SILENT, case.id, public)
    return [silent, *determination.conclude(state, after, now_ms, entropy)]


def _escalated(case: Case, agency: str, stated: Clock, now_ms: int) -> Draft:
    """One step up the ladder; whoever stands there has time from now, because now they are told."""
    clock = case.clocks[agency]
    public = {
        "case": case.id,
        "agency": agency,
        "to": stated.to[clock.rung].name,
        "was": _time(clock.due_ms),
        "due": _time(case.due(now_ms, stated.within_at(clock.rung + 1), [])),
    }
    return Draft(events.CASE_ESCALATED, case.id, public)


def _whole(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    case = state.cases[what.about]
    whole = case.whole_clock
    assert whole is not None
    if whole[1] == "lapse":
        return [determination.outcome(case, "lapsed", now_ms, code="time_over")]
    if whole[1] == "escalate":
        stated = case.procedure.clock
        to = stated.to[0].name if stated is not None and stated.to else "the developer"
        public = {"case": case.id, "agency": None, "to": to, "was": _time(case.due_ms), "due": None}
        return [Draft(events.CASE_ESCALATED, case.id, public)]
    after = case.fork()
    after.unopposed = True
    public = {"case": case.id, "agency": None, "meaning": "unopposed", "due": _time(case.due_ms)}
    silent = Draft(events.CASE_SILENT, case.id, public)
    return [silent, *determination.conclude(state, after, now_ms, entropy)]


def _reply(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    case = state.cases[what.about]
    over = Draft(
        events.CASE_WARNED, case.id, {"case": case.id, "agency": None, "due": _time(case.reply_by_ms)}
    )
    return [over, *determination.conclude(state, case, now_ms, entropy)]


def _offer(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return [determination.outcome(state.cases[what.about], "lapsed", now_ms, code="offer_not_taken")]


def _seat(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    release, _, stage = what.about.partition("/")
    offered = []
    for name in state.next_offers(release, stage):
        case = state.cases[name]
        until_ms = now_ms + case.procedure.offer_ms
        offered.append(Draft(events.CASE_OFFERED, name, {"case": name, "until": _time(until_ms)}))
    return offered


def _expiry(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return grants.ended(state, state.table.grants_by_id[what.about], "expired")


def _directive(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return directives.expired(state, what.about)


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else times.format_time(at_ms)


_TICKS: dict[str, Callable[[State, What, int, Entropy], list[Draft]]] = {
    "warning": _warning,
    "silence": _silence,
    "whole": _whole,
    "reply": _reply,
    "offer": _offer,
    "seat": _seat,
    "expiry": _expiry,
    "directive": _directive,
}
