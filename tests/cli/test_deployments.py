"""What serves a release, by command line alone: signed, shown, replaced with care, and taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, TimedPlane, timed_plane
from tests.worlds import OFFICER

ASKING = PLAN.replace("  stages:\n", "  deployments: {atMost: P7D}\n  stages:\n")
SAFER = ASKING.replace("2" * 64, "3" * 64)
RELEASE = "gpt-5.6"


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    """A stage whose terms ask for statements, agreed to and open, and an organization in it."""
    with timed_plane(cli, tmp_path, ASKING) as made:
        agree(made)
        made.admit("Example Utility")
        yield made


def agree(plane):
    for case in plane.answer("case", "list", "--kind", "terms")["cases"]:
        if case["state"] != "determined":
            for agency in ("oncd", "ostp"):
                plane.say(case["case"], agency)
            plane.countersigned(case["case"], "approve")
    plane.answer("stage", "open", RELEASE, "trusted-partners", "--key", plane.key(OFFICER))


def sign(plane, *more):
    return ("deployment", "sign", RELEASE, "--key", plane.key(OFFICER), *more)


def test_what_serves_a_release_is_signed_shown_and_taken_back(plane):
    told = plane.text("status")
    line = (
        "gpt-5.6: its models answer while openai asserts what serves them, for 7 days at a time; it has not"
    )
    assert line in told
    shown = plane.text("deployment", "show", RELEASE)
    assert "no statement holds: requests that rest on it are refused (deployment_unattested)" in shown
    assert "in the terms of trusted-partners (open)" in shown
    assert "1 valid grant rests on it" in shown
    assert "openai asserts what serves gpt-5.6 of gpt-5.6, until 2026-07-06" in plane.text(*sign(plane))
    assert "openai asserts it by release-officer, until 2026-07-06" in plane.text("status", by="applicant")
    shown = plane.text("deployment", "show", RELEASE, by="applicant")
    assert "asserted by openai, not measured: served on api, codex" in shown
    assert "valid grant" not in shown
    told = plane.text("deployment", "end", RELEASE, "--reason", "another model was served")
    assert told.startswith("the statement about gpt-5.6 is taken back: where terms ask for one, requests are")
    assert "openai took its statement back on 2026-06-29" in plane.text("status")
    assert plane.error("deployment", "end", RELEASE, "--reason", "again")["code"] == "deployment_none"


def test_agencies_read_in_the_terms_that_a_statement_is_asked_for(plane, tmp_path):
    (case,) = plane.answer("case", "list", "--kind", "terms")["cases"]
    told = plane.text("review", "export", case["case"], "-o", tmp_path / "terms.json", by="oncd")
    assert "  deployments:\n    at most: P7D\n" in told


def test_a_statement_that_grants_would_lose_is_signed_only_on_purpose(plane):
    plane.answer(*sign(plane))
    plane.answer("apply", plane.file("plan.yaml", SAFER))
    shown = plane.text("deployment", "show", RELEASE)
    assert "not in the plan in force" in shown
    agree(plane)
    refused = plane.error(*sign(plane))
    assert refused["message"].startswith("1 grant of gpt-5.6 would be refused: what they rest on is left out")
    assert plane.error(*sign(plane, "--keep"))["message"].startswith("1 grant of gpt-5.6 would be refused")
    plane.answer(*sign(plane, "--yes"))
    new, old = plane.answer("deployment", "show", RELEASE)["digests"]
    assert (new["safeguards"][-1], new["grants"], new["surfaces"]) == ("3", 0, ["api", "codex"])
    assert (old["safeguards"][-1], old["grants"], old["surfaces"]) == ("2", 1, [])


def test_what_the_last_statement_says_of_another_upstream_can_be_kept(plane):
    plane.answer(*sign(plane))
    plane.answer("apply", plane.file("plan.yaml", SAFER.replace("upstream: demo", "upstream: next")))
    agree(plane)
    plane.answer(*sign(plane, "--keep"))
    found = plane.answer("deployment", "show", RELEASE)
    assert [(each["upstream"], each["surfaces"]) for each in found["digests"]] == [
        ("next", ["api", "codex"]),
        ("demo", ["api", "codex"]),
    ]


def test_bad_words_are_refused_with_what_to_do(plane):
    assert plane.error(*sign(plane, "--surface", "cloud"))["remedy"] == "it has api, codex"
    refused = plane.error(*sign(plane, "--until", "2026-08-01"))
    assert refused["message"] == "2026-08-01T00:00:00.000Z is more than 7 days away"
    assert "is not a time such as" in plane.error(*sign(plane, "--until", "soon"))["message"]
    assert plane.error(*sign(plane)[:2], "gpt-none", *sign(plane)[3:])["code"] == "release_unknown"
    plane.answer(*sign(plane, "--until", "2026-06-30", "--surface", "api"))
    assert plane.answer("deployment", "show", RELEASE)["digests"][0]["surfaces"] == ["api"]
    plane.later(2)
    assert "it was over on 2026-06-30 00:00Z" in plane.text("status")
