"""The law of directives: signed or transcribed, replaced, confirmed, lifted, expired."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sluicegate_record.directives import narrowing
from sluicegate_record.directives.document import DirectiveSpec, Document
from sluicegate_record.entities.key import OWNERS_TOGETHER, PinnedKey
from sluicegate_record.entries import Body, Hidden, commitment_of, directives, seen
from sluicegate_record.errors import SluicegateError
from sluicegate_record.form import replace
from sluicegate_record.law.agreement import carried
from sluicegate_record.law.rule import (
    At,
    LawRule,
    follows_at_once,
    is_named_by_its_digest,
    of_the_record,
    require,
    signed_by,
)
from sluicegate_record.log import dsse
from sluicegate_record.record import Record
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement, DrillReport
from sluicegate_record.statements.handovers import is_signed_by_log
from sluicegate_record.statements.statement import is_timely
from sluicegate_record.terms import kinds, quorum


class Remit(NamedTuple):
    """The models that a release gives an agency to direct, and whether its plan says which."""

    models: frozenset[str]
    is_stated: bool


class SignedDocument(NamedTuple):
    """A directive's document as it was signed, and the parties that signed it."""

    document: Document
    parties: frozenset[str]


def is_as_its_issuer_signed(at: At, body: directives.DirectiveIssued) -> None:
    """A directive says what its issuer, or two officers for it, signed for this log."""
    signed = signed_document(at, body)
    if signed is None:
        require(not at.believes, "a directive that neither its issuer nor two officers signed for this log")
        return
    why = "a directive that was signed otherwise; it applies as it was signed"
    require(signed.document == body.document, why)


def is_about_what_its_issuer_directs(at: At, body: directives.DirectiveIssued) -> None:
    """An agency alone issues a directive only about models that it directs, where a plan says which."""
    spec = signed_alone(at, body)
    if spec is None:
        return
    left, is_stated = set(spec.models), False
    for remit in remits(at.record, spec.issuer):
        left, is_stated = left - remit.models, is_stated or remit.is_stated
        if not left:
            return
    require(not is_stated, f"a directive about what its issuer does not direct: {', '.join(sorted(left))}")


def signed_alone(at: At, body: directives.DirectiveIssued) -> DirectiveSpec | None:
    """What an agency directs with its own signature only; None if the developer or two officers signed."""
    signed = signed_document(at, body)
    if signed is None or signed.document.spec.issuer == at.keys.developer:
        return None
    officers = at.keys.owners(body.envelope, at.keys.developer)
    return None if len(officers) >= OWNERS_TOGETHER else signed.document.spec


def remits(record: Record, agency: str) -> Iterator[Remit]:
    """What each release gives an agency to direct: what its plan says, or all the models that it has had.

    Releases whose plan the reader may not see come last.

    Raises: Withheld: at such a plan.
    """
    for release in sorted(record.releases.values(), key=lambda each: isinstance(each.given, Hidden)):
        spec = release.plan.spec
        if agency in spec.directs:
            yield Remit(frozenset(spec.directs[agency]), is_stated=True)
        elif agency in spec.agencies:
            had = (each.plan for each in record.terms.values() if not isinstance(each.given, Hidden))
            models = (plan.spec.directed_by(agency) for plan in had if plan.metadata.name == release.name)
            yield Remit(spec.directed_by(agency).union(*models), is_stated=False)


@of_the_record
def says_what_was_signed(at: At, body: directives.DirectiveIssued) -> None:
    """A directive is under the name and issuer of its document, and names those who signed it."""
    document, replaced = body.document, body.document.replaces
    stated = (body.directive, body.issuer, body.replaces)
    signed = (document.metadata.name, document.spec.issuer, replaced.directive if replaced else None)
    require(stated == signed, "a directive that says something else than its document")
    party = at.keys.developer if document.is_transcribed else document.spec.issuer
    owners = tuple(sorted(at.keys.owners(body.envelope, party)))
    require((body.signed_by, body.signers or owners) == (owners[0], owners),
            "a directive of other owners than signed it")  # fmt: skip


@of_the_record
def opens_its_commitments(at: At, body: directives.DirectiveIssued) -> None:
    """What is sealed beside a directive opens the commitments of its document."""
    committed = {name: commitment for name, (commitment, _) in body.document.commitments().items()}
    opened = {name: commitment_of(part, name) for name, part in body.opened.items()}
    require(committed.keys() - {"reasons"} <= opened.keys() and opened.items() <= committed.items(),
            "names that do not open what was signed")  # fmt: skip


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
    signers = at.keys.signers(body.envelope, concerned(at.record, at.keys.developer, document))
    parties = frozenset(key.party for key in signers)
    is_whole = document.spec.issuer in parties or (document.is_transcribed and _are_two_officers(at, signers))
    return SignedDocument(document, parties) if is_whole and document.metadata.log == at.log else None


