"""The decision: may this request be answered, now, by this table?

Rules:
- It is a pure function of the ask, the table and the time. Only this function can say yes.
- Without a live lease there is no time, and without a time every answer is no, for the reason why there is
  none.
- If nothing matches, the answer is no. Directives are checked before anything that could allow the request.
- A time is an interval. A right ends, and a directive begins, when its late end reaches the limit; a right
  begins, and a directive ends, when its early end does.
- The order of the checks is the order of `core.access.refusals.Reason`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from sluicegate.core.access import naming, programmes
from sluicegate.core.access.naming import Identification, Naming
from sluicegate.core.access.programmes import NO_ROWS, AskedProgramme, NamedPersons
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.rows import (
    BARRING,
    ISSUED,
    AgreedModels,
    AudienceRow,
    CredentialRow,
    GrantRow,
    Offer,
)
from sluicegate.core.access.table import Table
from sluicegate.core.directives.cover import Cover, DirectiveIndex, Whom
from sluicegate_record.directives.status import UNKNOWN, Assurance
from sluicegate_record.log import times
from sluicegate_record.terms.programmes import Programmes


class Instant(NamedTuple):
    """The control plane's time, as exactly as it can be known here.

    Requires: early_ms <= late_ms.
    Units: milliseconds since 1970 UTC.
    """

    early_ms: int
    late_ms: int


Now: TypeAlias = Instant | Reason
"""The time, or the reason why a gateway has none to decide by."""


@dataclass(slots=True, unsafe_hash=True)
class Ask:
    """What a request asks for. Nothing changes one; it is not frozen, because each request makes one.

    `digest` is SHA-256 of the API key, 32 bytes, or None if the request has no key. `unread` is the refusal
    of a request that could not be read. `naming` is how it names its person. `in_flight` says that it was
    allowed before and is decided again. `instead_of` is the model that was asked for, if `model` is the
    fallback offered for it; only `instead` makes such asks. `programmes` are those that it asks for, other
    than standard ones, and the user profiles that it names.
    """

    digest: bytes | None
    model: str
    surface: str
    unread: Deny | None = None
    naming: Naming = naming.NOBODY
    in_flight: bool = False
    instead_of: str = ""
    programmes: tuple[AskedProgramme, ...] = ()

    def instead(self, model: str) -> Ask:
        """The same for another model, a fallback."""
        return replace(self, model=model, instead_of=self.model)

    def again(self) -> Ask:
        """The same of a request that was allowed before."""
        return replace(self, in_flight=True)


class Allow(NamedTuple):
    """Yes, under these terms. `grant` is the grant or account on which it rests, `stage` the stage of the
    model's release.

    Units: `until_ms` is when the request must be decided again (milliseconds since 1970 UTC, exclusive).
    """

    grant: GrantRow
    model: str
    upstream: str
    until_ms: int | None
    requests_per_minute: int | None
    stage: str


class Narrowing(NamedTuple):
    """What directives that do not suspend this request ask of it, and until when that is valid."""

    until_ms: int | None = None
    requests_per_minute: int | None = None
    lacks_person: bool = False

    def narrow(self, allow: Allow) -> Allow | Reason:
        """An allowance under these terms too."""
        if self.lacks_person:
            return Reason.PERSON_REQUIRED
        return allow._replace(
            until_ms=_earlier(allow.until_ms, self.until_ms),
            requests_per_minute=_earlier(allow.requests_per_minute, self.requests_per_minute),
        )


_new = tuple.__new__
"""Makes an `Allow` as its class does, in half the time."""
FREE = Narrowing()
"""No directive is about the request."""
ANYBODY = (Whom(None, UNKNOWN, Assurance.SELF_ASSERTED),)
"""What a request names, for a directive that does not ask about persons."""


def decide(ask: Ask, table: Table, now: Now) -> Allow | Deny:  # noqa: C901, PLR0911, PLR0912 - one a reason
    """Decide one request."""
    credential = identify(ask.digest, table, now)
    if isinstance(credential, Deny):
        return credential
    assert isinstance(now, Instant)  # without a time no one is identified
    if ask.unread is not None:
        return ask.unread
    offer, own = table.offers.get(ask.model), credential.grant
    grant: GrantRow | None = own
    if offer is None or own.replaced or own.release != offer.release or own.surface != ask.surface:
        grant = _held(ask, own, offer, table)
    if offer is None or not (offer.announced or grant is not None):
        return Deny(Reason.MODEL_NOT_FOUND, f"the model {ask.model[:100]!r} does not exist")
    index = table.directed.get(ask.model)
    directed: Cover | Narrowing = FREE
    if index is not None:
        may_name = (credential.state.directed or ask.naming is not naming.NOBODY) and bool(index.members)
        if may_name or own.directed or index.wide:
            persons = naming.members(ask.naming, credential, table) if may_name else ()
            directed = _directed(_Look(ask, credential, table, now), index, persons)
    if isinstance(directed, Cover):
        fallback = _fallback(ask, own, offer, table)
        has_access = _has_access(ask, credential, grant, offer, table, now)
        said = Reason.DIRECTIVE_IN_FORCE, "", directed.name, directed.by_order
        return Deny(*said, fallback=fallback, may_be_excepted=has_access)
    by = _by_fallback if ask.instead_of else _by_grant
    decided = by(ask, credential, grant, table, now) if grant is not None else None
    if ask.programmes:
        settled = _by_programmes(ask, credential, grant, offer, table, now, decided)
        if isinstance(settled, Deny):
            return settled
        decided = settled
    elif offer.audience is not None:
        decided = _by_audience(ask, credential, grant, offer.audience, table, now, decided)
    if decided is None:
        return _not_granted(ask, table, own, offer)
    if directed is not FREE and isinstance(decided, Allow):
        decided = directed.narrow(decided)
    if isinstance(decided, Allow):
        return decided
    why = _why_shut(ask, grant, offer, own, table, now) if decided is Reason.STAGE_NOT_OPEN else ""
    return Deny(decided, why, fallback=_fallback(ask, own, offer, table))


def _has_access(  # noqa: PLR0913 - a request, and what it may rest on
    ask: Ask,
    credential: CredentialRow,
    grant: GrantRow | None,
    offer: Offer,
    table: Table,
    now: Instant,
) -> bool:
    """Whether a key would have access if no directive covered it: then an exception would help."""
    decided = None if grant is None else _by_grant(ask, credential, grant, table, now)
    if offer.audience is not None:
        decided = _by_audience(ask, credential, grant, offer.audience, table, now, decided)
    return isinstance(decided, Allow)


def _why_shut(  # noqa: PLR0913 - a request, and what it may rest on
    ask: Ask, grant: GrantRow | None, offer: Offer, own: GrantRow, table: Table, now: Instant
) -> str:
    """Why a stage is not open for a request, where it may be open for others; empty if that is not why."""
    resting = [each for each in (grant, offer.audience) if each is not None]
    weak = (table.weakness(each.terms, ask.model) for each in resting)
    by = next((each.suspended_by for each in weak if each is not None and each.suspended_by), None)
    if by is not None:
        return f"by its terms the model is suspended until the finding {by} is closed"
    return _share(own, offer.audience, now)


def _share(own: GrantRow, row: AudienceRow | None, now: Instant) -> str:
    """Why a stage that is open for a share is not open for an organization; empty if that is not why."""
    if row is None or now.early_ms < row.opened_ms or row.is_in(own.organization, now.early_ms):
        return ""
    comes_ms = row.comes_ms(own.organization)
    if comes_ms is None:
        return f"{_NOT_IN}; an officer has stopped the shares from growing for now"
    return f"{_NOT_IN}; it is from {times.format_time(comes_ms)} on, if no officer moves the shares"


_NOT_IN = "this release is open for a share of all organizations, and yours is not in it yet"


def _by_programmes(  # noqa: PLR0913 - a request, and what it may rest on
    ask: Ask,
    credential: CredentialRow,
    grant: GrantRow | None,
    offer: Offer,
    table: Table,
    now: Instant,
    decided: Allow | Reason | None,
) -> Allow | Deny | Reason | None:
    """Decide a request that asks for programmes. `decided` is what the grant says; they rest on that grant,
    and never on a stage for everyone.
    """
    asked = programmes.counted(ask.programmes, in_profiles=offer.release in table.profiled)
    holding = grant if isinstance(decided, Allow) else None
    if offer.audience is not None and not (asked and holding is not None):
        decided = _by_audience(ask, credential, grant, offer.audience, table, now, decided)
    if not isinstance(decided, Allow):
        return decided
    lacking = _lacking(ask, credential, holding, offer, table, now)
    return (
        decided
        if lacking is None
        else lacking._replace(fallback=_fallback(ask, credential.grant, offer, table))
    )


def _lacking(  # noqa: PLR0913 - a request that is allowed, and what it may rest on
    ask: Ask, credential: CredentialRow, grant: GrantRow | None, offer: Offer, table: Table, now: Instant
) -> Deny | None:
    """Why a request that is allowed may not have the programmes that it asks for; None if it may.

    A fallback answers with those that the key's own grant has, too. Each grant is asked for what counts in
    its own release.
    """
    holding = [grant, credential.grant] if ask.instead_of and grant is not credential.grant else [grant]

    def named() -> NamedPersons:
        found = naming.known(ask.naming, credential, ask.model, table, now.early_ms, now.late_ms)
        members = frozenset(whom.person for whom in found.whoms if whom.person is not None)
        return NamedPersons(members, found.has_person)

    for each in holding:
        has, halted, stated, release = NO_ROWS, _NONE, _stated(offer, table), offer.release
        if each is not None:
            release = each.release
            has, halted, stated = each.programmes, each.halted, table.terms[each.terms].programmes
        asked = programmes.counted(ask.programmes, in_profiles=release in table.profiled)
        lacked = programmes.lacked(asked, has, halted, stated, named)
        if lacked is not None:
            return Deny(Reason.PROGRAMME_NOT_GRANTED, lacked.text, programme=lacked)
        person = programmes.needs_person(asked, has)
        if person and not named().all_known:
            said = f"the programme {person!r} asks that every request names its person, a registered member"
            return Deny(Reason.PERSON_REQUIRED, said)
    return None


_NONE: frozenset[str] = frozenset()


def _stated(offer: Offer, table: Table) -> Programmes:
    """The programmes of the stage that is open for everyone."""
    return table.terms[offer.audience.terms].programmes if offer.audience is not None else {}


def _held(ask: Ask, own: GrantRow, offer: Offer | None, table: Table) -> GrantRow | None:
    """The grant of a caller's organization for the release of a model, on the surface of the request."""
    return None if offer is None else table.grants.get((own.organization, offer.release, ask.surface))


