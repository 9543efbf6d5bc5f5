"""The law of directives: signed or transcribed, replaced, confirmed, lifted, expired."""

from __future__ import annotations

from typing import NamedTuple

from sluicegate_record.directives import narrowing
from sluicegate_record.directives.document import Document
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.entries import Body, directives
from sluicegate_record.errors import SluicegateError
from sluicegate_record.form import replace
from sluicegate_record.law.agreement import carried
from sluicegate_record.law.cases import OFFICERS
from sluicegate_record.law.rule import At, LawRule, require
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement
from sluicegate_record.terms import kinds, quorum


class SignedDocument(NamedTuple):
    """A directive's document as it was signed, and the parties that signed it."""

    document: Document
    parties: frozenset[str]


def is_as_signed(at: At, body: directives.DirectiveIssued) -> None:
    """A directive says what its issuer, or two officers for it, signed for this log."""
    signed = signed_document(at, body)
    if signed is None:
        require(not at.believes, "a directive that neither its issuer nor two officers signed for this log")
        return
    why = "a directive that was signed otherwise; it applies as it was signed"
    require(signed.document == body.document, why)


def replaces_lawfully(at: At, body: directives.DirectiveIssued) -> None:
    """A directive replaces one that it narrows, or with the signatures of those who lift that."""
    if body.replaces is not None:
        why = "a directive that replaces another without those who lift it; both apply"
        require(may_replace(at, signed_document(at, body), body.replaces), why)


def has_its_own_name(at: At, body: directives.DirectiveIssued) -> None:
    """A directive has a name of its own, or that of the one it replaces."""
    if body.directive in at.record.directives:
        why = "a directive of this name is on the record; this one is never lifted here"
        require(body.replaces == body.directive, why)


def signed_document(at: At, body: directives.DirectiveIssued) -> SignedDocument | None:
    """A directive that its issuer, or two officers, signed for this log; None if they did not."""
    try:
        document = Document.check(DirectiveStatement.read(body.envelope).document)
    except SluicegateError:
        return None
    signers = at.keys.signers(body.envelope)
    parties = frozenset(key.party for key in signers)
    is_whole = document.spec.issuer in parties or (document.is_transcribed and _are_two_officers(at, signers))
    return SignedDocument(document, parties) if is_whole and document.metadata.log == at.log else None


def _are_two_officers(at: At, signers: frozenset[PinnedKey]) -> bool:
    return len({key.owner for key in signers if key.party == at.keys.developer}) >= OFFICERS


def may_replace(at: At, signed: SignedDocument | None, name: str) -> bool:
    """Whether the signatures let a directive replace another.

    A document that no one signed replaces nothing, even if it is narrower: the log alone says what its names
    mean.
    """
    old = at.record.directives.get(name)
    if signed is None or old is None or old.is_drill or old.ended is not None:
        return False
    document, consenting = signed
    stated = document.replaces
    if stated is None or (stated.directive, stated.document) != (name, old.document.digest):
        return False
    if not narrowing.widened(document, old.document) and (old.is_word or not document.is_transcribed):
        return True
    issuer = old.document.spec.issuer
    if old.is_word and document.spec.issuer == issuer:
        consenting |= {issuer}
    return quorum.satisfied(old.document.spec.lifted_by, consenting)


def is_the_issuers(at: At, body: directives.DirectiveConfirmed) -> None:
    """A confirmation is signed by the issuer, for the document as it stands."""
    stated, found = Confirmation.read(body.envelope), at.directive(body.directive)
    require(stated.directive == body.directive and stated.document == found.document.digest,
            "a confirmation of another document")  # fmt: skip
    require(
        at.keys.owners(body.envelope, found.document.spec.issuer),
        "a confirmation that its issuer did not sign",
    )


def is_lifted_by_its_rule(at: At, body: directives.DirectiveLifted) -> None:
    """The case's question states the part that is lifted, and the directive as it stands."""
    found = at.directive(body.directive)
    if found.is_drill:
        return
    case = at.case(body.case or "", kinds.LIFT)
    question = case.question
    asked = (question.directive, question.document, question.scope)
    require(
        asked == (found.name, found.document.digest, body.scope),
        "a lift of another directive, or of another part",
    )
    carried(at, case, found.document.spec.lifted_by)


def has_expired(at: At, body: directives.DirectiveExpired) -> None:
    """A directive ends by itself when the time has come that its document says."""
    expires_ms = at.directive(body.directive).document.spec.expires_ms
    is_past = expires_ms is not None and expires_ms <= at.at_ms
    require(is_past, "a directive that is said to have expired and has not")


def honoured(at: At, body: directives.DirectiveIssued) -> directives.DirectiveIssued:
    """The directive as it was signed.

    It goes beside a directive that has its name, if it may not replace that one. In an older version it may
    not replace any directive.
    """
    signed, replaces = signed_document(at, body), body.replaces
    if replaces is not None and (at.is_older or not may_replace(at, signed, replaces)):
        replaces = None
    name = body.directive
    if name in at.record.directives and replaces != name:
        name = f"{name}#{at.entry.seq}"
    document = body.document if signed is None else signed.document
    return replace(body, directive=name, document=document, replaces=replaces)


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    directives.DirectiveIssued: (is_as_signed, replaces_lawfully, has_its_own_name),
    directives.DirectiveConfirmed: (is_the_issuers,),
    directives.DirectiveLifted: (is_lifted_by_its_rule,),
    directives.DirectiveExpired: (has_expired,),
}
