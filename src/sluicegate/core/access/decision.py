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

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from sluicegate.core.access import naming
from sluicegate.core.access.naming import Identification, Naming
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import CredentialRow, GrantRow, Offer, Table
from sluicegate.core.directives.cover import Cover, DirectiveIndex, Requester, Whom
from sluicegate_record.directives.status import UNKNOWN, Assurance


class Instant(NamedTuple):
    """The control plane's time, as exactly as it can be known here.

    Requires: early_ms <= late_ms.
    Units: milliseconds since 1970 UTC.
    """

    early_ms: int
    late_ms: int


Now: TypeAlias = Instant | Reason
"""The time, or the reason why a gateway has none to decide by."""


class Ask(NamedTuple):
    """What a request asks for.

    `digest` is SHA-256 of the API key, 32 bytes, or None if the request has no key. `unread` is the refusal
    of a request that could not be read. `naming` is how it names its person. `in_flight` says that it was
    allowed before and is decided again. `instead_of` is the model that was asked for, if `model` is the
    fallback offered for it; only `instead` makes such asks. `programme` is one that it asks for, other than
    the standard one, such as `cyber: daybreak_red`; or empty.
    """

    digest: bytes | None
    model: str
    surface: str
    unread: Deny | None = None
    naming: Naming = naming.NOBODY
    in_flight: bool = False
    instead_of: str = ""
    programme: str = ""


class Allow(NamedTuple):
    """Yes, under these terms.

    Units: `until_ms` is when the request must be decided again (milliseconds since 1970 UTC, exclusive).
    """

    grant: str
    model: str
    upstream: str
    until_ms: int | None
    requests_per_minute: int | None


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


FREE = Narrowing()
"""No directive is about the request."""
ANYBODY = (Whom(None, UNKNOWN, Assurance.SELF_ASSERTED),)
"""What a request names, for a directive that does not ask about persons."""


def decide(ask: Ask, table: Table, now: Now) -> Allow | Deny:
    """Decide one request."""
    credential = identify(ask.digest, table, now)
    if isinstance(credential, Deny):
        return credential
    if ask.unread is not None:
        return ask.unread
    offer, own = table.offers.get(ask.model), credential.grant
    grant: GrantRow | None = own
    if offer is None or own.replaced or own.release != offer.release or own.surface != ask.surface:
        grant = _held(ask, own, offer, table)
    if offer is None or not _may_know(offer, grant):
        return Deny(Reason.MODEL_NOT_FOUND, f"the model {ask.model[:100]!r} does not exist")
    directed = _directed(ask, credential, table, now)
    if isinstance(directed, Cover):
        deny = Deny(Reason.DIRECTIVE_IN_FORCE, directive=directed.name, by_order=directed.by_order)
        return _offering(deny, ask, own, offer, table)
    if grant is None:
        return _offering(_not_granted(ask, table, credential, offer), ask, own, offer, table)
    by = _by_fallback if ask.instead_of else _by_grant
    decided = by(ask, credential, grant, table, now)
    if isinstance(decided, Allow) and ask.programme:
        decided = Reason.PROGRAMME_NOT_GRANTED
    elif directed is not FREE and isinstance(decided, Allow):
        decided = directed.narrow(decided)
    return decided if isinstance(decided, Allow) else _offering(_denied(decided, ask), ask, own, offer, table)


def _denied(reason: Reason, ask: Ask) -> Deny:
    if reason is not Reason.PROGRAMME_NOT_GRANTED:
        return Deny(reason)
    return Deny(reason, f"the programme {ask.programme!r} is not granted; only the standard one is active")


def _held(ask: Ask, own: GrantRow, offer: Offer | None, table: Table) -> GrantRow | None:
    """The grant of a caller's organization for the release of a model, on the surface of the request."""
    return None if offer is None else table.grants.get((own.organization, offer.release, ask.surface))


def _may_know(offer: Offer, grant: GrantRow | None) -> bool:
    """Whether a caller may know of a model. Where it is not announced, it exists only for the admitted."""
    return offer.announced or grant is not None


def _offering(deny: Deny, ask: Ask, own: GrantRow, offer: Offer, table: Table) -> Deny:
    """A refusal with the fallback that the release offers, if the caller may know of that model."""
    if offer.fallback is None:
        return deny
    other = table.offers.get(offer.fallback)
    is_hidden = other is not None and not _may_know(other, _held(ask, own, other, table))
    return deny if is_hidden else replace(deny, fallback=offer.fallback)


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
    return ask._replace(model=deny.fallback, instead_of=ask.model)


def identify(digest: bytes | None, table: Table, now: Now) -> CredentialRow | Deny:
    """Whose key is this? The first part of every decision; gateways also make it before they read a body."""
    if digest is None:
        return Deny(Reason.CREDENTIAL_MISSING)
    if isinstance(now, Reason):
        return Deny(now)
    credential = table.credentials.get(digest)
    if credential is None:
        return Deny(Reason.CREDENTIAL_UNKNOWN)
    if credential.revoked:
        return Deny(Reason.CREDENTIAL_REVOKED)
    return credential


def usable_models(
    digest: bytes, surface: str, table: Table, now: Now, naming: Naming = naming.NOBODY
) -> list[str]:
    """The models that `decide` would allow this key on this surface, sorted."""
    asks = (Ask(digest, model, surface, naming=naming) for model in table.offers)
    return sorted(ask.model for ask in asks if isinstance(decide(ask, table, now), Allow))


