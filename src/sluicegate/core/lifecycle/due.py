"""What becomes due, and when, by the entity that it is about.

Units: milliseconds since 1970 UTC. None: the entity has ended, or nothing is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sluicegate.core.lifecycle.agenda import What
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.licence import Licence
from sluicegate_record.entities.promise import OPEN, Promise
from sluicegate_record.entities.release import Release
from sluicegate_record.law.bases import end_ms
from sluicegate_record.record import Record
from sluicegate_record.terms import dates, durations, kinds
from sluicegate_record.terms.after import REMINDS_MS


def due_ms(record: Record, what: What) -> int | None:
    """When something becomes due, from the entity that it is about; None: not any more.

    Requires: that entity has changed since it was put on the agenda.
    """
    over = _OVER.get(what.what)
    if over is not None:
        return over(record, what.about)
    return dict(due_in(record.cases[what.about])).get(what)


def due_in(case: Case) -> Iterator[tuple[What, int]]:
    """What becomes due in a case, and when."""
    if case.state == kinds.OFFERED and case.offer_until_ms is not None:
        yield What(case.id, "", "offer"), case.offer_until_ms
    if not case.is_reviewed:
        return
    for agency, timer in case.clocks.items():
        if timer.due_ms is not None:
            yield What(case.id, agency, "silence"), timer.due_ms
            warn = case.procedure.clock.warn if case.procedure.clock is not None else None
            if warn is not None and timer.due_ms != timer.warned_ms:
                yield What(case.id, agency, "warning"), timer.due_ms - durations.milliseconds(warn)
    if case.due_ms is not None and case.asked_ms is None and case.kind != kinds.REVIEW:
        yield What(case.id, "", "whole"), case.due_ms
    if case.reply_by_ms is not None and not case.reply_is_over:
        yield What(case.id, "", "reply"), case.reply_by_ms


def due_by_date(record: Record, release: Release) -> Iterator[tuple[What, int]]:
    """What is due by the date of the basis of each stage: a reminder, a review, the end."""
    for name, stage in release.plan.stages.items():
        terms, basis = release.own_terms[name], stage.basis
        if basis.until is None or terms in record.bases or terms not in release.agreed:
            continue
        case, until_ms = record.reviewed(terms), dates.end_ms(basis.until)
        if basis.review is not None and case is None:
            yield What.of_stage(release.name, name, "review"), until_ms - basis.review.opens_ms
            continue
        if basis.review is None and terms not in record.reminded:
            yield What.of_stage(release.name, name, "reminder"), until_ms - REMINDS_MS
        yield What.of_stage(release.name, name, "basis"), end_ms(basis, case)


def grant_over_ms(found: Grant) -> int | None:
    """When the time of a grant is over; None if it has ended, or has no end."""
    return found.valid_until_ms if found.is_live else None


def directive_over_ms(found: Directive) -> int | None:
    """When the time of a directive is over; None if it has ended, has no end, or is a drill."""
    return None if found.ended is not None or found.is_drill else found.document.spec.expires_ms


def licence_over_ms(found: Licence) -> int | None:
    """When the time of a licence is over; None if it has ended, or has no end."""
    return found.valid_until_ms if found.standing is None else None


def promise_over_ms(found: Promise) -> int | None:
    """When a promise is due; None if it is not open any more, or has no date."""
    return found.due_ms if found.state == OPEN else None


def finding_due_ms(record: Record, found: Finding) -> int | None:
    """When the next step is overdue that the developer owes; None if it owes none."""
    return min(record.owed(found).values(), default=None)


_OVER: dict[str, Callable[[Record, str], int | None]] = {
    "expiry": lambda record, name: grant_over_ms(record.grants[name]),
    "directive": lambda record, name: directive_over_ms(record.directives[name]),
    "licence": lambda record, name: licence_over_ms(record.licences[name]),
    "finding": lambda record, name: finding_due_ms(record, record.findings[name]),
    "promise": lambda record, name: promise_over_ms(record.promises[name]),
}
"""When the time of an entity is over, by what becomes due then. A directive's name is chosen: it may
be that of another entity."""
