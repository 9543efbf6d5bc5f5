"""How each type of entry changes a record.

Rules:
- One function for each type; an entry of a type that is not listed changes nothing here.
- An entity's own `after` says what an entry changes in it; what it changes elsewhere is here.
- They raise KeyError for an entry about something that is not on the record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from sluicegate_record import keychain
from sluicegate_record.entities import case as case_
from sluicegate_record.entities import clearing, closing, target
from sluicegate_record.entities import deployment as deployment_
from sluicegate_record.entities import designation as designation_
from sluicegate_record.entities import directive as directive_
from sluicegate_record.entities import evidence as evidence_
from sluicegate_record.entities import finding as finding_
from sluicegate_record.entities import grant as grant_
from sluicegate_record.entities import licence as licence_
from sluicegate_record.entities import observation as observation_
from sluicegate_record.entities import promise as promise_
from sluicegate_record.entities.account import Account
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.closing import SOUND, Closing, Lack
from sluicegate_record.entities.closure import Closure
from sluicegate_record.entities.course import Course
from sluicegate_record.entities.evidence import Evidence
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.happening import Happening
from sluicegate_record.entities.keyimport import KeyImport
from sluicegate_record.entities.logkey import LogKey, LogKeys
from sluicegate_record.entities.promise import Promise
from sluicegate_record.entities.release import Release, Terms
from sluicegate_record.entries import (
    Body,
    Entry,
    Hidden,
    accounts,
    bases,
    cases,
    clearances,
    closures,
    commitment_of,
    credentials,
    deployments,
    designations,
    directives,
    epochs,
    evidence,
    findings,
    grants,
    licences,
    observations,
    promises,
    ramps,
    releases,
)
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import replace
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.releases import StageClosing
from sluicegate_record.terms import kinds
from sluicegate_record.terms.audience import Ramp
from sluicegate_record.terms.clearances import CLEARANCES

if TYPE_CHECKING:
    from sluicegate_record.record import Record


def fold(record: Record, entry: Entry) -> None:
    """Fold an entry into a record. Raises: KeyError: it is about something that is not on the record."""
    move = _FOLDS.get(type(entry.body))
    if move is not None:
        move(record, entry, entry.body)
        _keep_promises(record, entry)


def _log_started(record: Record, entry: Happening, body: releases.LogStarted) -> None:
    record.origin, record.log, record.developer = body.origin, body.vkey, body.developer
    record.log_keys = LogKeys((LogKey(vkey=body.vkey),))
    record.keys_changed()


def _log_key_replaced(record: Record, entry: Happening, body: releases.LogKeyReplaced) -> None:
    record.log_keys = record.log_keys.followed_by(body.key, entry.seq + 1, body.officers)


def _epoch_began(record: Record, entry: Happening, body: epochs.EpochBegan) -> None:
    record.abandoned |= {*body.abandoned}


def _release_applied(record: Record, entry: Happening, body: releases.ReleaseApplied) -> None:
    for promise in list(target.after(record, entry, body)):
        keep_promise(record, promise)
    before = record.releases.get(body.release)
    before = (
        Release(name=body.release, given=body.given, terms={})
        if before is None
        else _raise(record, before, {})
    )
    after = record.releases[body.release] = before.after(body)
    _end_cases_about(record, set(before.terms.values()).difference(body.terms.values()))
    for stage, digest in body.terms.items():
        record.terms[digest] = Terms(stage=stage, given=body.given)
    for stage, looser in body.tightened.items():
        if record.opened.get(looser) is not None and record.opened.get(body.terms[stage]) is None:
            record.opened[body.terms[stage]] = record.opened[looser]
    _raise(record, after, body.raised)


def _raise(record: Record, before: Release, raised: Mapping[str, str]) -> Release:
    """Put the terms in force that the levels give, or the plan's own again: as open as those before them."""
    levels = () if isinstance(before.given, Hidden) else record.levels(before.name, before.stated)
    after = record.releases[before.name] = before.under(levels, raised)
    for stage, digest in raised.items():
        record.terms[digest] = Terms(stage=stage, given=after.given)
    for stage, digest in after.terms.items():
        if digest != before.terms[stage]:
            record.opened[digest] = record.opened.get(before.terms[stage])
    return after


