"""All that keeps a request out, and not only what is said first.

Rules:
- Only `decide` decides here. The decision is asked; what refused is taken out of a copy of the few rows that
  it looks at; and it is asked again, until it allows, or what refuses cannot be taken out.
- The first obstacle is the decision itself. With all obstacles gone, `decide` allows the request, or the last
  of them is one that only another request or another grant can pass.
- A layer is what one party decides. `LAYERS` has them in the order of the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import NamedTuple

from sluicegate.core.access.decision import Allow, Ask, Instant, Now, decide
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.rows import ISSUED, AudienceRow, GrantRow, Offer
from sluicegate.core.access.table import Table
from sluicegate_record.terms import audience

OBSTACLES_MAX = 32
"""How many obstacles are looked for."""


class Layer(NamedTuple):
    """What one party decides. `reasons` are those for which it refuses, and `by` who decides.

    `is_here`: the table decides it. Otherwise a gateway or the upstream does, at each request.
    """

    name: str
    by: str
    reasons: frozenset[Reason]
    is_here: bool = True


LAYERS = (
    Layer(
        "gateway",
        "the operator of the gateway",
        frozenset({Reason.GATE_STALE, Reason.GATE_CLOCK_DIFFERS, Reason.GATE_BUSY}),
        is_here=False,
    ),
    Layer(
        "credential",
        "the organization's administrator",
        frozenset(
            {
                Reason.CREDENTIAL_MISSING,
                Reason.CREDENTIAL_UNKNOWN,
                Reason.CREDENTIAL_REVOKED,
                Reason.CREDENTIAL_EXPIRED,
            }
        ),
    ),
    Layer(
        "request",
        "who sends it",
        frozenset({Reason.REQUEST_INVALID, Reason.REQUEST_TOO_LARGE, Reason.UPGRADE_REQUIRED}),
        is_here=False,
    ),
    Layer("model", "the developer", frozenset({Reason.MODEL_NOT_FOUND})),
    Layer("directive", "the directive's issuer", frozenset({Reason.DIRECTIVE_IN_FORCE})),
    Layer("stage", "the developer and its agencies", frozenset({Reason.STAGE_NOT_OPEN})),
    Layer("deployment", "the developer", frozenset({Reason.DEPLOYMENT_UNATTESTED})),
    Layer(
        "grant",
        "the agencies that decide about the organization",
        frozenset(
            {
                Reason.GRANT_REMOVED,
                Reason.GRANT_SUSPENDED,
                Reason.GRANT_EXPIRED,
                Reason.NOT_PROVISIONED,
                Reason.APPLICATION_PENDING,
                Reason.SURFACE_NOT_GRANTED,
                Reason.NOT_ADMITTED,
            }
        ),
    ),
    Layer(
        "programme",
        "the agencies that decide about the organization",
        frozenset({Reason.PROGRAMME_NOT_GRANTED}),
    ),
    Layer("person", "who sends the request", frozenset({Reason.PERSON_REQUIRED})),
    Layer(
        "quota",
        "the terms, counted by the gateways",
        frozenset({Reason.EXPOSURE_REACHED, Reason.QUOTA_EXCEEDED}),
        is_here=False,
    ),
    Layer("upstream", "the model's own server, and its classifier", frozenset(), is_here=False),
)
"""Every layer, in the order in which a request meets them. Each reason is in one."""
LAYER_OF = {reason: layer.name for layer in LAYERS for reason in layer.reasons}
"""The layer of each reason, by name."""


class Obstacles(NamedTuple):
    """A decision, and all that keeps the request out: first the decision's own reason.

    `stuck` says that what is last could not be taken out, so that what is behind it is not known. `allowed`
    is what would be allowed without any of them, if that is known.
    """

    decided: Allow | Deny
    refusals: tuple[Deny, ...]
    allowed: Allow | None

    @property
    def stuck(self) -> bool:
        """Whether something behind the last obstacle is not known."""
        return self.allowed is None


def find(ask: Ask, table: Table, now: Now, *, may_know: bool = False) -> Obstacles:
    """Decide a request, and find all that keeps it out.

    `may_know`: who asks may know of releases that are not announced.
    """
    decided = decide(ask, table, now)
    if isinstance(decided, Allow):
        return Obstacles(decided, (), decided)
    found = [decided]
    trial = _Trial(ask, _part(ask, table), now, may_know)
    while len(found) < OBSTACLES_MAX and trial.without(found[-1]):
        again = decide(trial.ask, trial.table, now)
        if isinstance(again, Allow):
            return Obstacles(decided, tuple(found), again)
        if again in found:
            break
        found.append(again)
    return Obstacles(decided, tuple(found), None)


def _part(ask: Ask, table: Table) -> Table:
    """The part of a table that the decision of one request looks at, with rows of its own."""
    part = copy(table)
    credential = table.credentials.get(ask.digest) if ask.digest is not None else None
    if credential is None:
        return part
    own = credential.grant
    rows = {id(row): replace(row) for row in (*table.held.get(own.organization, ()), own)}
    part.credentials = {ask.digest or b"": replace(credential, grant=rows[id(own)])}
    part.held = {own.organization: tuple(rows[id(row)] for row in table.held.get(own.organization, ()))}
    part.grants = {
        key: rows[id(row)]
        for row in table.held.get(own.organization, ())
        if row.release
        for key in [(row.organization, row.release, row.surface)]
        if table.grants.get(key) is row
    }
    part.offers, part.directed = dict(table.offers), dict(table.directed)
    part.open_terms = set(table.open_terms)
    return part


@dataclass(slots=True)
class _Trial:
    """A request that is decided again and again, on rows of its own, of which obstacles are taken out."""

    ask: Ask
    table: Table
    now: Now
    may_know: bool

    def without(self, deny: Deny) -> bool:
        """Take out what refused; False if that cannot be."""
        take_out = _TAKEN_OUT.get(deny.reason)
        return take_out is not None and take_out(self, deny)

    @property
    def own(self) -> GrantRow:
        """The grant or account of the key."""
        return self.table.credentials[self.ask.digest or b""].grant

    @property
    def offer(self) -> Offer | None:
        """What the release of the model offers."""
        return self.table.offers.get(self.ask.model)

    def rows(self) -> Iterator[GrantRow]:
        """The key's grant, and its organization's grant for the model on the surface."""
        yield self.own
        offer = self.offer
        if offer is not None:
            held = self.table.grants.get((self.own.organization, offer.release, self.ask.surface))
            if held is not None:
                yield held


def _credential(trial: _Trial, _: Deny) -> bool:
    """As if the key counted, and had neither been revoked nor expired."""
    row = trial.table.credentials.get(trial.ask.digest or b"")
    if row is None or not isinstance(trial.now, Instant):
        return False
    state = replace(row.state, revoked=False, expires_ms=None, batch=None)
    row.state = ISSUED if state == ISSUED else state
    return True


def _request(trial: _Trial, _: Deny) -> bool:
    trial.ask = replace(trial.ask, unread=None)
    return True


def _model(trial: _Trial, _: Deny) -> bool:
    """As if the release were announced, for those who may know of it."""
    offer = trial.offer
    if offer is None or not trial.may_know:
        return False
    trial.table.offers[trial.ask.model] = replace(offer, announced=True)
    return True


def _directive(trial: _Trial, deny: Deny) -> bool:
    model = trial.ask.model
    trial.table.directed[model] = trial.table.directed[model].without(deny.directive or "")
    return True


def _stage(trial: _Trial, _: Deny) -> bool:
    """As if the stages were open, to everyone they are for, the grant had begun, and no finding was open."""
    offer, now = trial.offer, trial.now
    trial.table.weak = {}
    assert isinstance(now, Instant)  # without a time there is another reason
    for row in trial.rows():
        trial.table.open_terms.add(row.terms)
        row.valid_from_ms = min(row.valid_from_ms, now.early_ms)
    if offer is not None:
        trial.table.open_terms.update(trial.table.listings[offer.release].stages.values())
        if offer.audience is not None:
            trial.table.offers[trial.ask.model] = replace(offer, audience=_whole(offer.audience, now))
    return True


def _whole(row: AudienceRow, now: Instant) -> AudienceRow:
    """A stage for everyone, as if it were open to all."""
    ramp = replace(row.ramp, least=audience.PLACES)
    return row._replace(opened_ms=min(row.opened_ms, now.early_ms), ramp=ramp)


def _deployment(trial: _Trial, _: Deny) -> bool:
    """As if the terms asked for no statement of what serves the model."""
    rows = [row for row in trial.rows() if row.agreed is not None]
    for row in rows:
        row.agreed = None
    audience_row = None if trial.offer is None else trial.offer.audience
    terms = None if audience_row is None else trial.table.terms[audience_row.terms]
    if audience_row is None or terms is None or terms.agreed is None:
        return bool(rows)
    trial.table.terms = {**trial.table.terms, audience_row.terms: terms._replace(agreed=None)}
    return True


def _barred(trial: _Trial, deny: Deny) -> bool:
    """As if no entry had taken the grant away."""
    barred = [row for row in trial.rows() if row.barred is deny.reason]
    for row in barred:
        row.barred = None
    return bool(barred)


def _expired(trial: _Trial, deny: Deny) -> bool:
    for row in trial.rows():
        row.valid_until_ms = None
    return _barred(trial, deny) or True


def _not_provisioned(trial: _Trial, _deny: Deny) -> bool:
    """As if the key were one of the grant for the model on the surface."""
    *_, held = trial.rows()
    if held is trial.own or trial.ask.instead_of:
        return False
    trial.table.credentials[trial.ask.digest or b""].grant = held
    return True


def _programme(trial: _Trial, deny: Deny) -> bool:
    """As if the request did not ask for the programme that was found first."""
    asked = trial.ask.programmes
    refused = [each for each in asked if decide(_alone(trial.ask, each), trial.table, trial.now) == deny]
    trial.ask = replace(trial.ask, programmes=tuple(each for each in asked if each not in refused[:1]))
    return bool(refused)


def _alone(ask: Ask, programme: object) -> Ask:
    return replace(ask, programmes=tuple(each for each in ask.programmes if each is programme))


_TAKEN_OUT: Mapping[Reason, Callable[[_Trial, Deny], bool]] = {
    Reason.CREDENTIAL_UNKNOWN: _credential,
    Reason.CREDENTIAL_REVOKED: _credential,
    Reason.CREDENTIAL_EXPIRED: _credential,
    Reason.REQUEST_INVALID: _request,
    Reason.REQUEST_TOO_LARGE: _request,
    Reason.MODEL_NOT_FOUND: _model,
    Reason.DIRECTIVE_IN_FORCE: _directive,
    Reason.STAGE_NOT_OPEN: _stage,
    Reason.DEPLOYMENT_UNATTESTED: _deployment,
    Reason.GRANT_REMOVED: _barred,
    Reason.GRANT_SUSPENDED: _barred,
    Reason.GRANT_EXPIRED: _expired,
    Reason.NOT_ADMITTED: _barred,
    Reason.NOT_PROVISIONED: _not_provisioned,
    Reason.PROGRAMME_NOT_GRANTED: _programme,
}
"""How each reason is taken out. One that is not here ends the search."""
