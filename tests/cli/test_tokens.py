"""Tokens by command line alone: made, listed, replaced, ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import TimedPlane, timed_plane


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def test_a_stolen_token_is_ended_and_its_holder_goes_on_with_another(plane):
    case = plane.submit("Example Utility")
    told = plane.text("token", "list")
    (row,) = [line for line in told.splitlines() if " applicant " in line and " rival " not in line]
    principal = row.split()[0]
    assert row.split()[-1] == "valid"
    said = plane.text("token", "revoke", principal)
    assert said == "the token of applicant applicant has ended\n"
    refused = plane("case", "list", by="applicant")
    assert refused.code == 1
    assert "the token is not known here" in refused.err
    assert "it may have been revoked or replaced" in refused.err
    issue = ("token", "issue", "--role", "applicant", "--name", "applicant")
    exists = plane(*issue)
    assert exists.code == 1
    assert f"{principal} has a token of the role 'applicant' and the name 'applicant'" in exists.err
    assert "say --replace" in exists.err
    token = plane.answer(*issue, "--replace")["token"]
    shown = plane.cli("case", "list", url=plane.url, token=token)
    assert case in shown.out
    assert {each["state"] for each in plane.answer("token", "list")["tokens"]} == {"valid"}


def test_staff_do_not_lock_themselves_out(plane):
    (mine,) = [each for each in plane.answer("token", "list")["tokens"] if each["role"] == "developer"]
    refused = plane.error("token", "revoke", mine["principal"])
    assert (refused["code"], refused["remedy"]) == (
        "token_in_use",
        "replace it: 'sluicegate token issue --role ROLE --name NAME --replace'",
    )
