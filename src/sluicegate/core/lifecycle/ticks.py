"""Time: things that become due move cases without a command, in the order in which they were due.

Rules:
- A tick always writes an entry that takes what was due off the agenda. So it happens once, however often it
  is asked for. After a downtime, everything that was missed happens in order, many things in one commit.
- While something is due, the writer decides no other command, except one that only narrows. So a command that
  comes at the very moment comes after it: in time means strictly before.
- A decision that cannot be made is not lost: the entry of the silence says what prevents it. Then people
  settle that, as in every other case.
- The plan, the receipt and the log's time prove a silence. The entry names the first two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sluicegate.acts.act import Done
from sluicegate.core.lifecycle import blocks, determination, directives, grants, timing
from sluicegate.core.lifecycle.agenda import What
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.blocks import StageName
from sluicegate.core.lifecycle.state import Ahead, State, due_ms
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.happening import Trial
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import CaseEscalated, CaseOffered, CaseSilent, CaseWarned
from sluicegate_record.form import Json, form
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import Clock


@form
class TickDone(Done):
    """What was due; null if nothing was."""

    due: Json


@dataclass(frozen=True, slots=True)
class Tick(Command):
    """Do the earliest thing that is due."""


def due(state: State, now_ms: int) -> What | None:
    """The earliest thing that is due; None if nothing is."""
    first = state.agenda.first()
    return first[1] if first is not None and first[0] <= now_ms else None


def tick(state: State, command: Tick, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Tick`. If nothing is due, it does nothing."""
    what = due(state, now_ms)
    if what is None:
        return Acceptance([], TickDone(due=None))
    return Acceptance(_done(state, what, now_ms, entropy), TickDone(due=what._asdict()))


def batch(ahead: Ahead, now_ms: int, entropy: Entropy) -> Iterator[list[Draft]]:
    """The drafts of each thing that is due, in order, as far as they can be decided before a commit.

    The caller applies their entries to `ahead` before it asks for more, and may stop at any time. An
    appeal is always the first, because it looks at grants and applications that do not go ahead.
    """
    for what in ahead.agenda.due(now_ms):
        if ahead.changed and not _is_due(ahead, what, now_ms):
            continue
        case = ahead.cases.get(what.about)
        if ahead.changed and case is not None and case.kind == kinds.APPEAL:
            return
        yield _done(ahead, what, now_ms, entropy)


def _done(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    drafts = _TICKS[what.what](state, what, now_ms, entropy)
    assert drafts, what
    return drafts


def _is_due(ahead: Ahead, what: What, now_ms: int) -> bool:
    """Whether something is still due after what has been done in the batch."""
    if what.what == "seat":
        return any(True for _ in ahead.next_offers(*_stage_of(what)))
    if what.about not in ahead.changed:
        return True
    at_ms = due_ms(ahead, what)
    return at_ms is not None and at_ms <= now_ms


def _stage_of(what: What) -> StageName:
    release, _, stage = what.about.partition("/")
    return release, stage


def _warning(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    case = state.cases[what.about]
    due_ms = case.clocks[what.agency].due_ms
    return [Draft(case.id, CaseWarned(case=case.id, agency=what.agency, due_ms=due_ms))]


def _silence(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    case = state.cases[what.about]
    clock, timer = case.agency_clock, case.clocks[what.agency]
    assert clock is not None
    meaning = clock.silence
    if meaning == "escalate":
        if timer.rung < len(clock.to):
            return [_escalated(case, what.agency, clock, now_ms)]
        meaning = clock.then or "wait"
    body = CaseSilent(
        case=case.id, agency=what.agency, meaning=meaning, due_ms=timer.due_ms, receipt=timer.receipt
    )
    return _silent(state, case, body, now_ms, entropy)


def _silent(state: State, case: Case, body: CaseSilent, now_ms: int, entropy: Entropy) -> list[Draft]:
    after = case.after(Trial(body, state.size, now_ms))
    follows = determination.conclude(state, after, now_ms, entropy)
    if not follows:
        body = replace(body, blocked=blocks.undecided_by(state.record, after, now_ms))
    return [Draft(case.id, body), *follows]


def _escalated(case: Case, agency: str, clock: Clock, now_ms: int) -> Draft:
    """Go one step up the ladder.

    The agencies at that step have time from now on, because they are notified now.
    """
    timer = case.clocks[agency]
    body = CaseEscalated(
        case=case.id,
        agency=agency,
        to=clock.to[timer.rung].name,
        was_ms=timer.due_ms,
        due_ms=timing.due(case, now_ms, clock.within_at(timer.rung + 1), []),
    )
    return Draft(case.id, body)


def _whole(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    case = state.cases[what.about]
    whole, clock = case.whole_clock, case.procedure.clock
    assert whole is not None
    assert clock is not None
    if whole[1] == "lapse":
        return [determination.outcome(case, "lapsed", now_ms, code="time_over")]
    if whole[1] == "escalate":
        to = clock.to[0].name if clock.to else "the developer"
        body = CaseEscalated(case=case.id, agency=None, to=to, was_ms=case.due_ms, due_ms=None)
        return [Draft(case.id, body)]
    silent = CaseSilent(case=case.id, agency=None, meaning="unopposed", due_ms=case.due_ms)
    return _silent(state, case, silent, now_ms, entropy)


def _reply(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    case = state.cases[what.about]
    over = Draft(case.id, CaseWarned(case=case.id, agency=None, due_ms=case.reply_by_ms))
    return [over, *determination.conclude(state, case, now_ms, entropy)]


def _look(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    """A case that was agreed, and that nothing blocks any more."""
    return determination.conclude(state, state.cases[what.about], now_ms, entropy)


def _offer(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return [determination.outcome(state.cases[what.about], "lapsed", now_ms, code="offer_not_taken")]


def _seat(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    offered = []
    for name in state.next_offers(*_stage_of(what)):
        until_ms = now_ms + state.cases[name].procedure.offer_ms
        offered.append(Draft(name, CaseOffered(case=name, until_ms=until_ms)))
    return offered


def _expiry(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return grants.ended(state, state.grants[what.about], "expired")


def _directive(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return directives.expired(state, what.about)


_TICKS: dict[str, Callable[[State, What, int, Entropy], list[Draft]]] = {
    "warning": _warning,
    "silence": _silence,
    "whole": _whole,
    "reply": _reply,
    "look": _look,
    "offer": _offer,
    "seat": _seat,
    "expiry": _expiry,
    "directive": _directive,
}
