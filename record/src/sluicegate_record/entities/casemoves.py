"""How each type of entry moves a case.

Rules:
- One function for each type; an entry of a type that is not listed changes nothing.
- They are asked by `Case.after`, which also counts what was said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sluicegate_record.entities.happening import Happening
from sluicegate_record.entities.proceedings import CONSENT, ListComparison, Opinion, Span, Timer
from sluicegate_record.entities.referral import ReferredParty
from sluicegate_record.entries import cases, designations, grants, licences, releases
from sluicegate_record.entries.body import Body
from sluicegate_record.form import Absent, Json, replace
from sluicegate_record.log import times
from sluicegate_record.terms import kinds

if TYPE_CHECKING:
    from sluicegate_record.entities.case import Case

DECIDED = kinds.GRANTED | {"denied"}


def _timed(case: Case, agency: str, timer: Timer) -> Case:
    return replace(case, clocks={**case.clocks, agency: timer})


def _begun(case: Case) -> str:
    return kinds.IN_REVIEW if case.state == kinds.SUBMITTED else case.state


def _closed(case: Case, at_ms: int, whole_due_ms: int | Absent | None) -> Case:
    """When no question to the applicant is open any more, the clock of the whole case runs again."""
    if case.asked_ms is None or case.asking:
        return case
    due_ms = None if isinstance(whole_due_ms, Absent) else whole_due_ms
    return replace(case, stops=(*case.stops, Span(case.asked_ms, at_ms)), asked_ms=None, due_ms=due_ms)


def _received(case: Case, entry: Happening, body: cases.CaseReceived) -> Case:
    timer = Timer(started_ms=entry.at_ms, receipt=body.digest, due_ms=body.due_ms)
    return replace(case, clocks={**case.clocks, body.agency: timer}, state=_begun(case))


def _warned(case: Case, entry: Happening, body: cases.CaseWarned) -> Case:
    if body.agency is None:
        return replace(case, reply_is_over=True)
    timer = case.clocks[body.agency]
    return _timed(case, body.agency, replace(timer, warned_ms=timer.due_ms))


def _escalated(case: Case, entry: Happening, body: cases.CaseEscalated) -> Case:
    if body.agency is None:
        return replace(case, due_ms=None)
    timer = case.clocks[body.agency]
    timer = replace(timer, rung=timer.rung + 1, climbed_ms=entry.at_ms, due_ms=body.due_ms)
    return _timed(case, body.agency, timer)


def _fell_silent(case: Case, entry: Happening, body: cases.CaseSilent) -> Case:
    if body.agency is None:
        return replace(case, unopposed=True, due_ms=None)
    timer = replace(case.clocks[body.agency], silence=body.meaning, due_ms=None)
    return _timed(case, body.agency, timer)


def _referred(case: Case, entry: Happening, body: cases.CaseReferred) -> Case:
    before = case.referrals.get(body.agency)
    found = ReferredParty(
        by=body.agency,
        reason=body.reason,
        binds=body.binds,
        depth=1 if before is None else before.depth + 1,
        seq=entry.seq,
        digest=body.digest,
        silence=body.silence,
    )
    clocks = case.clocks
    if body.due_ms is not None:
        timer = Timer(started_ms=entry.at_ms, receipt=body.digest, due_ms=body.due_ms)
        clocks = {**clocks, body.to: timer}
    referrals = {**case.referrals, body.to: found}
    return replace(case, referrals=referrals, clocks=clocks, state=_begun(case))


def _answered(case: Case, entry: Happening, body: cases.CaseAnswered) -> Case:
    timer = case.clocks[body.agency].answered(body.due_ms, entry.at_ms)
    case = replace(case, clocks={**case.clocks, body.agency: timer}, answers=(*case.answers, entry.seq))
    return _closed(case, entry.at_ms, body.whole_due_ms)


def _screened(case: Case, entry: Happening, body: cases.CaseScreened) -> Case:
    screening = ListComparison(
        name=body.name,
        version=body.version,
        decision=body.decision,
        reason=body.reason,
        owner=body.owner,
        digest=body.digest,
        at_ms=entry.at_ms,
        seq=entry.seq,
    )
    return replace(case, screening=screening)


def _listed(case: Case, entry: Happening, body: releases.ListChanged) -> Case:
    """A record made with another version stays open until a new one is made, even if its version returns."""
    screening = case.screening
    if screening is None or not screening.is_reopened_by(body.name, body.version):
        return case
    if screening.reopened_ms is not None:
        return case
    return replace(case, screening=replace(screening, reopened_ms=entry.at_ms))


def _proceeded(case: Case, entry: Happening, body: cases.CaseProceeded) -> Case:
    at = times.format_time(entry.at_ms)
    note = {"kind": "proceeded", "owners": list(body.owners), "text": body.reason, "at": at}
    return replace(case, proceeded=True, unbound=body.lapsed, notes=(*case.notes, note))


def _waitlisted(case: Case, entry: Happening, body: cases.CaseWaitlisted) -> Case:
    return replace(case, state=kinds.WAITLISTED, outcome=None, listed_seq=entry.seq)


def _offered(case: Case, entry: Happening, body: cases.CaseOffered) -> Case:
    return replace(case, state=kinds.OFFERED, offer_until_ms=body.until_ms, listed_seq=None)


def _off_the_list(case: Case) -> Case:
    """A case gives back its seat, or its place on the waitlist."""
    if case.state not in kinds.LISTED:
        return case
    return replace(case, state=kinds.IN_REVIEW, offer_until_ms=None, listed_seq=None)


def _resumed(case: Case, entry: Happening, body: cases.CaseResumed) -> Case:
    """The time to reply went on while the case was on the list."""
    is_over = case.reply_is_over or (case.reply_by_ms is not None and case.reply_by_ms <= entry.at_ms)
    return replace(_off_the_list(case), reply_is_over=is_over)


def _replied(case: Case, entry: Happening, body: cases.CaseReplied) -> Case:
    """A denial is under review again. An agency that had time left has at least the same time again."""
    case = replace(
        case,
        replied_ms=entry.at_ms,
        replied_seq=entry.seq,
        answers=(*case.answers, entry.seq),
        reply_by_ms=body.reply_by_ms,
        reply_is_over=False,
    )
    if case.state != kinds.DETERMINED:
        return case
    by_ms = body.reply_by_ms
    clocks = {
        agency: replace(timer, due_ms=_not_before(timer.due_ms, by_ms))
        for agency, timer in case.clocks.items()
    }
    due_ms = _not_before(case.due_ms, by_ms)
    return replace(case, state=kinds.IN_REVIEW, outcome=None, clocks=clocks, due_ms=due_ms)


def _not_before(at_ms: int | None, by_ms: int) -> int | None:
    return None if at_ms is None else max(at_ms, by_ms)


def _determined(case: Case, entry: Happening, body: cases.CaseDetermined) -> Case:
    return replace(
        _off_the_list(case),
        state=kinds.DETERMINED,
        outcome=body.outcome,
        is_over=case.is_over or body.outcome not in DECIDED,
        determined_ms=entry.at_ms,
        determined_seq=entry.seq,
        reason_code=body.reason_code if body.reason_code is not None else case.reason_code,
        reply_by_ms=body.reply_by_ms,
        reply_is_over=False,
    )


def _spoken(case: Case, entry: Happening, body: cases.PositionRecorded) -> Case:
    said = Opinion(
        agency=body.agency,
        owners=body.owners if body.owners is not None else (body.owner,),
        position=body.position,
        reason=body.reason,
        digest=body.digest,
        seq=entry.seq,
        at_ms=entry.at_ms,
        conditions=body.conditions,
        sealed=body.sealed_reason is not None,
        said=body.said,
        is_stale=_is_stale(case, body),
        concern=body.concern,
        is_outside=body.outside,
    )
    timer = case.clocks.get(said.agency)
    if timer is None and said.position == "ask":
        timer = Timer(started_ms=entry.at_ms, receipt=said.digest)  # a question proves receipt
    clocks = case.clocks
    if timer is not None and not said.is_stale and not said.is_outside:
        clocks = {**clocks, said.agency: timer.said(said.position, entry.at_ms)}
    asks_first = said.position == "ask" and case.asked_ms is None
    case = replace(
        case,
        positions={**case.positions, said.agency: said},
        history=(*case.history, said),
        clocks=clocks,
        state=_begun(case),
        asked_ms=entry.at_ms if asks_first else case.asked_ms,
    )
    return _closed(case, entry.at_ms, body.whole_due_ms)


def _is_stale(case: Case, body: cases.PositionRecorded) -> bool:
    """Whether a consent was signed over another discussion than that of the case, or without something of
    weight in it.
    """
    said = body.said
    if said is None or body.position not in CONSENT:
        return False
    is_weighty = any(each.weighs for each in case.discussion[said.count :])
    return is_weighty or said != case.discussed(said.count)


def _noted(case: Case, entry: Happening, body: releases.RecordAdded) -> Case:
    return replace(case, notes=(*case.notes, note_of(entry, body)))


def note_of(entry: Happening, body: releases.RecordAdded) -> dict[str, Json]:
    """A note as it is shown to readers."""
    return {
        "about": body.about.to_json(),
        "kind": body.kind,
        "on": body.on,
        "text": body.text,
        "party": body.party,
        "owner": body.owner,
        "digest": body.digest,
        "at": times.format_time(entry.at_ms),
    }


def _granted(case: Case, entry: Happening, body: grants.GrantApproved) -> Case:
    return replace(case, grant=body.grant, used=True)


def _used(case: Case, entry: Happening, body: Body) -> Case:
    return replace(case, used=True)


MOVES: dict[type[Body], Callable[[Case, Happening, Any], Case]] = {
    cases.CaseReceived: _received,
    cases.CaseReferred: _referred,
    cases.CaseWarned: _warned,
    cases.CaseEscalated: _escalated,
    cases.CaseSilent: _fell_silent,
    cases.CaseAnswered: _answered,
    cases.CaseScreened: _screened,
    cases.CaseProceeded: _proceeded,
    cases.CaseWaitlisted: _waitlisted,
    cases.CaseOffered: _offered,
    cases.CaseResumed: _resumed,
    cases.CaseReplied: _replied,
    cases.CaseDetermined: _determined,
    cases.PositionRecorded: _spoken,
    releases.ListChanged: _listed,
    releases.RecordAdded: _noted,
    grants.GrantApproved: _granted,
    grants.GrantAmended: _used,
    grants.GrantReinstated: _used,
    licences.LicenceGranted: _used,
    designations.DesignationEnded: _used,
}
