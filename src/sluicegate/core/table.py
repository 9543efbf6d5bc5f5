"""The table: all that a decision needs, folded from the ledger's entries.

Rules:
- The table is a function of the entries alone; it reads their `public` and `gate` parts.
- An entry is applied whole or not at all; one of an unknown type stops the fold.
- A look-up costs the same however many credentials, grants and directives there are.
- A grant holds the terms it was given under; a plan applied later does not change them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any, TypeVar

from sluicegate.core import events
from sluicegate.core.events import Entry
from sluicegate.core.refusals import Reason
from sluicegate.errors import NotCanonical, VerificationFailed

Folded = TypeVar("Folded")
LEASE_MS_DEFAULT = 5_000


@dataclass(slots=True)
class Grant:
    """An organization's authorization for one release on one surface.

    `replaced` says that a later grant has taken its place, `proven` that a call under it has succeeded;
    `barred` is why it allows nothing any more, or for now. `falls_back` says that where a directive refuses a
    request under it, its holder wants the fallback offered to answer instead.
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


@dataclass(slots=True)
class Credential:
    """An API key by its digest, and the grant it was issued under."""

    id: str
    grant: Grant
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as its release offers it now: what those hear who are not admitted."""

    release: str
    announced: bool
    fallback: str | None


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive in force, compiled: whom it covers, for which models and surfaces.

    `organizations` None covers everyone.
    """

    name: str
    by_order: bool
    models: frozenset[str]
    surfaces: frozenset[str] | None
    organizations: frozenset[str] | None

    def covers(self, model: str, surface: str, organization: str) -> bool:
        """Whether a request is covered. The literal reading; `Suspensions` is the fast one."""
        return (
            model in self.models
            and (self.surfaces is None or surface in self.surfaces)
            and (self.organizations is None or organization in self.organizations)
        )


@dataclass(slots=True)
class Suspensions:
    """The directives in force for one model, by whom they cover."""

    everyone: dict[str, Directive] = field(default_factory=dict)
    organizations: dict[str, dict[str, Directive]] = field(default_factory=dict)

    def add(self, directive: Directive) -> None:
        """Put a directive in force."""
        if directive.organizations is None:
            self.everyone[directive.name] = directive
            return
        for organization in directive.organizations:
            self.organizations.setdefault(organization, {})[directive.name] = directive

    def remove(self, directive: Directive) -> None:
        """End a directive."""
        self.everyone.pop(directive.name, None)
        for organization in directive.organizations or ():
            named = self.organizations.get(organization, {})
            named.pop(directive.name, None)
            if not named:
                self.organizations.pop(organization, None)

    def covering(self, surface: str, organization: str) -> Directive | None:
        """A directive that covers the organization on a surface, if there is one."""
        for named in (self.everyone, self.organizations.get(organization)):
            for directive in named.values() if named else ():
                if directive.surfaces is None or surface in directive.surfaces:
                    return directive
        return None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the table keeps of a release's plan in force."""

    models: frozenset[str]
    lease_ms: int
    stages: dict[str, str]
    """Terms digest by stage."""


class Table:
    """Who may do what, at one size of the log.

    The fields are read by `core.decision` alone and written by `apply` alone.
    """

    def __init__(self) -> None:
        self.size = 0
        self.longest_lease_ms = LEASE_MS_DEFAULT
        """The longest lease that any plan has ever allowed."""
        self.credentials: dict[bytes, Credential] = {}
        self.grants: dict[tuple[str, str, str], Grant] = {}
        self.grants_by_id: dict[str, Grant] = {}
        self.surfaces_granted: dict[tuple[str, str], set[str]] = {}
        self.pending: dict[tuple[str, str], dict[str, str]] = {}
        self.offers: dict[str, Offer] = {}
        self.plans: dict[str, Plan] = {}
        self.terms: dict[str, dict[str, Any]] = {}
        self.open_terms: set[str] = set()
        """The terms, by digest, under which a stage was opened."""
        self.directives: dict[str, Directive] = {}
        self.suspensions: dict[str, Suspensions] = {}
        """By model; a model under no directive has none."""
        self._credential_ids: dict[str, Credential] = {}
        self._cases: dict[str, tuple[str, str, str]] = {}

    @property
    def lease_ms(self) -> int:
        """How long a gateway may trust this table: the smallest lease of the plans in force."""
        return min((plan.lease_ms for plan in self.plans.values()), default=LEASE_MS_DEFAULT)

    def apply(self, entry: Entry) -> None:
        """Fold one entry in.

        Requires: `entry.seq == self.size`.
        Raises: VerificationFailed: out of order, of an unknown type, or without what its type needs.
        """
        if entry.seq != self.size:
            raise VerificationFailed(f"entry {entry.seq} cannot follow a table of size {self.size}")
        if entry.type not in events.TYPES:
            raise VerificationFailed(
                f"entry {entry.seq} has type {entry.type!r}, unknown to this build; update it"
            )
        fold = _FOLDS.get(entry.type)
        if fold is not None:
            fold_in(fold, self, entry)
        self.size = entry.size

    def skip(self, entry: Entry) -> None:
        """Count one entry in without what it says. Requires: `entry.seq == self.size`."""
        self.size = entry.size

    def covering(self, model: str, surface: str, organization: str) -> Directive | None:
        """A directive in force that covers the request, if there is one."""
        suspensions = self.suspensions.get(model)
        return suspensions.covering(surface, organization) if suspensions is not None else None

    def revoked(self, credential: str) -> bool:
        """Whether the credential with this id has been revoked."""
        return self._credential_ids[credential].revoked

    def release_open(self, release: str) -> bool:
        """Whether any stage of the release is open."""
        return not self.open_terms.isdisjoint(self.plans[release].stages.values())


