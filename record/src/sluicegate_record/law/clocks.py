"""The law of what the passing of time does in a case, and of the times that entries state."""

from __future__ import annotations

from sluicegate_record.entities.case import Case
from sluicegate_record.entities.proceedings import Timer
from sluicegate_record.entries import Body, cases
from sluicegate_record.form import Absent
from sluicegate_record.law.agreement import as_heard, carried, conditions_of
from sluicegate_record.law.rule import (
    At,
    Broken,
    LawRule,
    is_named_by_its_digest,
    of_the_record,
    require,
    signed_by,
)
from sluicegate_record.log.times import DAY_MS, HOUR_MS
from sluicegate_record.statements.cases import Receipt
from sluicegate_record.terms import kinds

LESS_TIME = "an agency with less time than the terms give"


def is_received(at: At, body: cases.CaseReceived) -> None:
    """A receipt is signed by its agency for the case's question: only then does its clock start."""
    receipt = Receipt.read(body.envelope)
    case = at.case(body.case)
    require(receipt.question.digest == case.question.digest, "a receipt signed for another question")
    require(receipt.agency == body.agency, "a receipt of another agency")
    signed_by(at, body.envelope, body.agency, [body.owner], f"no signature by a key of {body.agency!r}")


@of_the_record
def starts_its_clock(at: At, body: cases.CaseReceived) -> None:
    """A clock starts once, for an agency that the case asks, with all the time that the terms give."""
    case = at.case(body.case)
    require(body.agency in case.parties, "a receipt of an agency that is not asked")
    require(body.agency not in case.clocks, "a clock that runs already")
    require(_has_agencys_time(case, at.at_ms, 0, body.due_ms), LESS_TIME)


def has_whole_time(case: Case, due_ms: int | Absent | None) -> bool:
    """Whether a case has all the time that its terms give, if it is over then; None or absent has no end."""
    whole = case.whole_clock
    return whole is None or not isinstance(due_ms, int) or _has_time(case.at_ms, whole[0], due_ms)


def _has_agencys_time(case: Case, start_ms: int, rung: int, due_ms: int | None) -> bool:
    """Whether an agency has all the time of a step of the ladder, which began then."""
    clock = case.agency_clock
    return clock is None or due_ms is None or _has_time(start_ms, clock.within_at(rung), due_ms)


def _has_time(start_ms: int, within: int, due_ms: int) -> bool:
    """Whether a time of so many days, which began then, can be over.

    A day of a calendar may have 23 hours; the date on which the clock starts does not count.
    """
    return due_ms >= start_ms + within * DAY_MS - HOUR_MS


@of_the_record
def is_warned_in_time(at: At, body: cases.CaseWarned) -> None:
    """A warning states the time that it is about."""
    case = at.case(body.case)
    due_ms = _due_ms(case, body.agency) if body.agency is not None else case.reply_by_ms
    require(due_ms is not None and body.due_ms == due_ms, "a warning of another time than that of its case")
    require(body.agency is not None or (due_ms or 0) <= at.at_ms, "a time to reply that is not over")


def _due_ms(case: Case, agency: str) -> int | None:
    timer = case.clocks.get(agency)
    return None if timer is None else timer.due_ms


@of_the_record
def climbs_in_time(at: At, body: cases.CaseEscalated) -> None:
    """A silence goes one step up the ladder when its time is over, and then has the time of that step."""
    case = at.case(body.case)
    was_ms = case.due_ms if body.agency is None else _due_ms(case, body.agency)
    require(was_ms is not None and was_ms <= at.at_ms, "a step up the ladder before its time")
    step = _step_of_all(case) if body.agency is None else _next_step(case, body.agency)
    require((body.was_ms, body.to) == (was_ms, step), "another step than the next of the ladder")
    if body.agency is None:
        require(body.due_ms is None, "a time that the terms do not give")
        return
    rung = case.clocks[body.agency].rung + 1
    has_time = body.due_ms is not None and _has_agencys_time(case, at.at_ms, rung, body.due_ms)
    require(has_time, LESS_TIME)


def _next_step(case: Case, agency: str) -> str:
    clock, rung = case.agency_clock, case.clocks[agency].rung
    if clock is None or rung >= len(clock.to):
        raise Broken("a step up a ladder that is over")
    return clock.to[rung].name


def _step_of_all(case: Case) -> str:
    """Who is asked when the time of the whole case is over."""
    clock, whole = case.procedure.clock, case.whole_clock
    if clock is None or whole is None or whole[1] != "escalate":
        raise Broken("a step up a ladder that the terms do not give")
    return clock.to[0].name if clock.to else "the developer"


def is_due(at: At, body: cases.CaseSilent) -> None:
    """Silence means what the clock says, and only once its time is over."""
    case = at.case(body.case)
    if body.agency is None:
        require(case.due_ms is not None and case.due_ms <= at.at_ms, "a case whose time is not over")
        whole = case.whole_clock
        require(whole is not None and whole[1] == "admit", "a case that silence does not admit")
        stated = (body.meaning, body.due_ms)
        require(stated == ("unopposed", case.due_ms), "a silence that means something else")
        return
    timer, clock = case.clocks.get(body.agency), case.agency_clock
    require(timer is not None and timer.due_ms is not None and timer.due_ms <= at.at_ms,
            "a silence before its time is over")  # fmt: skip
    assert timer is not None
    referred = case.referrals.get(body.agency)
    if referred is not None and referred.silence is not None:
        require(body.meaning == referred.silence, "a silence that means something else")
        _is_of_its_timer(body, timer)
        return
    require(clock is not None, "a silence that no clock gives a meaning")
    assert clock is not None
    meaning = clock.silence
    if meaning == "escalate":
        require(timer.rung >= len(clock.to), "a silence before the ladder's last step")
        meaning = clock.then or "wait"
    require(body.meaning == meaning, "a silence that means something else")
    _is_of_its_timer(body, timer)


