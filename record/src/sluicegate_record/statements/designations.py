"""What an agency signs to designate a model, or to withdraw that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Key, form
from sluicegate_record.statements.statement import Statement, check_text, is_hash
from sluicegate_record.terms.scrutiny import CLASSES, COMPARABLE

DESIGNATES, WITHDRAWS = "designates", "withdraws"
MODEL_MAX = 128


@form
class DesignationStatement(Statement):
    """An agency's word that a model of a release is of a class; `previous` is its last one, by its digest.

    `model` is the digest of its weights, `terms` are the digests of the plan's own terms by stage, as the
    signer saw them. `comparable_to` names the other model. `statement` is public; `sealed` commits to a basis
    that is not.
    """

    TYPE: ClassVar = "urn:sluicegate:designation:v1"

    log: str
    release: str
    agency: str
    says: str
    model: str
    class_: Annotated[str, Key("class")]
    comparable_to: str | None = None
    terms: Mapping[str, str]
    statement: str = ""
    sealed: str | None = None
    previous: str | None = None

    @property
    def subjects(self) -> dict[str, str]:
        """The model, by the digest of its weights."""
        return {self.release: self.model.removeprefix("sha256:")}

    def check(self) -> None:
        """Check what the types do not say. Raises: BadEnvelope."""
        if self.says not in {DESIGNATES, WITHDRAWS}:
            raise BadEnvelope(f"{DESIGNATES} or {WITHDRAWS} expected, found {self.says[:40]!r}")
        if self.class_ not in CLASSES:
            raise BadEnvelope(f"one of {', '.join(CLASSES)} expected, found {self.class_[:40]!r}")
        if not self.model.startswith("sha256:") or not is_hash(self.model.removeprefix("sha256:")):
            raise BadEnvelope("the digest of a model, sha256: and 64 hex digits, expected")
        if (self.comparable_to is not None) != (self.class_ == COMPARABLE):
            raise BadEnvelope(f"another model goes with the class {COMPARABLE}, and only with it")
        if self.comparable_to is not None:
            check_text(self.comparable_to, "the other model", most=MODEL_MAX)
        check_text(self.statement, "a public statement", least=0)
        if self.sealed is not None and not is_hash(self.sealed):
            raise BadEnvelope("a sealed basis that is not a commitment of 64 hex digits")