def _designation_recorded(record: Record, entry: Happening, body: designations.DesignationRecorded) -> None:
    before = record.releases[body.release]
    name = designation_.key_of(body.release, body.agency, body.model, body.class_, body.comparable_to)
    known = record.designations.get(name)
    record.designations[name] = designation_.after(known, body, entry.seq, entry.at_ms)
    _raise(record, before, body.raised)


def _designation_ended(record: Record, entry: Happening, body: designations.DesignationEnded) -> None:
    found = record.designated(body.designation)
    if found is None:
        raise KeyError(body.designation)
    _case_moved(record, entry, body.case)
    record.designations[found.name] = replace(found, ended_ms=entry.at_ms)
    _raise(record, record.releases[body.release], body.raised)


def _end_cases_about(record: Record, gone: Collection[str]) -> None:
    """Terms go out of force. A case about them that is not decided is over, even if no entry says so."""
    for name in (name for digest in gone for name in record.asked.get(digest, ())):
        if record.cases[name].state != kinds.DETERMINED:
            record.put(replace(record.cases[name], is_over=True))


def index_case(record: Record, case: Case) -> None:
    """Let a case be found by the dossier or the terms that it is about."""
    question = case.question
    record.dossiers.setdefault(question.party, case.id)
    about = {kinds.TERMS: record.asked, kinds.OPENING: record.openings}.get(case.kind)
    if about is not None:
        about[question.terms] = (*about.get(question.terms, ()), case.id)
    elif case.kind == kinds.REVIEW:
        record.reviews[question.terms] = case.id
    elif case.kind == kinds.RECONSIDER:
        found = record.designated(question.designation)
        if found is not None:
            record.designations[found.name] = replace(found, case=case.id)
    elif case.kind == kinds.LICENCE:
        record.licensed[question.directive] = (*record.licensed.get(question.directive, ()), case.id)


def _stage_opened(record: Record, entry: Happening, body: releases.StageOpened) -> None:
    for terms in (body.terms, *body.reopens):
        if record.opened.get(terms) is None:
            record.opened[terms] = entry.at_ms
    _go_on(record, entry, body)
    if body.envelope is not None and body.release in record.recalls:
        record.recalls[body.release] = replace(record.recalls[body.release], digest=None)
    found = record.closing_of(body.release, body.stage)
    if found is not None:
        undone = replace(found, digest=None, terms=())
        record.closings[closing.key_of(body.release, body.stage)] = undone


def _go_on(record: Record, entry: Happening, body: releases.StageOpened) -> None:
    """Keep the course of a stage that opens: its ramp begins, or takes over what was in before."""
    ramp = Ramp(at_ms=entry.at_ms)
    if body.ramp is not None:
        ramp = replace(ramp, least=body.ramp.places, is_paused=body.ramp.is_paused)
    known = record.course_of(body.release, body.stage)
    made = Course(first_ms=entry.at_ms, terms=body.terms, ramp=ramp)
    course = made if known is None else replace(known, terms=body.terms, ramp=ramp, closed_ms=None)
    record.courses[closing.key_of(body.release, body.stage)] = course


def _stage_foreseen(record: Record, entry: Happening, body: releases.StageForeseen) -> None:
    record.foreseen[body.terms] = body.opens_ms


def _release_closed(record: Record, entry: Happening, body: closures.ReleaseClosed) -> None:
    record.closures[body.release] = Closure(
        release=body.release,
        seq=entry.seq,
        at_ms=entry.at_ms,
        report=body.report,
        officer=body.officer,
        digest=body.digest,
    )


def _count_in(record: Record, release: str, stage: str, *, admitted: int = 0, removed: int = 0) -> None:
    """Count grants of a stage that are given or taken away."""
    name = closing.key_of(release, stage)
    course = record.courses.get(name)
    if course is not None:
        counted = replace(course, admitted=course.admitted + admitted, removed=course.removed + removed)
        record.courses[name] = counted


