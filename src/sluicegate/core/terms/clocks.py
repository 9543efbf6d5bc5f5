"""Clocks of days: when an answer is due, in whole local days of a calendar.

Rules:
- A day is a local date in the calendar's time zone. It has 23 or 25 hours when the clocks change.
- The date of the start does not count. Each later one does, unless a stop touches it or, in business days, it
  is a Saturday, a Sunday or a holiday of the calendar.
- A stop is time spent waiting for the applicant, `[from_ms, to_ms)`. It touches every date that has an
  instant of it; an empty stop touches no date.
- An answer is due at the end of the last date that counts: in time means strictly before `due_ms`.
- Holidays are the legal ones, and the days on which they are observed. Days on which an order closes offices
  are not holidays.
- A year whose holidays are not known is an error, never a year without any.

Units: instants are milliseconds since 1970 in UTC, leap seconds not counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import filterfalse, islice
from zoneinfo import ZoneInfo

from sluicegate.core import times
from sluicegate.errors import InvalidInput
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.text import counted

UNITS = ("days", "business-days")
WITHIN_MAX = 1000
YEAR_MIN, YEAR_MAX = 1971, 2199

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are business days, and where a day begins.

    `clock` is what people call the time of its zone. `source` cites what makes a day a holiday. Without a
    `country`, only weekends are free.
    """

    title: str
    time_zone: str
    clock: str
    country: str | None
    subdivision: str | None
    source: str


CALENDARS: dict[str, Calendar] = {
    "us-federal": Calendar(
        title="Federal holidays of the United States",
        time_zone="America/New_York",
        clock="Washington time",
        country="US",
        subdivision=None,
        source="5 U.S.C. 6103(a) and (b); Executive Order 11582 of 1971 for those on a Sunday",
    ),
    "uk-england": Calendar(
        title="Bank holidays of England and Wales",
        time_zone="Europe/London",
        clock="London time",
        country="GB",
        subdivision="ENG",
        source="Banking and Financial Dealings Act 1971, schedule 1, and proclamations under section 1; "
        "Good Friday and Christmas Day at common law",
    ),
    "weekends": Calendar(
        title="Saturdays and Sundays only",
        time_zone="UTC",
        clock="UTC",
        country=None,
        subdivision=None,
        source="no list of holidays",
    ),
}


def due_ms(
    start_ms: int, within: int, unit: str, calendar: str, stops: Sequence[tuple[int, int]] = ()
) -> int:
    """The first instant that is too late for an answer, if the question came at `start_ms`.

    A stop that has not ended yet is left out; ask again when it ends.

    Units: `within` counts days, 1 to `WITHIN_MAX`.
    Raises: InvalidInput: an unknown unit or calendar, `within` out of range, a stop that ends before it
            begins, or a year outside `YEAR_MIN` to `YEAR_MAX`, or without known holidays.
    """
    if unit not in UNITS:
        raise InvalidInput(f"unit {unit!r}, expected one of {', '.join(UNITS)}")
    if not 1 <= within <= WITHIN_MAX:
        raise InvalidInput(f"within is {within}, expected 1 to {WITHIN_MAX}")
    start = local_date(start_ms, calendar).toordinal()
    stopped = {day for stop in stops for day in _touched(stop, start, calendar)}
    days = _days_after(start) if unit == "days" else _business_days_after(start, calendar)
    last = next(islice(filterfalse(stopped.__contains__, days), within - 1, None), None)
    if last is None:
        raise InvalidInput(f"the clock runs past {YEAR_MAX}, expected it to be due before")
    return _first_ms(last + 1, calendar)


def deadline(at_ms: int, calendar: str) -> str:
    """The last moment that is in time, such as `the end of Tuesday 7 July 2026, Washington time`.

    Requires: `at_ms` is the first moment that is too late, as `due_ms` gives it.
    """
    kept = CALENDARS[calendar]
    at = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(kept.time_zone))
    if (at.hour, at.minute) == (0, 0):
        last = at.date() - timedelta(days=1)
        return f"the end of {times.day(last)}, {kept.clock}"
    return f"{times.day(at)}, {at:%H:%M} {kept.clock}"


