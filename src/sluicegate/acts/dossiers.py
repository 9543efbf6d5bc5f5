"""The acts that make dossiers: of a key at one moment, and of a finding, for who looks into an incident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from sluicegate.acts.act import DEVELOPER, Act, ActAnswer, Arguments
from sluicegate.acts.explanations import KeyQuestion, ProvenEntry
from sluicegate.acts.fields import Identifier, text
from sluicegate.acts.findings import FindingName
from sluicegate_record.form import Json, Note, Time, form, within


@form
class DossierQuestion(KeyQuestion):
    """Which key, which model, at which size of the log; and of a request what its gateway kept of it.

    What is kept of a request is said whole: its digest, when it was over, its grant or account, how it ended.
    """

    request: Annotated[
        Annotated[str, text(71, 71, "sha256:[0-9a-f]{64}")] | None, Note("SHA-256 of the id of a request.")
    ] = None
    request_at: Annotated[Time | None, Note("When it was over.")] = None
    request_grant: Annotated[Identifier | None, Note("Its grant or account.")] = None
    request_outcome: Annotated[Annotated[str, text(1, 64)] | None, Note("How it ended.")] = None


@form
class FindingQuestion(Arguments):
    """Which finding; as the log was at which size."""

    finding: FindingName
    at: Annotated[
        Annotated[int, within(1)] | None,
        Note("Who held the model at this size of the log; by default that of the report."),
    ] = None


@form
class DossierFile(ActAnswer):
    """A dossier, as `python -m sluicegate_record dossier` checks it: signed, beside its entries."""

    dossier: Mapping[str, Json]
    checkpoint: str
    entries: tuple[ProvenEntry, ...]
    handovers: tuple[Json, ...] = ()


MAKE = Act(
    "dossier.make",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/credentials/{credential}/dossier",
    DossierQuestion,
    DossierFile,
    "Make a signed dossier of what a key was under at one moment, and of what has happened since.",
)
OF_FINDING = Act(
    "dossier.of-finding",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/findings/{finding}/dossier",
    FindingQuestion,
    DossierFile,
    "Make a signed dossier of what a finding concerns: which grants, by whose word, and what happened since.",
)
