"""Times as people write them, in a sheet or an option: a date, or a time as entries write it."""

from __future__ import annotations

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