def rule(within: int, unit: str, calendar: str) -> str:
    """The rule of a clock in words, such as `5 business days, by the calendar us-federal`."""
    days = counted(within, "business day" if unit == "business-days" else "day")
    return f"{days}, by the calendar {calendar}"


def is_business_day(day: date, calendar: str) -> bool:
    """Whether a date is neither a Saturday, a Sunday nor a holiday.

    Raises: InvalidInput: an unknown calendar, or a year out of range or without known holidays.
    """
    holidays = _holidays(calendar, _year(day))
    return day.weekday() < _SATURDAY and day.toordinal() not in holidays


def local_date(at_ms: int, calendar: str) -> date:
    """The date of an instant in the calendar's time zone.

    Raises: InvalidInput: an unknown calendar, or a year out of range.
    """
    zone = _zone(calendar)
    try:
        day = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).date()
    except OverflowError:
        raise InvalidInput(f"instant {at_ms}, expected the years {YEAR_MIN} to {YEAR_MAX}") from None
    _year(day)
    return day


def days_waited(start_ms: int, end_ms: int) -> float:
    """How long something took, in days of 86 400 s, stops and holidays included."""
    return (end_ms - start_ms) / DAY_MS


def _touched(stop: tuple[int, int], start: int, calendar: str) -> range:
    """The dates after the start that a stop touches, as ordinals."""
    from_ms, to_ms = stop
    if to_ms < from_ms:
        raise InvalidInput(f"a stop from {from_ms} to {to_ms}, expected it to end after it begins")
    if from_ms == to_ms:
        return range(0)
    first, last = (local_date(at_ms, calendar).toordinal() for at_ms in (from_ms, to_ms - 1))
    return range(max(first, start + 1), last + 1)


def _days_after(start: int) -> Iterator[int]:
    yield from range(start + 1, date(YEAR_MAX, 12, 31).toordinal() + 1)


def _business_days_after(start: int, calendar: str) -> Iterator[int]:
    for year in range(date.fromordinal(start).year, YEAR_MAX + 1):
        days = _business_days(calendar, year)
        yield from days[bisect_right(days, start) :]


@cache
def _business_days(calendar: str, year: int) -> tuple[int, ...]:
    first, end = date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()
    return tuple(day for day in range(first, end) if is_business_day(date.fromordinal(day), calendar))


@cache
def _holidays(calendar: str, year: int) -> frozenset[int]:
    """The holidays of a year, as ordinals.

    Raises: InvalidInput: an unknown calendar, or holidays that are not known so far in the future.
    """
    found = _found(calendar)
    if found.country is None:
        return frozenset()
    import holidays  # noqa: PLC0415 - takes 65 ms: only who counts business days waits for it

    days = holidays.country_holidays(
        found.country, subdiv=found.subdivision, years=year, expand=False, observed=True, categories="public"
    )
    if not days:
        raise InvalidInput(f"year {year}, expected one whose holidays are known to calendar {calendar!r}")
    return frozenset(day.toordinal() for day in days)


def _first_ms(ordinal: int, calendar: str) -> int:
    midnight = datetime.fromordinal(ordinal).replace(tzinfo=_zone(calendar))
    return (midnight - _EPOCH) // timedelta(milliseconds=1)


def _year(day: date) -> int:
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise InvalidInput(f"date {day.isoformat()}, expected the years {YEAR_MIN} to {YEAR_MAX}")
    return day.year


def _zone(calendar: str) -> ZoneInfo:
    return ZoneInfo(_found(calendar).time_zone)


def _found(calendar: str) -> Calendar:
    if calendar not in CALENDARS:
        raise InvalidInput(f"calendar {calendar!r}, expected one of {', '.join(CALENDARS)}")
    return CALENDARS[calendar]
