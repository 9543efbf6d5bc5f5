"""How an answer can differ from what was asked for and granted, as gateways report it."""

from __future__ import annotations

from sluicegate_record.log.times import DAY_MS

NOT_GIVEN, NOT_GRANTED = "programme_not_given", "programme_not_granted"
"""A programme was granted and asked for, and did not run; one ran that the grant does not have."""
DIFFERENCES = {
    NOT_GIVEN: "a programme was granted and asked for, and the model's server says that it did not run",
    NOT_GRANTED: "the model's server says that a programme ran which the grant does not have",
}
"""The kinds that are put on the record, and what each means."""


def day_of(at_ms: int) -> int:
    """The day of a time, in UTC, counted since 1970. Units: milliseconds since 1970 UTC."""
    return at_ms // DAY_MS
