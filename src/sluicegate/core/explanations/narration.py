"""What an entry says, in one line for a person.

Rules:
- Only what its public part says: who reads it may not know more.
- A type without a row says the first sentence of its description.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sluicegate.acts.record import RecordedEntry
from sluicegate.core.terms import requirement_phrases
from sluicegate_record import entries
from sluicegate_record.directives.phrases import UNREAD, in_part, narrows, part
from sluicegate_record.directives.received import Arrival
from sluicegate_record.entries import (
    Entry,
    accounts,
    bases,
    cases,
    clearances,
    closures,
    credentials,
    deployments,
    designations,
    directives,
    epochs,
    evidence,
    findings,
    fleet,
    grants,
    licences,
    observations,
    people,
    promises,
    ramps,
    releases,
)
from sluicegate_record.entries.body import Body
from sluicegate_record.entries.support import SupportedBody
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log import times
from sluicegate_record.strict import Unread
from sluicegate_record.terms.text import counted


def recorded(data: bytes) -> RecordedEntry:
    """An entry in words, as its leaf alone says it.

    Raises: NotCanonical; VerificationFailed: not an entry.
    """
    leaf = leaves.read(data)
    entry = entries.of_leaf(leaf, data)
    return RecordedEntry(
        index=leaf.seq,
        at_ms=leaf.at_ms,
        type=leaf.type,
        by=leaf.by,
        stream=leaf.stream,
        about=subject(entry),
        words=narrated(entry),
        public=dict(leaf.public),
        committed=(*leaf.gate, *leaf.sealed),
    )


def narrated(entry: Entry) -> str:
    """What an entry says."""
    said = _SAID.get(type(entry.body))
    if said is not None:
        return said.format(body=entry.body) if isinstance(said, str) else said(entry.body)
    about = " ".join((type(entry.body).__doc__ or entry.type).split())
    return about.partition(". ")[0].rstrip(".")


def subject(entry: Entry) -> str:
    """What an entry is about, in few words: what it names first of `_SUBJECTS`."""
    body = entry.body
    stage = getattr(body, "stage", None)
    for name in _SUBJECTS:
        found = getattr(body, name, None)
        if isinstance(found, str):
            return f"stage {found}/{stage}" if name == "release" and stage else f"{name} {found}"
    return "the log"


_SUBJECTS = ("finding", "promise", "licence", "credential", "grant", "case", "directive", "account", "point",
             "release")  # fmt: skip


def until(until_ms: int | None) -> str:
    """Until when something lasts."""
    return "without end" if until_ms is None else f"until {times.format_time(until_ms)}"


def _plan(body: releases.ReleaseApplied) -> str:
    stages = counted(len(body.terms), "stage")
    return f"the plan of {body.release} is in force, with {stages}" + (
        "" if body.announced else "; it is not announced"
    )


def _opened(body: releases.StageOpened) -> str:
    by = "by itself" if body.officer is None else f"by {body.officer}"
    return f"stage {body.release}/{body.stage} opens, {by}"


def _closed(body: releases.StageClosed) -> str:
    return f"stage {body.release}/{body.stage} closes: {body.reason or lost(body)}"


def lost(body: releases.StageClosed | releases.StageLacking) -> str:
    """What a stage requires, and does not have any more."""
    return f"lost {', '.join(map(requirement_phrases.stated, body.lost))}"


def _lacking(body: releases.StageLacking) -> str:
    return f"stage {body.release}/{body.stage} {lost(body) if body.lost else 'lacks nothing any more'}"


def _case(body: cases.CaseOpened) -> str:
    about = " ".join(filter(None, (body.directive, part(body.question.scope))))
    about = about or "/".join(filter(None, (body.release, body.stage)))
    return f"case {body.case} is opened: {body.kind} of {about}"


def _position(body: cases.PositionRecorded) -> str:
    said = f"{body.agency} says {body.position} in case {body.case}"
    if body.transcribed is None:
        return said
    return f"{written_down(body.transcribed, body.owners or (body.owner,), body.agency)}: {said}"


def written_down(arrived: Arrival | Unread, officers: Iterable[str], agency: str) -> str:
    """Who wrote down the word of an agency, how it arrived, and that the agency itself has not signed it."""
    how = f"{arrived.how} of {arrived.on}" if isinstance(arrived, Arrival) else UNREAD
    return f"written down by {' and '.join(officers)} ({how}), not signed by {agency}"


def _approved(body: grants.GrantApproved) -> str:
    where = f"{body.release}/{body.stage} on {body.surface}"
    return f"grant {body.grant} for {where}, {until(body.valid_until_ms)}, by case {body.case}{_also(body)}"


def _amended(body: grants.GrantAmended) -> str:
    return f"grant {body.grant} is amended, {until(body.valid_until_ms)}, by case {body.case}{_also(body)}"


def _moved(body: grants.GrantMoved) -> str:
    where = f"{body.release}/{body.stage}"
    return f"grant {body.grant} goes on as part of {where}, by case {body.case}{_also(body)}"


def _also(body: SupportedBody) -> str:
    """What counted in place of positions."""
    silent = f"; the silence of {' and '.join(body.silent)} counted" if body.silent else ""
    unopposed = "; no one who was notified objected" if body.unopposed else ""
    return silent + unopposed + ("; officers proceeded" if body.proceeded else "")


def _grant_suspended(body: grants.GrantSuspended) -> str:
    return f"{_part(body)}: suspended ({body.reason_code})"


def _grant_resumed(body: grants.GrantResumed) -> str:
    return f"{_part(body)}: valid again"


def _part(body: grants.GrantSuspended | grants.GrantResumed) -> str:
    """A grant, or only some of its programmes."""
    return f"{', '.join(body.programmes)} of grant {body.grant}" if body.programmes else f"grant {body.grant}"


def _silence(body: cases.CaseSilent) -> str:
    if body.agency is None:
        return f"no one who was notified has objected in time in case {body.case}"
    return f"{body.agency} has not spoken in time in case {body.case}: it means {body.meaning}"


def _warning(body: cases.CaseWarned) -> str:
    whose = f"the time of {body.agency}" if body.agency else "the time to reply"
    return f"{whose} in case {body.case} is nearly over"


def _escalation(body: cases.CaseEscalated) -> str:
    return f"case {body.case} is escalated to {body.to}: {body.agency or 'no one'} has not spoken"


def _answer(body: findings.FindingAnswered) -> str:
    text = f": {body.text}" if body.text else ""
    return f"{body.party} {body.says} finding {body.finding}{text}"


def _promise(body: promises.PromiseMade) -> str:
    return f"{body.party} promises until {times.format_time(body.due_ms)}: {body.text}"


def _broken(body: promises.PromiseBroken) -> str:
    why = f": {body.reason}" if body.reason else ""
    return f"promise {body.promise} of {body.party} is broken ({body.how}){why}"


def _in_force(body: directives.DirectiveInForce) -> str:
    whole = (
        "everywhere" if body.of in {None, 1} else f"everywhere, part {body.part} of {body.of} of the proof"
    )
    return f"directive {body.directive} is in force {whole}, since {times.format_time(body.at_ms)}"


def _clearance(body: clearances.ClearanceRecorded) -> str:
    why = f": {body.reason}" if body.reason else ""
    return f"{body.party} {body.says} {body.about} of {body.release}{why}"


def _foreseen(body: releases.StageForeseen) -> str:
    when = times.format_time(body.opens_ms)
    return f"stage {body.release}/{body.stage} opens at {when}, if no more happens"


def _directive(body: directives.DirectiveIssued) -> str:
    spec = body.document.spec
    replaces = f", in place of {body.replaces}" if body.replaces is not None else ""
    what = narrows(spec.action, spec.models, spec.covers)
    said = f"directive {body.directive} of {body.issuer}: {what}{replaces}"
    arrived = body.document.metadata.transcribed
    if arrived is None:
        return said
    return f"{written_down(arrived, body.signers or (body.signed_by,), body.issuer)}: {said}"


def _lifted(body: directives.DirectiveLifted) -> str:
    return f"{in_part(body.directive, body.scope)} is lifted"


_SAID: Mapping[type[Body], str | Callable[[Any], str]] = {
    releases.ReleaseApplied: _plan,
    releases.StageOpened: _opened,
    releases.StageClosed: _closed,
    releases.StageLacking: _lacking,
    ramps.StageRamped: "{body.officer} {body.says} the ramp of {body.release}/{body.stage}",
    accounts.AccountOpened: "account {body.account} is opened",
    accounts.AccountClosed: "account {body.account} is closed",
    cases.CaseOpened: _case,
    cases.CaseWaitlisted: "case {body.case} is on the waitlist",
    cases.CaseDetermined: "case {body.case} is decided: {body.outcome}",
    cases.PositionRecorded: _position,
    cases.CaseReceived: "{body.agency} has received case {body.case}",
    cases.CaseWarned: _warning,
    cases.CaseEscalated: _escalation,
    cases.CaseSilent: _silence,
    cases.CaseReferred: "{body.agency} refers case {body.case} to {body.to}: {body.reason}",
    cases.CaseAnswered: "the applicant answers {body.agency} in case {body.case}",
    cases.CaseScreened: (
        "{body.owner} has screened case {body.case} with {body.name} {body.version}: "
        "{body.decision}: {body.reason}"
    ),
    cases.CaseProceeded: lambda body: (
        f"{' and '.join(body.owners)} proceed in case {body.case}: {body.reason}"
    ),
    cases.CaseResumed: "case {body.case} is under review again",
    cases.CaseOffered: lambda body: f"a seat is offered in case {body.case}, {until(body.until_ms)}",
    cases.CaseReplied: "the applicant or holder replies in case {body.case}",
    releases.LogStarted: "the log of {body.developer} begins, as {body.origin}",
    releases.LogKeyReplaced: lambda body: (
        f"another key signs the log, by {' and '.join(body.officers) or 'the one before'}: {body.reason}"
    ),
    releases.KeyPinned: "a key of {body.owner}, for {body.party}, is pinned",
    releases.KeyEnded: "a key of {body.owner}, for {body.party}, is {body.how}: {body.reason}",
    epochs.EpochBegan: lambda body: (
        f"the log goes on after a loss, as {' and '.join(body.officers)} say: {body.reason}"
    ),
    releases.StageForeseen: _foreseen,
    releases.OrganizationNominated: "an organization is nominated for {body.release}/{body.stage}",
    releases.ListChanged: "version {body.version} of the list {body.name} is in use",
    releases.RecordAdded: "{body.party}, {body.kind} of {body.on}: {body.text}",
    closures.ReleaseClosed: "{body.officer} closes {body.release}, with a report",
    clearances.ClearanceRecorded: _clearance,
    designations.DesignationRecorded: "{body.agency} {body.says} {body.class_} of {body.release}",
    designations.DesignationEnded: "case {body.case} ends a designation of {body.release}",
    deployments.DeploymentAttested: lambda body: (
        f"{body.officer} asserts what serves {body.release}, {until(body.until_ms)}"
    ),
    deployments.DeploymentEnded: "what serves {body.release} is asserted no longer: {body.reason}",
    evidence.EvidenceRecorded: (
        "{body.party} puts a result of {body.evaluation} of {body.release} on the record"
    ),
    evidence.EvidenceWithdrawn: (
        "{body.party} withdraws its result {body.evidence} of {body.release}: {body.reason}"
    ),
    findings.FindingReported: (
        "{body.party} reports finding {body.finding} about {body.release}, {body.level}: {body.text}"
    ),
    findings.FindingAnswered: _answer,
    findings.FindingOverdue: "the time of the developer to {body.step} finding {body.finding} is over",
    promises.PromiseMade: _promise,
    promises.PromiseKept: "{body.party} has kept promise {body.promise}",
    promises.PromiseChanged: lambda body: (
        f"{body.party} changes promise {body.promise}, {until(body.due_ms)}: {body.reason}"
    ),
    promises.PromiseBroken: _broken,
    bases.BasisReminded: (
        "the basis of {body.release}/{body.stage} ends on {body.until}; its rules then {body.then}"
    ),
    bases.BasisEnded: "the basis of {body.release}/{body.stage} is over: {body.then}",
    licences.LicenceGranted: "licence {body.licence} from directive {body.directive} for grant {body.grant}",
    licences.LicenceEnded: "licence {body.licence} has ended: {body.how}",
    fleet.PointDeclared: "{body.owner} declares point {body.point} for {body.surface}",
    fleet.PointRetired: "{body.owner} retires point {body.point}",
    fleet.PointStated: "point {body.point} has {body.says} directive {body.directive}",
    grants.GrantApproved: _approved,
    grants.GrantAmended: _amended,
    grants.GrantMoved: _moved,
    grants.GrantSuspended: _grant_suspended,
    grants.GrantResumed: _grant_resumed,
    grants.GrantProven: "a call under grant {body.grant} has succeeded on {body.surface}",
    grants.GrantDiffered: "an answer under grant {body.grant} was other than granted: {body.kind}",
    grants.GrantFallbackChosen: "the holder of grant {body.grant} chooses its fallback",
    grants.GrantEnded: "grant {body.grant} has ended: {body.how}",
    grants.GrantReinstated: "grant {body.grant} is again what it was before its removal",
    credentials.CredentialIssued: "key {body.credential} is issued under {body.grant}",
    credentials.CredentialRevoked: "key {body.credential} is revoked",
    credentials.CredentialExpiring: "key {body.credential} gets an end",
    credentials.CredentialsChunk: lambda body: (
        f"part {body.part} of the import {body.name}: {counted(body.count, 'key')}"
    ),
    credentials.CredentialsImported: "the keys of the import {body.name} count",
    credentials.CredentialsDiscarded: "the keys of the import {body.name} do not count",
    directives.DirectiveIssued: _directive,
    directives.DirectiveInForce: _in_force,
    directives.DrillReported: "the report of drill {body.directive} is on the record",
    directives.DefinitionAdded: lambda body: (
        f"{body.definition} means {', '.join(sorted(body.statuses))} ({body.source})"
    ),
    observations.ObservationRecorded: (
        "{body.observer} asked for {body.probe.model} on {body.probe.surface}: {body.outcome.got}"
    ),
    directives.DirectiveConfirmed: "the issuer confirms directive {body.directive}",
    directives.DirectiveLifted: _lifted,
    directives.DirectiveExpired: "directive {body.directive} has expired",
    credentials.CredentialAttested: "it is attested who holds key {body.credential}, or no more",
    credentials.IdentifiersDeclared: lambda body: (
        f"it is declared what identifiers mean that requests send under {body.credential or body.grant}"
    ),
    people.MembersRegistered: "an organization registers members, or more of their identifiers",
    people.MembersRemoved: "an organization removes members",
    people.OrganizationDescribed: "an organization is described, sealed: what directives ask of it",
    people.ProviderRegistered: "identity provider {body.name} of an organization is known",
    people.ProviderRemoved: "assertions of identity provider {body.provider} no longer count",
    people.SignatoryPinned: "signatory {body.signatory} attests for an organization",
    people.SignatoryRetired: "signatory {body.signatory} no longer attests",
    people.StatusClaimed: "statuses of persons are claimed, sealed",
    people.StatusRevoked: "claims of statuses are taken back",
}
