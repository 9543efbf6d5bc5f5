"""How each entry changes the state.

Rules:
- The record and the table fold an entry first. Then what follows from each entity that has changed is looked
  up again, and then what is on no entity of the record is folded here.
- A function returns the stages whose seats it may have touched.
- They raise for an entry that lacks what its type needs, as the folds of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sluicegate.core.access.rows import StageName
from sluicegate.core.lifecycle import blocks, keyring, lists, registry, stages, successions
from sluicegate.core.lifecycle.agenda import What
from sluicegate.core.lifecycle.blocks import stage_of
from sluicegate.core.lifecycle.due import (
    directive_over_ms,
    due_by_date,
    due_in,
    finding_due_ms,
    grant_over_ms,
    licence_over_ms,
    promise_over_ms,
)
from sluicegate.core.lifecycle.rows import Nomination, Point, PointStatement, Transcript
from sluicegate.core.people.persons import Definition
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.casemoves import note_of
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.licence import Licence
from sluicegate_record.entities.promise import Promise
from sluicegate_record.entries import (
    Entry,
    accounts,
    bases,
    cases,
    credentials,
    designations,
    directives,
    fleet,
    people,
    releases,
)
from sluicegate_record.entries.body import Body, seen
from sluicegate_record.terms import kinds

if TYPE_CHECKING:
    from sluicegate.core.lifecycle.state import State


def fold(state: State, entry: Entry) -> None:
    """Fold an entry into all of a state but its table. Raises: as `fold_in` catches them."""
    touched: dict[StageName, None] = {}
    for before, after in state.record.apply(entry):
        for stage in _FOLLOW[type(after)](state, before, after):
            touched[stage] = None
    fold = _FOLDS.get(type(entry.body))
    if fold is not None:
        touched |= dict.fromkeys(fold(state, entry, entry.body) or ())
    release = stages.changed_by(state.record, entry.body)
    if release is not None:
        state.changed_releases[release] = entry.at_ms
    lists.follow(state, entry.body, entry.at_ms, touched)
    successions.follow(state, entry.body, entry.at_ms, touched)
    for stage in touched:
        has_offer = any(True for _ in state.next_offers(*stage))
        state.unsettled_agenda.put(What.of_stage(*stage, "seat"), entry.at_ms if has_offer else None)


# What follows from an entity: the stages whose seats it touches


def _follow_case(state: State, before: Case | None, case: Case) -> Iterator[StageName]:
    state._docket.stale([case.id])
    _follow_times(state, before, case)
    undecided = state.undecided.setdefault(case.question.release, {})
    if case.state in blocks.SETTLED:
        undecided.pop(case.id, None)
    else:
        undecided[case.id] = None
    if before is None:
        for whose in (case.principal, case.organization):
            if whose is not None:
                state.cases_of.setdefault(whose, []).append(case.id)
    if case.kind == kinds.ADMISSION:
        _follow_application(state, before, case)
    if before is not None and before.outcome != case.outcome and case.kind == kinds.TERMS:
        _look_again(state, case.question.release, case.determined_ms or 0)
        _follow_bases(state, case.question.release)
    if before is None and case.kind == kinds.REVIEW:
        _follow_bases(state, case.question.release)
    yield from _follow_list(state, before, case)


def _follow_list(state: State, before: Case | None, case: Case) -> Iterator[StageName]:
    """Count a case onto its waitlist or off it, and its offer of a seat."""
    listed = before.listed_seq if before is not None else None
    if listed != case.listed_seq:
        _list(state, case)
        yield stage_of(case)
    offered = before is not None and before.state == kinds.OFFERED
    if offered is not (case.state == kinds.OFFERED):
        _seat(state, stage_of(case), case.organization or "", -1 if offered else 1)
        yield stage_of(case)


def _follow_application(state: State, before: Case | None, case: Case) -> None:
    question = case.question
    assert case.organization is not None
    key = (case.organization, question.release or "", question.surface or "")
    if case.state != kinds.DETERMINED:
        state.open_applications[key] = case.id
    elif before is not None and before.state != kinds.DETERMINED:
        state.open_applications.pop(key, None)


def _list(state: State, case: Case) -> None:
    waiting = state.waitlist(stage_of(case))
    if case.listed_seq is None:
        del waiting[case.id]
    else:
        waiting[case.id] = case.listed_seq


def _seat(state: State, stage: StageName, organization: str, by: int) -> None:
    """Count a grant or an open offer in (`by` 1) or out (-1)."""
    taken = state.taken(stage)
    taken[organization] += by
    if taken[organization] <= 0:
        del taken[organization]


def _follow_times(state: State, before: Case | None, case: Case) -> None:
    due = dict(due_in(case))
    for what, _ in due_in(before) if before is not None else ():
        if what not in due:
            state.unsettled_agenda.put(what, None)
    for what, due_ms in due.items():
        state.unsettled_agenda.put(what, due_ms)
    state.unsettled_agenda.put(What(case.id, "", "look"), None)


def _follow_grant(state: State, before: Grant | None, grant: Grant) -> Iterator[StageName]:
    if before is None:
        state.granted.add(grant, state.holder_of(grant), state.cases[grant.case].parties)
        if grant.organization not in state.table.organizations:
            state.undescribed[grant.organization] = None
    row = state.table.grants_by_id[grant.id]
    for model in row.models:
        state.reached.setdefault(row.release, {}).setdefault(model, set()).add(row.surface)
    state.unsettled_agenda.put(What(grant.id, "", "expiry"), grant_over_ms(grant))
    yield from _follow_seat(state, before, grant)


def _follow_seat(state: State, before: Grant | None, grant: Grant) -> Iterator[StageName]:
    """Count the seat that a grant holds."""
    was = (before.release, before.stage) if before is not None and before.is_live else None
    now = (grant.release, grant.stage) if grant.is_live else None
    for stage, by in ((was, -1), (now, 1)) if was != now else ():
        if stage is not None:
            _seat(state, stage, grant.organization, by)
            yield stage


def _follow_directive(state: State, before: Directive | None, found: Directive) -> Iterator[StageName]:
    state.unsettled_agenda.put(What(found.name, "", "directive"), directive_over_ms(found))
    if found.ended is not None or found.in_force_ms is not None:
        state.spreading.pop(found.name, None)
    else:
        state.spreading.setdefault(found.name)
    yield from ()


def _follow_bases(state: State, name: str) -> None:
    """Put on the agenda what is due by the dates of a release's bases, and take off what is not any more."""
    due = dict(due_by_date(state.record, state.releases[name]))
    for what in {*state.dated.get(name, ()), *due}:
        state.unsettled_agenda.put(what, due.get(what))
    state.dated[name] = tuple(due)


