"""The table: all that a decision needs, folded from the ledger's entries.

Rules:
- The table is a function of the entries alone; it reads their `public` and `gate` parts.
- An entry is applied whole or not at all; one of an unknown version or type stops the fold.
- The cost of a look-up does not depend on how many credentials, grants and directives there are.
- A grant keeps the terms that it was given under. A plan applied later does not change them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any, NamedTuple, TypeVar

from sluicegate.core.access.leases import LeaseTerms
from sluicegate.core.access.refusals import Reason
from sluicegate.core.directives import cover
from sluicegate.core.directives.cover import Cover, DirectiveIndex, Exempt, Requester, Resolution, Selector
from sluicegate.core.people.assertion import Provider
from sluicegate.core.people.persons import Claim, CredentialAttestation, Person
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record.directives.status import Assurance
from sluicegate_record.entries import (
    Body,
    Entry,
    Unknown,
    cases,
    credentials,
    directives,
    grants,
    people,
    releases,
    seen,
)
from sluicegate_record.terms import kinds
from sluicegate_record.terms.conditions import Conditions

AnyBody = TypeVar("AnyBody")


@dataclass(slots=True)
class GrantRow:
    """An organization's authorization for one release on one surface.

    `replaced` says that a later grant has replaced it; `proven` that a call under it has succeeded. `barred`
    is why it allows nothing, now or from now on. `falls_back` says that its holder wants the fallback to
    answer when a directive refuses a request.
    Units: validity in milliseconds since 1970 UTC, `[from, until)`; `until` None is without end.
    """

    id: str
    organization: str
    release: str
    stage: str
    surface: str
    terms: str
    models: dict[str, str]
    valid_from_ms: int
    valid_until_ms: int | None
    requests_per_minute: int | None
    replaced: bool = False
    proven: bool = False
    barred: Reason | None = None
    falls_back: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether an entry has ended it. A suspended one has not ended: it can resume."""
        return self.replaced or self.barred in _ENDS.values()


@dataclass(slots=True)
class CredentialRow:
    """An API key by its digest, and the grant that it belongs to.

    `member` is the only person who may use it; `attested` is what is known of all persons who can reach it.
    """

    id: str
    grant: GrantRow
    revoked: bool = False
    member: Person | None = None
    attested: CredentialAttestation | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as its release offers it now, for callers who are not admitted."""

    release: str
    announced: bool
    fallback: str | None


class OrganizationRow(NamedTuple):
    """An organization without its grants: the tag of its legal name, its country, its sector."""

    name: str
    registered_in: str
    sector: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What the table keeps of a release's plan in force."""

    models: frozenset[str]
    stages: dict[str, str]
    """The digest of the terms, by stage."""


class TermsRow(NamedTuple):
    """What terms give: the upstream of each model, the conditions of a grant that states none, the lease."""

    models: dict[str, str]
    conditions: Conditions
    lease_ms: int


