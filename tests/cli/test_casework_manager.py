"""Casework as a new release manager does it, by command line alone: screen, proceed, remove, find, report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest

from tests.cli.timed import WHERE, TimedPlane, timed_plane
from tests.worlds import OFFICER, OTHER_OFFICER


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def test_a_screening_holds_a_case_clears_it_and_is_open_again_when_the_list_changes(plane):
    case = plane.submit("Example Utility", screened=False)
    plane.say(case, "oncd")
    assert plane.say(case, "ostp")["determination"] is None
    waiting = plane.answer("case", "list", "--awaiting", "openai")["cases"]
    assert [each["case"] for each in waiting] == [case]
    plane.file("seen.yaml", "- {name: Example Utilities Ltd, score: 91}\n")
    match = (*plane.screening(case, "match"), "--candidates", plane.folder / "seen.yaml")
    assert "not determined yet" in plane.text(*match)
    told = plane.show(case, "developer")
    assert "screened: match (entities 1, by release-officer): looked at every match" in told
    assert "screened:" not in plane.show(case, "applicant")
    assert "approved" in plane.text(*plane.screening(case))
    grant = plane.answer("case", "show", case)["grant"]["grant"]
    assert f"records open again: {case}" in plane.text("screening", "use", "entities", "2")
    assert "its screening record is open again: the list has changed" in plane.text("grant", "show", grant)
    assert "by release-officer): looked at every match; open again since 20" in plane.show(case, "developer")
    other = plane.submit("Example Grid", screened=False)
    refused = plane.error(*plane.screening(other, version="1"))
    assert (refused["code"], refused["remedy"]) == ("list_changed", "screen again, with the version in use")


def test_two_officers_proceed_over_silence_and_the_record_says_so(plane):
    case, said, both = plane.submit("Example Utility"), plane.folder / "said.json", plane.folder / "both.json"
    plane.later(31)
    proceed = ("review", "proceed", case, "--reason", "no answer in a month", "-o", said)
    told = plane.text(*proceed, "--key", plane.key(OFFICER))
    assert f"then a second officer: sluicegate review countersign {said}" in told
    assert plane.error("review", "import", said)["code"] == "one_officer"
    plane.text("review", "countersign", said, "--key", plane.key(OTHER_OFFICER), "-o", both, by=None)
    told = plane.text("review", "import", both)
    assert told.startswith(f"what the officers signed in {case} is on the record")
    assert ": approved; the public log now has" in told
    assert "openai, proceeded: no answer in a month" in plane.show(case)


def test_an_approval_over_a_denial_does_not_show_why_it_was_denied_once(plane):
    case, said, both = plane.submit("Example Utility"), plane.folder / "said.json", plane.folder / "both.json"
    plane.say(case, "ostp", "object", "--reason", "too early")
    plane.text("review", "proceed", case, "--reason", "it is not", "-o", said, "--key", plane.key(OFFICER))
    plane.text("review", "countersign", said, "--key", plane.key(OTHER_OFFICER), "-o", both, by=None)
    plane.text("review", "import", both)
    told = plane.show(case)
    assert "state: approved, opened" in told
    assert "ostp object: too early" in told


def test_a_removal_counts_when_its_holders_time_is_over(plane):
    case, grant = plane.admit("Example Utility")
    unknown = plane.error("grant", "remove", grant, "--code", "abuse", "--text", "keys were shared")
    assert "expected one of criteria_not_met, key_compromised, misuse" in unknown["message"]
    told = plane.text("grant", "remove", grant, "--code", "misuse", "--text", "keys were shared")
    assert "its holder may reply until 2026-07-09T15:00:00.000Z; the public log now has" in told
    (removal,) = plane.answer("case", "list", "--kind", "removal")["cases"]
    assert plane.say(removal["case"], "oncd")["determination"] is None
    notice = plane.show(removal["case"])
    assert "notice to the holder: keys were shared" in notice
    assert "blocked: the holder may reply until 2026-07-09T15:00:00.000Z" in notice
    plane.later(11)
    assert "state: approved (misuse): the grant has ended" in plane.show(removal["case"])
    assert f"grant {grant}: removed, for gpt-5.6 on api\n" in plane.show(case)
    appeal = plane.text("application", "appeal", removal["case"], "--text", "they were not", by="applicant")
    assert appeal.startswith("appeal case_")


def test_cases_are_found_by_kind_state_name_and_page_by_page(plane):
    cases = [plane.submit(f"Example {name}") for name in ("Utility", "Grid", "Gridworks")]
    plane.text("application", "withdraw", cases[0], by="applicant")

    def found(*options: str) -> list[str]:
        return [each["case"] for each in plane.answer("case", "list", *options)["cases"]]

    assert found("--state", "withdrawn") == [cases[0]]
    assert found("--organization", "grid") == [cases[2], cases[1]]
    assert found("--state", "submitted", "--kind", "admission") == [cases[2], cases[1]]
    assert found("--limit", "2") == [cases[2], cases[1]]
    assert f"more: sluicegate case list --limit 2 --before {cases[1]}" in plane.text(
        "case", "list", "--limit", "2"
    )
    assert found("--before", cases[1], "--kind", "admission") == [cases[0]]
    assert (
        plane.text("case", "list", "--state", "in review")
        == "There is no such case, or you may not see it.\n"
    )
    for option in ("--state", "--kind"):
        assert "expected one of" in plane.error("case", "list", option, "lost")["message"]


def test_a_report_is_the_same_in_every_format(plane):
    plane.admit("Example Utility")
    plane.text("application", "withdraw", plane.submit("Example Grid", "rival"), by="rival")
    plane.later(3)
    report = plane.answer("report")
    assert {"kind": "admission", "state": "approved", "cases": 1} in report["counts"]
    assert plane.text("report", "--format", "json") == plane.text("report", "--json")
    rows = {
        (row["section"], row["of"], row["figure"]): row["value"]
        for row in csv.DictReader(io.StringIO(plane.text("report", "--format", "csv")))
    }
    for count in report["counts"]:
        assert rows["counts", f"{count['kind']}/{count['state']}", "cases"] == str(count["cases"])
    told = plane.text("report", "--release", "gpt-5.6")
    for title in ("Cases", "Days until an agency's position", "Delay by requirement"):
        assert f"\n{title}\n" in f"\n{told}", title
    assert plane.answer("report", "--release", "gpt-9.9")["counts"] == []


def test_a_nomination_is_met_by_an_application_and_admits_nobody(plane):
    hoped = plane.organization("Example Bank")
    said = plane.text("nomination", "add", *WHERE[:4], "--organization", hoped)
    assert "the organization must still apply;" in said
    case = plane.submit("Example Bank", "rival")
    assert case in plane.text("nomination", "list")
    assert plane.answer("case", "show", case)["state"] == "submitted"
    told = plane.text("case", "return", case, "--text", "name its owners")
    assert told.startswith(f"{case} is returned without action; ")
    assert "returned because: name its owners" in plane.show(case, "rival")


def test_a_token_of_another_role_is_told_which_it_takes(plane):
    refused = plane.error(
        "application", "submit", *WHERE, "--organization", plane.organization("A"), by="oncd"
    )
    assert refused["code"] == "forbidden"
    assert "SLUICEGATE_TOKEN" in refused["remedy"]