def _fallback(ask: Ask, own: GrantRow, offer: Offer, table: Table) -> str | None:
    """The fallback that the release offers, if the caller may know of that model."""
    other = table.offers.get(offer.fallback) if offer.fallback is not None else None
    is_hidden = other is not None and not other.announced and _held(ask, own, other, table) is None
    return None if is_hidden else offer.fallback


def instead(ask: Ask, deny: Deny, table: Table) -> Ask | None:
    """The ask to decide instead, when only a directive refuses an ask: the same ask for the fallback model.

    None if no fallback is offered, if the key's grant has not chosen it, or if this ask is already for a
    fallback.
    """
    credential = table.credentials.get(ask.digest) if ask.digest is not None else None
    if credential is None or not credential.grant.falls_back or ask.instead_of:
        return None
    if deny.reason is not Reason.DIRECTIVE_IN_FORCE or deny.fallback is None:
        return None
    return ask.instead(deny.fallback)


def identify(digest: bytes | None, table: Table, now: Now) -> CredentialRow | Deny:
    """Whose key is this? The first part of every decision; gateways also make it before they read a body."""
    if digest is None:
        return Deny(Reason.CREDENTIAL_MISSING)
    if not isinstance(now, Instant):
        return Deny(now)
    credential = table.credentials.get(digest)
    if credential is None:
        return Deny(Reason.CREDENTIAL_UNKNOWN)
    if credential.state is not ISSUED and (reason := credential.state.refusal(now.late_ms)) is not None:
        return Deny(reason)
    return credential


