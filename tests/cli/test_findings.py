"""Findings by command line alone: reported, answered, retested, and what follows for a stage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, TimedPlane, timed_plane

FINDINGS = """\
  findings:
    levels:
      - {name: low}
      - {name: high, acknowledge: P2D, fix: P30D}
  stages:
"""
ASKS = """\
    - name: trusted-partners
      opensWhen: {allOf: [{noOpenFindings: {atLeast: high}, whenLost: close}]}
"""
FOUND = PLAN.replace("  stages:\n", FINDINGS).replace("    - name: trusted-partners\n", ASKS)
ABOUT = ("gpt-5.6", "--kind", "jailbreak", "--level", "high", "--text", "a role play")


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    """A stage that closes over a finding of a high level."""
    with timed_plane(cli, tmp_path, FOUND) as made:
        yield made


def is_open(plane: TimedPlane) -> bool:
    return "trusted-partners  gpt-5.6  api, codex  agreed  open" in plane.text("status")


def test_a_finding_closes_a_stage_until_it_is_gone(plane):
    assert plane.text("finding", "list", by="applicant").startswith("No finding: sluicegate finding report")
    assert is_open(plane)
    (case,) = plane.answer("case", "list", "--kind", "terms")["cases"]
    told = plane.text("review", "export", case["case"], "-o", plane.folder / "terms.json", by="oncd")
    assert (
        "  findings:\n    levels 1:\n      name: low\n    levels 2:\n      name: high\n      acknowledge: P2D"
        in told
    )
    assert "  findings of others are closed by a retest of caisi, oncd, ostp\n" in told
    caisi, officer = ("--key", plane.key("caisi")), ("--key", plane.key("release-officer"))
    told = plane.text("finding", "report", *ABOUT, "--axes", "7,4,6,3", *caisi, by="caisi")
    assert ": reported; the public log now has " in told
    (found,) = plane.answer("finding", "list", "--state", "open", by="applicant")["findings"]
    name = found["finding"]
    assert not is_open(plane)
    status = plane.text("status")
    assert f"gpt-5.6: open findings\n  {name}, high jailbreak by caisi: reported; acknowledge until" in status
    assert f"not met; waits for a retest of {name} (high)" in status
    plane.text("finding", "ask", name, "--text", "which prompts?", *officer)
    plane.text("finding", "give", name, "--text", "by courier", *caisi, by="caisi")
    plane.text("finding", "fix", name, "--text", "a classifier", *officer)
    refused = plane.error("finding", "retest", name, "--gone", *officer)
    assert refused["code"] == "not_to_retest"
    assert plane.text("finding", "retest", name, "--gone", *caisi, by="caisi").startswith(
        f"finding {name} in gpt-5.6: closed; the public log now has "
    )
    assert is_open(plane)
    shown = plane.text("finding", "show", name, by="applicant")
    for line in (
        "jailbreak, high, in gpt-5.6",
        "capabilityGain 7, breadth 4, weaponization 6, discoverability 3",
        "openai asks: which prompts?",
        "caisi gives: by courier",
        "openai fixes: a classifier",
        "caisi retests: gone",
        "  closed\n",
        "a retest that finds it again opens it, by caisi, ",
    ):
        assert line in shown, shown
    assert not plane.answer("finding", "list", "--state", "open")["findings"]


def test_the_developers_staff_enter_what_someone_without_a_key_found(plane):
    officer = ("--key", plane.key("release-officer"))
    letter = ("--for", "a researcher", "--received", "message", "--on", "2026-06-20", "--note", "ticket 12")
    plane.text("finding", "report", *ABOUT, *letter, *officer)
    (found,) = plane.answer("finding", "list")["findings"]
    shown = plane.text("finding", "show", found["finding"])
    assert "found by a researcher (no key)" in shown
    assert "entered by the developer's staff: a message of 2026-06-20 (ticket 12)" in shown
    some = letter[:4]
    assert "--on, --note" in plane.error("finding", "report", *ABOUT, *some, *officer)["message"]
    agency = ("--key", plane.key("caisi"))
    refused = plane.error("finding", "report", *ABOUT, *letter, *agency, by="caisi")
    assert refused["code"] == "not_to_transcribe"


def test_details_are_read_with_a_key_to_which_they_are_sealed(plane):
    secret = plane.file("prompts.txt", "first\nsecond\x1b[31m")
    caisi = ("--key", plane.key("caisi"))
    report = ("finding", "report", *ABOUT, "--details", secret, "--seal-to", "caisi", "--seal-to", "oncd")
    plane.text(*report, *caisi, by="caisi")
    (found,) = plane.answer("finding", "list")["findings"]
    show = ("finding", "show", found["finding"])
    assert "    details are sealed to caisi, oncd\n" in plane.text(*show, by="oncd")
    told = plane.text(*show, "--key", plane.key("oncd"), by="oncd")
    assert "    details, sealed to caisi, oncd:\n    | first\n    | second\\x1b[31m\n" in told
    assert "first" not in plane.text(*show, "--key", plane.key("release-officer"))
    refused = plane.error(*show, "--key", plane.key("ostp"), by="oncd")
    assert refused["message"] == "the details are sealed to other keys than this one"
    alone = plane.error("finding", "report", *ABOUT, "--details", secret, *caisi, by="caisi")
    assert "--details and --seal-to go together" in alone["message"]
    unknown = plane.error(*report, "--seal-to", "treasury", *caisi, by="caisi")
    assert unknown["remedy"] == "one of caisi, oncd, openai, ostp"


def test_what_is_refused_says_what_to_do(plane):
    caisi = ("--key", plane.key("caisi"))
    about = ("gpt-5.6", "--kind", "jailbreak", "--text", "x", *caisi)
    found = plane.error("finding", "report", *about, "--level", "terrible", by="caisi")
    assert (found["code"], found["remedy"]) == ("level_unknown", "one of low, high")
    found = plane.error("finding", "report", *about, "--level", "low", "--model", "gpt-9", by="caisi")
    assert found["remedy"] == "one of gpt-5.6"
    found = plane.error("finding", "report", *about, "--level", "low", "--axes", "7,4,6,11", by="caisi")
    assert "each from 0 to 10" in found["message"]
    found = plane.error("finding", "report", *about, "--level", "low", "--grant", "grant_x", by="caisi")
    assert "--grant goes with --kind misuse" in found["message"]
    found = plane.error("finding", "show", "finding_x")
    assert (found["code"], found["remedy"]) == ("finding_unknown", "'sluicegate finding list' shows them")
    found = plane.error("finding", "list", "--release", "gpt-5.5")
    assert (found["code"], found["remedy"]) == (
        "release_unknown",
        "did you mean 'gpt-5.6'? 'sluicegate status' lists releases",
    )
    found = plane.error("finding", "list", "--state", "fixed")
    assert found["message"] == "no state 'fixed', expected open or closed"
    found = plane.error("finding", "retest", "finding_x", *caisi, by="caisi")
    assert "say --gone or --persists" in found["message"]
