"""Acts of a review: export a case, put what someone signed on the record, change a screening list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from sluicegate.acts.act import AGENCY, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.cases import CaseArgument, CaseView, ContributionView
from sluicegate.acts.fields import Opened, PlainName, SignedEnvelope, text
from sluicegate.acts.growth import daily
from sluicegate.acts.transcript import Officers, Transcribed
from sluicegate_record.directives.document import Document
from sluicegate_record.form import ABSENT, Absent, Base64, Json, Note, Time, form
from sluicegate_record.statements.about import About
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.statements.question import Question
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.rule import Rule


@form
class ExportedDossier(ActAnswer):
    """The dossier of an applicant, and the salt of the commitment to it."""

    application: Json
    salt: Base64


@form
class ExportedNames(ActAnswer):
    """The organizations that a lift is about, and the salt of the commitment to them."""

    salt: Base64
    value: tuple[Json, ...]


@form
class ExportedEntry(ActAnswer):
    """An entry, as its leaf, and what opens those of its sealed parts that its reader may read."""

    leaf: Base64
    opened: Mapping[str, Opened] = field(default_factory=dict)


@form
class CaseToSign(ActAnswer):
    """A case as its parties sign in it.

    `parties` says for which party each key speaks, by the ids of the keys. `previous` is the digest of a
    party's position so far. `document` is the directive that a lift is about. `said` is what has been said in
    the case, and `discussion` the entries that say it, oldest first.
    """

    question: Question
    rule: Rule
    parties: Mapping[str, str]
    previous: Mapping[str, str]
    document: Document | None
    scope: ExportedNames | None
    said: Discussion | None = None
    discussion: tuple[ExportedEntry, ...] = ()


@form
class ExportedCase(CaseToSign):
    """What a reviewer needs to decide and sign, if need be without a network.

    `terms` is the plan whose terms the question binds. `against` is the kind of the case that an appeal is
    about, `designation` the envelope of the judgement that is reconsidered. `listed` opens the commitments
    to the organizations that the terms of its stage name. `opening` is the entry that opened the case, with
    what opens the notice of a removal or the text of an appeal.
    """

    kind: Literal["sluicegate-review"]
    version: Literal[1]
    terms: Plan | None
    dossier: ExportedDossier | None
    against: str | None
    case: CaseView
    designation: Json = None
    listed: tuple[ExportedDossier, ...] = ()
    opening: ExportedEntry | None = None


EXPORT = Act(
    "case.export",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/cases/{case}/export",
    CaseArgument,
    ExportedCase,
    "Export a case for review: the question, the dossier, the rule. Read it, then sign it.",
)


@form
class ReviewStatement(Arguments):
    """A signed statement, as a DSSE envelope; `opened` if it commits to something that is not public."""

    envelope: SignedEnvelope
    opened: Opened | None = None


@form
class RefusalView(ActAnswer):
    """Why a control plane refuses something, and what to do."""

    code: str
    message: str
    remedy: str


@form
class PositionReceipt(Done):
    """What a position came to in its case. `determination` is null if the case is not determined yet.

    `unheard` is what was said in the case after its signer had looked at it. `stale` says that a consent does
    not count for that reason, until its agency signs again.
    """

    case: str = ""
    agency: str = ""
    digest: str = ""
    determination: str | Absent | None = ABSENT
    unheard: tuple[ContributionView, ...] = ()
    stale: bool = False
    transcribed: Transcribed = None
    officers: Officers = ()

    @property
    def outcome(self) -> str:
        """The determination of the case, in words."""
        found = self.determination
        return found if isinstance(found, str) else "not determined yet"


@form
class ScheduledPosition(PositionReceipt):
    """What a schedule came to in one of its cases: a position, or a refusal."""

    refused: RefusalView | None = None


@form
class StatementReceipt(PositionReceipt):
    """A statement on the record. Its kind says which fields there are.

    - a position, of its agency or transcribed: case, agency, digest, determination.
    - a referral: case, agency, digest, and the agency that is asked now.
    - a receipt: case, agency, digest, and when the position of the agency is due.
    - a screening: case, decision, determination.
    - a decision to proceed: case, digest, determination.
    - a note: party, digest, what it is about.
    - a schedule: agency, digest, its cases, and how many of them were refused.
    """

    due_ms: Time | Absent | None = ABSENT
    referred: str = ""
    decision: str = ""
    party: str = ""
    about: About | None = None
    cases: tuple[ScheduledPosition, ...] = ()
    refused: int | None = None


IMPORT = Act(
    "position.import",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/positions",
    ReviewStatement,
    StatementReceipt,
    "Put a signed file on the record: a position, a schedule of positions, a proceeding, a screening.",
    daily("positions"),
)


@form
class ListInUse(Arguments):
    """A screening list, and its version in use."""

    name: Annotated[PlainName, Note("The list.")]
    version: Annotated[str, text(1, 100), Note("The version now in use.")]


@form
class ListReceipt(Done):
    """A screening list, its version in use, and the cases whose records are open again."""

    list: str
    version: str
    reopened: tuple[str, ...]


USE_LIST = Act(
    "list.use",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/lists",
    ListInUse,
    ListReceipt,
    "Say which version of a screening list is in use. Records made with another version are open again.",
)
