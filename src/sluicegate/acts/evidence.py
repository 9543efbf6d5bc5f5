"""Acts on evidence: what is asked of an evaluation, its results, and which of them count."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import Identifier, ReleaseName, text
from sluicegate.acts.growth import daily
from sluicegate.acts.paging import Paging
from sluicegate_record.form import Hex, Json, Note, Time, form
from sluicegate_record.terms.evaluations import Evaluation, EvaluationRun
from sluicegate_record.terms.plan import ModelDigests

SEALED_LOG_MAX = 900_000
"""How many base64 digits a sealed log may have. What is larger goes another way."""
EvaluationName = Annotated[Identifier, Note("The evaluation, as the plan names it.")]
EvidenceName = Annotated[Identifier, Note("The evidence.")]


@form
class EvaluationArgument(Arguments):
    """Which evaluation of which release."""

    release: ReleaseName
    evaluation: EvaluationName


@form
class ModelInForce(ActAnswer):
    """A model of the release, and its digests in force: what must have been tested."""

    id: str
    digest: str
    safeguards: str

    @property
    def tested(self) -> ModelDigests:
        """Its digests, as statements have them."""
        return ModelDigests(digest=self.digest, safeguards=self.safeguards)


@form
class SealingKey(ActAnswer):
    """A pinned key to which something can be sealed. Units: `public` are 32 raw bytes of an Ed25519 key."""

    party: str
    owner: str
    public: Hex


@form
class EvaluationToSign(ActAnswer):
    """What a result of the caller's party answers: the evaluation, and the models in force."""

    log: str
    release: str
    developer: str
    party: str
    name: str
    evaluation: Evaluation
    models: tuple[ModelInForce, ...]
    keys: Annotated[tuple[SealingKey, ...], Note("To these its log can be sealed.")] = ()


@form
class SignedResult(SignedStatement):
    """A party's signed result; and its log, if it is kept here, sealed."""

    sealed_log: Annotated[
        Annotated[str, text(1, SEALED_LOG_MAX)] | None,
        Note("The log, sealed to keys that its party chose: a file of age, in base64."),
    ] = None


@form
class EvidenceReceipt(Done):
    """A result that is on the record, and whether it counts; `reasons` say why it does not."""

    evidence: str
    release: str
    evaluation: str
    party: str
    counts: bool
    reasons: tuple[str, ...]
    result: Annotated[str, Note("PASSED, FAILED or WARNED, by the threshold of the plan.")]
    says: Annotated[str, Note("In numbers and words.")]
    superseded: Annotated[
        tuple[str, ...], Note("Open cases that ended, because a scrutiny level changes what they ask.")
    ] = ()


@form
class WithdrawalReceipt(Done):
    """A result that its party took back. `superseded` are open cases that ended with its scrutiny level."""

    evidence: str
    release: str
    evaluation: str
    party: str
    superseded: tuple[str, ...]


@form
class EvidenceView(ActAnswer):
    """A result of an evaluation: whose, about which model, what was run, and whether it counts now."""

    evidence: str
    release: str
    evaluation: str
    party: str
    model: str
    digest: str
    safeguards: str
    counts: bool
    reasons: tuple[str, ...]
    says: Annotated[str, Note("In numbers and words.")]
    run: EvaluationRun
    at_ms: Time
    seq: int


@form
class WeighedEvidence(EvidenceView):
    """A result beside the others of its evaluation, and why it decides, if it does."""

    decides: Annotated[
        str | None, Note("Why the evaluation is met, or not, by this result. Null: by others, or by none.")
    ] = None


@form
class EvidenceFilter(Paging):
    """Which results."""

    release: Annotated[str | None, Note("Only those of this release.")] = None
    evaluation: Annotated[str | None, Note("Only those of this evaluation.")] = None


@form
class EvidenceList(ActAnswer):
    """A page of results, newest first. `next` is the last one of this page, if there are more."""

    size: int
    evidence: tuple[EvidenceView, ...]
    next: str | None


@form
class EvidenceArgument(Arguments):
    """Which result."""

    evidence: EvidenceName


@form
class SignedEvidence(EvidenceView):
    """A result with what its party signed: a DSSE envelope over an in-toto test result."""

    envelope: Json
    log_kept: Annotated[
        bool, Note("Whether its log is here, sealed: 'sluicegate evidence log' opens it.")
    ] = False


@form
class SealedLog(ActAnswer):
    """The log of a run as it was sealed, a file of age in base64. `digest` is that of the log itself."""

    evidence: str
    digest: str
    sealed: str


TO_SIGN = Act(
    "evidence.to-sign",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/releases/{release}/evaluations/{evaluation}",
    EvaluationArgument,
    EvaluationToSign,
    "Show what a result of an evaluation answers.",
)
IMPORT = Act(
    "evidence.import",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/evidence",
    SignedResult,
    EvidenceReceipt,
    "Put the signed result of an evaluation on the record.",
    daily("positions"),
)
WITHDRAW = Act(
    "evidence.withdraw",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/evidence/withdraw",
    SignedStatement,
    WithdrawalReceipt,
    "Take back a result of your own party: it counts no more, and what rested on it is lost.",
    daily("positions"),
)
LOG = Act(
    "evidence.log",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/evidence/{evidence}/log",
    EvidenceArgument,
    SealedLog,
    "Open the log of a run, if its party keeps it here, sealed to your key.",
)
LIST = Act(
    "evidence.list",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/evidence",
    EvidenceFilter,
    EvidenceList,
    "List results of evaluations, newest first: whose, in numbers and words, and whether they count.",
)
SHOW = Act(
    "evidence.show",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/evidence/{evidence}",
    EvidenceArgument,
    SignedEvidence,
    "Show a result of an evaluation, with what its party signed.",
)