def _directed(ask: Ask, credential: CredentialRow, table: Table, now: Now) -> Cover | Narrowing:
    """What the directives say: one suspends the request, or some ask something of it."""
    suspending, restricting = table.suspending.get(ask.model), table.restricting.get(ask.model)
    if (suspending is None and restricting is None) or isinstance(now, Reason):
        return FREE
    persons = naming.members(ask.naming, credential, table)
    organization = credential.grant.organization
    if (suspending is None or not suspending.reaches(organization, table.entity, persons)) and (
        restricting is None or not restricting.reaches(organization, table.entity, persons)
    ):
        return FREE
    look = _Look(ask, credential, table, now, persons)
    if suspending is not None:
        for directive in look.covering(suspending):
            if look.begun(directive):
                return directive
    narrowed, lacks_person = None, False
    for directive in look.covering(restricting) if restricting is not None else ():
        if look.begun(directive) and directive.restricts is not None:
            narrowed = _earlier(narrowed, directive.restricts.get("requestsPerMinute"))
            if directive.restricts.get("personNamed"):
                lacks_person = lacks_person or not look.known().has_person
    return Narrowing(look.until_ms, narrowed, lacks_person)


class _Look:
    """One request, as directives see it. `until_ms` is when they must be checked again."""

    __slots__ = ("_ask", "_credential", "_entity", "_known", "_now", "_persons", "_table", "until_ms")

    def __init__(
        self, ask: Ask, credential: CredentialRow, table: Table, now: Instant, persons: Sequence[str]
    ) -> None:
        self._ask, self._credential, self._table, self._now = ask, credential, table, now
        self._persons = persons
        self._entity: Requester = table.entity(credential.grant.organization)
        self._known: Identification | None = None
        self.until_ms: int | None = None

    def known(self) -> Identification:
        """What the request names. It is found once, and only if a directive asks about persons."""
        if self._known is None:
            ask, (early_ms, late_ms) = self._ask, self._now
            self._known = naming.known(
                ask.naming, self._credential, ask.model, self._table, early_ms, late_ms
            )
            self.until_ms = _earlier(self.until_ms, self._known.until_ms)
        return self._known

    def covering(self, directed: DirectiveIndex) -> Iterator[Cover]:
        """The directives that cover the request, except those that are over. Some may not have begun."""
        model, surface, entity = self._ask.model, self._ask.surface, self._entity
        for directive in directed.candidates(entity, self._persons):
            if not directive.is_about(model, surface):
                continue
            whoms = self.known().whoms if directive.asks_persons else ANYBODY
            is_over = directive.until_ms is not None and self._now.early_ms >= directive.until_ms
            if not is_over and directive.covers(model, surface, entity, whoms):
                yield directive

    def begun(self, directive: Cover) -> bool:
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


def _by_grant(  # noqa: PLR0911 - one a reason
    ask: Ask, credential: CredentialRow, grant: GrantRow, table: Table, now: Now
) -> Allow | Reason:
    upstream = grant.models.get(ask.model)
    if isinstance(now, Reason):
        return now
    if grant.terms not in table.open_terms or now.early_ms < grant.valid_from_ms:
        return Reason.STAGE_NOT_OPEN
    if grant.barred is not None:
        return grant.barred
    if grant.valid_until_ms is not None and now.late_ms >= grant.valid_until_ms:
        return Reason.GRANT_EXPIRED
    if credential.grant is not grant:
        return Reason.NOT_PROVISIONED
    if upstream is None:
        return Reason.NOT_ADMITTED
    return Allow(grant.id, ask.model, upstream, grant.valid_until_ms, grant.requests_per_minute)


def _by_fallback(
    ask: Ask, credential: CredentialRow, grant: GrantRow, table: Table, now: Now
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
    meant = _by_grant(ask._replace(model=ask.instead_of), credential, own, table, now)
    if not isinstance(meant, Allow):
        return meant
    given = _by_grant(ask, CredentialRow(credential.id, grant), grant, table, now)
    if not isinstance(given, Allow):
        return given
    ends = [end_ms for end_ms in (meant.until_ms, given.until_ms) if end_ms is not None]
    return given._replace(until_ms=min(ends, default=None))


def _not_granted(ask: Ask, table: Table, credential: CredentialRow, offer: Offer) -> Deny:
    organization, release = credential.grant.organization, offer.release
    if not table.release_open(release):
        return Deny(Reason.STAGE_NOT_OPEN)
    application = table.pending.get((organization, release), {}).get(ask.surface)
    if application is not None:
        return Deny(Reason.APPLICATION_PENDING, application=application)
    if organization in table.holders.get(release, ()):
        return Deny(Reason.SURFACE_NOT_GRANTED)
    return Deny(Reason.NOT_ADMITTED)


def would_stop(directive: Cover, ask: Ask, table: Table, now: Now) -> bool:
    """Whether a drill would stop a request: the directive's own answer, as if it were in force."""
    credential = identify(ask.digest, table, now)
    if isinstance(credential, Deny) or isinstance(now, Reason):
        return False
    known = naming.known(ask.naming, credential, ask.model, table, now.early_ms, now.late_ms)
    entity = table.entity(credential.grant.organization)
    return directive.covers(ask.model, ask.surface, entity, known.whoms)