def _follow_licence(state: State, before: Licence | None, found: Licence) -> Iterator[StageName]:
    state.unsettled_agenda.put(What(found.id, "", "licence"), licence_over_ms(found))
    yield from ()


def _follow_promise(state: State, before: Promise | None, found: Promise) -> Iterator[StageName]:
    state.unsettled_agenda.put(What(found.id, "", "promise"), promise_over_ms(found))
    yield from ()


def _follow_finding(state: State, before: Finding | None, found: Finding) -> Iterator[StageName]:
    _await_finding(state, found)
    yield from ()


def _await_finding(state: State, found: Finding) -> None:
    state.unsettled_agenda.put(What(found.id, "", "finding"), finding_due_ms(state.record, found))


SEATING: dict[type, Callable[[State, Any, Any], Iterator[StageName]]] = {
    Case: _follow_list,
    Grant: _follow_seat,
}
_FOLLOW: dict[type, Callable[[State, Any, Any], Iterator[StageName]]] = {
    Case: _follow_case,
    Grant: _follow_grant,
    Directive: _follow_directive,
    Promise: _follow_promise,
    Licence: _follow_licence,
    Finding: _follow_finding,
}


# What is on no entity of the record


def _keys_changed(state: State, entry: Entry, body: releases.KeyPinned | releases.KeyEnded) -> None:
    state._docket.stale([case.id for case in state._docket.open_cases()])
    if isinstance(body, releases.KeyEnded) and body.since is not None:
        for release in state.releases:
            _look_again(state, release, entry.at_ms)
            _follow_bases(state, release)