def usable_models(
    digest: bytes, surface: str, table: Table, now: Now, naming: Naming = naming.NOBODY
) -> list[str]:
    """The models that `decide` would allow this key on this surface, sorted."""
    asks = (Ask(digest, model, surface, naming=naming) for model in table.offers)
    return sorted(ask.model for ask in asks if isinstance(decide(ask, table, now), Allow))


def _directed(look: _Look, index: DirectiveIndex, persons: tuple[str, ...]) -> Cover | Narrowing:
    """What the directives say: one suspends the request, or some ask something of it. `persons` are the
    members that it names, by id.
    """
    narrowed, lacks_person = None, False
    for directive in index.candidates(look.entity, persons):
        if not look.is_covered(directive) or not look.has_begun(directive):
            continue
        if directive.restricts is None:
            return directive
        narrowed = _earlier(narrowed, directive.restricts.get("requestsPerMinute"))
        if directive.restricts.get("personNamed"):
            lacks_person = lacks_person or not look.known().has_person
    return Narrowing(look.until_ms, _earlier(narrowed, look.requests_per_minute), lacks_person)


class _Look:
    """One request, as directives see it. `until_ms` is when they must be checked again."""

    __slots__ = (
        "_ask",
        "_credential",
        "_known",
        "_now",
        "_table",
        "entity",
        "requests_per_minute",
        "until_ms",
    )

    def __init__(self, ask: Ask, credential: CredentialRow, table: Table, now: Instant) -> None:
        self._ask, self._credential, self._table, self._now = ask, credential, table, now
        self.entity = table.entity(credential.grant.organization)
        self._known: Identification | None = None
        self.until_ms: int | None = None
        self.requests_per_minute: int | None = None
        """What licences allow."""

    def known(self) -> Identification:
        """What the request names. It is found once, and only if a directive asks about persons."""
        if self._known is None:
            ask, (early_ms, late_ms) = self._ask, self._now
            self._known = naming.known(
                ask.naming, self._credential, ask.model, self._table, early_ms, late_ms
            )
            self.until_ms = _earlier(self.until_ms, self._known.until_ms)
        return self._known

    def is_covered(self, directive: Cover) -> bool:
        """Whether a directive covers the request and is not over. It may not have begun."""
        model, surface = self._ask.model, self._ask.surface
        is_over = directive.until_ms is not None and self._now.early_ms >= directive.until_ms
        if is_over or not directive.is_about(model, surface):
            return False
        for whom in self.known().whoms if directive.asks_persons else ANYBODY:
            is_covered = directive.covers_one(model, surface, self.entity, whom)
            if is_covered and not (directive.licences and self._is_licensed(directive, whom)):
                return True
        return False

    def _is_licensed(self, directive: Cover, whom: Whom) -> bool:
        """Whether a licence leaves out a covered person. Then its end and its rate hold."""
        ask, late_ms = self._ask, self._now.late_ms
        found = directive.licence_for(ask.model, ask.surface, self.entity, whom, late_ms)
        if found is None:
            return False
        self.until_ms = _earlier(self.until_ms, found.until_ms)
        self.requests_per_minute = _earlier(self.requests_per_minute, found.requests_per_minute)
        return True

    def has_begun(self, directive: Cover) -> bool:
        """Whether a directive that covers the request has begun for it.

        If not, `until_ms` is at its begin at the latest.
        """
        begins_ms = directive.from_ms
        if self._ask.in_flight and directive.restricts is None:
            begins_ms = directive.drained_ms
        if self._now.late_ms >= begins_ms:
            return True
        self.until_ms = _earlier(self.until_ms, begins_ms)
        return False


