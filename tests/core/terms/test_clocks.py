from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sluicegate.core.terms.clocks import (
    CALENDARS,
    UNITS,
    WITHIN_MAX,
    Calendar,
    days_waited,
    deadline,
    due_ms,
    is_business_day,
    local_date,
    rule,
)
from sluicegate.errors import InvalidInput
from sluicegate_record.log.times import DAY_MS, HOUR_MS, parse_time

US_FEDERAL = {
    2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
}
"""As the Office of Personnel Management publishes them: the days that offices observe."""

UK_ENGLAND = {2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"}
"""As the government publishes them for England and Wales."""


def at(text: str, calendar: str = "us-federal") -> int:
    """An instant written in the local time of a calendar."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(CALENDARS[calendar].time_zone))
    return (local - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def slow_due_ms(
    start_ms: int, within: int, unit: str, calendar: str, stops: Sequence[tuple[int, int]] = ()
) -> int:
    day = local_date(start_ms, calendar)
    while within:
        day += timedelta(days=1)
        begins, ends = (at(f"{midnight}T00:00", calendar) for midnight in (day, day + timedelta(days=1)))
        touched = any(from_ms < to_ms and from_ms < ends and to_ms > begins for from_ms, to_ms in stops)
        if not touched and (unit == "days" or is_business_day(day, calendar)):
            within -= 1
    return at(f"{day + timedelta(days=1)}T00:00", calendar)


calendars = st.sampled_from(sorted(CALENDARS))
units = st.sampled_from(UNITS)
withins = st.integers(1, 120)
starts = st.integers(at("2000-01-01"), at("2090-01-01"))
"""Any millisecond of ninety years."""

offsets = st.integers(-10 * DAY_MS, 150 * DAY_MS)
lengths = st.sampled_from([0, 1, HOUR_MS, DAY_MS]) | st.integers(0, 40 * DAY_MS)
waits = st.lists(st.tuples(offsets, lengths), max_size=5)
"""Stops, as where they begin after the start and how long they are; they may overlap."""


def stops_of(start_ms: int, waits: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(start_ms + offset, start_ms + offset + length) for offset, length in waits]


@pytest.mark.parametrize(
    ("calendar", "year", "expected"),
    [("us-federal", year, days) for year, days in US_FEDERAL.items()]
    + [("uk-england", year, days) for year, days in UK_ENGLAND.items()]
    + [("weekends", 2026, "")],
)
def test_the_holidays_are_those_published(calendar: str, year: int, expected: str) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    weekdays = [day for day in days if day.weekday() < 5]
    found = [f"{day:%m-%d}" for day in weekdays if not is_business_day(day, calendar)]
    assert found == expected.split()
    assert not any(is_business_day(day, calendar) for day in days if day.weekday() >= 5)


@pytest.mark.parametrize(
    "day",
    [
        "2026-02-12",  # Lincoln's birthday, in some states
        "2026-03-31",  # César Chávez's, in some states
        "2026-04-16",  # emancipation, in the District of Columbia
        "2026-04-20",  # Patriots' Day, in some states
        "2026-11-03",  # an election
        "2026-11-27",  # the day after Thanksgiving, in some states
        "2026-12-24",
        "2025-01-09",  # offices closed by order, in mourning
        "2025-12-26",  # offices closed by order
        "2033-01-20",  # an inauguration, in the District of Columbia
    ],
)
def test_a_day_off_that_is_no_federal_holiday_counts(day: str) -> None:
    assert is_business_day(date.fromisoformat(day), "us-federal")


@pytest.mark.parametrize("day", ["2021-06-18", "2026-02-16", "2026-06-19", "2026-10-12", "2025-01-20"])
def test_a_federal_holiday_that_not_every_state_keeps_does_not_count(day: str) -> None:
    assert not is_business_day(date.fromisoformat(day), "us-federal")


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2022-06-03", False),  # a jubilee
        ("2022-09-19", False),  # a state funeral
        ("2023-05-08", False),  # a coronation
        ("2026-01-02", True),  # Scotland
        ("2026-03-17", True),  # Northern Ireland
        ("2026-08-03", True),  # Scotland
    ],
)
def test_england_keeps_what_was_proclaimed_for_it_alone(day: str, expected: bool) -> None:
    assert is_business_day(date.fromisoformat(day), "uk-england") is expected


def test_a_datetime_is_read_as_its_date() -> None:
    assert not is_business_day(datetime(2026, 6, 19, 12, tzinfo=UTC), "us-federal")


@pytest.mark.parametrize(
    ("start", "within", "unit", "calendar", "due"),
    [
        pytest.param("2026-06-22T09:00", 1, "days", "us-federal", "2026-06-24", id="one day"),
        pytest.param("2026-06-22T00:00", 1, "days", "us-federal", "2026-06-24", id="from midnight"),
        pytest.param("2026-06-22T23:59:59.999", 1, "days", "us-federal", "2026-06-24", id="to midnight"),
        pytest.param("2026-06-22T09:00", 30, "days", "us-federal", "2026-07-23", id="thirty days"),
        pytest.param(
            "2026-06-22T09:00", 30, "business-days", "us-federal", "2026-08-05", id="thirty business"
        ),
        pytest.param(
            "2026-06-27T09:00", 1, "business-days", "us-federal", "2026-06-30", id="from a saturday"
        ),
        pytest.param("2026-06-26T09:00", 1, "days", "us-federal", "2026-06-28", id="due on a saturday"),
        pytest.param(
            "2026-09-04T17:00", 1, "business-days", "us-federal", "2026-09-09", id="friday before labor day"
        ),
        pytest.param(
            "2026-05-01T17:00", 1, "business-days", "uk-england", "2026-05-06", id="friday before may day"
        ),
        pytest.param(
            "2026-05-01T17:00",
            1,
            "business-days",
            "weekends",
            "2026-05-05",
            id="friday before a plain monday",
        ),
        pytest.param(
            "2026-07-02T09:00", 1, "business-days", "us-federal", "2026-07-07", id="observed on the friday"
        ),
        pytest.param(
            "2026-12-24T09:00",
            1,
            "business-days",
            "uk-england",
            "2026-12-30",
            id="christmas and its substitute",
        ),
        pytest.param("2026-12-31T09:00", 1, "days", "us-federal", "2027-01-02", id="over the year's end"),
        pytest.param(
            "2026-12-31T09:00", 1, "business-days", "us-federal", "2027-01-05", id="new year on a friday"
        ),
        pytest.param(
            "2027-12-30T09:00", 1, "business-days", "us-federal", "2028-01-04", id="new year observed before"
        ),
        pytest.param("2028-02-28T09:00", 1, "days", "us-federal", "2028-03-01", id="a leap day"),
        pytest.param("2199-12-30T09:00", 1, "days", "us-federal", "2200-01-01", id="the last day there is"),
        pytest.param(
            "2199-12-30T09:00",
            1,
            "business-days",
            "weekends",
            "2200-01-01",
            id="the last business day there is",
        ),
    ],
)
def test_due(start: str, within: int, unit: str, calendar: str, due: str) -> None:
    assert due_ms(at(start, calendar), within, unit, calendar) == at(due, calendar)


@pytest.mark.parametrize(
    ("eve", "calendar", "hours"),
    [
        ("2026-03-07T12:00", "us-federal", 23),
        ("2026-10-31T12:00", "us-federal", 25),
        ("2026-03-28T12:00", "uk-england", 23),
        ("2026-10-24T12:00", "uk-england", 25),
        ("2026-03-28T12:00", "weekends", 24),
    ],
)
def test_a_local_day_is_as_long_as_it_is(eve: str, calendar: str, hours: int) -> None:
    start_ms = at(eve, calendar)
    assert due_ms(start_ms, 1, "days", calendar) - start_ms == (12 + hours) * HOUR_MS
    assert due_ms(start_ms, 2, "days", calendar) - start_ms == (12 + hours + 24) * HOUR_MS


def test_the_date_of_the_start_is_the_calendars_own() -> None:
    start_ms = at("2026-06-23T01:00", "weekends")
    assert local_date(start_ms, "weekends") == date(2026, 6, 23)
    assert local_date(start_ms, "uk-england") == date(2026, 6, 23)
    assert local_date(start_ms, "us-federal") == date(2026, 6, 22)
    assert due_ms(start_ms, 1, "days", "us-federal") == at("2026-06-24")


MONDAY = "2026-06-22T09:00"


@pytest.mark.parametrize(
    ("stops", "due"),
    [
        pytest.param([], "2026-06-25", id="none"),
        pytest.param([("2026-06-22T10:00", "2026-06-22T11:00")], "2026-06-25", id="on the day of the start"),
        pytest.param([("2026-06-01T00:00", "2026-06-22T09:00")], "2026-06-25", id="before the start"),
        pytest.param([("2026-06-01T00:00", "2026-06-23T00:00")], "2026-06-25", id="up to midnight"),
        pytest.param([("2026-06-01T00:00", "2026-06-23T00:00:00.001")], "2026-06-26", id="one instant more"),
        pytest.param([("2026-06-23T00:00", "2026-06-24T00:00")], "2026-06-26", id="exactly one day"),
        pytest.param([("2026-06-23T23:59:59.999", "2026-06-24T00:00")], "2026-06-26", id="one instant"),
        pytest.param([("2026-06-23T22:00", "2026-06-24T02:00")], "2026-06-27", id="over midnight"),
        pytest.param([("2026-06-23T12:00", "2026-06-23T12:00")], "2026-06-25", id="empty"),
        pytest.param([("2026-06-24T00:00", "2026-06-24T00:00")], "2026-06-25", id="empty at midnight"),
        pytest.param([("2026-06-25T00:00", "2026-06-30T00:00")], "2026-06-25", id="after it is due"),
        pytest.param([("2026-06-24T12:00", "2026-12-24T12:00")], "2026-12-26", id="half a year"),
        pytest.param([("2026-06-24T12:00", "2046-06-24T12:00")], "2046-06-26", id="twenty years"),
        pytest.param(
            [("2026-06-23T09:00", "2026-06-23T10:00"), ("2026-06-23T11:00", "2026-06-23T12:00")],
            "2026-06-26",
            id="two on one day",
        ),
        pytest.param(
            [("2026-06-24T09:00", "2026-06-26T10:00"), ("2026-06-23T11:00", "2026-06-25T12:00")],
            "2026-06-29",
            id="overlapping and out of order",
        ),
    ],
)
def test_a_date_that_a_stop_touches_does_not_count(stops: list[tuple[str, str]], due: str) -> None:
    in_ms = [(at(begins), at(ends)) for begins, ends in stops]
    assert due_ms(at(MONDAY), 2, "days", "us-federal", in_ms) == at(due)


def test_a_stop_over_a_weekend_costs_no_business_day() -> None:
    friday, stop = at("2026-06-26T09:00"), (at("2026-06-27T00:00"), at("2026-06-29T00:00"))
    assert due_ms(friday, 1, "business-days", "us-federal", [stop]) == at("2026-06-30")


def test_a_stop_on_the_last_instant_of_a_long_day_touches_it() -> None:
    eve, ends = at("2026-10-31T12:00"), at("2026-11-02T00:00")
    assert due_ms(eve, 1, "days", "us-federal", [(ends - 1, ends)]) == at("2026-11-03")
    assert due_ms(eve, 1, "days", "us-federal", [(ends, ends + 1)]) == ends


@given(starts, withins, units, calendars, waits)
@example(at("2026-03-08T00:00"), 1, "days", "us-federal", [(0, DAY_MS)])
@example(at("2026-11-01T01:30"), 1, "days", "us-federal", [(HOUR_MS, DAY_MS)])
def test_it_agrees_with_counting_day_by_day(
    start_ms: int, within: int, unit: str, calendar: str, waits: list[tuple[int, int]]
) -> None:
    stops = stops_of(start_ms, waits)
    expected = slow_due_ms(start_ms, within, unit, calendar, stops)
    assert due_ms(start_ms, within, unit, calendar, stops) == expected


@given(starts, withins, units, calendars, waits)
def test_one_day_more_is_never_sooner(
    start_ms: int, within: int, unit: str, calendar: str, waits: list[tuple[int, int]]
) -> None:
    stops = stops_of(start_ms, waits)
    sooner = due_ms(start_ms, within, unit, calendar, stops)
    assert sooner < due_ms(start_ms, within + 1, unit, calendar, stops)


@given(starts, withins, units, calendars, waits, st.tuples(offsets, lengths))
def test_one_stop_more_is_never_sooner(
    start_ms: int,
    within: int,
    unit: str,
    calendar: str,
    waits: list[tuple[int, int]],
    another: tuple[int, int],
) -> None:
    fewer, more = stops_of(start_ms, waits), stops_of(start_ms, [*waits, another])
    assert due_ms(start_ms, within, unit, calendar, fewer) <= due_ms(start_ms, within, unit, calendar, more)


@given(starts, withins, calendars, waits)
def test_days_are_never_later_than_business_days(
    start_ms: int, within: int, calendar: str, waits: list[tuple[int, int]]
) -> None:
    stops = stops_of(start_ms, waits)
    days, business_days = (due_ms(start_ms, within, unit, calendar, stops) for unit in UNITS)
    assert start_ms < days <= business_days


@given(starts, starts, withins, units, calendars)
def test_what_came_first_is_due_first(
    one_ms: int, other_ms: int, within: int, unit: str, calendar: str
) -> None:
    first_ms, second_ms = sorted((one_ms, other_ms))
    assert due_ms(first_ms, within, unit, calendar) <= due_ms(second_ms, within, unit, calendar)


@given(starts, withins, units, calendars)
def test_it_is_due_where_a_date_begins(start_ms: int, within: int, unit: str, calendar: str) -> None:
    due = due_ms(start_ms, within, unit, calendar)
    last = local_date(due - 1, calendar)
    assert local_date(due, calendar) == last + timedelta(days=1)
    assert unit == "days" or is_business_day(last, calendar)


@given(starts, units, calendars, waits)
def test_the_order_of_stops_does_not_matter(
    start_ms: int, unit: str, calendar: str, waits: list[tuple[int, int]]
) -> None:
    stops = stops_of(start_ms, waits)
    assert due_ms(start_ms, 30, unit, calendar, stops) == due_ms(start_ms, 30, unit, calendar, stops[::-1])


@pytest.mark.parametrize("unit", ["", "day", "Days", "business days", "hours"])
def test_an_unknown_unit(unit: str) -> None:
    with pytest.raises(InvalidInput, match="expected one of days, business-days"):
        due_ms(at(MONDAY), 1, unit, "us-federal")


@pytest.mark.parametrize("calendar", ["", "us", "US-FEDERAL", "uk-scotland"])
def test_an_unknown_calendar(calendar: str) -> None:
    expected = "expected one of us-federal, uk-england, weekends"
    with pytest.raises(InvalidInput, match=expected):
        due_ms(at(MONDAY), 1, "days", calendar)
    with pytest.raises(InvalidInput, match=expected):
        local_date(at(MONDAY), calendar)
    with pytest.raises(InvalidInput, match=expected):
        is_business_day(date(2026, 6, 22), calendar)


@pytest.mark.parametrize("within", [-1, 0, WITHIN_MAX + 1])
def test_within_out_of_range(within: int) -> None:
    with pytest.raises(InvalidInput, match="expected 1 to 1000"):
        due_ms(at(MONDAY), within, "days", "us-federal")


def test_the_longest_clock() -> None:
    assert due_ms(at(MONDAY), WITHIN_MAX, "days", "us-federal") == at("2029-03-19")


def test_a_stop_that_ends_before_it_begins() -> None:
    with pytest.raises(InvalidInput, match="expected it to end after it begins"):
        due_ms(at(MONDAY), 1, "days", "us-federal", [(at("2026-06-24"), at("2026-06-24") - 1)])


@pytest.mark.parametrize(
    "at_ms", [0, -1, at("1970-12-31T23:59:59.999"), at("2200-01-01"), 10**15, -(10**30), 10**30]
)
def test_an_instant_out_of_range(at_ms: int) -> None:
    stop = (min(at_ms, at(MONDAY)), max(at_ms, at(MONDAY)) + 1)
    with pytest.raises(InvalidInput, match="expected the years 1971 to 2199"):
        local_date(at_ms, "us-federal")
    with pytest.raises(InvalidInput, match="expected the years 1971 to 2199"):
        due_ms(at_ms, 1, "days", "us-federal")
    with pytest.raises(InvalidInput, match="expected the years 1971 to 2199"):
        due_ms(at(MONDAY), 1, "days", "us-federal", [stop])


@pytest.mark.parametrize("year", [1970, 2200, 9999])
def test_a_date_out_of_range(year: int) -> None:
    with pytest.raises(InvalidInput, match="expected the years 1971 to 2199"):
        is_business_day(date(year, 6, 1), "weekends")


@pytest.mark.parametrize("unit", UNITS)
def test_a_clock_that_outlives_the_calendar(unit: str) -> None:
    with pytest.raises(InvalidInput, match="runs past 2199"):
        due_ms(at("2199-12-20", "weekends"), 12, unit, "weekends")


@pytest.mark.parametrize("calendar", ["us-federal", "uk-england"])
def test_a_year_whose_holidays_are_not_known_is_not_taken_for_one_without(calendar: str) -> None:
    with pytest.raises(InvalidInput, match=f"known to calendar '{calendar}'"):
        is_business_day(date(2150, 6, 1), calendar)
    with pytest.raises(InvalidInput, match=f"known to calendar '{calendar}'"):
        due_ms(at("2150-06-01", calendar), 1, "business-days", calendar)
    assert due_ms(at("2150-06-01", calendar), 1, "days", calendar) == at("2150-06-03", calendar)
    assert is_business_day(date(2150, 6, 1), "weekends")


@pytest.mark.parametrize("calendar", [name for name, found in CALENDARS.items() if found.country])
def test_every_year_of_this_century_has_its_holidays(calendar: str) -> None:
    for year in range(1971, 2101):
        assert not is_business_day(date(year, 12, 25), calendar)


@pytest.mark.parametrize("calendar", CALENDARS.values(), ids=CALENDARS)
def test_a_calendar_says_what_it_is(calendar: Calendar) -> None:
    assert ZoneInfo(calendar.time_zone).key == calendar.time_zone
    assert calendar.title
    assert calendar.source
    assert "://" not in calendar.source


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"), [(0, 0, 0.0), (5, 5 + DAY_MS, 1.0), (0, 36 * HOUR_MS, 1.5)]
)
def test_days_waited(start_ms: int, end_ms: int, expected: float) -> None:
    assert days_waited(start_ms, end_ms) == expected


def test_days_waited_knows_no_daylight_saving() -> None:
    assert days_waited(at("2026-03-07T12:00"), at("2026-03-08T12:00")) == 23 / 24


@pytest.mark.parametrize(
    ("at", "calendar", "said"),
    [
        ("2026-07-08T04:00:00.000Z", "us-federal", "the end of Tuesday 7 July 2026, Washington time"),
        ("2026-12-11T22:00:00.000Z", "us-federal", "Friday 11 December 2026, 17:00 Washington time"),
        ("2027-01-01T00:00:00.000Z", "uk-england", "the end of Thursday 31 December 2026, London time"),
        ("2026-07-08T00:00:00.000Z", "weekends", "the end of Tuesday 7 July 2026, UTC"),
    ],
)
def test_a_deadline_is_said_in_the_time_of_its_calendar(at: str, calendar: str, said: str) -> None:
    assert deadline(parse_time(at), calendar) == said


def test_a_rule_says_how_many_days_by_which_calendar() -> None:
    assert rule(1, "days", "weekends") == "1 day, by the calendar weekends"
    assert rule(5, "business-days", "us-federal") == "5 business days, by the calendar us-federal"
