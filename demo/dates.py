"""The dates in an example plan, moved to where it is applied."""

from __future__ import annotations

import re
from datetime import date

_FIELD = re.compile(r"""(\b(askedOn|until):\s*["']?)(\d{4}-\d{2}-\d{2})\b""")


def shifted(text: str, today: date) -> str:
    """A plan's text with all its dates moved by the same number of days, the latest `askedOn` to `today`.

    The rest of the text does not change. A plan without an `askedOn` stays unchanged.
    Raises: ValueError: a date that no calendar has. OverflowError: a date that would be outside the calendar.
    """
    asked_on = [date.fromisoformat(day) for _, field, day in _FIELD.findall(text) if field == "askedOn"]
    if not asked_on:
        return text
    by = today - max(asked_on)
    return _FIELD.sub(lambda found: f"{found[1]}{date.fromisoformat(found[3]) + by}", text)
