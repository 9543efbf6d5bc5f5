"""`explain` by command line alone, and its proof by the auditor's own program."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, TimedPlane, timed_plane
from tests.worlds import OFFICER


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path, PLAN) as made:
        made.answer("stage", "open", "gpt-5.6", "trusted-partners", "--key", made.key(OFFICER))
        yield made


def test_why_a_key_may_use_a_model_and_why_no_more(plane: TimedPlane) -> None:
    _, grant = plane.admit("Example Utility")
    key = plane.answer("credential", "issue", "--grant", grant, by="applicant")["credential"]
    said = plane.text("explain", key, "gpt-5.6", by="applicant")
    assert said.startswith(f"{key} for gpt-5.6 on api: allowed (at size {plane.ledger.size()}, ")
    assert f"yes grant: {grant} is valid until" in said
    assert "decided elsewhere, at each request:" in said
    assert "oncd says approve in case" in said
    size = plane.ledger.size()
    plane.text("grant", "suspend", grant, "--code", "misuse")
    said = plane.text("explain", key, "--model", "gpt-5.6", by="applicant")
    assert "refused: 403 grant_suspended" in said
    assert f"would change it: the developer resumes it: 'sluicegate grant resume {grant}'" in said
    assert f"grant {grant}: suspended (misuse)" in said
    then = plane.answer("explain", key, "gpt-5.6", "--at", size, by="applicant")
    assert (then["allowed"], then["size"]) == (True, size)
    assert {"what", "state", "text", "wouldChange", "entry"} <= then["because"][0].keys()


def test_the_record_alone_verifies_what_an_answer_rests_on(plane: TimedPlane) -> None:
    _, grant = plane.admit("Example Utility")
    key = plane.answer("credential", "issue", "--grant", grant, by="applicant")["credential"]
    why = plane.folder / "why.json"
    answer = plane.answer("explain", key, "gpt-5.6", by="applicant")
    why.write_text(json.dumps(answer, indent=2))
    checking = [sys.executable, "-m", "sluicegate_record", "check", str(why), "--key", plane.vkey]
    checked = subprocess.run(checking, capture_output=True, text=True, check=True)
    assert f"verified: {len(answer['entries'])} entries are in the log" in checked.stdout
    assert "grant.approved" in checked.stdout
    why.write_text(json.dumps(answer).replace("grant.approved", "grant.reinstated"))
    failed = subprocess.run(checking, capture_output=True, text=True, check=False)
    assert failed.returncode == 5
    assert "does not lead to the root" in failed.stderr or "root" in failed.stderr


def test_what_is_asked_wrongly_says_what_is_expected(plane: TimedPlane) -> None:
    _, grant = plane.admit("Example Utility")
    key = plane.answer("credential", "issue", "--grant", grant, by="applicant")["credential"]
    assert plane("explain", key, by="applicant").code == 2
    assert plane("explain", key, "gpt-5.6", "--model", "gpt-5.6", by="applicant").code == 2
    assert plane.error("explain", key, "gpt-5.6", by="rival")["code"] == "credential_unknown"
    assert plane.error("explain", key, "gpt-5.6", by="oncd")["code"] == "forbidden"
    assert plane.error("explain", key, "gpt-5.6", "--at", "9999", by="applicant")["code"] == "size_unknown"
    assert plane.error("explain", "sg_" + "A" * 49, "gpt-5.6", by="applicant")["code"] == "invalid_input"
    members = ("--person", "alice")
    assert plane.error("explain", key, "gpt-5.6", *members)["code"] == "not_administrator"
    assert plane.answer("explain", key, "gpt-5.6", *members, by="applicant")["allowed"]
