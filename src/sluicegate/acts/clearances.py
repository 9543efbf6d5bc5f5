"""Acts on clearances: what parties sign about the requirements of stages, and about reports."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import ReleaseName
from sluicegate.acts.growth import daily
from sluicegate_record.form import Note, form


@form
class ClearanceArgument(Arguments):
    """Which word about what: a standard, or a stage of the release."""

    release: ReleaseName
    says: Annotated[
        str,
        Note(
            "adopts | withdraws | attests | retracts | begins | extends | ends | holds | releases | signs | "
            "dissents"
        ),
    ]
    about: Annotated[str, Note("The standard, the stage, or the digest of the report.")]


@form
class ClearanceToSign(ActAnswer):
    """What the caller's party signs, without its reason, its version and its end."""

    log: str
    release: str
    party: str
    says: str
    about: str
    previous: str | None = None


@form
class ClearanceReceipt(Done):
    """A party's word that is on the record."""

    release: str
    party: str
    says: str
    about: str
    digest: str


TO_SIGN = Act(
    "clearance.to-sign",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/releases/{release}/clearance",
    ClearanceArgument,
    ClearanceToSign,
    "Show what your party signs about a requirement or a report.",
)
RECORD = Act(
    "clearance.record",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/clearances",
    SignedStatement,
    ClearanceReceipt,
    "Put a party's signed word on a requirement or a report on the record.",
    daily("positions"),
)
