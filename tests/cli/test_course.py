"""The course of a release by command line alone: what a plan changes, and what is to be done next."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, TimedPlane, timed_plane
from tests.waiting import BOUND_S
from tests.worlds import OFFICER

NEW = PLAN.replace("gpt-5.6", "gpt-6")
MORE = PLAN.replace("seats: 2", "seats: 4")


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def run_as_printed(plane: TimedPlane, told: str, by: str) -> list[str]:
    """Run each command that a text has on a line of its own; what they say."""
    lines = [line for line in told.splitlines() if "'sluicegate " not in line]
    found = [line.partition("sluicegate ")[2] for line in lines if "sluicegate " in line]
    return [plane.text(*shlex.split(line), by=by) for line in found]


def test_a_new_release_is_shown_in_short_and_what_is_to_be_done_next_runs_as_printed(plane):
    file = plane.file("a plan.yaml", NEW)
    told = plane.text("plan", file)
    assert "(nothing)" not in told
    assert "  stage trusted-partners: 2 organizations, admitted by oncd and ostp\n" in told
    (applied,) = run_as_printed(plane, told, "developer")
    assert (
        "next: the terms of gpt-6/trusted-partners wait for caisi and oncd and ostp: each agency reads and "
        "signs the case\n  sluicegate review export case_"
    ) in applied
    *exported, status = run_as_printed(plane, applied, "oncd")
    assert len(exported) == 3, "one for each agency"
    assert all("Do you agree to the terms of this stage?" in each for each in exported)
    assert "trusted-partners" in status


def test_a_change_is_shown_in_groups_with_what_it_leads_to(plane):
    plane.text("stage", "open", "gpt-5.6", "trusted-partners", "--key", plane.key(OFFICER))
    for who, name in (("applicant", "Example Utility"), ("rival", "Example Grid")):
        plane.submit(name, by=who)
    told = plane.text("plan", plane.file("more.yaml", MORE))
    assert told.startswith(
        "gpt-5.6: changes\n"
        "  stage trusted-partners\n"
        "    seats: 2 -> 4\n"
        "    => raising seats reopens the terms of trusted-partners: the stage closes until "
        "caisi and oncd and ostp agree to its terms, and an officer opens it again; 2 open applications end "
        "as superseded\n"
    )
    (group,) = plane.answer("plan", plane.folder / "more.yaml")["groups"]
    assert (group["stage"], group["part"]) == ("trusted-partners", "seats")
    (applied,) = run_as_printed(plane, told, "developer")
    assert "  2 open cases ended as superseded" in applied


def test_a_release_is_withdrawn_and_brought_back_and_each_is_shown_first(plane):
    plane.text("stage", "open", "gpt-5.6", "trusted-partners", "--key", plane.key(OFFICER))
    plane.submit("Example Utility")
    told = plane.text("release", "recall", "gpt-5.6")
    assert told.startswith(
        "a recall of gpt-5.6 closes all its stages at once\n"
        "  stage trusted-partners: open, 0 grants\n"
        "  who: 0 organizations with 0 grants, 0 valid keys\n"
        "  in flight: 0 streams open, 0 requests in the last day, as gateways report them\n"
        "  1 open application\n"
    )
    size = plane.ledger.size()
    signed = ("--key", plane.key(OFFICER))
    assert plane.error("release", "recall", "gpt-5.6", *signed)["message"] == "a recall without a reason"
    assert plane.error("release", "recall", "gpt-9")["code"] == "release_unknown"
    assert "is not withdrawn" in plane.text("release", "restore", "gpt-5.6")
    assert plane.error("release", "restore", "gpt-5.6", *signed)["message"].startswith("no stage of")
    assert plane.ledger.size() == size
    done = plane.text("release", "recall", "gpt-5.6", "--reason", "a jailbreak", *signed)
    assert "gpt-5.6 is withdrawn: 1 stage closed" in done
    assert ("do it:" in told, "do it:" in done) == (True, False)
    (told,) = run_as_printed(plane, done.partition("  back: ")[2], "developer")
    assert "  stage trusted-partners (closed 2026-06-29 15:00Z, 0 grants) opens\n" in told
    (stage,) = plane.answer("release", "restore", "gpt-5.6")["stages"]
    assert (stage["what"], stage["opening"]["stage"]) == ("opens", "trusted-partners")
    done = plane.answer("release", "restore", "gpt-5.6", *signed)
    assert done["opened"] == ["trusted-partners"]
    assert plane.answer("status")["releases"][0]["stages"][0]["open"]


def test_a_release_is_on_one_screen_and_its_time_line_fits_80_columns(plane):
    plane.text("stage", "open", "gpt-5.6", "trusted-partners", "--key", plane.key(OFFICER))
    case = plane.submit("Example Utility")
    made = ("--by", "2026-07-20", "--key", plane.key(OFFICER))
    plane.text("promise", "make", "reasons follow", *made, "--release", "gpt-5.6")
    plane.text("promise", "make", "of no release", *made)
    told = plane.text("status", "gpt-5.6")
    first, _, _, *line = told.splitlines()
    assert first == "gpt-5.6: GPT-5.6 limited preview"
    assert max(map(len, line[:3])) == 80
    assert line[1].startswith("trusted-partners   ")
    assert "trusted-partners: open; 0 of 2 seats\n" in told
    assert "forecast: every stage is open\n" in told
    assert f"admission {case} (trusted-partners), submitted, waits for oncd, ostp\n" in told
    assert "of no release" not in told
    assert "promises:\n  openai, by 2026-07-20: reasons follow (gpt-5.6): open" in told
    found = plane.answer("status", "gpt-5.6")
    assert [each["what"] for each in found["timeline"][0]["events"]] == ["asked", "agreed", "opened"]
    assert found["status"] == plane.answer("status")["releases"][0]
    assert plane.error("status", "gpt-9")["code"] == "release_unknown"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_watched_release_is_shown_again_when_the_log_grows_until_it_is_interrupted(plane, options):
    command = ["env", "--default-signal=INT", sys.executable, "-m", "sluicegate"]
    command += ["status", "gpt-5.6", "--watch", *options]
    environment = {**os.environ, "SLUICEGATE_URL": plane.url, "SLUICEGATE_TOKEN": plane.token("developer")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watch:
        assert watch.stdout is not None
        assert watch.stderr is not None
        entries = "the public log has" if not options else '"size"'
        shown = [next(line for line in watch.stdout if entries in line)]
        plane.submit("Example Utility", screened=False)
        shown.append(next(line for line in watch.stdout if entries in line))
        assert shown[0] != shown[1]
        watch.send_signal(signal.SIGINT)
        assert (watch.wait(BOUND_S), watch.stderr.read()) == (130, "")
