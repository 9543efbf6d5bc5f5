from __future__ import annotations

from datetime import date

import pytest

from sluicegate.core.times import day, minute, time_ms
from sluicegate.errors import InvalidInput
from sluicegate_record.log import times


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2027-01-31", "2027-01-31T00:00:00.000Z"),
        ("2027-01-31T12:00:00.000Z", "2027-01-31T12:00:00.000Z"),
    ],
)
def test_a_date_is_the_time_when_it_begins(text, at):
    assert time_ms(text) == times.parse_time(at)


@pytest.mark.parametrize("text", ["", "tomorrow", "2027-02-30", "2027-01-31T12:00", "31.1.2027", "2027"])
def test_another_text_is_refused(text):
    with pytest.raises(InvalidInput, match=f"^{text!r} is not a time"):
        time_ms(text)


def test_people_read_minutes_in_tables_and_days_in_sentences():
    assert minute(times.parse_time("2026-07-08T04:00:59.999Z")) == "2026-07-08 04:00Z"
    assert day(date(2026, 12, 1)) == "Tuesday 1 December 2026"
