"""The rows of a table: a grant, a key, an audience, what a release offers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from sluicegate.core.access.programmes import NO_ROWS, Rows
from sluicegate.core.access.refusals import Reason
from sluicegate.core.people.persons import CredentialAttestation, Person
from sluicegate_record.entities.finding import Finding
from sluicegate_record.terms import audience
from sluicegate_record.terms.audience import Ramp
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.deployments import ServedModel
from sluicegate_record.terms.exposure import Measure
from sluicegate_record.terms.findings import Findings
from sluicegate_record.terms.plan import PlanSpec
from sluicegate_record.terms.programmes import Programmes
from sluicegate_record.terms.requirements import CLOSE

Digests: TypeAlias = tuple[str, str]
"""The weights and the safeguards of a model, each as `sha256:…`."""


class AgreedModels(NamedTuple):
    """What terms ask to be served, where they ask that the developer signs what is: the weights and the
    safeguards of each model, and how long one statement holds after it was signed.
    """

    digests: dict[str, Digests]
    at_most_ms: int


def agreed_models(spec: PlanSpec) -> AgreedModels | None:
    """What the terms of a plan ask to be served; None if they do not ask for a statement."""
    if spec.deployments is None:
        return None
    digests = {each.id: (each.digest, each.safeguards) for each in spec.models}
    return AgreedModels(digests, spec.deployments.at_most_ms)


class DeploymentRow(NamedTuple):
    """The developer's newest statement about a release: what serves each model, by model, upstream and
    surface.

    Units: milliseconds since 1970 UTC.
    """

    id: str
    signed_ms: int
    until_ms: int
    serves: dict[tuple[str, str, str], Digests]

    def holds_until_ms(self, agreed: AgreedModels, model: str, upstream: str, surface: str) -> int:
        """Until when it says that what was agreed to serves a model; 0 if it does not say it."""
        if self.serves.get((model, upstream, surface)) != agreed.digests[model]:
            return 0
        return min(self.until_ms, self.signed_ms + agreed.at_most_ms)


def served(serves: Iterable[ServedModel]) -> dict[tuple[str, str, str], Digests]:
    """What a statement says, by model, upstream and surface."""
    return {
        (each.model, each.upstream, surface): (each.digest, each.safeguards)
        for each in serves
        for surface in each.surfaces
    }


@dataclass(slots=True)
class GrantRow:
    """An organization's authorization for one release on one surface.

    `replaced` says that a later grant has replaced it; `proven` that a call under it has succeeded. `barred`
    is why it allows nothing, now or from now on. `falls_back` says that its holder wants the fallback to
    answer when a directive refuses a request. `directed` says that a directive in force names its holder.
    `halted` are the programmes of it that are suspended, by label. `agreed` is what has to serve its models,
    if its terms ask for a statement of that. `differed` are the kinds of difference that answers under it
    showed, each with the newest day, counted since 1970 UTC.
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
    directed: bool = False
    programmes: Rows = field(default_factory=lambda: NO_ROWS)
    halted: frozenset[str] = frozenset()
    agreed: AgreedModels | None = None
    differed: tuple[tuple[str, int], ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether an entry has ended it. A suspended one has not ended: it can resume."""
        return self.replaced or self.barred in ENDS.values()


class Weakness(NamedTuple):
    """What open findings ask of each request for a model, by some terms. `suspended_by` is one of them for
    which those terms suspend the model; None: no finding does.
    """

    findings: tuple[str, ...]
    suspended_by: str | None
    requests_per_minute: int | None


@dataclass(slots=True)
class KeyBatch:
    """The keys of an import: how many there are so far, and whether they count.

    `is_free` says that it was discarded before they did: another one may have its keys.
    """

    count: int = 0
    counts: bool = False
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class KeyState:
    """What has happened to a key, and what is known of it. Almost all keys share `ISSUED`: nothing has.

    `attested` is what is known of all persons who can reach the key. `directed` says that a directive in
    force names its member, or that the member was removed. `batch` is the import that it came with, if it
    did. It is refused from `expires_ms` on, milliseconds since 1970 UTC; None is without end.
    """

    revoked: bool = False
    attested: CredentialAttestation | None = None
    directed: bool = False
    expires_ms: int | None = None
    batch: KeyBatch | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a key at all. Those of an import are not, before the whole import counts."""
        return self.batch is None or self.batch.counts

    @property
    def is_free(self) -> bool:
        """Whether the same key may come again."""
        return self.batch is not None and self.batch.is_free and not self.revoked

    def refusal(self, late_ms: int) -> Reason | None:
        """Why it is refused, whatever is asked with it."""
        if not self.counts:
            return Reason.CREDENTIAL_UNKNOWN
        if self.revoked:
            return Reason.CREDENTIAL_REVOKED
        return Reason.CREDENTIAL_EXPIRED if self.has_expired(late_ms) else None

    def has_expired(self, late_ms: int) -> bool:
        """Whether its time is over."""
        return self.expires_ms is not None and late_ms >= self.expires_ms


ISSUED = KeyState()


@dataclass(slots=True)
class CredentialRow:
    """An API key by its digest, and the grant that it belongs to.

    `member` is the only person who may use it.
    """

    id: str
    grant: GrantRow
    member: Person | None = None
    state: KeyState = ISSUED

    def is_live(self, late_ms: int) -> bool:
        """Whether a request with it may be answered at all."""
        return self.state.refusal(late_ms) is None


class AudienceTerms(NamedTuple):
    """The terms of a stage that is for everyone: on which surfaces, and by which shares.

    `becomes` are the stages whose grants go on as part of it. Units: `shares` as `terms.audience.shares`.
    """

    stage: str
    surfaces: frozenset[str]
    shares: tuple[tuple[int, int], ...]
    becomes: frozenset[str]


class AudienceRow(NamedTuple):
    """A stage that is open for everyone, and since when: what a decision rests on in place of a grant."""

    release: str
    terms: str
    opened_ms: int
    asked: AudienceTerms
    requests_per_minute: int | None
    ramp: Ramp

    def is_in(self, organization: str, early_ms: int) -> bool:
        """Whether an organization is in the share of this moment. Only an officer puts one out."""
        places = self.ramp.places(self.asked.shares, early_ms)
        return places == audience.PLACES or audience.place_of(self.release, organization) < places

    def comes_ms(self, organization: str) -> int | None:
        """From when on an organization that is not in is in, as the ramp runs; None: it stands still."""
        place = audience.place_of(self.release, organization)
        return next((at_ms for at_ms, places in self.begins() if place < places), None)

    def begins(self) -> Iterator[tuple[int, int]]:
        """When each share begins, and how many places it has, as the ramp runs; none if it stands still."""
        if not self.ramp.is_paused:
            for after_ms, places in self.asked.shares:
                yield self.ramp.at_ms + after_ms - self.ramp.over_ms, places

    def lets_in(self, own: GrantRow, early_ms: int) -> bool:
        """Whether keys under a grant or an account may use it, as far as that row says."""
        is_barred = own.barred in BARRING or (not own.release and own.barred is not None)
        return not is_barred and early_ms >= self.opened_ms and self.is_in(own.organization, early_ms)


BARRING = frozenset({Reason.GRANT_REMOVED, Reason.GRANT_SUSPENDED})
"""Why who held a grant is not let in by a stage for everyone either."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as its release offers it now, for callers who are not admitted, or for everyone."""

    release: str
    announced: bool
    fallback: str | None
    audience: AudienceRow | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What the table keeps of a release's plan in force."""

    models: frozenset[str]
    stages: dict[str, str]
    """The digest of the terms in force, by stage."""
    own: dict[str, str]
    """The digest of the plan's own terms, which scrutiny can raise, by stage."""


class TermsRow(NamedTuple):
    """What terms give: the upstream of each model, the conditions of a grant that states none, the lease,
    and the programmes that a grant can have.

    `weights` are the digests of the models' weights, by model; `scale` is what follows from findings.
    """

    release: str
    models: dict[str, str]
    weights: dict[str, str]
    scale: Findings
    conditions: Conditions
    lease_ms: int
    audience: AudienceTerms | None = None
    """None: who uses it needs a grant."""
    per_day: Measure | None = None
    """How many requests a day the whole stage is to answer at most."""
    programmes: Programmes = MappingProxyType({})
    agreed: AgreedModels | None = None


def weaknesses(terms: TermsRow, found: Iterable[Finding]) -> dict[str, Weakness]:
    """What open findings ask of requests that rest on some terms, by model.

    Terms keep their word: a later plan does not change it.
    """
    weak: dict[str, Weakness] = {}
    for each in found:
        limit = terms.scale.level(each.level).restrict
        per_minute = None if limit is None else limit.requests_per_minute
        suspends = each.response(terms.scale) == CLOSE
        if not suspends and per_minute is None:
            continue
        for model in each.concerns(terms.weights):
            names, by, least = weak.get(model, _SOUND)
            by = each.id if suspends and by is None else by
            rates = [rate for rate in (least, per_minute) if rate is not None]
            weak[model] = Weakness((*names, each.id), by, min(rates, default=None))
    return weak


_SOUND = Weakness((), None, None)
StageName: TypeAlias = tuple[str, str]
"""A release and one of its stages, by name."""


ENDS = {
    "removed": Reason.GRANT_REMOVED,
    "expired": Reason.GRANT_EXPIRED,
    "surrendered": Reason.NOT_ADMITTED,
}
"""Why a grant that has ended lets no one in, by how it ended."""