def _is_of_its_timer(body: cases.CaseSilent, timer: Timer) -> None:
    receipt = timer.receipt if isinstance(body.receipt, Absent) else body.receipt
    is_its_own = (body.due_ms, receipt) == (timer.due_ms, timer.receipt)
    require(is_its_own, "a silence of another time or receipt")


@of_the_record
def answers_a_question(at: At, body: cases.CaseAnswered) -> None:
    """An answer is to the open question of an agency, which then has the time that was left."""
    case = at.case(body.case)
    asked = case.asking.get(body.agency)
    if asked is None or asked.digest != body.question:
        raise Broken("an answer to a question that is not open")
    timer = case.clocks[body.agency]
    require(_has_agencys_time(case, timer.step_ms, timer.rung, body.due_ms), LESS_TIME)
    require(has_whole_time(case, body.whole_due_ms), "a case with less time than its terms give")


@of_the_record
def is_replied_in_time(at: At, body: cases.CaseReplied) -> None:
    """A denial or a removal is answered once, in time."""
    case = at.case(body.case)
    is_open = case.reply_by_ms is not None and at.at_ms < case.reply_by_ms
    require(is_open and case.replied_ms is None and case.appeal is None, "a reply after its time")
    until_ms = case.reply_by_ms
    if case.state == kinds.DETERMINED:
        until_ms = at.at_ms + case.procedure.reply_ms
    require(body.reply_by_ms == until_ms, "another time to review a reply than the terms give")


@of_the_record
def is_offered_in_turn(at: At, body: cases.CaseOffered) -> None:
    """A seat is offered to a case on the waitlist, for the time that the terms give."""
    case = at.case(body.case)
    require(case.state == kinds.WAITLISTED, "an offer to a case that is not on the waitlist")
    until_ms = at.at_ms + case.procedure.offer_ms
    require(body.until_ms == until_ms, "an offer for another time than the terms give")


@of_the_record
def gives_its_times(at: At, body: cases.CaseDetermined) -> None:
    """A decision states until when a reply and an appeal are possible, as its terms say, where they are."""
    case, procedure = at.case(body.case), at.case(body.case).procedure
    is_replied = body.outcome == "denied" and case.kind in kinds.ADMITS and case.replied_ms is None
    reply_by_ms = at.at_ms + procedure.reply_ms if is_replied else None
    require(body.reply_by_ms == reply_by_ms, "another time to reply than the terms give")
    wrong = kinds.GRANTED if case.kind == kinds.REMOVAL else {"denied"}
    is_appealed = kinds.allows("appeal", case.kind, kinds.DETERMINED) and body.outcome in wrong
    appeal_by_ms = at.at_ms + procedure.appeal_ms if is_appealed else None
    require(body.appeal_by_ms == appeal_by_ms, "another time to appeal than the terms give")


@of_the_record
def waits_for_a_seat(at: At, body: cases.CaseWaitlisted) -> None:
    """A case waits for a seat if only a seat is missing and it does not wait yet, or after an appeal."""
    case = at.case(body.case, kinds.ADMISSION)
    require(case.state not in kinds.LISTED, "a case on a waitlist that waits already")
    if case.state != kinds.DETERMINED:
        require(_is_carried(at, case), "a case on a waitlist without the positions for it")
        _lacks_only_a_seat(at, case)
        return
    fresh = (each for each in map(at.case, case.appeals) if not each.used)
    is_allowed = any(each.outcome in kinds.GRANTED and each.determined_ms == at.at_ms for each in fresh)
    require(is_allowed, "a case on a waitlist that was decided")


def _lacks_only_a_seat(at: At, case: Case) -> None:
    """The conditions for a case fit together, and it is cleared if its terms ask for that. Raises: Broken."""
    question = case.question
    current = at.release(question.release).terms.get(question.stage, question.terms)
    conditions_of(at, as_heard(at, case), current)
    is_screened = at.terms(question.terms).body.eligibility.screening is not None
    require(case.is_cleared or not is_screened, "a case on a waitlist that was not cleared")


@of_the_record
def waits_no_longer(at: At, body: cases.CaseResumed) -> None:
    """A case on a waitlist is under review again if its positions do not carry it any more."""
    case = at.case(body.case)
    require(case.state in kinds.LISTED, "a case that is under review already")
    require(not _is_carried(at, case), "a case off the waitlist although its positions carry it")


def _is_carried(at: At, case: Case) -> bool:
    heard = as_heard(at, case)
    try:
        carried(at, heard, heard.rule, heard.procedure.countersign)
    except Broken:
        return False
    return True


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    cases.CaseReceived: (is_received, starts_its_clock, is_named_by_its_digest),
    cases.CaseWarned: (is_warned_in_time,),
    cases.CaseEscalated: (climbs_in_time,),
    cases.CaseSilent: (is_due,),
    cases.CaseAnswered: (answers_a_question,),
    cases.CaseReplied: (is_replied_in_time,),
    cases.CaseOffered: (is_offered_in_turn,),
    cases.CaseWaitlisted: (waits_for_a_seat,),
    cases.CaseResumed: (waits_no_longer,),
}