def _release_applied(state: State, entry: Entry, body: releases.ReleaseApplied) -> list[StageName]:
    state._docket.stale([case.id for case in state._docket.open_cases(body.release)])
    _look_again(state, body.release, entry.at_ms)
    _follow_bases(state, body.release)
    _await_findings(state, body.release)
    return [(body.release, stage) for stage in body.terms]


def _scrutiny_changed(
    state: State, entry: Entry, body: designations.DesignationRecorded | designations.DesignationEnded
) -> list[StageName]:
    """Other terms may be in force: of every open case, what it waits for; of every stage, its seats."""
    state._docket.stale([case.id for case in state._docket.open_cases(body.release)])
    _look_again(state, body.release, entry.at_ms)
    return [(body.release, stage) for stage in state.releases[body.release].terms]


def _stage_opened(state: State, entry: Entry, body: releases.StageOpened) -> None:
    _look_again(state, body.release, entry.at_ms)
    _await_findings(state, body.release)


def _stage_closed(state: State, entry: Entry, body: releases.StageClosed) -> None:
    _await_findings(state, body.release)


def _await_findings(state: State, release: str) -> None:
    """Put on the agenda what is owed of findings, after a change of the terms on which grants go on."""
    for found in state.record.findings_of(release):
        _await_finding(state, found)


def _stage_lacking(state: State, entry: Entry, body: releases.StageLacking) -> None:
    _look_again(state, body.release, entry.at_ms)


def _look_again(state: State, release: str, at_ms: int) -> None:
    """Put on the agenda the cases that a change of terms, their agreement or their opening has set free."""
    undecided = map(state.cases.__getitem__, state.undecided.get(release, ()))
    for case in blocks.set_free(state.record, undecided, at_ms):
        state.unsettled_agenda.put(What(case.id, "", "look"), at_ms)


def _of_basis(state: State, entry: Entry, body: bases.OfBasis) -> None:
    _follow_bases(state, body.release)


def _organization_nominated(state: State, entry: Entry, body: releases.OrganizationNominated) -> None:
    organization = seen(body.organization)
    invited = seen(body.invited)
    found = Nomination(body.nomination, body.release, body.stage, organization, invited)
    state.nominations[body.release, body.stage, organization] = found
    if invited is not None:
        state.invited.setdefault(body.release, set()).add(invited)


def _list_changed(state: State, entry: Entry, body: releases.ListChanged) -> None:
    state.lists[body.name] = body.version


def _record_added(state: State, entry: Entry, body: releases.RecordAdded) -> None:
    note = state.notes[body.digest] = note_of(entry, body)
    if body.about.directive is not None:
        state.remarks.setdefault(body.about.directive, []).append(note)


def _position_recorded(state: State, entry: Entry, body: cases.PositionRecorded) -> None:
    if body.transcribed is not None:
        state.transcripts[entry.seq] = Transcript(body.owners or (body.owner,), body.transcribed)


def _directive_issued(state: State, entry: Entry, body: directives.DirectiveIssued) -> None:
    if body.document.is_transcribed:
        signers = body.signers or (body.signed_by,)
        state.transcripts[entry.seq] = Transcript(signers, body.document.metadata.transcribed)


def _credential_issued(state: State, entry: Entry, body: credentials.CredentialIssued) -> None:
    _keyring(state, entry, body)
    _key(state, body.grant)


def _credentials_chunk(state: State, entry: Entry, body: credentials.CredentialsChunk) -> None:
    _keyring(state, entry, body)
    for name in seen(body.keys).grants:
        _key(state, name)


