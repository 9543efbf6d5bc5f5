"""Dates such as 2026-06-24, and when a day is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_date(text: str) -> bool:
    """Whether a text is a date, written as 2026-06-24."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def end_ms(day: str) -> int:
    """When a day is over, everywhere by UTC: the first millisecond after it, since 1970 UTC.

    Raises: ValueError: it is no date; OverflowError: the last one that there is.
    """
    after = date.fromisoformat(day) + timedelta(days=1)
    moment = datetime(after.year, after.month, after.day, tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def day_before(at_ms: int) -> str:
    """The day that is over at a time: `day_before(end_ms(day)) == day`."""
    return (_EPOCH + timedelta(milliseconds=at_ms - 1)).date().isoformat()
