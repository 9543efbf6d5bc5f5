"""Each check of the law of the end of a release: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.entities.closing import key_of
from sluicegate_record.entities.closure import Closure
from sluicegate_record.entries import Entry
from sluicegate_record.entries.closures import ReleaseReport
from sluicegate_record.form import replace
from sluicegate_record.record import Record
from sluicegate_record.statements.releases import ReleaseClosing
from tests.record.law.test_checks import OPENS, Tell, Untrue, finds, first, says, signs, tightening
from tests.vectors.themes.closures import DONE
from tests.vectors.themes.plans import QUIET
from tests.vectors.themes.ramps import EVERYONE
from tests.worlds import OFFICER

CLOSES = first("release.closed", release=DONE)
SIGNS = first("clearance.recorded", says="signs")
APPLIES = first("case.opened", kind="admission")
ASKS_TERMS = first("case.opened", kind="terms")
BY_NONE, CLOSED = "a release whose closing no officer signed", "what changes a release that is closed"
NO_REPORT = ReleaseReport(stages=())


def closed(release: str = "", **changes: Any) -> Tell:
    """Its release is closed."""

    def tell(record: Record, entry: Entry) -> Entry:
        name = release or str(entry.public["release"])
        fields = {"seq": 0, "at_ms": 0, "report": NO_REPORT, "officer": OFFICER, "digest": "sha256:00"}
        record.closures[name] = Closure(**{"release": name, **fields, **changes})
        return entry

    return tell


def never_closed(record: Record, entry: Entry) -> Entry:
    """Its release is not closed."""
    del record.closures[DONE]
    return entry


def last_is_closed(record: Record, entry: Entry) -> Entry:
    """Its last stage is closed."""
    record.opened[record.releases[DONE].terms[EVERYONE]] = None
    return entry


def ramp_runs(record: Record, entry: Entry) -> Entry:
    """Its ramp is not over."""
    name = key_of(DONE, EVERYONE)
    course = record.courses[name]
    record.courses[name] = replace(course, ramp=replace(course.ramp, at_ms=entry.at_ms))
    return entry


def case_is_open(record: Record, entry: Entry) -> Entry:
    """A case about its terms is open."""
    terms = record.releases[DONE].terms[EVERYONE]
    case = record.cases[record.asked[terms][0]]
    record.put(replace(case, state="under-review"))
    return entry


def other_report(**changes: Any) -> Tell:
    """Its report says something else."""

    def tell(record: Record, entry: Entry) -> Entry:
        body: Any = entry.body
        return says(report={**body.report.to_json(), **changes})(record, entry)

    return tell


def unknown_terms(record: Record, entry: Entry) -> Entry:
    """Its release is closed, and its stage never opened."""
    closed()(record, entry)
    record.opened.pop(entry.public["terms"], None)
    return entry


CLOSURES = {
    "a closing of another release": Untrue(
        CLOSES, says(release=QUIET), "is_closed_with_a_signature", "a closing signed otherwise"
    ),
    "a closing with another report": Untrue(
        CLOSES, other_report(promises=[]), "is_closed_with_a_signature", "a closing signed otherwise"
    ),
    "a closing for another log": Untrue(
        CLOSES, signs(ReleaseClosing, OFFICER, log="other"), "is_closed_with_a_signature", BY_NONE
    ),
    "a closing by no officer": Untrue(
        CLOSES, signs(ReleaseClosing, "oncd"), "is_closed_with_a_signature", BY_NONE
    ),
    "a second closing": Untrue(CLOSES, closed(), "closes_what_is_done", "a release that was closed before"),
    "a closing before the last stage": Untrue(
        CLOSES, last_is_closed, "closes_what_is_done", "a release that is not done"
    ),
    "a closing while a ramp runs": Untrue(
        CLOSES, ramp_runs, "closes_what_is_done", "a release that is not done"
    ),
    "a closing while a case is open": Untrue(
        CLOSES, case_is_open, "closes_what_is_done", "a release that is not done"
    ),
    "a plan after the end": Untrue(tightening, closed(), "is_of_an_open_release", CLOSED),
    "an opening after the end": Untrue(OPENS, unknown_terms, "opens_nothing_new", CLOSED),
    "an application after the end": Untrue(APPLIES, closed(), "asks_no_one_new", CLOSED),
    "terms asked about after the end": Untrue(ASKS_TERMS, closed(), "asks_no_one_new", CLOSED),
    "a word on the report of what is open": Untrue(
        SIGNS, never_closed, "is_about_what_there_is_to_clear", "no such report of the release"
    ),
    "a word on another report": Untrue(
        SIGNS, closed(DONE), "is_about_what_there_is_to_clear", "no such report of the release"
    ),
}


def not_admitted(record: Record, entry: Entry) -> Entry:
    """One grant less was given."""
    name = key_of(DONE, "preview")
    record.courses[name] = replace(record.courses[name], admitted=0)
    return entry


CLOSURES["a report of another record"] = Untrue(
    CLOSES, not_admitted, "reports_what_happened", "another report than the record gives"
)


@pytest.mark.parametrize("untrue", CLOSURES.values(), ids=CLOSURES)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)


def test_a_report_has_what_happened() -> None:
    body: Any = CLOSES().body
    stages = {each.stage: each for each in body.report.stages}
    assert [each.admitted for each in stages.values()] == [1, 0]
    assert all(each.opened_ms is not None for each in stages.values())
    assert {"oncd", "ostp"} == set(stages["preview"].asked) | set(stages[EVERYONE].asked)
    assert [each.directive for each in body.report.directives] == ["of-done"]