def concerned(record: Record, developer: str, document: Document) -> frozenset[str]:
    """The parties whose signatures can count under a document: its issuer, the officers, and those who lift
    what it replaces.
    """
    old = record.directives.get(document.replaces.directive) if document.replaces is not None else None
    lifting = quorum.parties_of(old.document.spec.lifted_by) if old is not None else frozenset()
    return lifting | {document.spec.issuer, developer}


def _are_two_officers(at: At, signers: frozenset[PinnedKey]) -> bool:
    return len({key.owner for key in signers if key.party == at.keys.developer}) >= OWNERS_TOGETHER


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
    document = (found.document.digest, found.document.digest)
    require(stated.directive == body.directive and document == (stated.document, body.document),
            "a confirmation of another document")  # fmt: skip
    require(stated.log == at.log, "a confirmation for another log")
    signed_by(at, body.envelope, found.document.spec.issuer, [body.owner],
              "a confirmation that its issuer did not sign")  # fmt: skip
    is_needed = found.is_word and found.ended is None and not found.is_drill
    require(is_needed, "a confirmation of what needs none")


def is_lifted_by_its_rule(at: At, body: directives.DirectiveLifted) -> None:
    """The case's question states the part that is lifted, and the directive as it stands."""
    found = at.directive(body.directive)
    require(found.ended is None, "a lift of what has ended")
    if found.is_drill:
        require(body.case is None and body.scope is None, "a drill that a case lifts")
        return
    case = at.case(body.case or "", kinds.LIFT)
    question = case.question
    asked = (question.directive, question.document, question.scope)
    require(
        asked == (found.name, found.document.digest, body.scope),
        "a lift of another directive, or of another part",
    )
    carried(at, case, found.document.spec.lifted_by)
    follows_at_once(at, case)


def lifts_for_whom_it_asks(at: At, body: directives.DirectiveLifted) -> None:
    """The names that are lifted are those that the case is about."""
    case = at.case(body.case) if body.case is not None else None
    asked = seen(case.named) if case is not None else None
    require(seen(body.named) == asked, "a lift for others than its case asks")


def has_expired(at: At, body: directives.DirectiveExpired) -> None:
    """A directive ends by itself when the time has come that its document says."""
    found = at.directive(body.directive)
    expires_ms = found.document.spec.expires_ms
    is_past = expires_ms is not None and expires_ms <= at.at_ms
    require(is_past, "a directive that is said to have expired and has not")
    require(found.ended is None and not found.is_drill, "the expiry of what has ended, or of a drill")


@of_the_record
def is_reported_once(at: At, body: directives.DrillReported) -> None:
    """A drill that has ended has one report, signed with the log's key."""
    report = dsse.parse_statement(body.envelope, DrillReport.TYPE).predicate
    found = at.directive(body.directive)
    is_over = found.is_drill and found.ended is not None and found.report is None
    require(is_over, "a report of no drill, of one that runs, or a second one")
    about = (report.get("log"), report.get("drill"))
    require(about == (at.log, body.directive), "a report of another drill, or for another log")
    signer = at.record.log_keys.current.vkey
    require(is_signed_by_log(body.envelope, signer), "a report that the log's key did not sign")


@of_the_record
def is_of_its_directive(at: At, body: directives.DirectiveInForce) -> None:
    """A directive is in force in its newest document, since a time at which it already held."""
    found = at.directive(body.directive)
    require(found.size == body.size, f"of a directive that has size {found.size} there")
    require(found.ended is None, "of a directive that has ended")
    require(found.holds_ms <= body.at_ms <= at.at_ms, "of a directive that does not hold then")
    require(body.time_to_zero_ms == body.at_ms - found.at_ms, "another time than since its entry")


def honoured(at: At, body: directives.DirectiveIssued) -> directives.DirectiveIssued:
    """The directive as it was signed.

    It goes beside a directive that has its name, if it may not replace that one. In an older version, and
    long after it was signed, it may not replace any directive.
    """
    signed, replaces = signed_document(at, body), body.replaces
    is_late = at.is_older or not is_timely(body.envelope, at.at_ms)
    if replaces is not None and (is_late or not may_replace(at, signed, replaces)):
        replaces = None
    name = body.directive if signed is None else signed.document.metadata.name
    if name in at.record.directives and replaces != name:
        name = f"{name}#{at.entry.seq}"
    document = body.document if signed is None else signed.document
    return replace(body, directive=name, issuer=document.spec.issuer, document=document, replaces=replaces)


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    directives.DirectiveIssued: (
        is_as_its_issuer_signed,
        is_about_what_its_issuer_directs,
        replaces_lawfully,
        has_its_own_name,
        says_what_was_signed,
        opens_its_commitments,
        is_named_by_its_digest,
    ),
    directives.DirectiveConfirmed: (is_the_issuers, is_named_by_its_digest),
    directives.DirectiveLifted: (is_lifted_by_its_rule, lifts_for_whom_it_asks),
    directives.DirectiveExpired: (has_expired,),
    directives.DrillReported: (is_reported_once, is_named_by_its_digest),
    directives.DirectiveInForce: (is_of_its_directive,),
}
