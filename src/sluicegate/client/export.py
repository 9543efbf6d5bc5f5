"""An exported case for its reviewer: the question, and everything that shows what the question binds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record.directives.document import Document
from sluicegate_record.directives.scope import CommittedNames, Scope
from sluicegate_record.form import Base64, Form, Json, Misread, form, replace
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.rule import Rule

T = TypeVar("T")


@form
class ExportedDossier(Form):
    """The dossier of an applicant, and the salt of the commitment to it."""

    application: Json
    salt: Base64


@form
class ExportedNames(Form):
    """The organizations that a lift is about, and the salt of the commitment to them."""

    value: tuple[Json, ...]
    salt: Base64


@form
class ExportedCase(Form):
    """An exported case.

    `parties` says for which party each key speaks, by the ids of the keys. `previous` is the digest of a
    party's position so far. `against` is the kind of the case that an appeal is about.
    """

    question: Question
    rule: Rule
    parties: Mapping[str, str]
    previous: Mapping[str, str]
    terms: Plan | None = None
    document: Document | None = None
    scope: ExportedNames | None = None
    dossier: ExportedDossier | None = None
    against: str | None = None

    @property
    def issuer(self) -> str:
        """The issuer of the directive that a lift is about. Raises: Misread: there is no such directive."""
        return _there(self.document).spec.issuer

    def party_of(self, key: Ed25519PrivateKey) -> str:
        """The party that a key speaks for in this case. Raises: InvalidInput: it does not speak for a party
        that is asked.
        """
        party = self.parties.get(dsse.keyid(key.public_key().public_bytes_raw()))
        if party is None:
            asked = ", ".join(sorted(set(self.parties.values())))
            raise InvalidInput(f"this key is not pinned for any party asked in the case: {asked}")
        return party

    def check(self) -> None:
        """Check that everything it shows is what its question binds, and so what is signed.

        Raises: VerificationFailed: it is not. Then the exporter shows one thing, and wants another thing
                signed.
        """
        try:
            bound, rule = self._bound()
        except (KeyError, TypeError, AttributeError, Misread) as error:
            raise altered("it lacks what the question binds") from error
        if any(getattr(self.question, name) != value for name, value in bound.items()):
            raise altered("it shows something else than the question binds")
        if self.rule != rule:
            raise altered("it shows another rule than the one that decides")

    def _bound(self) -> tuple[dict[str, object], Rule]:
        """The values that fields of the question, and the rule, must have according to what it shows."""
        question = self.question
        if question.kind == kinds.LIFT:
            document = _there(self.document)
            return {"document": document.digest, "scope": self._scope()}, document.spec.lifted_by
        given = _there(self.terms)
        stage = given.stages[question.stage]
        rule = kinds.rule_of(question.kind, given, stage, self.against or "")
        found: dict[str, object] = {"terms": given.terms_digest(stage), "models": given.model_digests}
        if question.party:
            dossier = _there(self.dossier)
            opened = Opening(dossier.salt, canonical.dumps(dossier.application))
            found |= {"party": opened.commitment("sealed", "application")}
        return found, rule

    def _scope(self) -> Scope | None:
        """The part of a directive that a lift is about, with the organizations in the export."""
        scope = self.question.scope
        if scope is None or self.scope is None:
            if scope is not None and scope.organizations is not None:
                raise altered("it does not show the organizations that the lift is about")
            return scope
        names = list(self.scope.value)
        commitment = Opening(self.scope.salt, canonical.dumps(names)).commitment(
            "sealed", "lift.organizations"
        )
        return replace(scope, organizations=CommittedNames(count=len(names), commitment=commitment))


def _there(part: T | None) -> T:
    """A part that this question needs. Raises: Misread."""
    if part is None:
        raise Misread("what the question binds", "nothing")
    return part


def altered(what: str) -> VerificationFailed:
    """The refusal to sign an export."""
    return VerificationFailed(
        f"this is not the case as it was opened: {what}",
        remedy="do not sign; export the case again, and ask who altered it",
    )
