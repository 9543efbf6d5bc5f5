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
from dataclasses import dataclass

from sluicegate.acts.act import Done
from sluicegate.core.lifecycle import (
    bases,
    blocks,
    determination,
    directives,
    findings,
    grants,
    licences,
    lists,
    promises,
    stages,
    successions,
    timing,
)
from sluicegate.core.lifecycle.agenda import What
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.due import due_by_date, due_ms
from sluicegate.core.lifecycle.state import Ahead, State
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.happening import Trial
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import CaseEscalated, CaseOffered, CaseSilent, CaseWarned
from sluicegate_record.form import Json, form, replace
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
    appeal, a list and a stage that takes grants over are always the first, because they look at grants and
    applications that do not go ahead.
    """
    for what in ahead.agenda.due(now_ms):
        may_be_done = ahead.changed or what.what == stages.OPENING
        if may_be_done and not _is_due(ahead, what, now_ms):
            continue
        case = ahead.cases.get(what.about)
        is_appeal = case is not None and case.kind == kinds.APPEAL
        is_first = what.what in {lists.LISTED, successions.MOVED} or is_appeal
        if ahead.changed and is_first:
            return
        yield _done(ahead, what, now_ms, entropy)


def _done(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    drafts = _TICKS[what.what](state, what, now_ms, entropy)
    assert drafts, what
    return drafts


def _is_due(ahead: Ahead, what: What, now_ms: int) -> bool:
    """Whether something is still due after what has been done in the batch."""
    if what.what == "seat":
        return any(True for _ in ahead.next_offers(*what.stage))
    if what.what == stages.LACK:
        return stages.is_changed(ahead.record, *what.stage, now_ms)
    if what.what in _OF_STAGES:
        due = _OF_STAGES[what.what](ahead.record, *what.stage, now_ms)
        return due is not None and due <= now_ms
    if what.what in bases.TICKS:
        release = ahead.releases[what.stage[0]]
        return dict(due_by_date(ahead.record, release)).get(what, now_ms + 1) <= now_ms
    if what.about not in ahead.changed:
        return True
    at_ms = due_ms(ahead.record, what)
    return at_ms is not None and at_ms <= now_ms


_OF_STAGES = {stages.OPENING: stages.opens_ms, stages.FORESIGHT: stages.foresight_ms}
"""When an opening is due, and when it is foreseen."""


def _warning(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    case = state.cases[what.about]
    due_ms = case.clocks[what.agency].due_ms
    return [Draft(case.id, CaseWarned(case=case.id, agency=what.agency, due_ms=due_ms))]


def _silence(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    case = state.cases[what.about]
    clock, timer = case.agency_clock, case.clocks[what.agency]
    referred = case.referrals.get(what.agency)
    meaning = referred.silence if referred is not None else None
    if meaning is None:
        assert clock is not None
        meaning = clock.silence
    if meaning == "escalate":
        assert clock is not None
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
    for name in state.next_offers(*what.stage):
        until_ms = now_ms + state.cases[name].procedure.offer_ms
        offered.append(Draft(name, CaseOffered(case=name, until_ms=until_ms)))
    return offered


def _admitted(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return lists.admitted(state, *what.stage, now_ms, entropy)


def _moved(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return successions.moved(state, *what.stage, now_ms)


def _opening(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return list(stages.opened(state.record, *what.stage, now_ms))


def _foresight(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    """Say that a stage opens soon; if that moment has passed meanwhile, the stage opens."""
    due_ms = stages.opens_ms(state.record, *what.stage, now_ms)
    if due_ms is not None and due_ms <= now_ms:
        return list(stages.opened(state.record, *what.stage, now_ms))
    return [stages.foreseen(state.record, *what.stage, now_ms)]


def _lack(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return [stages.lacked(state.record, *what.stage, now_ms)]


def _expiry(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return grants.ended(state, state.grants[what.about], "expired")


def _directive(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return directives.expired(state, what.about)


def _licence(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return licences.expired(state, what.about)


def _finding(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return findings.overdue(state.record, what.about)


def _promise(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    return promises.broken_by_time(state, what.about)


_TICKS: dict[str, Callable[[State, What, int, Entropy], list[Draft]]] = {
    "warning": _warning,
    "silence": _silence,
    "whole": _whole,
    "reply": _reply,
    "look": _look,
    "offer": _offer,
    "seat": _seat,
    stages.OPENING: _opening,
    stages.LACK: _lack,
    stages.FORESIGHT: _foresight,
    lists.LISTED: _admitted,
    successions.MOVED: _moved,
    "expiry": _expiry,
    "directive": _directive,
    "promise": _promise,
    "finding": _finding,
    "licence": _licence,
    **bases.TICKS,
}