def _stage_ramped(record: Record, entry: Happening, body: ramps.StageRamped) -> None:
    course = record.courses[closing.key_of(body.release, body.stage)]
    ramp = course.ramp.moved(entry.at_ms, body.says, body.over_ms)
    course = replace(course, ramp=ramp, digest=body.digest)
    record.courses[closing.key_of(body.release, body.stage)] = course


def _clearance_recorded(record: Record, entry: Happening, body: clearances.ClearanceRecorded) -> None:
    name = clearing.key_of(body.release, CLEARANCES[body.says].kind, body.about, body.party)
    record.clearances[name] = clearing.after(record.clearances.get(name), body, entry.at_ms)


def _evidence_recorded(record: Record, entry: Happening, body: evidence.EvidenceRecorded) -> None:
    if body.digest in record.evidence:
        return
    before = record.releases[body.release]
    keep_evidence(record, evidence_.recorded(entry, body))
    if body.raised:
        _raise(record, before, body.raised)


def _evidence_withdrawn(record: Record, entry: Happening, body: evidence.EvidenceWithdrawn) -> None:
    found, before = record.evidence[body.evidence], record.releases[body.release]
    record.evidence[found.id] = replace(found, withdrawn_ms=entry.at_ms)
    _raise(record, before, body.raised)


def keep_evidence(record: Record, found: Evidence) -> None:
    """Keep a result, and let it be found by its evaluation."""
    record.evidence[found.id] = found
    name = evidence_.key_of(found.release, found.evaluation)
    record.evaluated[name] = (*record.evaluated.get(name, ()), found.id)


def _finding_reported(record: Record, entry: Happening, body: findings.FindingReported) -> None:
    if body.finding not in record.findings:
        scale = record.scale_for(body.release, body.grant)
        keep_finding(record, finding_.reported(entry, body, scale))


def _of_finding(
    record: Record, entry: Happening, body: findings.FindingAnswered | findings.FindingOverdue
) -> None:
    keep_finding(record, record.findings[body.finding].after(entry))


def keep_finding(record: Record, found: Finding) -> None:
    """Keep a finding, and let it be found by its release."""
    if found.id not in record.findings:
        record.found[found.release] = (*record.found.get(found.release, ()), found.id)
    record.put(found)


def _deployment_attested(record: Record, entry: Happening, body: deployments.DeploymentAttested) -> None:
    record.deployments[body.release] = deployment_.attested(entry, body)


def _deployment_ended(record: Record, entry: Happening, body: deployments.DeploymentEnded) -> None:
    found = record.deployments[body.release]
    if found.id == body.deployment and found.ended_ms is None:
        record.deployments[body.release] = replace(found, ended_ms=entry.at_ms)


def _observation_recorded(record: Record, entry: Happening, body: observations.ObservationRecorded) -> None:
    name = observation_.key_of(body.observer, body.probe)
    before = record.observations.get(name)
    directives = record.directives.values()
    record.observations[name] = observation_.observed(entry, body, directives, before)


def _stage_closed(record: Record, entry: Happening, body: releases.StageClosed) -> None:
    found = record.closing_of(body.release, body.stage)
    seen = () if found is None else found.seen
    digest = body.digest if body.digest not in seen else ""  # one that comes again is undone by no opening
    if body.digest is not None:
        seen = (*seen, body.digest)
    record.closings[closing.key_of(body.release, body.stage)] = Closing(
        seq=entry.seq, at_ms=entry.at_ms, terms=body.terms, digest=digest, seen=seen
    )
    if body.envelope is not None and _recalls(body.envelope):
        withdrawn = record.closings[closing.key_of(body.release, body.stage)]
        record.recalls[body.release] = replace(withdrawn, terms=())
    course = record.course_of(body.release, body.stage)
    if course is not None and course.closed_ms is None:
        name = closing.key_of(body.release, body.stage)
        record.courses[name] = replace(course, closed_ms=entry.at_ms)
    for terms in body.terms:
        record.opened[terms] = None
        record.lacking[terms] = SOUND


def _recalls(envelope: Envelope) -> bool:
    """Whether an officer's closing says that it withdraws the whole release."""
    try:
        return StageClosing.read(envelope).recalls
    except BadEnvelope:
        return False


