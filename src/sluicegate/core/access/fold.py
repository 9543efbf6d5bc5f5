"""How each type of entry changes a table.

Rules:
- One function for each type; an entry of a type that is not listed changes nothing here.
- They raise for an entry that lacks what its type needs; `fold_in` makes that one error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from sys import intern
from typing import TYPE_CHECKING, Any, TypeVar

from sluicegate.core.access.programmes import rows
from sluicegate.core.access.refusals import Reason
from sluicegate.core.access.rows import (
    ENDS,
    ISSUED,
    AudienceRow,
    AudienceTerms,
    CredentialRow,
    DeploymentRow,
    GrantRow,
    KeyBatch,
    KeyState,
    Listing,
    Offer,
    TermsRow,
    agreed_models,
    served,
)
from sluicegate.core.directives import cover
from sluicegate.core.directives.cover import Exempt, Requester, Resolution, Selector
from sluicegate.core.people.assertion import Provider
from sluicegate.core.people.persons import Claim, CredentialAttestation, Person
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record.directives.status import Assurance
from sluicegate_record.entities.finding import reported
from sluicegate_record.entries import (
    Body,
    Entry,
    accounts,
    cases,
    credentials,
    deployments,
    designations,
    directives,
    evidence,
    findings,
    grants,
    licences,
    people,
    ramps,
    releases,
    seen,
)
from sluicegate_record.statements.people import NONE
from sluicegate_record.terms import audience, kinds
from sluicegate_record.terms.audience import Ramp
from sluicegate_record.terms.effective import day_of
from sluicegate_record.terms.findings import UNSTATED
from sluicegate_record.terms.plan import PlanSpec, Stage

if TYPE_CHECKING:
    from sluicegate.core.access.table import Table

AnyBody = TypeVar("AnyBody")


def fold_in(fold: Callable[[AnyBody, Entry], None], state: AnyBody, entry: Entry) -> None:
    """Fold an entry into a state.

    Raises: VerificationFailed: the entry is about something that does not exist, or lacks what its type
            needs.
    """
    try:
        fold(state, entry)
    except (AttributeError, InvalidInput, KeyError, StopIteration, TypeError, ValueError) as error:
        raise VerificationFailed(
            f"entry {entry.seq} ({entry.type}) lacks what its type needs: {error!r}"
        ) from error


def fold(table: Table, entry: Entry) -> None:
    """Fold an entry into a table. Raises: as `fold_in` catches them."""
    move = _FOLDS.get(type(entry.body))
    if move is not None:
        move(table, entry, entry.body)


def changes(body: Body) -> bool:
    """Whether an entry with this body changes a table."""
    return type(body) in _FOLDS


def _log_started(table: Table, entry: Entry, body: releases.LogStarted) -> None:
    table.log_key = body.vkey


def _log_key_replaced(table: Table, entry: Entry, body: releases.LogKeyReplaced) -> None:
    table.log_key = body.key


def _release_applied(table: Table, entry: Entry, body: releases.ReleaseApplied) -> None:
    spec = seen(body.given).spec
    models = {model.id: model.upstream for model in spec.models}
    kept = Listing(frozenset(models), dict(body.terms), dict(body.terms))
    fallback = None if spec.on_refusal is None else spec.on_refusal.fallback_model
    terms = {
        kept.stages[stage.name]: TermsRow(
            body.release,
            models,
            {model.id: model.digest for model in spec.models},
            spec.scale,
            stage.conditions,
            spec.lease_ms,
            _audience(stage, spec),
            stage.exposure.requests_per_day,
            spec.programmes,
            agreed_models(spec),
        )
        for stage in spec.stages
    }
    before = table.listings.get(body.release)
    if before is not None:
        _raise(table, body.release, {})
    tightened = [stage for stage, looser in body.tightened.items() if looser in table.open_terms]
    table.open_terms.update(kept.stages[stage] for stage in tightened)
    for model_id in before.models - kept.models if before else ():
        del table.offers[model_id]
    for model_id in kept.models:
        table.offers[model_id] = Offer(body.release, spec.announced, fallback)
    table.listings[body.release] = kept
    table.leases.put(body.release, spec.lease_ms)
    table.terms.update(terms)
    for stage in tightened:
        table.limit((body.release, stage), kept.stages[stage])
    table.carry(body.release, spec.programmes)
    _go_on(table, body)
    _raise(table, body.release, body.raised)


def _raise(table: Table, release: str, raised: Mapping[str, str]) -> None:
    """Put the terms in force that scrutiny gives, or the plan's own again: as open as those before them.

    What the table has of terms, a level does not change.
    """
    listing, row = table.listings[release], table.audiences.get(release)
    stages = {**listing.own, **raised}
    for stage, digest in stages.items():
        before = listing.stages[stage]
        if digest == before:
            continue
        table.terms[digest] = table.terms[before]
        table.open_terms.discard(digest)
        if before in table.open_terms:
            table.open_terms.add(digest)
        if row is not None and row.terms == before:
            table.serve(release, _served_by(table, release, digest, row.opened_ms, row.ramp))
    table.listings[release] = replace(listing, stages=stages)
    table.weigh(release)


def _designation(
    table: Table, entry: Entry, body: designations.DesignationRecorded | designations.DesignationEnded
) -> None:
    _raise(table, body.release, body.raised)


def _evidence_recorded(table: Table, entry: Entry, body: evidence.EvidenceRecorded) -> None:
    if body.raised:
        _raise(table, body.release, body.raised)


def _evidence_withdrawn(table: Table, entry: Entry, body: evidence.EvidenceWithdrawn) -> None:
    _raise(table, body.release, body.raised)


def _audience(stage: Stage, spec: PlanSpec) -> AudienceTerms | None:
    if not stage.is_for_everyone:
        return None
    surfaces, shares = frozenset(spec.surfaces), audience.shares(stage.ramp)
    return AudienceTerms(stage.name, surfaces, shares, frozenset(stage.grants))


def _go_on(table: Table, body: releases.ReleaseApplied) -> None:
    """A stage that is open for everyone goes on under the terms by which it opened, or tighter ones."""
    row = table.audiences.get(body.release)
    if row is not None and row.asked.stage not in body.terms:
        row = None
    elif row is not None and body.tightened.get(row.asked.stage) == row.terms:
        row = _served_by(table, body.release, body.terms[row.asked.stage], row.opened_ms, row.ramp)
    table.serve(body.release, row)


def _served_by(table: Table, release: str, terms: str, opened_ms: int, ramp: Ramp) -> AudienceRow | None:
    """The row of a stage that is open under terms; None if those are not for everyone."""
    found = table.terms.get(terms)
    if found is None or found.audience is None:
        return None
    most = found.conditions.requests_per_minute
    return AudienceRow(release, terms, opened_ms, found.audience, most, ramp)


def _case_opened(table: Table, entry: Entry, body: cases.CaseOpened) -> None:
    if body.kind != kinds.ADMISSION:
        return
    question, organization = body.question, seen(body.organization)
    if organization is None:
        raise KeyError("organization")
    table.cases[body.case] = (organization, question.release, question.surface)
    _pend(table, body.case)


def _case_pending(table: Table, entry: Entry, body: cases.CaseWaitlisted | cases.CaseReplied) -> None:
    _pend(table, body.case)


def _pend(table: Table, case: str) -> None:
    """A case is under review, or under review again."""
    asked = table.cases.get(case)
    if asked is not None:
        organization, release, surface = asked
        table.pending.setdefault((organization, release), {})[surface] = case


def _case_determined(table: Table, entry: Entry, body: cases.CaseDetermined) -> None:
    asked = table.cases.get(body.case)
    if asked is not None:
        organization, release, surface = asked
        if table.pending[organization, release].get(surface) == body.case:
            del table.pending[organization, release][surface]


def _stage_opened(table: Table, entry: Entry, body: releases.StageOpened) -> None:
    table.open_terms |= {body.terms, *body.reopens}
    table.limit((body.release, body.stage), body.terms)
    ramp = Ramp(at_ms=entry.at_ms)
    if body.ramp is not None:
        ramp = Ramp(at_ms=entry.at_ms, is_paused=body.ramp.is_paused, least=body.ramp.places)
    known = table.audiences.get(body.release)
    row = _served_by(table, body.release, body.terms, entry.at_ms, ramp)
    if row is not None or (known is not None and known.asked.stage == body.stage):
        table.serve(body.release, row)


def _stage_closed(table: Table, entry: Entry, body: releases.StageClosed) -> None:
    table.open_terms.difference_update(body.terms)
    row = table.audiences.get(body.release)
    if row is not None and (row.asked.stage == body.stage or row.terms in body.terms):
        table.serve(body.release, None)


def _stage_ramped(table: Table, entry: Entry, body: ramps.StageRamped) -> None:
    row = table.audiences.get(body.release)
    if row is not None and row.asked.stage == body.stage:
        ramp = row.ramp.moved(entry.at_ms, body.says, body.over_ms)
        table.serve(body.release, row._replace(ramp=ramp))


def _deployment_attested(table: Table, entry: Entry, body: deployments.DeploymentAttested) -> None:
    table.deployments[body.release] = DeploymentRow(
        body.digest, body.signed_at_ms, body.until_ms, served(body.serves)
    )


def _deployment_ended(table: Table, entry: Entry, body: deployments.DeploymentEnded) -> None:
    found = table.deployments.get(body.release)
    if found is not None and found.id == body.deployment:
        del table.deployments[body.release]


def _account_opened(table: Table, entry: Entry, body: accounts.AccountOpened) -> None:
    organization = intern(seen(body.organization))
    row = GrantRow(body.account, organization, "", "", "", "", {}, entry.at_ms, None, None, proven=True)
    row.directed = table.names(organization)
    table.accounts[body.account] = row
    table.held[organization] = (*table.held.get(organization, ()), row)


def _account_closed(table: Table, entry: Entry, body: accounts.AccountClosed) -> None:
    table.accounts[body.account].barred = Reason.NOT_ADMITTED


def _grant_approved(table: Table, entry: Entry, body: grants.GrantApproved) -> None:
    terms = table.terms[body.terms]
    conditions = terms.conditions if body.conditions is None else body.conditions
    grant = GrantRow(
        id=body.grant,
        organization=intern(seen(body.organization)),
        release=intern(body.release),
        stage=intern(body.stage),
        surface=intern(body.surface),
        terms=intern(body.terms),
        models=_served(terms, body),
        valid_from_ms=body.valid_from_ms,
        valid_until_ms=body.valid_until_ms,
        requests_per_minute=conditions.requests_per_minute,
        directed=table.names(seen(body.organization)),
        programmes=rows(terms.programmes, body.programmes),
        agreed=terms.agreed,
    )
    key = (grant.organization, grant.release, grant.surface)
    if key in table.grants:
        table.grants[key].replaced = True
    table.grants[key] = grant
    table.grants_by_id[grant.id] = grant
    table.held[grant.organization] = (*table.held.get(grant.organization, ()), grant)


def _served(terms: TermsRow, body: Body) -> dict[str, str]:
    """The models of a grant; no models if the grant says something that this build does not know."""
    return {} if body.strange else terms.models


def _grant_proven(table: Table, entry: Entry, body: grants.GrantProven) -> None:
    table.grants_by_id[body.grant].proven = True


def _grant_differed(table: Table, entry: Entry, body: grants.GrantDiffered) -> None:
    grant = table.grants_by_id[body.grant]
    grant.differed = tuple(sorted({**dict(grant.differed), body.kind: day_of(entry.at_ms)}.items()))


def _grant_amended(table: Table, entry: Entry, body: grants.GrantAmended) -> None:
    grant = table.grants_by_id[body.grant]
    grant.terms = intern(body.terms)
    grant.models = _served(table.terms[body.terms], body)
    grant.programmes = rows(table.terms[body.terms].programmes, body.programmes)
    grant.agreed = table.terms[body.terms].agreed
    grant.valid_until_ms = body.valid_until_ms
    grant.requests_per_minute = body.conditions.requests_per_minute


def _grant_moved(table: Table, entry: Entry, body: grants.GrantMoved) -> None:
    grant, terms = table.grants_by_id[body.grant], table.terms[body.terms]
    grant.stage, grant.terms = intern(body.stage), intern(body.terms)
    grant.models = _served(terms, body)
    grant.programmes = rows(terms.programmes, body.programmes)
    grant.agreed = terms.agreed
    grant.requests_per_minute = body.conditions.requests_per_minute


def _grant_suspended(table: Table, entry: Entry, body: grants.GrantSuspended) -> None:
    grant = table.grants_by_id[body.grant]
    if body.programmes:
        grant.halted = grant.halted.union(body.programmes)
    else:
        _bar(grant, Reason.GRANT_SUSPENDED)


def _grant_resumed(table: Table, entry: Entry, body: grants.GrantResumed) -> None:
    grant = table.grants_by_id[body.grant]
    if body.programmes:
        grant.halted = grant.halted.difference(body.programmes)
    else:
        grant.barred = None


def _grant_reinstated(table: Table, entry: Entry, body: grants.GrantReinstated) -> None:
    grant = table.grants_by_id[body.grant]
    key = (grant.organization, grant.release, grant.surface)
    table.grants[key].replaced = True
    grant.replaced, grant.barred = False, None
    table.grants[key] = grant


def _grant_ended(table: Table, entry: Entry, body: grants.GrantEnded) -> None:
    _bar(table.grants_by_id[body.grant], ENDS[body.how])


def _bar(grant: GrantRow, reason: Reason) -> None:
    """Let a grant allow nothing. One that was removed stays that: its holder is barred elsewhere, too."""
    if grant.barred is not Reason.GRANT_REMOVED:
        grant.barred = reason


def _grant_fallback_chosen(table: Table, entry: Entry, body: grants.GrantFallbackChosen) -> None:
    table.grants_by_id[body.grant].falls_back = body.fallback is True


def _credential_issued(table: Table, entry: Entry, body: credentials.CredentialIssued) -> None:
    grant, name = table.row(body.grant), seen(body.member)
    member = table.people[name] if name is not None else None
    directed = member is not None and table.names_member(member.id)
    state = KeyState(directed=True) if directed else ISSUED
    credential = CredentialRow(body.credential, grant, member, state)
    table.credentials[seen(body.digest)] = credential
    table.credentials_by_id[credential.id] = credential
    if member is not None:
        member.bind(credential.id)


def _credential_revoked(table: Table, entry: Entry, body: credentials.CredentialRevoked) -> None:
    credential = table.credentials_by_id[body.credential]
    credential.state = replace(credential.state, revoked=True)


def _identifiers_declared(table: Table, entry: Entry, body: credentials.IdentifiersDeclared) -> None:
    about = body.credential or body.grant
    if about is None or (about not in table.credentials_by_id and about not in table.grants_by_id):
        raise KeyError(about)
    if seen(body.identifiers) == NONE and not body.strange:
        table.unnaming.add(about)
    else:
        table.unnaming.discard(about)


def _credential_expiring(table: Table, entry: Entry, body: credentials.CredentialExpiring) -> None:
    credential, until_ms = table.credentials_by_id[body.credential], seen(body.until_ms)
    state = credential.state
    if state.expires_ms is None or until_ms < state.expires_ms:
        credential.state = replace(state, expires_ms=until_ms)


def _credentials_chunk(table: Table, entry: Entry, body: credentials.CredentialsChunk) -> None:
    keys = seen(body.keys)
    if not keys.fits(body.count):
        raise ValueError("a part with other keys than it says")
    grants = [table.row(name) for name in keys.grants]
    batch = table.imports.setdefault(body.name, KeyBatch())
    expiries = keys.expiry_of_each()
    states = {expires_ms: KeyState(expires_ms=expires_ms, batch=batch) for expires_ms in set(expiries)}
    each = zip(keys.digest_of_each(), keys.of, expiries, strict=True)
    for number, (digest, of, expires_ms) in enumerate(each, batch.count):
        name = f"{body.name}.{number}"
        row = CredentialRow(name, grants[of], state=states[expires_ms])
        table.credentials[digest] = table.credentials_by_id[name] = row
    batch.count += body.count


def _credentials_imported(table: Table, entry: Entry, body: credentials.CredentialsImported) -> None:
    batch = table.imports[body.name]
    batch.counts = not batch.is_free


def _credentials_discarded(table: Table, entry: Entry, body: credentials.CredentialsDiscarded) -> None:
    batch = table.imports.get(body.name)
    if batch is not None:
        batch.is_free = batch.is_free or not batch.counts
        batch.counts = False


def _credential_attested(table: Table, entry: Entry, body: credentials.CredentialAttested) -> None:
    credential, stated = table.credentials_by_id[body.credential], seen(body.attested)
    attested = None
    if stated is not None:
        attested = CredentialAttestation(
            frozenset(stated.statuses),
            frozenset(stated.models) if stated.models is not None else None,
            frozenset(stated.excluded or ()),
            stated.until_ms,
        )
    credential.state = replace(credential.state, attested=attested)


def _organization_described(table: Table, entry: Entry, body: people.OrganizationDescribed) -> None:
    found = seen(body.described)
    organization = intern(found.organization)
    country = intern(found.registered_in)
    table.organizations[organization] = Requester(organization, country, found.name, found.sector)
    for tag in (found.name, found.bare):
        if tag is not None:
            table.bear(organization, tag)
    table.also_bear(organization, found.also)


def _members_registered(table: Table, entry: Entry, body: people.MembersRegistered) -> None:
    organization = intern(seen(body.organization))
    registry = table.registry.setdefault(organization, {})
    for row in seen(body.members):
        person = table.people.get(row.member)
        if person is None:
            person = table.people[row.member] = Person(row.member, organization)
        for identifier in row.identifiers:
            registry[identifier] = person


def _members_removed(table: Table, entry: Entry, body: people.MembersRemoved) -> None:
    registry = table.registry[seen(body.organization)]
    gone = set(seen(body.members))
    for member in gone:
        for key in table.people.pop(member).keys:
            table.mark_key(key, directed=True)  # no directive finds it by its member from now on
    for identifier in [key for key, person in registry.items() if person.id in gone]:
        del registry[identifier]


def _status_claimed(table: Table, entry: Entry, body: people.StatusClaimed) -> None:
    for row in seen(body.claims):
        claim = Claim(intern(row.issuer), intern(row.status), Assurance.of(row.assurance), row.until_ms)
        person = table.people[row.member]
        person.claim(claim)
        person.claims = table.claims.setdefault(person.claims, person.claims)


def _status_revoked(table: Table, entry: Entry, body: people.StatusRevoked) -> None:
    for row in seen(body.claims):
        table.people[row.member].revoke(row.issuer)


def _provider_registered(table: Table, entry: Entry, body: people.ProviderRegistered) -> None:
    stated = seen(body.provider)
    providers = table.providers.setdefault(intern(seen(body.organization)), {})
    providers[stated.provider] = Provider(
        stated.issuer, stated.audience, frozenset(stated.algorithms), stated.keys, stated.max_age_s
    )


def _provider_removed(table: Table, entry: Entry, body: people.ProviderRemoved) -> None:
    del table.providers[seen(body.organization)][body.provider]


def _directive_issued(table: Table, entry: Entry, body: directives.DirectiveIssued) -> None:
    directive = cover.compiled(body.directive, body.document.spec, _named_in(body), entry.at_ms)
    if body.document.is_drill:
        table.complete(directive)
        table.drills[directive.name] = directive
        return
    if body.replaces is not None:
        table.undirect(body.replaces)
    table.direct(directive)


def _named_in(body: directives.DirectiveIssued | directives.DirectiveLifted) -> dict[str, Resolution]:
    """The meaning of the names in a directive. Old entries have organizations only."""
    if isinstance(body.named, dict):
        return dict(_readable(body.named))
    organizations = body.organizations if isinstance(body, directives.DirectiveIssued) else None
    return {"covers": Resolution(organizations=organizations)} if isinstance(organizations, tuple) else {}


def _readable(named: Mapping[str, Any]) -> Iterator[tuple[str, Resolution]]:
    """The parts that this build can read.

    A directive without a readable part covers everyone; an exception, no one.
    """
    for part, value in named.items():
        try:
            yield part, Resolution.from_json(value)
        except ValueError:
            continue


def _directive_lifted(table: Table, entry: Entry, body: directives.DirectiveLifted) -> None:
    if table.drills.pop(body.directive, None) is not None:
        return
    if body.scope is None:
        table.undirect(body.directive)
        return
    directive = table.directives[body.directive]
    named = {**_named_in(body), **directive.annexes}
    table.exempt(directive, cover.lifted(body.case or "", body.scope, named))
    if directive.is_spent:
        table.undirect(body.directive)


def _licence_granted(table: Table, entry: Entry, body: licences.LicenceGranted) -> None:
    selector = Selector(organizations={seen(body.organization)})
    if body.member is not None:
        selector = Selector(members=frozenset({body.member}))
    licence = Exempt(
        body.licence,
        selector,
        until_ms=body.valid_until_ms,
        requests_per_minute=body.conditions.requests_per_minute,
    )
    table.directives[body.directive].license(licence)


def _licence_ended(table: Table, entry: Entry, body: licences.LicenceEnded) -> None:
    directive = table.directives.get(body.directive)
    if directive is not None:
        directive.licences.pop(body.licence, None)


def _finding_reported(table: Table, entry: Entry, body: findings.FindingReported) -> None:
    if body.model is not None and body.finding not in table.found:
        table.found[body.finding] = reported(entry, body, UNSTATED)  # what a scale says is of misuse
        table.weigh(body.release)


def _of_finding(table: Table, entry: Entry, body: findings.FindingAnswered | findings.FindingOverdue) -> None:
    found = table.found.get(body.finding)
    if found is not None:
        table.found[body.finding] = found.after(entry)
        table.weigh(found.release)


def _directive_expired(table: Table, entry: Entry, body: directives.DirectiveExpired) -> None:
    table.undirect(body.directive)


_FOLDS: dict[type[Body], Callable[[Table, Entry, Any], None]] = {
    releases.LogStarted: _log_started,
    releases.LogKeyReplaced: _log_key_replaced,
    releases.ReleaseApplied: _release_applied,
    cases.CaseOpened: _case_opened,
    cases.CaseWaitlisted: _case_pending,
    cases.CaseReplied: _case_pending,
    cases.CaseDetermined: _case_determined,
    releases.StageOpened: _stage_opened,
    releases.StageClosed: _stage_closed,
    ramps.StageRamped: _stage_ramped,
    deployments.DeploymentAttested: _deployment_attested,
    deployments.DeploymentEnded: _deployment_ended,
    designations.DesignationRecorded: _designation,
    designations.DesignationEnded: _designation,
    evidence.EvidenceRecorded: _evidence_recorded,
    evidence.EvidenceWithdrawn: _evidence_withdrawn,
    accounts.AccountOpened: _account_opened,
    accounts.AccountClosed: _account_closed,
    grants.GrantApproved: _grant_approved,
    grants.GrantProven: _grant_proven,
    grants.GrantDiffered: _grant_differed,
    grants.GrantAmended: _grant_amended,
    grants.GrantMoved: _grant_moved,
    grants.GrantSuspended: _grant_suspended,
    grants.GrantResumed: _grant_resumed,
    grants.GrantEnded: _grant_ended,
    grants.GrantReinstated: _grant_reinstated,
    grants.GrantFallbackChosen: _grant_fallback_chosen,
    credentials.CredentialIssued: _credential_issued,
    credentials.CredentialRevoked: _credential_revoked,
    credentials.CredentialAttested: _credential_attested,
    credentials.CredentialExpiring: _credential_expiring,
    credentials.IdentifiersDeclared: _identifiers_declared,
    credentials.CredentialsChunk: _credentials_chunk,
    credentials.CredentialsImported: _credentials_imported,
    credentials.CredentialsDiscarded: _credentials_discarded,
    people.OrganizationDescribed: _organization_described,
    people.MembersRegistered: _members_registered,
    people.MembersRemoved: _members_removed,
    people.StatusClaimed: _status_claimed,
    people.StatusRevoked: _status_revoked,
    people.ProviderRegistered: _provider_registered,
    people.ProviderRemoved: _provider_removed,
    directives.DirectiveIssued: _directive_issued,
    directives.DirectiveLifted: _directive_lifted,
    directives.DirectiveExpired: _directive_expired,
    findings.FindingReported: _finding_reported,
    findings.FindingAnswered: _of_finding,
    findings.FindingOverdue: _of_finding,
    licences.LicenceGranted: _licence_granted,
    licences.LicenceEnded: _licence_ended,
}