class Table:
    """Who may do what, at one size of the log.

    The fields are read by `core.access.decision` alone and written by `apply` alone.
    """

    def __init__(self) -> None:
        self.size = 0
        self.leases = LeaseTerms()
        self.credentials: dict[bytes, CredentialRow] = {}
        self.grants: dict[tuple[str, str, str], GrantRow] = {}
        self.grants_by_id: dict[str, GrantRow] = {}
        self.holders: dict[str, set[str]] = {}
        """The organizations that hold or held a grant, by release."""
        self.pending: dict[tuple[str, str], dict[str, str]] = {}
        self.offers: dict[str, Offer] = {}
        self.listings: dict[str, Listing] = {}
        """The listings by release."""
        self.terms: dict[str, TermsRow] = {}
        """Terms by digest, in force or not."""
        self.open_terms: set[str] = set()
        """The terms, by digest, under which a stage was opened."""
        self.organizations: dict[str, OrganizationRow] = {}
        self.people: dict[str, Person] = {}
        self.registry: dict[str, dict[bytes, Person]] = {}
        """The members of each organization, by the identifiers that requests use for them."""
        self.providers: dict[str, dict[str, Provider]] = {}
        """The identity providers of each organization, by id."""
        self.directives: dict[str, Cover] = {}
        self.suspending: dict[str, DirectiveIndex] = {}
        """The directives that suspend, by model. A model that no directive suspends is not here."""
        self.restricting: dict[str, DirectiveIndex] = {}
        self.drills: dict[str, Cover] = {}
        """Drills: directives that are only tried, and never refuse a request."""
        self._credential_ids: dict[str, CredentialRow] = {}
        self._cases: dict[str, tuple[str, str, str]] = {}
        self._named: dict[str, set[str]] = {}
        """Organizations by the tag of their legal name."""
        self._naming: dict[str, Cover] = {}
        """The directives in force that have legal names, by name.

        An organization that gets such a name later is added.
        """
        self._claims: dict[tuple[Claim, ...], tuple[Claim, ...]] = {}
        """Claims about persons, each combination kept once: many persons have the same claims."""

    @property
    def lease_ms(self) -> int:
        """How long a gateway may trust this table: the smallest lease of the plans in force."""
        return self.leases.lease_ms

    def apply(self, entry: Entry) -> None:
        """Fold one entry in.

        Requires: `entry.seq == self.size`.
        Raises: VerificationFailed: out of order, or this build cannot read it.
        """
        if entry.seq != self.size:
            raise VerificationFailed(f"entry {entry.seq} cannot follow a table of size {self.size}")
        if isinstance(entry.body, Unknown):
            raise VerificationFailed(f"entry {entry.seq} ({entry.type}): {entry.body.why}")
        fold_in(_fold, self, entry)
        self.size = entry.size

    def skip(self, entry: Entry) -> None:
        """Count one entry in, and ignore what it says. Requires: `entry.seq == self.size`."""
        self.size = entry.size

    def entity(self, organization: str) -> Requester:
        """An organization as directives see it."""
        known = self.organizations.get(organization)
        return Requester(organization, known.registered_in if known is not None else None)

    def credential(self, name: str) -> CredentialRow:
        """A credential by its id. Raises: KeyError."""
        return self._credential_ids[name]

    def known(self, name: str) -> CredentialRow | None:
        """The credential with this id, if there is one."""
        return self._credential_ids.get(name)

    def bearing(self, name: str) -> frozenset[str]:
        """The organizations whose legal name has this tag."""
        return frozenset(self._named.get(name, ()))

    def credentials_of(self, members: Collection[str]) -> list[str]:
        """The live credentials bound to these members, each member's oldest first."""
        bound = (key for member in members if member in self.people for key in self.people[member].keys)
        return [key for key in bound if not self._credential_ids[key].revoked]

    def complete(self, selector: Selector) -> None:
        """Add to a selector the organizations that have a name in it."""
        for name in self._named.keys() & selector.names:
            selector.organizations |= self._named[name]

    def direct(self, directive: Cover) -> None:
        """Put a directive in force."""
        for selector in directive.selectors():
            self._await(directive, selector)
        self.directives[directive.name] = directive
        for model in directive.models:
            self._index(directive).setdefault(model, DirectiveIndex()).add(directive)

    def undirect(self, name: str) -> None:
        """End a directive. Raises: KeyError."""
        directive = self.directives.pop(name)
        self._naming.pop(name, None)
        index = self._index(directive)
        for model in directive.models & index.keys():  # one whose names nobody bears yet is in no index
            index[model].remove(directive)
            if not index[model]:
                del index[model]

    def exempt(self, directive: Cover, exempt: Exempt) -> None:
        """Exempt some requests from a directive."""
        self._await(directive, exempt.selector)
        directive.exempt.append(exempt)

    def _await(self, directive: Cover, selector: Selector) -> None:
        self.complete(selector)
        if selector.names:
            self._naming[directive.name] = directive

    def _index(self, directive: Cover) -> dict[str, DirectiveIndex]:
        return self.suspending if directive.restricts is None else self.restricting

    def _bear(self, organization: str, name: str) -> None:
        """An organization has a legal name: the directives in force with that name now cover it."""
        self._named.setdefault(name, set()).add(organization)
        for directive in self._naming.values():
            for selector in directive.selectors():
                if name in selector.names:
                    selector.organizations.add(organization)
            if name in directive.selector.names:
                for model in directive.models:
                    directed = self._index(directive).setdefault(model, DirectiveIndex())
                    directed.add_organization(directive, organization)

    def revoked(self, credential: str) -> bool:
        """Whether the credential with this id has been revoked."""
        return self._credential_ids[credential].revoked

    def release_open(self, release: str) -> bool:
        """Whether any stage of the release is open."""
        return not self.open_terms.isdisjoint(self.listings[release].stages.values())


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