def _stage_lacking(record: Record, entry: Happening, body: releases.StageLacking) -> None:
    record.lacking[body.terms] = Lack(since_ms=entry.at_ms, lost=body.lost, then=body.then or "")


def _case_opened(record: Record, entry: Happening, body: cases.CaseOpened) -> None:
    """The entry that opened what this case is about may have no effect here, so it is not on the record. The
    case still is.
    """
    question = body.question
    dossier = root = ""
    first, grant = record.cases.get(question.against), record.grants.get(question.grant)
    if first is not None:
        is_same = question.party == first.question.party
        dossier, root = first.dossier if is_same else record.dossier_of_appeal(first), first.root
    elif grant is not None:
        root = "" if grant.listed else record.root_of(grant.id).id
        if question.party == record.party_of(grant.id):
            dossier = grant.dossier
    case = case_.opened(entry, body, dossier, root)
    record.put(case)
    index_case(record, case)
    if first is not None:
        _appealed(record, case)
    elif case.kind in _OPEN_ABOUT:
        _about_grant(record, case, case.id)
    elif case.kind == kinds.LIFT and question.directive in record.directives:
        found = record.directives[question.directive]
        record.put(replace(found, lifts=(*found.lifts, case.id)))


_OPEN_ABOUT = frozenset({kinds.AMENDMENT, kinds.REMOVAL})
"""The kinds of case that a grant keeps while they are open."""


def _appealed(record: Record, case: Case) -> None:
    against = record.cases[case.question.against]
    record.put(replace(against, appeal=case.id))
    root = record.cases[case.root]
    record.put(replace(root, appeals=(*root.appeals, case.id)))


def _about_grant(record: Record, case: Case, name: str | None) -> None:
    """Note the open case about a grant; None: it is no longer open."""
    grant = record.grants.get(case.question.grant)
    if grant is not None:
        amends = case.kind == kinds.AMENDMENT
        record.put(replace(grant, amendment=name) if amends else replace(grant, removal=name))


def _case_moved(record: Record, entry: Happening, name: str) -> Case:
    case = record.cases[name].after(entry)
    record.put(case)
    return case


class _OfCase(Protocol):
    """The body of an entry about a case."""

    @property
    def case(self) -> str: ...


class _OfGrant(Protocol):
    """The body of an entry about a grant."""

    @property
    def grant(self) -> str: ...


class _OfDirective(Protocol):
    """The body of an entry about a directive."""

    @property
    def directive(self) -> str: ...


def _of_case(record: Record, entry: Happening, body: _OfCase) -> None:
    _case_moved(record, entry, body.case)


def _case_replied(record: Record, entry: Happening, body: cases.CaseReplied) -> None:
    case = _case_moved(record, entry, body.case)
    if case.kind == kinds.AMENDMENT:
        _about_grant(record, case, case.id)


def _case_determined(record: Record, entry: Happening, body: cases.CaseDetermined) -> None:
    case = _case_moved(record, entry, body.case)
    if case.kind in _OPEN_ABOUT:
        _about_grant(record, case, None)
    elif case.kind == kinds.TERMS and case.outcome in kinds.GRANTED and case.question.terms:
        release = record.releases[case.question.release]
        record.releases[release.name] = release.agreeing(case.question.terms)


def _list_changed(record: Record, entry: Happening, body: releases.ListChanged) -> None:
    for case in [record.cases[name] for name in record.screened]:
        after = case.after(entry)
        if after is not case:
            record.put(after)


def _record_added(record: Record, entry: Happening, body: releases.RecordAdded) -> None:
    if body.about.case is not None:
        _case_moved(record, entry, body.about.case)


def _grant_approved(record: Record, entry: Happening, body: grants.GrantApproved) -> None:
    agreed = record.cases[body.case]
    if agreed.kind == kinds.TERMS:
        grant = grant_.approved(body, agreed.dossier, body.party)
        record.put(grant)
        index_grant(record, grant)
        _count_in(record, body.release, body.stage, admitted=1)
        return
    case = _case_moved(record, entry, body.case)
    appeals = [record.cases[name] for name in record.cases[case.root].appeals]
    about = next((each for each in (case, *appeals) if each.question.party == body.party), case)
    for appeal in appeals:
        record.put(replace(appeal, used=True))
    grant = grant_.approved(body, about.dossier)
    record.put(grant)
    index_grant(record, grant)
    _count_in(record, body.release, body.stage, admitted=1)


