"""An exported case, checked by its reviewer: it shows what its question binds, and so what is signed."""

from __future__ import annotations

from typing import Any, TypeVar

from sluicegate.acts.review import CaseToSign, ExportedCase
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record import entries
from sluicegate_record.directives.scope import CommittedNames, Scope
from sluicegate_record.entities.discussion import case_of
from sluicegate_record.entries import Entry
from sluicegate_record.form import Misread, replace
from sluicegate_record.log import canonical, merkle, publickey
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.publickey import SigningKey
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.terms import kinds
from sluicegate_record.terms.rule import Rule

T = TypeVar("T")
ToSign = TypeVar("ToSign", bound=CaseToSign)


def read(value: Any) -> ExportedCase:
    """The exported case in a JSON value, checked. Raises: VerificationFailed: as `checked`."""
    try:
        found = ExportedCase.from_json(value)
    except Misread as error:
        raise altered("it lacks what the question binds") from error
    return checked(found)


def checked(case: ToSign) -> ToSign:
    """The case, if everything that it shows is what its question binds.

    Raises: VerificationFailed: it is not. Then the exporter shows one thing, and wants another thing signed.
    """
    try:
        bound, rule = _bound(case)
    except (KeyError, TypeError, AttributeError, Misread) as error:
        raise altered("it lacks what the question binds") from error
    if any(getattr(case.question, name) != value for name, value in bound.items()):
        raise altered("it shows something else than the question binds")
    if case.rule != rule:
        raise altered("it shows another rule than the one that decides")
    if any(case_of(each.body) != case.question.case for each in discussion(case)):
        raise altered("it shows what was said in another case")
    return case


def discussion(case: CaseToSign) -> list[Entry]:
    """What has been said in a case, as the entries that `said` names, oldest first.

    Raises: VerificationFailed: those in the export do not have its digest, or cannot be read.
    """
    said = Discussion.of(merkle.leaf_hash(each.leaf) for each in case.discussion)
    if said != (case.said or Discussion.of(())):
        raise altered("it shows something else than what has been said")
    return [entries.read(each.leaf, sealed=each.opened) for each in case.discussion]


def party_of(case: CaseToSign, key: SigningKey) -> str:
    """The party that a key speaks for in a case.

    Raises: InvalidInput: it does not speak for a party that is asked.
    """
    party = case.parties.get(publickey.keyid(publickey.of(key)))
    if party is None:
        asked = ", ".join(sorted(set(case.parties.values())))
        raise InvalidInput(
            f"this key is not pinned for any party asked in the case: {asked}",
            remedy="use a key of such a party; the developer's staff pins new ones in the trust file",
        )
    return party


def issuer_of(case: CaseToSign) -> str:
    """The issuer of the directive that a lift is about. Raises: Misread: there is no such directive."""
    return _there(case.document).spec.issuer


def _bound(case: CaseToSign) -> tuple[dict[str, object], Rule]:
    """The values that fields of the question, and the rule, must have according to what it shows."""
    question = case.question
    if question.kind == kinds.LIFT:
        document = _there(case.document)
        return {"document": document.digest, "scope": _scope(case)}, document.spec.lifted_by
    if not isinstance(case, ExportedCase):
        raise Misread("a case about a directive", question.kind)
    given = _there(case.terms)
    stage = given.stages[question.stage]
    rule = kinds.rule_of(question.kind, given, stage, case.against or "")
    found: dict[str, object] = {"terms": given.terms_digest(stage), "models": given.model_digests}
    if question.party:
        dossier = _there(case.dossier)
        opened = Opening(dossier.salt, canonical.dumps(dossier.application))
        found |= {"party": opened.commitment("sealed", "application")}
    return found, rule


def _scope(case: CaseToSign) -> Scope | None:
    """The part of a directive that a lift is about, with the organizations in the export."""
    scope = case.question.scope
    if scope is None or case.scope is None:
        if scope is not None and scope.organizations is not None:
            raise altered("it does not show the organizations that the lift is about")
        return scope
    names = list(case.scope.value)
    commitment = Opening(case.scope.salt, canonical.dumps(names)).commitment("sealed", "lift.organizations")
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
