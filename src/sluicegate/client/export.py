"""An exported case, checked by its reviewer: it shows what its question binds, and so what is signed."""

from __future__ import annotations

from typing import Any, TypeVar

from sluicegate.acts.review import CaseToSign, ExportedCase, ExportedDossier
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record import entries
from sluicegate_record.directives.scope import CommittedNames, Scope
from sluicegate_record.entities.discussion import case_of
from sluicegate_record.entries import Entry
from sluicegate_record.form import Misread, replace
from sluicegate_record.log import canonical, merkle, publickey
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.publickey import SigningKey
from sluicegate_record.statements.designations import DesignationStatement
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.terms import audience, kinds
from sluicegate_record.terms.plan import Plan
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
            remedy="'sluicegate keys list' shows the keys that count; if yours is new there, export the case "
            "again; if it is not there, one of those signs for it: "
            "'sluicegate keys pin OWNER --party PARTY --new NEWKEY --key KEY'",
        )
    return party


def _bound(case: CaseToSign) -> tuple[dict[str, object], Rule]:
    """The values that fields of the question, and the rule, must have according to what it shows."""
    question = case.question
    if question.kind == kinds.LIFT:
        document = _there(case.document)
        return {"document": document.digest, "scope": _scope(case)}, document.spec.lifted_by
    if question.kind == kinds.LICENCE:
        document = _there(case.document)
        return {"document": document.digest, **_party(case)}, document.spec.licensing
    if not isinstance(case, ExportedCase):
        raise Misread("a case about a directive", question.kind)
    given = _there(case.terms)
    if question.kind == kinds.RECONSIDER:
        return {"designation": Envelope.from_json(case.designation).digest}, _reconsiders(case, given)
    stage = given.stages[question.stage]
    rule = kinds.rule_of(question.kind, given, stage, case.against or "")
    if question.kind == kinds.TERMS:
        shown = tuple(audience.committed(_opened(each)) for each in case.listed)
        if shown != given.listed(stage):
            raise altered("it shows other organizations than the terms name")
    found: dict[str, object] = {"terms": given.terms_digest(stage), "models": given.model_digests}
    return found | (_party(case) if question.party else {}), rule


def designation_of(case: ExportedCase) -> DesignationStatement:
    """The judgement that is reconsidered in a case. Raises: BadEnvelope: something else was signed."""
    return DesignationStatement.read(Envelope.from_json(case.designation))


def _reconsiders(case: ExportedCase, given: Plan) -> Rule:
    """The rule by which a judgement is reconsidered: that of the plan that it shows, or its agency alone."""
    stated = given.spec.designations
    rule = None if stated is None else stated.reconsider
    return Rule("allOf", (designation_of(case).agency,)) if rule is None else rule


def _party(case: CaseToSign) -> dict[str, object]:
    """The commitment to the dossier that it shows: as one of an application, or of an account."""
    if not isinstance(case, ExportedCase):
        raise Misread("a case with a dossier", case.question.kind)
    opened = _opened(_there(case.dossier))
    found = (opened.commitment("sealed", name) for name in ("application", "organization"))
    return {"party": next((each for each in found if each == case.question.party), "")}


def _opened(dossier: ExportedDossier) -> Opening:
    return Opening(dossier.salt, canonical.dumps(dossier.application))


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