def _fold(table: Table, entry: Entry) -> None:
    fold = _FOLDS.get(type(entry.body))
    if fold is not None:
        fold(table, entry, entry.body)


def _release_applied(table: Table, entry: Entry, body: releases.ReleaseApplied) -> None:
    spec = seen(body.given).spec
    models = {model.id: model.upstream for model in spec.models}
    kept = Listing(frozenset(models), dict(body.terms))
    fallback = None if spec.on_refusal is None else spec.on_refusal.fallback_model
    terms = {
        kept.stages[stage.name]: TermsRow(models, stage.conditions, spec.lease_ms) for stage in spec.stages
    }
    for stage, looser in body.tightened.items():
        if looser in table.open_terms:
            table.open_terms.add(kept.stages[stage])
    before = table.listings.get(body.release)
    for model_id in before.models - kept.models if before else ():
        del table.offers[model_id]
    for model_id in kept.models:
        table.offers[model_id] = Offer(body.release, spec.announced, fallback)
    table.listings[body.release] = kept
    table.leases.put(body.release, spec.lease_ms)
    table.terms.update(terms)


def _case_opened(table: Table, entry: Entry, body: cases.CaseOpened) -> None:
    if body.kind != kinds.ADMISSION:
        return
    question, organization = body.question, seen(body.organization)
    if organization is None:
        raise KeyError("organization")
    table._cases[body.case] = (organization, question.release, question.surface)
    _pend(table, body.case)


def _case_pending(table: Table, entry: Entry, body: cases.CaseWaitlisted | cases.CaseReplied) -> None:
    _pend(table, body.case)


def _pend(table: Table, case: str) -> None:
    """A case is under review, or under review again."""
    asked = table._cases.get(case)
    if asked is not None:
        organization, release, surface = asked
        table.pending.setdefault((organization, release), {})[surface] = case


def _case_determined(table: Table, entry: Entry, body: cases.CaseDetermined) -> None:
    asked = table._cases.get(body.case)
    if asked is not None:
        organization, release, surface = asked
        if table.pending[organization, release].get(surface) == body.case:
            del table.pending[organization, release][surface]


def _stage_opened(table: Table, entry: Entry, body: releases.StageOpened) -> None:
    table.open_terms.add(body.terms)


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
    )
    key = (grant.organization, grant.release, grant.surface)
    if key in table.grants:
        table.grants[key].replaced = True
    table.grants[key] = grant
    table.grants_by_id[grant.id] = grant
    table.holders.setdefault(grant.release, set()).add(grant.organization)


def _served(terms: TermsRow, body: Body) -> dict[str, str]:
    """The models of a grant; no models if the grant says something that this build does not know."""
    return {} if body.strange else terms.models


def _grant_proven(table: Table, entry: Entry, body: grants.GrantProven) -> None:
    table.grants_by_id[body.grant].proven = True


def _grant_amended(table: Table, entry: Entry, body: grants.GrantAmended) -> None:
    grant = table.grants_by_id[body.grant]
    grant.terms = intern(body.terms)
    grant.models = _served(table.terms[body.terms], body)
    grant.valid_until_ms = body.valid_until_ms
    grant.requests_per_minute = body.conditions.requests_per_minute


def _grant_suspended(table: Table, entry: Entry, body: grants.GrantSuspended) -> None:
    table.grants_by_id[body.grant].barred = Reason.GRANT_SUSPENDED


