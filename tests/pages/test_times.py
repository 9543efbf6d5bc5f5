"""Times in texts: shown as times, and nothing else in them is."""

from __future__ import annotations

import pytest

from sluicegate.acts.outlook import StageCourse, StageEvent
from sluicegate.pages import site, timeline
from sluicegate.pages.timeline import Bar
from sluicegate.pages.words import moment, spoken, timed
from sluicegate.statements.words import day

AT = "2026-12-11T17:00:00.000Z"
SHOWN = f'<time datetime="{AT}">11 Dec 2026, 17:00 UTC</time>'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"until {AT}, by case_1", f"until {SHOWN}, by case_1"),
        ("on 2026-12-11 17:00Z (from 2026-12-11 17:00Z)", f"on {SHOWN} (from {SHOWN})"),
        (f"<b>{AT}</b>", f"&lt;b&gt;{SHOWN}&lt;/b&gt;"),
        ("2026-99-99T17:00:00.000Z", "2026-99-99T17:00:00.000Z"),
        ("2026-12-11T17:00:99.000Z <", "2026-12-11T17:00:99.000Z &lt;"),
        ("٢٠٢٦-12-11 17:00Z", "٢٠٢٦-12-11 17:00Z"),
        ("nothing", "nothing"),
    ],
)
def test_each_time_in_a_text_is_shown_as_one_and_all_else_as_text(text: str, shown: str) -> None:
    assert timed(text) == shown


def test_a_text_that_only_has_a_time_in_it_stays_where_it_has_to_be_exact() -> None:
    assert moment(AT) == SHOWN
    assert moment(f"at {AT}") == f"at {AT}"


def test_a_program_reads_times_as_people_do() -> None:
    assert spoken(f"<b> until {AT}") == "<b> until 11 Dec 2026, 17:00 UTC"


def test_how_long_something_took_is_no_number_of_milliseconds() -> None:
    template = site._ENVIRONMENT.from_string('{% import "form.html" as f with context %}{{ f.value(found) }}')
    shown = template.render(found={"medianMs": 2 * 86_400_000, "at": AT, "cases": 3})
    assert "<dt>Median</dt><dd>2 days</dd>" in shown
    assert f"<dt>At</dt><dd>{SHOWN}" in shown
    assert "<dd>3</dd>" in shown


def course(state: str, *events: tuple[int, str]) -> StageCourse:
    told = [{"at": at, "what": what} for at, what in events]
    made = tuple(StageEvent(at_ms=each["at"], what=each["what"], comes=False) for each in told)  # type: ignore[arg-type]
    return StageCourse(stage="one", state=state, events=made)  # type: ignore[arg-type]


def test_a_time_line_ends_on_the_last_day_of_a_basis_as_its_table_does() -> None:
    line = timeline.timeline([course("open", (0, "opened"), (2 * 86_400_000, "until"))], 1_000)
    assert day(line.last_ms) == "Friday 2 January 1970"
    assert line.rows[0].marks[-1].x == timeline.WIDTH


@pytest.mark.parametrize(
    ("state", "events", "bars"),
    [
        ("open", [(0, "asked"), (100, "opened")], [Bar(100, 900)]),
        ("open", [(0, "opened"), (200, "closed"), (500, "opened")], [Bar(0, 200), Bar(500, 500)]),
        ("closed", [(0, "opened"), (200, "closed")], [Bar(0, 200)]),
        ("waits", [(0, "opened"), (400, "asked")], [Bar(0, 400)]),
        ("open", [(0, "opened"), (400, "asked"), (500, "opened")], [Bar(0, 1_000)]),
        ("waits", [(0, "asked")], []),
    ],
)
def test_a_stage_was_open_from_when_it_opened_until_it_closed_or_got_other_terms(
    state: str, events: list[tuple[int, str]], bars: list[Bar]
) -> None:
    (row,) = timeline.timeline([course(state, *events)], 1_000).rows
    assert list(row.open) == bars
