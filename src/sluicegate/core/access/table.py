"""The table: all that a decision needs, folded from the ledger's entries.

Rules:
- The table is a function of the entries alone; it reads their `public` and `gate` parts.
- An entry is applied whole or not at all; one of an unknown version or type stops the fold.
- The cost of a look-up does not depend on how many credentials, grants and directives there are.
- A grant keeps the terms that it was given under. A plan applied later does not change them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from sluicegate.core.access.fold import fold, fold_in
from sluicegate.core.access.leases import LeaseTerms
from sluicegate.core.access.other_names import OtherNames
from sluicegate.core.access.rows import (
    AudienceRow,
    CredentialRow,
    DeploymentRow,
    GrantRow,
    KeyBatch,
    Listing,
    Offer,
    StageName,
    TermsRow,
    Weakness,
    weaknesses,
)
from sluicegate.core.directives.cover import Cover, DirectiveIndex, Exempt, Requester, Selector
from sluicegate.core.people.assertion import Provider
from sluicegate.core.people.persons import Claim, Person
from sluicegate.errors import VerificationFailed
from sluicegate_record import law
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entries import Entry, Unknown
from sluicegate_record.entries.directives import DirectiveIssued
from sluicegate_record.entries.epochs import EpochBegan
from sluicegate_record.entries.releases import LogKeyReplaced
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.epochs import TreeHead
from sluicegate_record.terms.exposure import Measure
from sluicegate_record.terms.programmes import FIELD, PROFILE, Programmes


class Table:
    """Who may do what, at one size of the log.

    The fields are written by `apply` alone.
    """

    def __init__(self) -> None:  # noqa: PLR0915 - one a part of the table
        self.size = 0
        self.abandoned: dict[int, Sequence[Entry]] = {}
        """What a gateway had seen that officers abandoned, by the place of the entry that says so. It is put
        here before that entry is applied.
        """
        self.carried: dict[str, str] = {}
        """The directives that hold on from there, by the digests of their documents."""
        self.log_key = ""
        """The verifier key that signs the log now, as far as it was folded."""
        self.replaced = set[str]()
        """The keys of the log that were replaced in what an epoch has abandoned."""
        self.leases = LeaseTerms()
        self.credentials: dict[bytes, CredentialRow] = {}
        """Keys by their digests; also those that do not count yet."""
        self.imports: dict[str, KeyBatch] = {}
        self.unnaming: set[str] = set()
        """The credentials and grants that are declared to send identifiers that name no one."""
        self.grants: dict[tuple[str, str, str], GrantRow] = {}
        self.grants_by_id: dict[str, GrantRow] = {}
        self.held: dict[str, tuple[GrantRow, ...]] = {}
        """Every grant of each organization, also those that have ended, oldest first."""
        self.pending: dict[tuple[str, str], dict[str, str]] = {}
        self.accounts: dict[str, GrantRow] = {}
        """Accounts by id: rows that allow nothing by themselves, of organizations that everyone includes."""
        self.audiences: dict[str, AudienceRow] = {}
        """The stage that is open for everyone, by release."""
        self.offers: dict[str, Offer] = {}
        self.listings: dict[str, Listing] = {}
        """The listings by release."""
        self.terms: dict[str, TermsRow] = {}
        """Terms by digest, in force or not."""
        self.carriers: frozenset[bytes] = frozenset()
        """The headers, in lower case, in which a plan lets programmes travel."""
        self.programmed: set[str] = set()
        """The releases with a plan that states programmes, now or before."""
        self.profiled: set[str] = set()
        """The releases with a plan by which programmes travel in user profiles."""
        self.open_terms: set[str] = set()
        """The terms, by digest, under which a stage was opened."""
        self.deployments: dict[str, DeploymentRow] = {}
        """The developer's statement of what serves the models of each release, until it is taken back."""
        self.per_day: dict[StageName, Measure] = {}
        """How many requests a day a stage is to answer at most, by the terms under which it was opened last,
        or tighter ones.
        """
        self.organizations: dict[str, Requester] = {}
        self.people: dict[str, Person] = {}
        self.registry: dict[str, dict[bytes, Person]] = {}
        """The members of each organization, by the identifiers that requests use for them."""
        self.providers: dict[str, dict[str, Provider]] = {}
        """The identity providers of each organization, by id."""
        self.directives: dict[str, Cover] = {}
        self.directed: dict[str, DirectiveIndex] = {}
        """The directives in force, by model. A model that no directive is about is not here."""
        self.found: dict[str, Finding] = {}
        """The findings about models, by their names."""
        self.weak: dict[str, dict[str, Weakness]] = {}
        """What open findings ask of requests, by the digest of the terms on which these rest, and model."""
        self.drills: dict[str, Cover] = {}
        """Drills: directives that are only tried, and never refuse a request."""
        self.credentials_by_id: dict[str, CredentialRow] = {}
        self.cases: dict[str, tuple[str, str, str]] = {}
        self._named: dict[str, tuple[str, ...]] = {}
        """Organizations by the tag of their legal name."""
        self.other_names = OtherNames()
        self._naming: dict[str, Cover] = {}
        """The directives in force that have legal names, by name.

        An organization that gets such a name later is added.
        """
        self.claims: dict[tuple[Claim, ...], tuple[Claim, ...]] = {}
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
        if self.carried:
            self.restated(entry)
        fold_in(fold, self, entry)
        self.size = entry.size
        self.carry_over_from(entry.seq)

    def carry_over_from(self, seq: int) -> None:
        """Let hold on what the entry at a place abandoned, as far as that narrows access. A key of the log
        that was replaced there does not sign again.
        """
        for each in self.abandoned.pop(seq, ()):
            if isinstance(each.body, LogKeyReplaced):
                self.replaced.add(each.body.replaces)
            self.carry_over(each)

    def officers(self, envelope: Envelope) -> int:  # noqa: ARG002 - of keys
        """How many officers signed an envelope. Who believes the log knows none."""
        return 0

    def skip(self, entry: Entry) -> None:
        """Count one entry in, and ignore what it says. Requires: `entry.seq == self.size`."""
        self.size = entry.size

    def forget(self) -> None:
        """Be the empty table again: the log is read from its beginning."""
        Table.__init__(self)

    def honours(self, entry: Entry, root: bytes, held: Sequence[Entry]) -> bool:  # noqa: ARG002 - of keys
        """Whether an epoch counts that begins after the entries with this root, and abandons what was held.
        Who believes the log believes that officers signed it.
        """
        body = entry.body
        assert isinstance(body, EpochBegan)
        return body.restored == TreeHead(size=entry.seq, root=root)

    def carry_over(self, entry: Entry) -> None:
        """Let an abandoned entry hold on as far as it narrows access."""
        stands = law.carried(entry.body, entry.seq, self.directives)
        if stands is not None:
            self.hold_on(entry.saying(stands))

    def hold_on(self, entry: Entry) -> None:
        """Fold in what narrows of an abandoned entry. What it is about may be not on this record: then there
        is nothing to narrow.
        """
        with suppress(VerificationFailed):
            fold_in(fold, self, entry)
            if isinstance(entry.body, DirectiveIssued):
                self.carried[entry.body.document.digest] = entry.body.directive

    def restated(self, entry: Entry) -> str | None:
        """The directive that held on and that an entry issues again: from here on it is an ordinary one."""
        body = entry.body
        name = self.carried.pop(body.document.digest, None) if isinstance(body, DirectiveIssued) else None
        if name in self.directives:
            self.undirect(name)
        return name

    def entity(self, organization: str) -> Requester:
        """An organization as directives see it."""
        return self.organizations.get(organization) or Requester(organization, None)

    def bearing(self, *tags: str) -> frozenset[str]:
        """The organizations whose legal name has one of these tags."""
        return frozenset().union(*(self._named.get(tag, ()) for tag in tags))

    def credentials_of(self, members: Collection[str]) -> list[str]:
        """The live credentials bound to these members, each member's oldest first."""
        bound = (key for member in members if member in self.people for key in self.people[member].keys)
        return [key for key in bound if not self.credentials_by_id[key].state.revoked]

    def taken(self, digest: bytes) -> CredentialRow | None:
        """The credential that has a key, also if it does not count yet; None if another one may have it."""
        found = self.credentials.get(digest)
        return None if found is None or found.state.is_free else found

    def complete(self, directive: Cover) -> None:
        """Add to a directive the organizations that have a name in it.

        An organization states its other names and identifiers itself: they cover it, and except it from
        nothing.
        """
        for selector in directive.selectors():
            self._complete(selector)
        covers, stating = directive.selector, self.other_names.stating
        for name in stating.keys() & covers.names:
            covers.organizations.update(stating[name])

    def _complete(self, selector: Selector) -> None:
        for name in self._named.keys() & selector.names:
            selector.organizations.update(self._named[name])

    def direct(self, directive: Cover) -> None:
        """Put a directive in force."""
        self.complete(directive)
        for selector in directive.selectors():
            self._await(directive, selector)
        self.directives[directive.name] = directive
        for model in directive.models:
            self.directed.setdefault(model, DirectiveIndex()).add(directive)
        self._mark(directive)

    def undirect(self, name: str) -> None:
        """End a directive. Raises: KeyError."""
        directive = self.directives.pop(name)
        self._naming.pop(name, None)
        self._drop(directive)
        self._mark(directive)

    def weigh(self, release: str) -> None:
        """Work out what the open findings of a release ask of requests, by each of its terms."""
        found = [each for each in self.found.values() if each.release == release and each.is_open]
        for digest, terms in self.terms.items():
            if terms.release != release:
                continue
            weak = weaknesses(terms, found)
            if weak:
                self.weak[digest] = weak
            else:
                self.weak.pop(digest, None)

    def weakness(self, terms: str, model: str) -> Weakness | None:
        """What open findings ask of requests for a model that rest on some terms; None if nothing."""
        return self.weak[terms].get(model) if terms in self.weak else None

    def _drop(self, directive: Cover) -> None:
        """Take a directive out of the index of each of its models that has one."""
        for model in directive.models & self.directed.keys():  # one whose names nobody bears is in no index
            self.directed[model].remove(directive)
            if not self.directed[model]:
                del self.directed[model]

    def exempt(self, directive: Cover, exempt: Exempt) -> None:
        """Exempt some requests from a directive."""
        self._complete(exempt.selector)
        self._await(directive, exempt.selector)
        directive.leave_out(exempt)

    def _await(self, directive: Cover, selector: Selector) -> None:
        if selector.names:
            self._naming[directive.name] = directive

    def _mark(self, directive: Cover) -> None:
        """Let the rows of what a directive names say whether a directive in force names it.

        INVARIANT: a row that is not marked is in no index under its organization or member.
        """
        for organization in directive.selector.organizations:
            self._mark_organization(organization)
        for member in directive.selector.members:
            for key in self.people[member].keys if member in self.people else ():
                self.mark_key(key, directed=self.names_member(member))

    def mark_key(self, name: str, *, directed: bool) -> None:
        """Let the row of a key say whether a directive in force may be about its member."""
        credential = self.credentials_by_id[name]
        credential.state = replace(credential.state, directed=directed)

    def _mark_organization(self, organization: str) -> None:
        directed = self.names(organization)
        for grant in self.held.get(organization, ()):
            grant.directed = directed

    def names(self, organization: str) -> bool:
        """Whether a directive in force names an organization."""
        return any(index.names(organization) for index in self.directed.values())

    def names_member(self, member: str) -> bool:
        """Whether a directive in force names a member."""
        return any(member in index.members for index in self.directed.values())

    def bear(self, organization: str, name: str) -> None:
        """An organization has a legal name: the directives in force with that name now cover it."""
        bearing = self._named.get(name, ())
        if organization not in bearing:
            self._named[name] = (*bearing, organization)
        for directive in self._naming.values():
            for selector in directive.selectors():
                if name in selector.names:
                    selector.organizations.add(organization)
            self._cover(directive, organization, name)
        self._mark_organization(organization)

    def also_bear(self, organization: str, names: tuple[str, ...]) -> None:
        """An organization has other names and identifiers than before.

        Those that it had before still cover it where a directive in force has one of them.
        """
        self.other_names.state(organization, names)
        for name in names:
            for directive in self._naming.values():
                self._cover(directive, organization, name)
        if names:
            self._mark_organization(organization)

    def _cover(self, directive: Cover, organization: str, name: str) -> None:
        """An organization now has a name: a directive that covers that name covers it, and is found by it."""
        if name in directive.selector.names:
            directive.selector.organizations.add(organization)
            for model in directive.models:
                self.directed.setdefault(model, DirectiveIndex()).add_organization(directive, organization)

    def limit(self, stage: StageName, terms: str) -> None:
        """A stage is open under some terms, or tighter ones: their requests a day hold for all of it."""
        found = self.terms[terms].per_day if terms in self.terms else None
        if found is None:
            self.per_day.pop(stage, None)
        else:
            self.per_day[stage] = found

    def row(self, name: str) -> GrantRow:
        """The grant or account with this id. Raises: KeyError."""
        return self.grants_by_id.get(name) or self.accounts[name]

    def known_row(self, name: str) -> GrantRow | None:
        """The grant or account with this id, if there is one."""
        return self.grants_by_id.get(name) or self.accounts.get(name)

    def serve(self, release: str, row: AudienceRow | None) -> None:
        """Let a stage be open for everyone; None: no stage of the release is."""
        if row is None:
            self.audiences.pop(release, None)
        else:
            self.audiences[release] = row
        for model in self.listings[release].models if release in self.listings else ():
            self.offers[model] = replace(self.offers[model], audience=row)

    def carry(self, release: str, stated: Programmes) -> None:
        """Know in what the programmes of a plan travel. What is known stays, whatever a later plan says."""
        ways = {each.travels for names in stated.values() for each in names.values()}
        if ways:
            self.programmed.add(release)
        if PROFILE in ways:
            self.profiled.add(release)
        self.carriers |= {way.encode() for way in ways - {FIELD}}

    def in_profiles(self, model: str) -> bool:
        """Whether programmes of a model travel in user profiles."""
        offer = self.offers.get(model)
        return offer is not None and offer.release in self.profiled

    def release_open(self, release: str) -> bool:
        """Whether any stage of the release is open."""
        return not self.open_terms.isdisjoint(self.listings[release].stages.values())
