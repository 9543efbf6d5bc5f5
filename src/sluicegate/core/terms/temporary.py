"""What a plan says of the date of a basis: what follows when that day is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from sluicegate.core.terms.document import Fault
from sluicegate.core.terms.written import Duration, Slug, Strict, WrittenRule, rule_faults
from sluicegate_record.strict import JsonPath

EXPECTED = "'lapse', 'stay' or {review: {by: [AGENCY, …], then: lapse | stay}}"


class WrittenReview(Strict):
    """A review before the date. `by` decides it: a list of agencies is all of them.

    `then` follows if they have not decided in time. `opens`: how long before the date it opens.
    """

    by: Annotated[list[Slug], Field(min_length=1, max_length=100)] | WrittenRule
    then: Literal["lapse", "stay"]
    opens: Duration | None = None


class ReviewBeforeUntil(Strict):
    """A case opens by itself before the date: do the rules stay?"""

    review: WrittenReview


WrittenAfterUntil = Literal["lapse", "stay"] | ReviewBeforeUntil


def faults(basis: Any, agencies: frozenset[str], path: JsonPath) -> Iterator[Fault]:
    """What is wrong with the date of a basis and what follows it, beyond the shape of the fields."""
    if not isinstance(basis, dict):
        return
    if "until" in basis and "afterUntil" not in basis:
        yield Fault((*path, "until"), f"beside it the field 'afterUntil': {EXPECTED}", "none")
    if "afterUntil" in basis and "until" not in basis:
        yield Fault((*path, "afterUntil"), "beside it the field 'until', the last day", "none")
    until, asked = basis.get("until"), basis.get("askedOn")
    if isinstance(until, str) and isinstance(asked, str) and until < asked:
        yield Fault((*path, "until"), "a day that is not before 'askedOn'", repr(until))
    after = basis.get("afterUntil")
    review = after.get("review") if isinstance(after, dict) else None
    by = review.get("by") if isinstance(review, dict) else None
    at = (*path, "afterUntil", "review", "by")
    if isinstance(by, dict) or (isinstance(by, list) and all(isinstance(each, str) for each in by)):
        yield from rule_faults(by, agencies, at)