def index_grant(record: Record, grant: Grant) -> None:
    """Let a grant be found by its organization, if that is known here; one by a list by its name."""
    for party in filter(None, (grant.listed, grant.named)):
        _index_name(record, grant, party)
    seat = grant_.seat_of(grant)
    if seat is not None:
        record.seats[seat] = (*record.seats.get(seat, ()), grant.id)


def _index_name(record: Record, grant: Grant, party: str) -> None:
    place = grant_.place_of(grant.release, party)
    record.listed[place] = tuple(sorted({*record.listed.get(place, ()), grant.id}))


def _grant_amended(record: Record, entry: Happening, body: grants.GrantAmended) -> None:
    case = _case_moved(record, entry, body.case)
    grant = record.grants[body.grant].after(entry)
    record.put(replace(grant, dossier=case.dossier))


def _grant_moved(record: Record, entry: Happening, body: grants.GrantMoved) -> None:
    _of_grant(record, entry, body)
    if body.party is not None:
        _index_name(record, record.grants[body.grant], body.party)
    _count_in(record, body.release, body.stage, admitted=1)


def _grant_ended(record: Record, entry: Happening, body: grants.GrantEnded) -> None:
    _of_grant(record, entry, body)
    grant = record.grants[body.grant]
    _count_in(record, grant.release, grant.stage, removed=int(body.how == "removed"))


def _grant_reinstated(record: Record, entry: Happening, body: grants.GrantReinstated) -> None:
    _case_moved(record, entry, body.case)
    _of_grant(record, entry, body)


def _of_grant(record: Record, entry: Happening, body: _OfGrant) -> None:
    record.put(record.grants[body.grant].after(entry))


def _directive_issued(record: Record, entry: Happening, body: directives.DirectiveIssued) -> None:
    replaced = record.directives[body.replaces] if body.replaces is not None else None
    if replaced is not None:
        record.put(replaced.after(entry))
    record.put(directive_.issued(entry, body, replaced))


def _licence_granted(record: Record, entry: Happening, body: licences.LicenceGranted) -> None:
    _case_moved(record, entry, body.case)
    document = record.directives[body.directive].document.digest
    record.put(licence_.granted(entry, body, document))


def _licence_ended(record: Record, entry: Happening, body: licences.LicenceEnded) -> None:
    record.put(record.licences[body.licence].after(entry))


def _basis_reminded(record: Record, entry: Happening, body: bases.BasisReminded) -> None:
    record.reminded[body.terms] = None


def _basis_ended(record: Record, entry: Happening, body: bases.BasisEnded) -> None:
    record.bases[body.terms] = body.then


def _promise_made(record: Record, entry: Happening, body: promises.PromiseMade) -> None:
    keep_promise(record, promise_.made(entry, body))


def keep_promise(record: Record, promise: Promise) -> None:
    """Keep a promise, and let it be found by what it is about."""
    about = promise_.place_of(promise.about)
    is_new = promise.id not in record.promises
    record.put(promise)
    if promise.digest is not None:
        record.signs_promises = True
    if about and is_new:
        record.promised[about] = (*record.promised.get(about, ()), promise.id)


def _of_promise(record: Record, entry: Happening, body: promises.OfPromise) -> None:
    keep_promise(record, record.promises[body.promise].after(entry))


def _keep_promises(record: Record, entry: Happening) -> None:
    """What an entry is about may keep promises, or make them void."""
    about = promise_.subject_of(entry.body)
    for name in () if about is None else record.promised.get(promise_.place_of(about), ()):
        before = record.promises[name]
        after = before.after(entry)
        if after is not before:
            record.put(after)


def _of_directive(record: Record, entry: Happening, body: _OfDirective) -> None:
    record.put(record.directives[body.directive].after(entry))