def fold_in(fold: Callable[[Folded, Entry], None], state: Folded, entry: Entry) -> None:
    """Fold an entry into a state.

    Raises: VerificationFailed: the entry lacks what its type needs.
    """
    try:
        fold(state, entry)
    except (AttributeError, KeyError, NotCanonical, StopIteration, TypeError, ValueError) as error:
        raise VerificationFailed(
            f"entry {entry.seq} ({entry.type}) lacks what its type needs: {error!r}"
        ) from error


def compiled(name: str, spec: Mapping[str, Any], organizations: Iterable[str] | None) -> Directive:
    """A directive's document, compiled; `organizations` are the pseudonyms it covers, None for everyone."""
    return Directive(
        name=name,
        by_order=spec["basis"]["kind"] == "order",
        models=frozenset(spec["models"]),
        surfaces=None if spec["surfaces"] == "all" else frozenset(spec["surfaces"]),
        organizations=None if organizations is None else frozenset(organizations),
    )


def _release_applied(table: Table, entry: Entry) -> None:
    release = entry.public["release"]
    plan = entry.public["plan"] if entry.public["announced"] else entry.gate_value("plan")
    spec = plan["spec"]
    kept = Plan(
        models=frozenset(model["id"] for model in spec["models"]),
        lease_ms=spec["leaseMs"],
        stages=dict(entry.public["terms"]),
    )
    fallback = spec.get("onRefusal", {}).get("fallbackModel")
    models = {model["id"]: model["upstream"] for model in spec["models"]}
    terms = {
        kept.stages[stage["name"]]: {"models": models, "conditions": stage.get("conditions", {})}
        for stage in spec["stages"]
    }
    for stage, looser in entry.public.get("tightened", {}).items():
        if looser in table.open_terms:
            table.open_terms.add(kept.stages[stage])
    before = table.plans.get(release)
    for model_id in before.models - kept.models if before else ():
        del table.offers[model_id]
    for model_id in kept.models:
        table.offers[model_id] = Offer(release, spec["announced"], fallback)
    table.plans[release] = kept
    table.longest_lease_ms = max(table.longest_lease_ms, kept.lease_ms)
    table.terms.update(terms)


def _case_opened(table: Table, entry: Entry) -> None:
    if entry.public["kind"] != "admission":
        return
    organization = entry.gate_value("organization")
    table._cases[entry.public["case"]] = (organization, entry.public["release"], entry.public["surface"])
    _case_pending(table, entry)


def _case_pending(table: Table, entry: Entry) -> None:
    """A case is under review, or again."""
    asked = table._cases.get(entry.public["case"])
    if asked is not None:
        organization, release, surface = asked
        table.pending.setdefault((organization, release), {})[surface] = entry.public["case"]


def _case_determined(table: Table, entry: Entry) -> None:
    asked = table._cases.get(entry.public["case"])
    if asked is not None:
        organization, release, surface = asked
        if table.pending[organization, release].get(surface) == entry.public["case"]:
            del table.pending[organization, release][surface]


def _stage_opened(table: Table, entry: Entry) -> None:
    table.open_terms.add(entry.public["terms"])


