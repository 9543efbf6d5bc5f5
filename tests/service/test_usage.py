"""What gateways report of use: counted once, by the hour, for a day."""

from __future__ import annotations

from sluicegate.core.access.coverage import Usage
from sluicegate.core.access.naming import Naming, UsageKey
from sluicegate.service.usage import CALLS_MAX, UsageBook, UsageCount
from sluicegate_record.log.times import HOUR_MS

FIRST, SECOND = ("gateway-1", "run-1"), ("gateway-2", "run-1")
NAMED = Naming((b"n" * 16,))
KEY = UsageKey("cred_1", "model-1", NAMED)
NOON = 12 * HOUR_MS


def book() -> UsageBook:
    return UsageBook(NOON)


def test_totals_of_a_run_are_counted_once_however_often_they_are_reported():
    made = book()
    for total in (3, 3, 5, 5):
        made.report(FIRST, [UsageCount(KEY, 1, total)], NOON)
    made.report(SECOND, [UsageCount(KEY, 2, 4)], NOON)
    assert made.last_day(NOON) == [Usage("cred_1", "model-1", NAMED, 3, 9)]


def test_a_run_that_started_again_counts_anew():
    made = book()
    made.report(FIRST, [UsageCount(KEY, 0, 5)], NOON)
    made.report(("gateway-1", "run-2"), [UsageCount(KEY, 0, 2)], NOON)
    assert [each.requests for each in made.last_day(NOON)] == [7]


def test_a_total_that_goes_back_takes_nothing_away():
    made = book()
    made.report(FIRST, [UsageCount(KEY, 0, 5)], NOON)
    made.report(FIRST, [UsageCount(KEY, 0, 1)], NOON)
    assert [each.requests for each in made.last_day(NOON)] == [5]


def test_calls_are_kept_for_a_day():
    made = book()
    made.report(FIRST, [UsageCount(KEY, 0, 1)], NOON)
    made.report(FIRST, [UsageCount(KEY, 0, 3)], NOON + 23 * HOUR_MS)
    assert [each.requests for each in made.last_day(NOON + 23 * HOUR_MS)] == [3]
    assert [each.requests for each in made.last_day(NOON + 24 * HOUR_MS)] == [2]
    assert made.last_day(NOON + 47 * HOUR_MS) == []


def test_streams_that_have_ended_and_runs_that_are_gone_are_not_open():
    made = book()
    made.report(FIRST, [UsageCount(KEY, 2, 2)], NOON)
    made.report(SECOND, [UsageCount(KEY, 5, 5)], NOON)
    made.report(FIRST, [UsageCount(KEY, 0, 2)], NOON)
    assert [each.open for each in made.last_day(NOON)] == [5]
    made.keep([FIRST])
    assert made.last_day(NOON) == [Usage("cred_1", "model-1", NAMED, 0, 7)]


def test_ways_to_name_persons_are_told_apart():
    made = book()
    made.report(FIRST, [UsageCount(KEY, 1, 1), UsageCount(KEY._replace(naming=Naming()), 0, 2)], NOON)
    assert {(each.naming, each.requests) for each in made.last_day(NOON)} == {(NAMED, 1), (Naming(), 2)}


def test_what_is_too_much_to_be_told_apart_is_counted_all_the_same():
    made = UsageBook(NOON, keys_max=3)
    many = [UsageCount(KEY._replace(naming=Naming((bytes([n]),))), 0, 1) for n in range(5)]
    made.report(FIRST, many, NOON)
    assert sum(each.requests for each in made.last_day(NOON)) == 5
    assert len(made.last_day(NOON)) == 4


def test_what_is_far_too_much_is_not_counted_until_runs_are_gone():
    made = UsageBook(NOON, keys_max=3)
    many = [UsageCount(KEY._replace(naming=Naming((bytes([n]),))), 0, 1) for n in range(9)]
    made.report(FIRST, many, NOON)
    made.report(SECOND, [UsageCount(KEY, 0, 1)], NOON)
    assert sum(each.requests for each in made.last_day(NOON)) == 6
    made.keep([SECOND])
    made.report(SECOND, [UsageCount(KEY, 0, 1)], NOON)
    assert sum(each.requests for each in made.last_day(NOON)) == 7


def test_a_report_that_lies_counts_so_much_and_no_more():
    made = book()
    made.report(FIRST, [UsageCount(KEY, 10 * CALLS_MAX, 10 * CALLS_MAX)], NOON)
    assert made.last_day(NOON) == [Usage("cred_1", "model-1", NAMED, CALLS_MAX, CALLS_MAX)]
