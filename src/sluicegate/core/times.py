"""Times as people write them, in a sheet or an option, a date or a time as entries write it; and as they
read them.
"""

from __future__ import annotations

from datetime import date

from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record.log import times

TIME = "2027-01-31T00:00:00.000Z"
"""A time, for messages that show the form."""


def time_ms(text: str) -> int:
    """A time; of a date, its beginning in UTC.

    Units:  milliseconds since 1970 UTC.
    Raises: InvalidInput: neither a date nor a time.
    """
    try:
        return times.parse_time(text if "T" in text else f"{text}T00:00:00.000Z")
    except VerificationFailed as error:
        raise InvalidInput(f"{text!r} is not a time such as {TIME}, nor a date") from error


def minute(at_ms: int) -> str:
    """A time for a table, such as `2026-07-08 04:00Z`. Units: milliseconds since 1970 UTC."""
    at = times.format_time(at_ms)
    return f"{at[:10]} {at[11:16]}Z"


def day(on: date) -> str:
    """A day in a sentence, such as `Friday 11 December 2026`."""
    return f"{on:%A} {on.day} {on:%B %Y}"