def _grant_approved(table: Table, entry: Entry) -> None:
    public = entry.public
    terms = table.terms[public["terms"]]
    grant = Grant(
        id=public["grant"],
        organization=intern(entry.gate_value("organization")),
        release=intern(public["release"]),
        stage=intern(public["stage"]),
        surface=intern(public["surface"]),
        terms=intern(public["terms"]),
        models=terms["models"],
        valid_from_ms=events.parse_time(public["validFrom"]),
        valid_until_ms=events.parse_time(public["validUntil"]) if public["validUntil"] else None,
        requests_per_minute=public.get("conditions", terms["conditions"]).get("requestsPerMinute"),
    )
    key = (grant.organization, grant.release, grant.surface)
    if key in table.grants:
        table.grants[key].replaced = True
    table.grants[key] = grant
    table.grants_by_id[grant.id] = grant
    table.surfaces_granted.setdefault((grant.organization, grant.release), set()).add(grant.surface)


def _grant_proven(table: Table, entry: Entry) -> None:
    table.grants_by_id[entry.public["grant"]].proven = True


def _grant_amended(table: Table, entry: Entry) -> None:
    public = entry.public
    grant = table.grants_by_id[public["grant"]]
    grant.terms = intern(public["terms"])
    grant.models = table.terms[public["terms"]]["models"]
    grant.valid_until_ms = events.parse_time(public["validUntil"]) if public["validUntil"] else None
    grant.requests_per_minute = public["conditions"].get("requestsPerMinute")


def _grant_suspended(table: Table, entry: Entry) -> None:
    table.grants_by_id[entry.public["grant"]].barred = Reason.GRANT_SUSPENDED


def _grant_resumed(table: Table, entry: Entry) -> None:
    table.grants_by_id[entry.public["grant"]].barred = None


def _grant_reinstated(table: Table, entry: Entry) -> None:
    grant = table.grants_by_id[entry.public["grant"]]
    key = (grant.organization, grant.release, grant.surface)
    table.grants[key].replaced = True
    grant.replaced, grant.barred = False, None
    table.grants[key] = grant


def _grant_ended(table: Table, entry: Entry) -> None:
    table.grants_by_id[entry.public["grant"]].barred = _ENDS[entry.public["how"]]


def _grant_fallback_chosen(table: Table, entry: Entry) -> None:
    table.grants_by_id[entry.public["grant"]].falls_back = entry.public["fallback"] is True


_ENDS = {
    "removed": Reason.GRANT_REMOVED,
    "expired": Reason.GRANT_EXPIRED,
    "surrendered": Reason.NOT_ADMITTED,
}


def _credential_issued(table: Table, entry: Entry) -> None:
    grant = table.grants_by_id[entry.public["grant"]]
    digest = bytes.fromhex(entry.gate_value("digest"))
    credential = Credential(entry.public["credential"], grant)
    table.credentials[digest] = credential
    table._credential_ids[credential.id] = credential


def _credential_revoked(table: Table, entry: Entry) -> None:
    table._credential_ids[entry.public["credential"]].revoked = True


def _directive_issued(table: Table, entry: Entry) -> None:
    spec = entry.public["document"]["spec"]
    organizations = None if spec["covers"] == "everyone" else entry.gate_value("organizations")
    directive = compiled(entry.public["directive"], spec, organizations)
    table.directives[directive.name] = directive
    for model in directive.models:
        table.suspensions.setdefault(model, Suspensions()).add(directive)


def _directive_lifted(table: Table, entry: Entry) -> None:
    directive = table.directives.pop(entry.public["directive"])
    for model in directive.models:
        suspensions = table.suspensions[model]
        suspensions.remove(directive)
        if not suspensions.everyone and not suspensions.organizations:
            del table.suspensions[model]


_FOLDS: dict[str, Callable[[Table, Entry], None]] = {
    events.RELEASE_APPLIED: _release_applied,
    events.CASE_OPENED: _case_opened,
    events.CASE_WAITLISTED: _case_pending,
    events.CASE_REPLIED: _case_pending,
    events.CASE_DETERMINED: _case_determined,
    events.STAGE_OPENED: _stage_opened,
    events.GRANT_APPROVED: _grant_approved,
    events.GRANT_PROVEN: _grant_proven,
    events.GRANT_AMENDED: _grant_amended,
    events.GRANT_SUSPENDED: _grant_suspended,
    events.GRANT_RESUMED: _grant_resumed,
    events.GRANT_ENDED: _grant_ended,
    events.GRANT_REINSTATED: _grant_reinstated,
    events.GRANT_FALLBACK_CHOSEN: _grant_fallback_chosen,
    events.CREDENTIAL_ISSUED: _credential_issued,
    events.CREDENTIAL_REVOKED: _credential_revoked,
    events.DIRECTIVE_ISSUED: _directive_issued,
    events.DIRECTIVE_LIFTED: _directive_lifted,
}