def _key(state: State, name: str) -> None:
    """Note that a grant has a credential."""
    if name not in state.keyed and name in state.grants:
        grant = state.grants[name]
        state.keyed.add(grant, state.holder_of(grant), state.cases[grant.case].parties)


def _keyring(state: State, entry: Entry, body: Body) -> None:
    keyring.FOLDS[type(body)](state.keyring, state.table, entry, body)


def _account_opened(state: State, entry: Entry, body: accounts.AccountOpened) -> None:
    organization = seen(body.organization)
    members = state.people_of([organization])
    state.accounts.opened(organization, body.account, entry.seq, members, seen(body.holder))
    for name in state.granted.of("organization", organization):
        if state.grants[name].listed is not None:
            for holdings in (state.granted, state.keyed):
                holdings.give(name, state.holder_of(state.grants[name]))


def _account_closed(state: State, entry: Entry, body: accounts.AccountClosed) -> None:
    organization = state.record.accounts[body.account].organization
    state.accounts.closed(organization, body.account, state.people_of([organization]))


def _organization_described(state: State, entry: Entry, body: people.OrganizationDescribed) -> None:
    state.undescribed.pop(seen(body.described).organization, None)


def _definition_added(state: State, entry: Entry, body: directives.DefinitionAdded) -> None:
    state.definitions[body.definition] = Definition(body.definition, body.statuses, body.source)


def _point_declared(state: State, entry: Entry, body: fleet.PointDeclared) -> None:
    state.points[body.point] = Point(body.point, body.surface, body.public_key, body.owner, entry.at_ms)


def _point_retired(state: State, entry: Entry, body: fleet.PointRetired) -> None:
    state.points[body.point].retired = True


def _point_stated(state: State, entry: Entry, body: fleet.PointStated) -> None:
    stated = PointStatement(body.says, body.size, body.at_ms, entry.seq, entry.at_ms)
    state.points[body.point].stated[body.directive] = stated


def _registry(state: State, entry: Entry, body: Body) -> None:
    registry.FOLDS[type(body)](state.registry, entry, body)


def _members(
    state: State, entry: Entry, body: people.MembersRegistered | people.MembersRemoved
) -> list[StageName]:
    """Count the members of an organization: fewer may let another one from the waitlists in."""
    organization = seen(body.organization)
    before = state.people_of([organization])
    _registry(state, entry, body)
    state.accounts.grown(organization, state.people_of([organization]) - before)
    held = state.table.held.get(organization, ())
    return [(grant.release, grant.stage) for grant in held if grant.release]


_FOLDS: dict[type[Body], Callable[[State, Entry, Any], list[StageName] | None]] = {
    releases.KeyPinned: _keys_changed,
    releases.KeyEnded: _keys_changed,
    accounts.AccountOpened: _account_opened,
    accounts.AccountClosed: _account_closed,
    releases.ReleaseApplied: _release_applied,
    releases.StageOpened: _stage_opened,
    releases.StageClosed: _stage_closed,
    designations.DesignationRecorded: _scrutiny_changed,
    designations.DesignationEnded: _scrutiny_changed,
    bases.BasisReminded: _of_basis,
    bases.BasisEnded: _of_basis,
    releases.StageLacking: _stage_lacking,
    releases.OrganizationNominated: _organization_nominated,
    releases.ListChanged: _list_changed,
    releases.RecordAdded: _record_added,
    cases.PositionRecorded: _position_recorded,
    directives.DirectiveIssued: _directive_issued,
    **dict.fromkeys(keyring.FOLDS, _keyring),
    credentials.CredentialIssued: _credential_issued,
    credentials.CredentialsChunk: _credentials_chunk,
    people.OrganizationDescribed: _organization_described,
    directives.DefinitionAdded: _definition_added,
    fleet.PointDeclared: _point_declared,
    fleet.PointRetired: _point_retired,
    fleet.PointStated: _point_stated,
    **dict.fromkeys(registry.FOLDS, _registry),
    people.MembersRegistered: _members,
    people.MembersRemoved: _members,
}
