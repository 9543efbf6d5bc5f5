"""The act that makes a dossier of a key at one moment, for who looks into an incident."""

from __future__ import annotations

from collections.abc import Mapping

from sluicegate.acts.act import DEVELOPER, Act, ActAnswer
from sluicegate.acts.explanations import KeyQuestion, ProvenEntry
from sluicegate_record.form import Json, form


@form
class DossierFile(ActAnswer):
    """A dossier, as `python -m sluicegate_record dossier` checks it: signed, beside its entries."""

    dossier: Mapping[str, Json]
    checkpoint: str
    entries: tuple[ProvenEntry, ...]


MAKE = Act(
    "dossier.make",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/credentials/{credential}/dossier",
    KeyQuestion,
    DossierFile,
    "Make a signed dossier of what a key was under at one moment, and of what has happened since.",
)