def _grant_resumed(table: Table, entry: Entry, body: grants.GrantResumed) -> None:
    table.grants_by_id[body.grant].barred = None


def _grant_reinstated(table: Table, entry: Entry, body: grants.GrantReinstated) -> None:
    grant = table.grants_by_id[body.grant]
    key = (grant.organization, grant.release, grant.surface)
    table.grants[key].replaced = True
    grant.replaced, grant.barred = False, None
    table.grants[key] = grant


def _grant_ended(table: Table, entry: Entry, body: grants.GrantEnded) -> None:
    table.grants_by_id[body.grant].barred = _ENDS[body.how]


def _grant_fallback_chosen(table: Table, entry: Entry, body: grants.GrantFallbackChosen) -> None:
    table.grants_by_id[body.grant].falls_back = body.fallback is True


_ENDS = {
    "removed": Reason.GRANT_REMOVED,
    "expired": Reason.GRANT_EXPIRED,
    "surrendered": Reason.NOT_ADMITTED,
}


def _credential_issued(table: Table, entry: Entry, body: credentials.CredentialIssued) -> None:
    grant, name = table.grants_by_id[body.grant], seen(body.member)
    member = table.people[name] if name is not None else None
    credential = CredentialRow(body.credential, grant, member=member)
    table.credentials[seen(body.digest)] = credential
    table._credential_ids[credential.id] = credential
    if member is not None:
        member.keys = (*member.keys, credential.id)


def _credential_revoked(table: Table, entry: Entry, body: credentials.CredentialRevoked) -> None:
    table._credential_ids[body.credential].revoked = True


def _credential_attested(table: Table, entry: Entry, body: credentials.CredentialAttested) -> None:
    credential, stated = table._credential_ids[body.credential], seen(body.attested)
    credential.attested = None
    if stated is not None:
        credential.attested = CredentialAttestation(
            frozenset(stated.statuses),
            frozenset(stated.models) if stated.models is not None else None,
            frozenset(stated.excluded or ()),
            stated.until_ms,
        )


def _organization_described(table: Table, entry: Entry, body: people.OrganizationDescribed) -> None:
    found = seen(body.described)
    organization = intern(found.organization)
    table.organizations[organization] = OrganizationRow(found.name, intern(found.registered_in), found.sector)
    table._bear(organization, found.name)


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
        del table.people[member]
    for identifier in [key for key, person in registry.items() if person.id in gone]:
        del registry[identifier]


def _status_claimed(table: Table, entry: Entry, body: people.StatusClaimed) -> None:
    for row in seen(body.claims):
        claim = Claim(intern(row.issuer), intern(row.status), Assurance.of(row.assurance), row.until_ms)
        person = table.people[row.member]
        person.claim(claim)
        person.claims = table._claims.setdefault(person.claims, person.claims)


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
        for selector in directive.selectors():
            table.complete(selector)
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


def _directive_expired(table: Table, entry: Entry, body: directives.DirectiveExpired) -> None:
    table.undirect(body.directive)


_FOLDS: dict[type[Body], Callable[[Table, Entry, Any], None]] = {
    releases.ReleaseApplied: _release_applied,
    cases.CaseOpened: _case_opened,
    cases.CaseWaitlisted: _case_pending,
    cases.CaseReplied: _case_pending,
    cases.CaseDetermined: _case_determined,
    releases.StageOpened: _stage_opened,
    grants.GrantApproved: _grant_approved,
    grants.GrantProven: _grant_proven,
    grants.GrantAmended: _grant_amended,
    grants.GrantSuspended: _grant_suspended,
    grants.GrantResumed: _grant_resumed,
    grants.GrantEnded: _grant_ended,
    grants.GrantReinstated: _grant_reinstated,
    grants.GrantFallbackChosen: _grant_fallback_chosen,
    credentials.CredentialIssued: _credential_issued,
    credentials.CredentialRevoked: _credential_revoked,
    credentials.CredentialAttested: _credential_attested,
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
}
