"""How long agencies have, as a person writes it: the clock of an admission, and the ladder of its silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from sluicegate.core.terms.clocks import CALENDARS
from sluicegate.core.terms.document import Fault, shown
from sluicegate.core.terms.written import Duration, Strict, Text
from sluicegate_record.strict import JsonPath


class WrittenRung(Strict):
    """A step of a ladder: who is asked next after a silence, and for how long; without a time,
    as long as the agency.
    """

    name: Text
    within: Annotated[int, Field(ge=1, le=1000)] | None = None


class WrittenOverall(Strict):
    """How long a whole case may take, without the time spent waiting for the applicant;
    and what follows then.
    """

    within: Annotated[int, Field(ge=1, le=1000)]
    then: Literal["lapse", "escalate"]


class WrittenClock(Strict):
    """How long an agency has, from its signed receipt, and what its silence means.

    `to` is the ladder of `escalate`; `then` says what silence at its last step means.
    Units: `within` in `unit`s; local dates of the calendar's time zone. `warn` before an agency's due date.
    """

    within: Annotated[int, Field(ge=1, le=1000)]
    unit: Literal["days", "business-days"] = "days"
    calendar: Annotated[str, Field(json_schema_extra={"enum": sorted(CALENDARS)})] = "weekends"
    silence: Literal["escalate", "no-objection", "deny"]
    to: Annotated[list[Text | WrittenRung], Field(min_length=1, max_length=10)] | None = None
    then: Literal["wait", "no-objection", "deny"] | None = None
    warn: Duration | None = None
    overall: WrittenOverall | None = None

    @field_validator("calendar")
    @classmethod
    def _is_a_calendar(cls, value: str) -> str:
        if value not in CALENDARS:
            raise PydanticCustomError("calendar", f"one of {', '.join(sorted(CALENDARS))}")
        return value


def faults(clock: Any, path: JsonPath) -> Iterator[Fault]:
    """What is wrong with a clock beyond the form of each field: a ladder without steps, or steps of none."""
    if not isinstance(clock, dict):
        return
    escalates = clock.get("silence") == "escalate"
    if escalates and "to" not in clock:
        yield Fault(path, "the field 'to', the ladder silence is taken up", "none")
    for name in ("to", "then"):
        if name in clock and not escalates:
            yield Fault((*path, name), f"{name!r} only where silence is 'escalate'", shown(clock[name]))
