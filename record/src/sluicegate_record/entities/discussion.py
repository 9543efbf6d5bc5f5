"""What was said in a case: its contributions, which a position names, and those that make a consent stale.

Rules:
- A contribution is an entry with what someone said in a case: a position (also a question to the applicant),
  an answer or a reply of the applicant, a screening record, a decision of officers to proceed, a referral, a
  note. A receipt, a time that is over, a place on a list and a decision are not.
- It is counted even if it has no effect for a reader. So every reader of a log counts the same.
- A condition, an objection and a screening record weigh: a consent does not count if its signer did not know
  of one that came before the consent was recorded. An applicant cannot make any of them.
- An agency's objection or condition does not weigh if it only repeats its position before, or if so many
  of them have weighed as one agency may have in a case (`Case.is_repeated`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self

from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries import Body, cases, releases
from sluicegate_record.form import Json, Misread, shown
from sluicegate_record.log import merkle
from sluicegate_record.terms import kinds

APPLICANT = "applicant"


class Contribution(NamedTuple):
    """An entry with what someone said in a case: who, and what.

    `what` is the word of a position, or answer, reply, screening, proceeding, note. `leaf` is the hash of its
    leaf, 32 bytes. `weighs` says whether it makes a consent stale whose signer did not know of it.
    """

    seq: int
    who: str
    what: str
    leaf: bytes
    weighs: bool

    @classmethod
    def of(cls, entry: Happening) -> Self:
        """The contribution that an entry says it is. Requires: `case_of` names its case."""
        who, what = _SAYS[type(entry.body)](entry.body)
        is_counted = getattr(entry.body, "weighs", True) and not getattr(entry.body, "outside", False)
        weighs = what in kinds.WEIGHTY and is_counted
        return cls(entry.seq, who, what, merkle.leaf_hash(entry.leaf), weighs)

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """A number, two texts, 64 hex digits, true or false. Raises: Misread."""
        if type(value) is not list or [type(each) for each in value] != [int, str, str, str, bool]:
            raise Misread("a whole number, three texts, true or false", shown(value))
        seq, who, what, leaf, weighs = value
        try:
            return cls(seq, who, what, bytes.fromhex(leaf), weighs)
        except ValueError:
            raise Misread("a hash in hexadecimal digits", shown(leaf)) from None

    def to_json(self) -> list[Json]:
        """A number, two texts, 64 hex digits, true or false."""
        return [self.seq, self.who, self.what, self.leaf.hex(), self.weighs]


def case_of(body: Body) -> str | None:
    """The case that an entry is a contribution to; None for any other entry."""
    if isinstance(body, releases.RecordAdded):
        return body.about.case
    case: str | None = getattr(body, "case", None)
    return case if type(body) in _SAYS else None


def _position(body: cases.PositionRecorded) -> tuple[str, str]:
    return body.agency, body.position


def _screening(body: cases.CaseScreened) -> tuple[str, str]:
    return body.owner, "screening"


def _proceeding(body: cases.CaseProceeded) -> tuple[str, str]:
    return " and ".join(body.owners), "proceeding"


def _note(body: releases.RecordAdded) -> tuple[str, str]:
    return body.party, "note"


_SAYS: dict[type[Body], Callable[[Any], tuple[str, str]]] = {
    cases.PositionRecorded: _position,
    cases.CaseAnswered: lambda _: (APPLICANT, "answer"),
    cases.CaseReplied: lambda _: (APPLICANT, "reply"),
    cases.CaseScreened: _screening,
    cases.CaseProceeded: _proceeding,
    cases.CaseReferred: lambda body: (body.agency, "referral"),
    releases.RecordAdded: _note,
}
