"""The law of the end of a release: its report, and what no longer happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from sluicegate_record.entities.case import Case
from sluicegate_record.entities.promise import BROKEN, KEPT, OPEN, VOID, Promise
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Body
from sluicegate_record.entries.cases import CaseOpened
from sluicegate_record.entries.closures import (
    ReleaseClosed,
    ReleaseReport,
    ReportedDirective,
    ReportedPromises,
    ReportedStage,
)
from sluicegate_record.entries.releases import HeardReferral, ReleaseApplied, StageOpened
from sluicegate_record.law.ramps import steps_of
from sluicegate_record.law.requirements import at_now
from sluicegate_record.law.rule import At, LawRule, of_the_record, require, signed_by
from sluicegate_record.record import Record
from sluicegate_record.statements.releases import ReleaseClosing
from sluicegate_record.terms import kinds
from sluicegate_record.terms.audience import PLACES

DIRECTIVES_MAX = 100
"""How many directives a report has: the newest."""
CLOSED = "what changes a release that is closed"


def is_closed_with_a_signature(at: At, body: ReleaseClosed) -> None:
    """An officer signed the closing of this release with this report, for this log."""
    said = ReleaseClosing.read(body.envelope)
    why = "a release whose closing no officer signed"
    require(said.release == body.release and said.report == body.report.digest, "a closing signed otherwise")
    require(said.log == body.log == at.log, why)
    signed_by(at, body.envelope, at.keys.developer, [body.officer], why)
    require(body.digest == body.envelope.digest, "a closing under another digest than its own")


@of_the_record
def closes_what_is_done(at: At, body: ReleaseClosed) -> None:
    """A release is closed once, when its last stage is open for all that it is for."""
    release = at.release(body.release)
    require(body.release not in at.record.closures, "a release that was closed before")
    require(not undone(at.record, release, at.at_ms), "a release that is not done")


@of_the_record
def reports_what_happened(at: At, body: ReleaseClosed) -> None:
    """A report says what the record says."""
    require(body.report == report_of(at.record, body.release), "another report than the record gives")


def is_of_an_open_release(at: At, body: ReleaseApplied) -> None:
    """No plan is applied to a release that is closed."""
    require(body.release not in at.record.closures, CLOSED)


def opens_nothing_new(at: At, body: StageOpened) -> None:
    """In a release that is closed, a stage opens again at most."""
    is_known = body.terms in at.record.opened
    require(body.release not in at.record.closures or is_known, CLOSED)


@of_the_record
def asks_no_one_new(at: At, body: CaseOpened) -> None:
    """In a release that is closed, no one applies, and no terms are asked about."""
    is_new = body.kind in {kinds.ADMISSION, kinds.TERMS}
    require(not is_new or body.release not in at.record.closures, CLOSED)


def undone(record: Record, release: Release, at_ms: int) -> str:
    """Why a release is not done yet, in words; empty if it is."""
    last = release.plan.spec.stages[-1]
    terms = release.terms[last.name]
    if record.opened.get(terms) is None:
        return f"its last stage, {last.name}, is not open"
    course = record.course_of(release.name, last.name)
    if last.is_for_everyone and course is not None:
        places = course.places(steps_of(at_now(record, at_ms), course), at_ms)
        if places < PLACES:
            return f"only {places * 100 // PLACES} per cent are in {last.name}"
    for case in _cases(record, release.terms.values()):
        if case.state != kinds.DETERMINED:
            return f"the case {case.id} is open"
    return ""


def report_of(record: Record, name: str) -> ReleaseReport:
    """What a release came to so far. Raises: KeyError: no such release. Withheld: its plan is hidden."""
    release = record.releases[name]
    of_stages: dict[str, list[str]] = {}
    for digest, terms in record.terms.items():
        if terms.plan.metadata.name == name:
            of_stages.setdefault(terms.stage, []).append(digest)
    models = {model.id for model in release.plan.spec.models}
    directives = [
        ReportedDirective(
            directive=each.name,
            issuer=each.issuer,
            transcribed=each.document.metadata.transcribed,
            at_ms=each.at_ms,
            how=None if each.ended is None else each.ended.how,
            ended_ms=None if each.ended is None else each.ended.at_ms,
        )
        for each in record.directives.values()
        if not each.is_drill and models.intersection(each.document.spec.models)
    ]
    return ReleaseReport(
        stages=tuple(_stage(record, name, stage, of_stages.get(stage, [])) for stage in release.plan.stages),
        promises=tuple(_promises(record, name)),
        directives=tuple(directives[-DIRECTIVES_MAX:]),
        earlier_directives=max(0, len(directives) - DIRECTIVES_MAX),
    )


def _stage(record: Record, release: str, stage: str, terms: list[str]) -> ReportedStage:
    cases, course = list(_cases(record, terms)), record.course_of(release, stage)
    referred = {(found.by, to) for each in cases for to, found in each.referrals.items()}
    counted = (0, 0) if course is None else (course.admitted, course.removed)
    return ReportedStage(
        stage=stage,
        opened_ms=None if course is None else course.first_ms,
        asked=tuple(sorted(frozenset[str]().union(*(each.parties for each in cases)))),
        referred=tuple(HeardReferral(by=by, to=to) for by, to in sorted(referred)),
        declined=tuple(sorted(frozenset[str]().union(*(each.saying("decline") for each in cases)))),
        admitted=counted[0],
        removed=counted[1],
    )


def _cases(record: Record, terms: Iterable[str]) -> Iterator[Case]:
    """The cases about some terms, and about openings under them."""
    for digest in terms:
        for name in (*record.asked.get(digest, ()), *record.openings.get(digest, ())):
            yield record.cases[name]


def _promises(record: Record, release: str) -> Iterator[ReportedPromises]:
    by: dict[str, Counter[str]] = {}
    for each in record.promises.values():
        if _release_of(record, each) == release:
            late = each.state == KEPT and each.broken_ms is not None
            by.setdefault(each.party, Counter())["late" if late else each.state] += 1
    for party, own in sorted(by.items()):
        yield ReportedPromises(
            party=party,
            kept=own[KEPT],
            late=own["late"],
            broken=own[BROKEN],
            open=own[OPEN],
            void=own[VOID],
        )


def _release_of(record: Record, found: Promise) -> str | None:
    """The release that a promise is about, itself or through its case."""
    case = record.cases.get(found.about.case or "")
    return found.about.release if case is None else case.question.release


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    ReleaseClosed: (is_closed_with_a_signature, closes_what_is_done, reports_what_happened),
    ReleaseApplied: (is_of_an_open_release,),
    StageOpened: (opens_nothing_new,),
    CaseOpened: (asks_no_one_new,),
}