def _earlier(one: int | None, other: int | None) -> int | None:
    """The smaller of two bounds. None means that there is no bound."""
    return other if one is None else one if other is None else min(one, other)


def _by_grant(  # noqa: C901, PLR0911 - one a reason
    ask: Ask, credential: CredentialRow, grant: GrantRow, table: Table, now: Instant
) -> Allow | Reason:
    upstream = grant.models.get(ask.model)
    if grant.terms not in table.open_terms or now.early_ms < grant.valid_from_ms:
        return Reason.STAGE_NOT_OPEN
    per_minute = grant.requests_per_minute
    weak = table.weakness(grant.terms, ask.model) if table.weak else None
    if weak is not None:
        if weak.suspended_by is not None:
            return Reason.STAGE_NOT_OPEN
        per_minute = _earlier(per_minute, weak.requests_per_minute)
    until_ms = grant.valid_until_ms
    if grant.agreed is not None and upstream is not None:
        stated_ms = _stated_ms(grant.agreed, grant.release, ask, upstream, table)
        if now.late_ms >= stated_ms:
            return Reason.DEPLOYMENT_UNATTESTED
        until_ms = _earlier(until_ms, stated_ms)
    if grant.barred is not None:
        return grant.barred
    if until_ms is not None and now.late_ms >= until_ms:
        return Reason.GRANT_EXPIRED
    if credential.grant is not grant:
        return Reason.NOT_PROVISIONED
    if upstream is None:
        return Reason.NOT_ADMITTED
    if credential.state is not ISSUED:
        until_ms = _earlier(until_ms, credential.state.expires_ms)
    return _new(Allow, (grant, ask.model, upstream, until_ms, per_minute, grant.stage))


def _stated_ms(agreed: AgreedModels, release: str, ask: Ask, upstream: str, table: Table) -> int:
    """Until when the developer's statement says that what was agreed to serves a request; 0 without one."""
    row = table.deployments.get(release)
    return 0 if row is None else row.holds_until_ms(agreed, ask.model, upstream, ask.surface)


