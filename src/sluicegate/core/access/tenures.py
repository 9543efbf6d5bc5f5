"""Who could use a model, from when to when: the decision, asked at each moment at which it can change.

Rules:
- Only `decide` says yes here, too, and `obstacles` says what keeps out. What is asked is a request of an
  organization that names no one and asks for no programme, with a key of each grant and account that it has.
- A stretch begins and ends where the answer changes: by an entry, or at a time that the table has.
- Where no key could come back without a new grant or account, there is no stretch.
- Time only goes on: entries come in their order, and no moment is looked at before those are folded in that
  are not later. What does not concern access may be left out: applications, keys and persons, which are most,
  and what describes an organization that never held anything.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sluicegate.core.access import obstacles
from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.fold import changes, fold, fold_in
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.rows import CredentialRow, GrantRow, Offer
from sluicegate.core.access.table import Table
from sluicegate_record.entries import (
    Entry,
    accounts,
    cases,
    credentials,
    deployments,
    designations,
    directives,
    grants,
    licences,
    people,
    ramps,
    releases,
    seen,
)
from sluicegate_record.entries.body import Body

HELD = "held"
KEY = bytes(32)
"""The digest of the key that is asked with."""
OVER = frozenset(
    {
        *(Reason.MODEL_NOT_FOUND, Reason.GRANT_REMOVED, Reason.GRANT_EXPIRED, Reason.NOT_PROVISIONED),
        *(Reason.APPLICATION_PENDING, Reason.SURFACE_NOT_GRANTED, Reason.NOT_ADMITTED),
    }
)
"""The reasons that end access. Others interrupt it."""


class Access(NamedTuple):
    """What is held or not: a model on a surface, by an organization."""

    organization: str
    model: str
    surface: str


class Tenure(NamedTuple):
    """How an organization stands with a model: `what` is `held`, or the reason why not.

    `under` is the grant or account; `stage` and `terms` are those that it rests on, or would. `directives`
    suspend it; if `in_part`, only for some persons.
    """

    what: str
    under: str
    stage: str
    terms: str
    directives: tuple[str, ...] = ()
    in_part: bool = False


class Stretch(NamedTuple):
    """For how long a standing lasted. Units: milliseconds since 1970 UTC, `[from, until)`; None: it lasts."""

    place: Access
    standing: Tenure
    from_ms: int
    until_ms: int | None


def concerns(body: Body) -> bool:
    """Whether an entry with this body can change who could use a model. What describes an organization
    concerns that one alone, and only if it holds something.
    """
    return changes(body) and type(body) not in _NO_ONE and not isinstance(body, people.OrganizationDescribed)


@dataclass(slots=True)
class Tenures:
    """The stretches of a release, as far as entries were folded in. `model`: of that model alone."""

    release: str
    model: str | None = None
    table: Table = field(default_factory=Table)
    _ended: list[Stretch] = field(default_factory=list)
    _open: dict[str, dict[Access, tuple[Tenure, int]]] = field(default_factory=dict)
    """What lasts, and since when, of each organization that has or had a grant or an account."""
    _moments: list[tuple[int, str]] = field(default_factory=list)
    """When to look again, and at which organization; at each of them if it is empty."""
    _directives: dict[str, frozenset[str]] = field(default_factory=dict)
    """The models of each directive that was issued."""
    _models: frozenset[str] = frozenset()
    """The models that the release has or had."""

    def apply(self, entry: Entry) -> None:
        """Fold the next entry in that concerns access. Raises: VerificationFailed: as `fold_in`."""
        self._pass(entry.at_ms)
        fold_in(fold, self.table, entry)
        kind = type(entry.body)
        if kind in _ABOUT:
            self._changed(_ABOUT[kind](self, entry.body), entry.at_ms)
        elif concerns(entry.body):
            self._changed("", entry.at_ms)

    def stretches(self, now_ms: int) -> list[Stretch]:
        """All stretches up to a moment, by when they began. Requires: no entry so far is later."""
        self._pass(now_ms)
        lasting = (
            Stretch(place, standing, at_ms, None)
            for places in self._open.values()
            for place, (standing, at_ms) in places.items()
        )
        found = list(_merged(sorted([*self._ended, *lasting], key=_by_place)))
        return sorted(found, key=lambda each: (each.from_ms, each.place))

    def _pass(self, now_ms: int) -> None:
        """Let time go on: look again at what can change by itself until then."""
        while self._moments and self._moments[0][0] <= now_ms:
            at_ms, organization = heapq.heappop(self._moments)
            while self._moments and self._moments[0] == (at_ms, organization):
                heapq.heappop(self._moments)
            self._changed(organization, at_ms)

    def _changed(self, organization: str | None, at_ms: int) -> None:
        """Look at an organization, at each of them if it is empty, and at no one if it is None."""
        if organization is None:
            return
        view = copy(self.table)
        for name in [organization] if organization else self._open:
            places = self._open.setdefault(name, {})
            for place in self._places(name):
                standing, until_ms = _standing(view, self.release, place, at_ms)
                self._note(places, place, standing, at_ms)
                self._await(until_ms, at_ms, name)
        for moment_ms in self._moments_of(organization):
            self._await(moment_ms, at_ms, organization)

    def _await(self, moment_ms: int | None, at_ms: int, organization: str) -> None:
        """Look again at a moment, if it is still to come."""
        if moment_ms is not None and moment_ms > at_ms:
            heapq.heappush(self._moments, (moment_ms, organization))

    def _places(self, organization: str) -> list[Access]:
        """What an organization may hold now, and what it has held until now."""
        listing, audience = self.table.listings.get(self.release), self.table.audiences.get(self.release)
        models = frozenset[str]() if listing is None else listing.models
        rows = self.table.held.get(organization, ())
        surfaces = {row.surface for row in rows if row.release == self.release}
        if audience is not None:
            surfaces |= audience.asked.surfaces
        found = {Access(organization, model, surface) for model in models for surface in surfaces}
        found |= self._open[organization].keys()
        return [each for each in found if self.model in {None, each.model}]

    def _note(
        self, places: dict[Access, tuple[Tenure, int]], place: Access, now: Tenure | None, at_ms: int
    ) -> None:
        """Note how an organization stands with a model from a moment on."""
        before, since_ms = places.get(place, (None, at_ms))
        if before == now:
            return
        if before is not None and since_ms < at_ms:
            self._ended.append(Stretch(place, before, since_ms, at_ms))
        if now is None:
            del places[place]
        else:
            places[place] = now, at_ms

    def _moments_of(self, organization: str) -> Iterator[int]:
        """When what was looked at can change by itself."""
        if organization:
            for row in self.table.held.get(organization, ()):
                if row.release == self.release:
                    yield from (row.valid_from_ms, row.valid_until_ms or 0)
            return
        for directive in self.table.directives.values():
            if directive.models.isdisjoint(self._models):
                continue
            yield from (directive.from_ms, directive.until_ms or 0)
            yield from (each.until_ms or 0 for each in directive.licences.values())
        yield from self._statement_ends()
        audience = self.table.audiences.get(self.release)
        if audience is not None:
            yield audience.opened_ms
            yield from (at_ms for at_ms, _ in audience.begins())

    def _statement_ends(self) -> Iterator[int]:
        """When the statement of what serves the release is over, by each terms that ask for one."""
        stated = self.table.deployments.get(self.release)
        asked = {row.agreed.at_most_ms for row in self.table.terms.values() if row.agreed is not None}
        if stated is not None and asked:
            yield stated.until_ms
            yield from (stated.signed_ms + at_most_ms for at_most_ms in asked)


def _by_place(each: Stretch) -> tuple[Access, int]:
    return each.place, each.from_ms


def _merged(found: Iterable[Stretch]) -> Iterator[Stretch]:
    """Stretches without a border where nothing changed. Requires: by place, and by when they began."""
    last = None
    for each in found:
        if last is not None and (last.place, last.standing, last.until_ms) == (*each[:2], each.from_ms):
            last = last._replace(until_ms=each.until_ms)
            continue
        if last is not None:
            yield last
        last = each
    if last is not None:
        yield last


def _standing(view: Table, release: str, place: Access, at_ms: int) -> tuple[Tenure | None, int | None]:
    """How an organization stands with a model, and when that has to be decided again, if `decide` says so.
    None: no key of it could be let in, or come back.

    `view` is a copy of a table, of which the keys are changed here.
    """
    offer = view.offers.get(place.model)
    if offer is None or offer.release != release:
        return None, None
    ask, now = Ask(KEY, place.model, place.surface), Instant(at_ms, at_ms)
    interrupted = None
    for row in _rows(view, offer, place):
        view.credentials = {KEY: CredentialRow("", row)}
        decided = decide(ask, view, now)
        if isinstance(decided, Deny) and decided.reason is Reason.PERSON_REQUIRED:
            decided = _with_a_person(ask, view, now)
        if isinstance(decided, Allow):
            stands = Tenure(HELD, row.id, decided.stage, _terms(row, offer, decided.stage))
            return stands, decided.until_ms
        interrupted = interrupted or _interrupted(ask, view, now, row)
    return interrupted, None


def _rows(view: Table, offer: Offer, place: Access) -> Iterator[GrantRow]:
    """The grants and accounts whose keys could be let in: first the grant for the model on the surface."""
    held = view.grants.get((place.organization, offer.release, place.surface))
    if held is not None:
        yield held
    if offer.audience is not None:
        yield from (row for row in reversed(view.held.get(place.organization, ())) if row is not held)


def _with_a_person(ask: Ask, view: Table, now: Instant) -> Allow | Deny:
    """What a request gets that names its person, as a directive asks of it."""
    free = copy(view)
    free.directed = {}
    return decide(ask, free, now)


def _terms(row: GrantRow, offer: Offer, stage: str) -> str:
    audience = offer.audience
    return audience.terms if audience is not None and audience.asked.stage == stage else row.terms


def _interrupted(ask: Ask, view: Table, now: Instant, row: GrantRow) -> Tenure | None:
    """How an organization stands whose key is refused; None if it cannot come back by itself."""
    found = obstacles.find(ask, view, now, may_know=True)
    if any(each.reason in OVER for each in found.refusals):
        return None
    offer = view.offers[ask.model]
    stage = row.stage if row.release == offer.release else ""
    if not stage and offer.audience is not None:
        stage = offer.audience.asked.stage
    named = tuple(each.directive for each in found.refusals if each.directive is not None)
    in_part = len(named) == len(found.refusals) and all(view.directives[each].asks_persons for each in named)
    what = found.refusals[0].reason.value
    return Tenure(what, row.id, stage, _terms(row, offer, stage), named, in_part)


# Which organization an entry may concern: "" each of them, None no one


def _plan(tenures: Tenures, body: releases.ReleaseApplied) -> str:
    if body.release == tenures.release:
        tenures._models |= tenures.table.listings[body.release].models
    return ""


def _release(tenures: Tenures, body: Any) -> str | None:
    return "" if body.release == tenures.release else None


def _approved(_: Tenures, body: grants.GrantApproved) -> str:
    return seen(body.organization)


def _grant(tenures: Tenures, body: Any) -> str:
    return tenures.table.grants_by_id[body.grant].organization


def _account(tenures: Tenures, body: Any) -> str:
    return tenures.table.accounts[body.account].organization


def _described(tenures: Tenures, body: people.OrganizationDescribed) -> str | None:
    organization = seen(body.described).organization
    return organization if organization in tenures.table.held else None


def _issued(tenures: Tenures, body: directives.DirectiveIssued) -> str | None:
    before = tenures._directives.get(body.replaces or "", frozenset())
    tenures._directives[body.directive] = frozenset(body.document.spec.models)
    return "" if tenures._models & (tenures._directives[body.directive] | before) else None


def _of_directive(tenures: Tenures, body: Any) -> str | None:
    return "" if tenures._models & tenures._directives[body.directive] else None


_ABOUT: Mapping[type[Body], Callable[[Tenures, Any], str | None]] = {
    releases.ReleaseApplied: _plan,
    releases.StageOpened: _release,
    releases.StageClosed: _release,
    ramps.StageRamped: _release,
    deployments.DeploymentAttested: _release,
    deployments.DeploymentEnded: _release,
    designations.DesignationRecorded: _release,
    designations.DesignationEnded: _release,
    accounts.AccountOpened: _account,
    accounts.AccountClosed: _account,
    grants.GrantApproved: _approved,
    grants.GrantAmended: _grant,
    grants.GrantMoved: _grant,
    grants.GrantSuspended: _grant,
    grants.GrantResumed: _grant,
    grants.GrantEnded: _grant,
    grants.GrantReinstated: _grant,
    people.OrganizationDescribed: _described,
    directives.DirectiveIssued: _issued,
    directives.DirectiveLifted: _of_directive,
    directives.DirectiveExpired: _of_directive,
    licences.LicenceGranted: _of_directive,
    licences.LicenceEnded: _of_directive,
}
"""The types of entries that can change who holds a model. Of one that is not here, everyone is looked at."""
_NO_ONE: frozenset[type[Body]] = frozenset(
    {
        *(cases.CaseOpened, cases.CaseWaitlisted, cases.CaseReplied, cases.CaseDetermined),
        *(grants.GrantProven, grants.GrantFallbackChosen, grants.GrantDiffered),
        *(credentials.CredentialIssued, credentials.CredentialRevoked, credentials.CredentialAttested),
        *(credentials.CredentialExpiring, credentials.IdentifiersDeclared, credentials.CredentialsChunk),
        *(credentials.CredentialsImported, credentials.CredentialsDiscarded),
        *(people.MembersRegistered, people.MembersRemoved, people.StatusClaimed, people.StatusRevoked),
        *(people.ProviderRegistered, people.ProviderRemoved),
    }
)
"""The types that change a table, and no answer to a request that names no one with a key of its own."""
