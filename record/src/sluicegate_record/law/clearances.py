"""The law of what parties sign about requirements."""

from __future__ import annotations

from sluicegate_record.entities.clearing import key_of
from sluicegate_record.entries import Body
from sluicegate_record.entries.clearances import ClearanceRecorded
from sluicegate_record.law.rule import At, LawRule, is_named_by_its_digest, require, same, signed_by
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms.clearances import CLEARANCES, REPORT, STANDARDS


def is_its_partys_word(at: At, body: ClearanceRecorded) -> None:
    """A party signed its word for this log, and the entry says what was signed."""
    stated = Clearance.read(body.envelope)
    same(
        body,
        stated,
        "release party says about reason version until_ms",
        "a clearance that was signed otherwise",
    )
    require(stated.log == at.log, "a clearance that was signed for another log")
    signed_by(at, body.envelope, body.party, [body.owner], "a clearance that its party did not sign")


def follows_the_last_word(at: At, body: ClearanceRecorded) -> None:
    """A word comes after the last one of its party on the same thing, and may come after that."""
    word, stated = CLEARANCES[body.says], Clearance.read(body.envelope)
    known = at.record.clearances.get(key_of(body.release, word.kind, body.about, body.party))
    last = None if known is None else known.digest
    require(stated.previous == last, "a clearance that does not follow the one before it")
    said = "" if known is None else known.says
    require(said in word.after, f"{body.says!r} after {said or 'nothing'!r}")


def is_about_what_there_is_to_clear(at: At, body: ClearanceRecorded) -> None:
    """A word is about a release: about a standard, a stage of it, or the report with which it was closed.

    A stage that the plan in force does not have can be open by earlier terms.
    """
    terms = at.release(body.release).terms
    if CLEARANCES[body.says].kind == REPORT:
        closure = at.record.closures.get(body.release)
        require(closure is not None and closure.report.digest == body.about, "no such report of the release")
        return
    is_there = CLEARANCES[body.says].kind in STANDARDS or body.about in terms
    is_there = is_there or bool(at.record.open_terms(body.release, body.about))
    require(is_there, f"no stage {body.about!r} of {body.release!r}")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    ClearanceRecorded: (
        is_its_partys_word,
        follows_the_last_word,
        is_about_what_there_is_to_clear,
        is_named_by_its_digest,
    ),
}