def _credentials_chunk(record: Record, entry: Happening, body: credentials.CredentialsChunk) -> None:
    found = record.imports.get(body.name, KeyImport(name=body.name))
    record.imports[body.name] = found.after(entry)


def _of_import(
    record: Record,
    entry: Happening,
    body: credentials.CredentialsImported | credentials.CredentialsDiscarded,
) -> None:
    record.imports[body.name] = record.imports[body.name].after(entry)


def _account_opened(record: Record, entry: Happening, body: accounts.AccountOpened) -> None:
    record.accounts[body.account] = Account(
        id=body.account,
        holder=body.organization,
        opener=body.holder,
        party=commitment_of(body.dossier, "organization"),
    )


def _account_closed(record: Record, entry: Happening, body: accounts.AccountClosed) -> None:
    record.accounts[body.account] = replace(record.accounts[body.account], is_open=False)


_FOLDS: dict[type[Body], Callable[[Record, Happening, Any], None]] = {
    releases.LogStarted: _log_started,
    releases.LogKeyReplaced: _log_key_replaced,
    accounts.AccountOpened: _account_opened,
    accounts.AccountClosed: _account_closed,
    epochs.EpochBegan: _epoch_began,
    releases.KeyPinned: keychain.pin,
    releases.KeyEnded: keychain.end,
    releases.ReleaseApplied: _release_applied,
    releases.StageOpened: _stage_opened,
    releases.StageClosed: _stage_closed,
    ramps.StageRamped: _stage_ramped,
    releases.StageForeseen: _stage_foreseen,
    closures.ReleaseClosed: _release_closed,
    clearances.ClearanceRecorded: _clearance_recorded,
    evidence.EvidenceRecorded: _evidence_recorded,
    findings.FindingReported: _finding_reported,
    findings.FindingAnswered: _of_finding,
    findings.FindingOverdue: _of_finding,
    deployments.DeploymentAttested: _deployment_attested,
    deployments.DeploymentEnded: _deployment_ended,
    observations.ObservationRecorded: _observation_recorded,
    evidence.EvidenceWithdrawn: _evidence_withdrawn,
    releases.StageLacking: _stage_lacking,
    designations.DesignationRecorded: _designation_recorded,
    designations.DesignationEnded: _designation_ended,
    releases.ListChanged: _list_changed,
    releases.RecordAdded: _record_added,
    cases.CaseOpened: _case_opened,
    cases.CaseReceived: _of_case,
    cases.CaseReferred: _of_case,
    cases.CaseWarned: _of_case,
    cases.CaseEscalated: _of_case,
    cases.CaseSilent: _of_case,
    cases.CaseAnswered: _of_case,
    cases.CaseScreened: _of_case,
    cases.CaseProceeded: _of_case,
    cases.CaseWaitlisted: _of_case,
    cases.CaseOffered: _of_case,
    cases.CaseResumed: _of_case,
    cases.CaseReplied: _case_replied,
    cases.CaseDetermined: _case_determined,
    cases.PositionRecorded: _of_case,
    grants.GrantApproved: _grant_approved,
    grants.GrantAmended: _grant_amended,
    grants.GrantMoved: _grant_moved,
    grants.GrantSuspended: _of_grant,
    grants.GrantResumed: _of_grant,
    grants.GrantEnded: _grant_ended,
    grants.GrantReinstated: _grant_reinstated,
    directives.DirectiveIssued: _directive_issued,
    directives.DirectiveConfirmed: _of_directive,
    directives.DirectiveLifted: _of_directive,
    directives.DirectiveExpired: _of_directive,
    directives.DrillReported: _of_directive,
    directives.DirectiveInForce: _of_directive,
    licences.LicenceGranted: _licence_granted,
    licences.LicenceEnded: _licence_ended,
    bases.BasisReminded: _basis_reminded,
    bases.BasisEnded: _basis_ended,
    promises.PromiseMade: _promise_made,
    promises.PromiseKept: _of_promise,
    promises.PromiseChanged: _of_promise,
    promises.PromiseBroken: _of_promise,
    credentials.CredentialsChunk: _credentials_chunk,
    credentials.CredentialsImported: _of_import,
    credentials.CredentialsDiscarded: _of_import,
}
