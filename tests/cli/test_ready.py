"""`ready`: what a probe is answered."""

from __future__ import annotations

from tests.cli.commands import NOBODY, lying


def test_a_process_that_is_ready_says_so(cli, plane):
    assert cli("ready", plane.url).out == "ready\n"


def test_one_that_does_not_answer_or_has_no_lease_is_not_ready(cli):
    assert cli("ready", NOBODY, "--json").error["code"] == "unreachable"
    with lying({}) as (url, asked):
        found = cli("ready", url, "--json").error
    assert (found["code"], asked) == ("not_ready", ["/readyz"])
    assert cli("ready", NOBODY).code == 4


def test_what_is_no_address_is_refused(cli):
    assert cli("ready", "file:///etc/passwd", "--json").error["code"] == "invalid_input"
