from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.durations import milliseconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P30D", 30 * DAY_MS),
        ("PT12H", 12 * 3_600_000),
        ("PT12H30M", 45_000_000),
        ("P1DT1H1M1S", 90_061_000),
        ("PT0S", 0),
        ("P0D", 0),
        ("PT90M", 5_400_000),
        ("P99999D", 99_999 * DAY_MS),
        ("PT999999999S", 999_999_999_000),
    ],
)
def test_durations(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "30D",
        "P30",
        "P1M",  # a month has no fixed length
        "P1Y",
        "P1W",
        "PT1D",
        "P1H",
        "PT1M1H",
        "P1.5D",
        "P-1D",
        "-P1D",
        "p1d",
        " P1D",
        "P1D\n",
        "P1D ",
        "P100000D",
        "P١D",  # noqa: RUF001 - another script's digit
        "PT1S1S",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        milliseconds(text)


@given(st.integers(0, 99_999), st.integers(0, 999), st.integers(0, 999), st.integers(0, 999))
def test_parts_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"P{days}DT{hours}H{minutes}M{seconds}S"
    assert milliseconds(text) == 1000 * (((days * 24 + hours) * 60 + minutes) * 60 + seconds)
