"""Dossiers: under what a key could use a model at one moment, and what a finding concerns, as the control
plane states and signs it.

Rules:
- It names its entries by place and leaf hash. The entries themselves are beside it, with their proofs.
- What it says of organizations, purposes and shared exposure is the control plane's word. What it says of a
  grant, of positions, evidence, directives, deployments and findings can be compared with the entries.
- It has no id of a request, only its SHA-256: who knows the id can compare.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from sluicegate_record.form import Exact, Json, Key, Time, form
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.deployments import ServedModel
from sluicegate_record.terms.plan import ModelDigests, StageBasis
from sluicegate_record.terms.programmes import HeldProgramme


@form
class DossierGrant(Exact):
    """The grant that a key was under, as it was at the moment."""

    grant: str
    case: str
    release: str
    stage: str
    surface: str
    terms: str
    conditions: Conditions
    valid_from_ms: Time
    valid_until_ms: Time | None
    programmes: tuple[HeldProgramme, ...] = ()


@form
class DossierPosition(Exact):
    """What an agency said that the grant or the opening of its stage rests on."""

    agency: str
    position: str
    seq: int
    digest: str
    transcribed: bool = False


@form
class DossierEvidence(Exact):
    """A result of an evaluation that the opening of the stage rests on."""

    digest: str
    evaluation: str
    party: str
    model: str
    tested: ModelDigests
    seq: int


@form
class DossierDirective(Exact):
    """A directive that was in force on the model and surface. `basis` is its kind."""

    directive: str
    issuer: str
    action: str
    basis: str
    seq: int


@form
class DossierLayer(Exact):
    """What one layer said of a request: see `sluicegate explain`."""

    what: str
    state: str
    reason: str | None
    text: str


@form
class DossierStretch(Exact):
    """How the organization stood with the model since then, for how long."""

    state: str
    directives: tuple[str, ...]
    from_ms: Annotated[Time, Key("from")]
    until_ms: Annotated[Time | None, Key("until")]


@form
class DossierHolderStretch(DossierStretch):
    """How one organization stood with a model on a surface."""

    model: str
    surface: str


@form
class SharedExposure(Exact):
    """How many organizations held the model: at the moment, and when the dossier was made."""

    then: int
    now: int


@form
class LeafRef(Exact):
    """An entry, by its place and its leaf hash in hex."""

    seq: int
    leaf: str


@form
class DossierRequest(Exact):
    """A request, as its gateway kept it. `digest` is SHA-256 of its id; `grant` is a grant or account.

    `at_ms` is when it was over, by the gateway's clock; `outcome` how, as in the request log.
    """

    digest: str
    at_ms: Time
    grant: str
    outcome: str
    programmes: tuple[str, ...] = ()


@form
class DossierDeployment(Exact):
    """The developer's statement of what serves the models of a release, as it was at the moment.

    `holds`: it was in force by the terms. `serves` has what it says of the models that the dossier is about.
    """

    digest: str
    release: str
    officer: str
    signed_at_ms: Time
    until_ms: Time
    serves: tuple[ServedModel, ...]
    holds: bool
    seq: int


@form
class DossierWord(Exact):
    """What a party said of a finding, and in which entry."""

    says: str
    party: str
    digest: str
    seq: int
    at_ms: Time
    outcome: str | None = None


@form
class DossierFinding(Exact):
    """A finding, with all that was said of it until the dossier was made. Its details stay sealed."""

    finding: str
    release: str
    kind: str
    level: str
    party: str
    digest: str
    text: str
    model: str | None
    tested: ModelDigests | None
    grant: str | None
    state: str
    seq: int
    at_ms: Time
    said: tuple[DossierWord, ...]


@form
class DossierHolder(Exact):
    """A grant that a finding concerns, as it was at the moment, and how it stood since with a model."""

    organization: str | None
    purpose: str | None
    grant: DossierGrant
    basis: StageBasis
    positions: tuple[DossierPosition, ...]
    since: tuple[DossierHolderStretch, ...]


@form
class FindingDossier(Statement):
    """What a finding concerns: who held the model, or whose grant was misused, at a size of the log.

    `more` are the grants that it has no room for; `accounts` those who had the model by a stage for everyone.
    """

    TYPE: ClassVar = "urn:sluicegate:finding-dossier:v1"

    log: str
    size: int
    at_ms: Time
    finding: DossierFinding
    holders: tuple[DossierHolder, ...]
    more: int
    accounts: int
    served: ModelDigests | None
    deployment: DossierDeployment | None
    evidence: tuple[DossierEvidence, ...]
    directives: tuple[DossierDirective, ...]
    shared: SharedExposure
    entries: tuple[LeafRef, ...]

    @property
    def subject(self) -> tuple[str, Json]:
        """The finding and the size of the log."""
        return self.finding.finding, {"finding": self.finding.finding, "size": self.size}


@form
class DossierStatement(Statement):
    """Under what a key could use a model, or could not, at a size of the log."""

    TYPE: ClassVar = "urn:sluicegate:dossier:v1"

    log: str
    size: int
    at_ms: Time
    credential: str
    model: str
    surface: str
    allowed: bool
    reason: str | None
    organization: str | None
    purpose: str | None
    grant: DossierGrant | None
    basis: StageBasis | None
    upstream: str | None
    served: ModelDigests | None
    positions: tuple[DossierPosition, ...]
    evidence: tuple[DossierEvidence, ...]
    directives: tuple[DossierDirective, ...]
    layers: tuple[DossierLayer, ...]
    shared: SharedExposure
    since: tuple[DossierStretch, ...]
    entries: tuple[LeafRef, ...]
    request: DossierRequest | None = None
    deployment: DossierDeployment | None = None

    @property
    def subject(self) -> tuple[str, Json]:
        """The key, the model and the size of the log."""
        return self.credential, {"credential": self.credential, "model": self.model, "size": self.size}
