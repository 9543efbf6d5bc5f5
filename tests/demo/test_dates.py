"""The dates of a plan are moved together, and nothing else is."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.dates import shifted
from sluicegate.core.terms import document, plan

EXAMPLES = Path(__file__).parents[2] / "examples"
TODAY = date(2027, 2, 27)


def stages(text: str) -> list[dict[str, Any]]:
    return [stage.to_json() for stage in plan.read(document.read(text, "plan.yaml")).spec.stages]


def test_the_example_is_asked_for_today_and_lasts_as_long_as_before():
    text = (EXAMPLES / "gpt-5.6-preview.yaml").read_text()
    (before,), (after,) = stages(text), stages(shifted(text, TODAY))
    lasts = date.fromisoformat(before["basis"]["until"]) - date.fromisoformat(before["basis"]["askedOn"])
    assert after["basis"]["askedOn"] == TODAY.isoformat()
    assert after["basis"]["until"] == (TODAY + lasts).isoformat()
    moved = {"askedOn", "until"}
    assert {name: value for name, value in after["basis"].items() if name not in moved} == {
        name: value for name, value in before["basis"].items() if name not in moved
    }


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("gpt-*.yaml")), ids=lambda path: path.name)
def test_only_dates_change_and_a_second_time_nothing_does(example):
    text = example.read_text()
    once = shifted(text, TODAY)
    assert len(once) == len(text)
    assert shifted(once, TODAY) == once
    assert shifted(once, date(2026, 6, 24)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('askedOn: "2026-06-24"', 'askedOn: "2027-02-27"'),
        ("{askedOn: 2026-06-24, until: 2026-06-25}", "{askedOn: 2027-02-27, until: 2027-02-28}"),
        ("askedOn:   '2026-06-24'", "askedOn:   '2027-02-27'"),
        ("askedOn: 2026-06-20\nuntil: 2026-06-22\naskedOn: 2026-06-24", None),
        ('askedOn: "2026-06-24"  # since 2026-06-24', 'askedOn: "2027-02-27"  # since 2026-06-24'),
        ("until: 2026-08-01", "until: 2026-08-01"),
        ("notUntil: 2026-08-01, askedOnce: 2026-08-01", "notUntil: 2026-08-01, askedOnce: 2026-08-01"),
        ("askedOn: soon", "askedOn: soon"),
        ("askedOn: 2026-06-241", "askedOn: 2026-06-241"),
        ("", ""),
    ],
)
def test_what_is_a_date_and_what_is_not(text, expected):
    if expected is None:
        expected = "askedOn: 2027-02-23\nuntil: 2027-02-25\naskedOn: 2027-02-27"
    assert shifted(text, TODAY) == expected


def test_the_distance_of_dates_is_kept_over_leap_days():
    text = 'askedOn: "2026-06-24", until: "2026-08-01"'
    assert shifted(text, date(2028, 2, 1)) == (
        f'askedOn: "2028-02-01", until: "{date(2028, 2, 1) + timedelta(days=38)}"'
    )


def test_a_day_that_no_calendar_has_is_an_error():
    with pytest.raises(ValueError, match="day is out of range"):
        shifted("askedOn: 2026-02-30", TODAY)
