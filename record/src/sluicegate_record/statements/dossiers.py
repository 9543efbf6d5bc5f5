"""A dossier: under what a key could use a model at one moment, as the control plane states and signs it.

Rules:
- It names its entries by place and leaf hash. The entries themselves are beside it, with their proofs.
- What it says of organizations, purposes and shared exposure is the control plane's word. What it says of a
  grant, of positions, evidence and directives can be compared with the entries.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from sluicegate_record.form import Exact, Json, Key, Time, form
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms.conditions import Conditions
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

    @property
    def subject(self) -> tuple[str, Json]:
        """The key, the model and the size of the log."""
        return self.credential, {"credential": self.credential, "model": self.model, "size": self.size}
