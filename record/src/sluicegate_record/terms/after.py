"""What follows when the date of a basis is over: the rules lapse, they stay, or agencies review them.

Rules:
- `lapse`: the rules of the stage bind no longer. What needed its agencies is decided by the developer's
  signed entry. `stay`: they bind until new terms are agreed to. A basis that does not say it stays.
- `review`: a case opens by itself before the date. Its agencies say whether the rules stay; if they do not
  decide in time, `then` follows.
- The date is the last day; it is over at its end, by UTC.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

from sluicegate_record.form import Form, Json, Misread, form, shown
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms import durations
from sluicegate_record.terms.durations import Duration
from sluicegate_record.terms.rule import Rule

Then: TypeAlias = Literal["lapse", "stay"]
LAPSE: Then = "lapse"
STAY: Then = "stay"
OPENS, REMINDS_MS = "P14D", 7 * DAY_MS
"""How long before its date a review opens if the plan does not say it, and when parties are reminded."""


@form
class ReviewClause(Form):
    """A review before the date: the rule that decides it, what follows without a decision, when it opens."""

    by: Rule
    then: Then
    opens: Duration | None = None

    @classmethod
    def from_json(cls, value: object) -> ReviewClause:
        """Read a review. A list of agencies is all of them. Raises: Misread."""
        if type(value) is dict and type(value.get("by")) is list:
            value = {**value, "by": {"allOf": value["by"]}}
        return super(ReviewClause, cls).from_json(value)

    @property
    def opens_ms(self) -> int:
        """How long before the date it opens, and how long it has at least."""
        return durations.milliseconds(OPENS if self.opens is None else self.opens)


class AfterUntil:
    """What follows when the date is over, as it is written: `lapse`, `stay`, or `{review: {by, then}}`."""

    SCHEMA: ClassVar = {
        "anyOf": [
            {"enum": [LAPSE, STAY]},
            {
                "type": "object",
                "required": ["review"],
                "properties": {
                    "review": {
                        "type": "object",
                        "required": ["by", "then"],
                        "properties": {
                            "by": {"anyOf": [Rule.SCHEMA, {"type": "array", "items": {"type": "string"}}]},
                            "then": {"enum": [LAPSE, STAY]},
                            "opens": {"type": "string"},
                        },
                    }
                },
            },
        ]
    }

    __slots__ = ("review", "source", "then")

    def __init__(self, then: Then, review: ReviewClause | None = None, source: Json = None) -> None:
        self.then, self.review = then, review
        self.source = then if source is None else source

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AfterUntil) and self.source == other.source

    def __hash__(self) -> int:
        return hash(str(self.source))

    def __repr__(self) -> str:
        return f"AfterUntil({self.source!r})"

    @classmethod
    def from_json(cls, value: object) -> AfterUntil:
        """Read it. Raises: Misread."""
        if value == LAPSE:
            return cls(LAPSE)
        if value == STAY:
            return cls(STAY)
        if type(value) is not dict or value.keys() != {"review"}:
            raise Misread("'lapse', 'stay' or {review: {by: …, then: …}}", shown(value))
        try:
            review = ReviewClause.from_json(value["review"])
        except Misread as error:
            raise error.within("review") from None
        return cls(review.then, review, value)

    def to_json(self) -> Any:
        """As it was written."""
        return self.source


STAYS = AfterUntil(STAY)