def _by_audience(  # noqa: PLR0911, PLR0913 - a request, what it may rest on, and one a reason
    ask: Ask,
    credential: CredentialRow,
    grant: GrantRow | None,
    row: AudienceRow,
    table: Table,
    now: Instant,
    decided: Allow | Reason | None,
) -> Allow | Reason | None:
    """Decide by a stage that is open for everyone, where a grant does not allow the request, or has become
    part of that stage. `decided` is what the grant says; it holds where the stage does not allow more.

    A grant that was removed or suspended is not replaced: it bars here, too.
    """
    own = credential.grant
    becomes = grant is not None and grant.stage in row.asked.becomes
    if ask.instead_of or (isinstance(decided, Allow) and not becomes):
        return decided
    if own.barred in BARRING or (grant is not None and grant.barred in BARRING):
        return decided
    if not own.release and own.barred is not None:
        return own.barred
    terms = table.terms[row.terms]
    upstream = terms.models.get(ask.model)
    if upstream is None or ask.surface not in row.asked.surfaces:
        return decided
    if now.early_ms < row.opened_ms or not row.is_in(own.organization, now.early_ms):
        return Reason.STAGE_NOT_OPEN if decided is None else decided
    stage, per_minute, ends_ms = row.asked.stage, row.requests_per_minute, credential.state.expires_ms
    weak = table.weakness(row.terms, ask.model) if table.weak else None
    if weak is not None:
        if weak.suspended_by is not None:
            return Reason.STAGE_NOT_OPEN if decided is None else decided
        per_minute = _earlier(per_minute, weak.requests_per_minute)
    if terms.agreed is not None:
        stated_ms = _stated_ms(terms.agreed, row.release, ask, upstream, table)
        if now.late_ms >= stated_ms:
            return decided if isinstance(decided, Allow) else Reason.DEPLOYMENT_UNATTESTED
        ends_ms = _earlier(ends_ms, stated_ms)
    return _new(Allow, (own, ask.model, upstream, ends_ms, per_minute, stage))


def _by_fallback(
    ask: Ask, credential: CredentialRow, grant: GrantRow, table: Table, now: Instant
) -> Allow | Reason:
    """Decide as if the key belonged to the fallback's grant,
    while the key allows the model that was asked for.

    INVARIANT: the key could use `instead_of` if there were no directives. So a directive never gives a key
               back what it lost when its own grant ended, or what it never had.
    """
    own, offer = credential.grant, table.offers.get(ask.instead_of)
    if offer is None or offer.fallback != ask.model or not own.falls_back or own.replaced:
        return Reason.NOT_PROVISIONED
    if (own.release, own.surface) != (offer.release, ask.surface):
        return Reason.NOT_PROVISIONED
    meant = _by_grant(replace(ask, model=ask.instead_of), credential, own, table, now)
    if not isinstance(meant, Allow):
        return meant
    given = _by_grant(ask, CredentialRow(credential.id, grant), grant, table, now)
    if not isinstance(given, Allow):
        return given
    return given._replace(until_ms=_earlier(meant.until_ms, given.until_ms))


def _not_granted(ask: Ask, table: Table, own: GrantRow, offer: Offer) -> Deny:
    """A refusal where the organization of a key has no grant for the release of a model on this surface."""
    organization, release = own.organization, offer.release
    application, fallback = None, _fallback(ask, own, offer, table)
    if not table.release_open(release):
        reason = Reason.STAGE_NOT_OPEN
    elif application := table.pending.get((organization, release), {}).get(ask.surface):
        reason = Reason.APPLICATION_PENDING
    elif any(grant.release == release for grant in table.held.get(organization, ())):
        reason = Reason.SURFACE_NOT_GRANTED
    else:
        reason = Reason.NOT_ADMITTED
    return Deny(reason, application=application, fallback=fallback)


def would_stop(directive: Cover, ask: Ask, table: Table, now: Now) -> bool:
    """Whether a drill would stop a request: the directive's own answer, as if it were in force."""
    credential = identify(ask.digest, table, now)
    if isinstance(credential, Deny) or isinstance(now, Reason):
        return False
    known = naming.known(ask.naming, credential, ask.model, table, now.early_ms, now.late_ms)
    entity = table.entity(credential.grant.organization)
    return directive.covers(ask.model, ask.surface, entity, known.whoms)
