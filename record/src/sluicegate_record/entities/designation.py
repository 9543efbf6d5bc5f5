"""A designation: an agency's judgement that a model of a release is of a class. It is never computed.

Rules:
- Each agency has one word on one model and class. A later one names the one before it.
- It holds until its agency withdraws it, or a case that reconsiders it ends it.
- It leads to the scrutiny level of its class while the plan names its agency, and has a model of these
  weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from sluicegate_record.entries.designations import DesignationRecorded
from sluicegate_record.form import Form, Key, Time, form
from sluicegate_record.statements.designations import DESIGNATES
from sluicegate_record.terms.plan import Plan


@form
class Designation(Form):
    """An agency's newest word on a model and a class. `model` is the digest of weights.

    `since_ms`: since when it holds, or held. `case` is the newest case that reconsiders this word;
    `ended_ms` is when that ended it.
    """

    release: str
    agency: str
    model: str
    class_: Annotated[str, Key("class")]
    comparable_to: str | None = None
    says: str
    statement: str
    sealed: bool
    digest: str
    seq: int
    at_ms: Time
    since_ms: Time
    case: str | None = None
    ended_ms: Time | None = None

    @property
    def holds(self) -> bool:
        """Whether its agency stands by it, and no case has ended it."""
        return self.says == DESIGNATES and self.ended_ms is None

    @property
    def name(self) -> str:
        """Its name, by which the words of its agency follow one another."""
        return key_of(self.release, self.agency, self.model, self.class_, self.comparable_to)

    def counts(self, plan: Plan) -> bool:
        """Whether it leads to a level by a plan of its release."""
        stated = plan.spec.designations
        is_named = stated is not None and self.agency in stated.by and self.class_ in stated.classes
        return self.holds and is_named and any(each.digest == self.model for each in plan.spec.models)


def key_of(release: str, agency: str, model: str, class_: str, comparable_to: str | None) -> str:
    """The name under which an agency's word on a model and a class is kept."""
    return f"{release} {agency} {model} {class_} {comparable_to or ''}"


def after(known: Designation | None, body: DesignationRecorded, seq: int, at_ms: int) -> Designation:
    """Where an agency stands after its word."""
    goes_on = known is not None and (known.holds or body.says != DESIGNATES)
    return Designation(
        release=body.release,
        agency=body.agency,
        model=body.model,
        class_=body.class_,
        comparable_to=body.comparable_to,
        says=body.says,
        statement=body.statement,
        sealed=body.sealed_basis is not None,
        digest=body.digest,
        seq=seq,
        at_ms=at_ms,
        since_ms=known.since_ms if known is not None and goes_on else at_ms,
    )


def levels(plan: Plan, known: Iterable[Designation]) -> frozenset[str]:
    """The scrutiny levels of a plan to which designations of its release lead."""
    stated = plan.spec.designations
    classes = {} if stated is None else stated.classes
    return frozenset(classes[each.class_].scrutiny for each in known if each.counts(plan))
