"""An application that is prepared before it is submitted, by command line alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from sluicegate.core.people.application import Organization
from tests.cli.timed import WHERE, TimedPlane, timed_plane


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def save(plane, name, country="US", by="applicant"):
    file = plane.organization(name, country)
    return plane.answer("application", "submit", *WHERE, "--organization", file, "--draft", by=by)


def test_a_draft_says_what_it_lacks_and_is_submitted_as_it_was_saved(plane):
    size = plane.answer("status")["size"]
    abroad = save(plane, "Example Abroad", "NO")
    assert abroad["ineligible"] == [
        "it admits organizations registered in US, this one is registered in 'NO'"
    ]
    refused = plane.error("application", "send", abroad["draft"], by="applicant")
    assert refused["code"] == "not_eligible"
    assert "registered in 'NO'" in plane.text("application", "drafts", by="applicant")
    assert plane.text("application", "discard", abroad["draft"], by="applicant")
    draft = save(plane, "Example Utility")
    assert draft["ineligible"] == []
    assert plane.answer("status")["size"] == size
    assert plane.answer("case", "list", "--kind", "admission")["cases"] == []
    plane.organization("Example Utility", "NO")  # what happens to the file later changes nothing
    submitted = plane.text("application", "send", draft["draft"], by="applicant")
    assert "is submitted" in submitted
    (case,) = plane.answer("case", "list", "--kind", "admission")["cases"]
    assert case["organization"] == "Example Utility"
    assert plane.text("application", "drafts", by="applicant") == "No draft.\n"


def test_a_draft_may_have_errors_and_lists_them(plane):
    bad = plane.file("bad.yaml", "nam: Example\nregisteredIn: US\n")
    told = plane.text("application", "submit", *WHERE, "--organization", bad, "--draft", by="applicant")
    assert f"not eligible: {bad}:1:1: expected the field 'name'" in told
    (listed,) = plane.answer("application", "drafts", by="applicant")["drafts"]
    assert plane.error("application", "send", listed["draft"], by="applicant")["code"] == "invalid_document"
    edit = f"application edit {listed['draft']} --organization"
    assert told.endswith(f"  correct it: sluicegate {edit} FILE\n")
    told = plane.text(*edit.split(), plane.organization("Example Utility"), by="applicant")
    assert told == (
        f"{listed['draft']} is saved; only you can see it\n"
        f"  submit it: sluicegate application send {listed['draft']}\n"
    )
    assert "is submitted" in plane.text("application", "send", listed["draft"], by="applicant")


def test_the_template_has_every_field_and_can_be_saved_as_it_is(plane):
    file = plane.file("organization.yaml", plane.text("application", "template", by=None))
    fields = yaml.safe_load(re.sub(r"^# (\w+:)", r"\1", file.read_text(), flags=re.MULTILINE))
    assert fields.keys() == Organization.model_fields.keys()
    command = ("application", "submit", *WHERE, "--organization", file, "--draft")
    assert plane.answer(*command, by="applicant")["ineligible"] == []


def test_a_draft_is_its_owners_alone(plane):
    draft = save(plane, "Example Utility")["draft"]
    for by in ("rival", "developer"):
        assert plane.answer("application", "drafts", by=by)["drafts"] == []
        for command in ("send", "discard", "edit"):
            assert plane.error("application", command, draft, by=by)["code"] == "draft_unknown"
    assert [each["draft"] for each in plane.answer("application", "drafts", by="applicant")["drafts"]] == [
        draft
    ]


def test_nobody_has_more_than_twenty(plane):
    for number in range(20):
        save(plane, f"Example {number}")
    file = plane.organization("Example 20")
    full = plane.error("application", "submit", *WHERE, "--organization", file, "--draft", by="applicant")
    assert (full["code"], full["remedy"]) == ("too_many_drafts", "submit or discard one")


def test_an_application_is_shown_and_sent_only_if_someone_says_yes(plane):
    file, draft = plane.organization("Example Shown"), save(plane, "Example Kept")["draft"]
    client = {"url": plane.url, "token": plane.token("applicant")}
    for words in (("submit", *WHERE, "--organization", file), ("send", draft)):
        asked = plane.cli.unanswered("application", *words, **client)
        assert (asked.code, "goes to the developer and to those who decide" in asked.err) == (2, True)
        assert ("Example Shown" in asked.out) is (words[0] == "submit")
    assert plane.answer("application", "list", by="applicant")["cases"] == []


def test_a_draft_is_for_a_stage_that_there_is(plane):
    unknown = plane.error(
        "application", "submit", "--release", "lost", *WHERE[2:],
        "--organization", plane.organization("A"), "--draft", by="applicant",
    )  # fmt: skip
    assert unknown["code"] == "stage_unknown"
