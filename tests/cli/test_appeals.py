"""Appeals by command line alone: who may hear one, and what is said if no one can."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from sluicegate.core.lifecycle.keys import StartLog
from tests.cli.timed import OWNERS, PARTIES, PLAN, TimedPlane, timed_plane
from tests.plane import yes
from tests.worlds import DEVELOPER, ORIGIN, pin

WITHOUT_CAISI = "".join(
    f"{line}\n"
    for line in PLAN.splitlines()
    if not line.strip().startswith(("caisi:", "countersign:", "appeal:"))
)
"""A plan whose two agencies, with one key each, decide everything."""
WHY = (
    "{agency} cannot sign: it needs an owner who did not sign in the appealed case, and no one has; pin a "
    "key of another owner of {agency} in the trust file, and restart the control plane"
)


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path, WITHOUT_CAISI) as made:
        yield made


def denied(plane: TimedPlane) -> str:
    case = plane.submit("Example Utility")
    plane.say(case, "ostp")
    assert plane.say(case, "oncd", "object", "--reason", "too early")["determination"] == "denied"
    return case


def appealed(plane: TimedPlane, case: str) -> str:
    made: Any = plane.answer("application", "appeal", case, "--text", "it is wrong", by="applicant")
    return str(made["case"])


def test_a_plan_says_who_decides_appeals_before_anyone_applies(plane):
    told = plane.text("status", by="applicant")
    assert "\n  appeals are decided by oncd and ostp, without anyone who signed in the case\n" in told


def test_an_appeal_that_no_one_may_hear_says_so_and_what_to_do(plane):
    appeal = appealed(plane, denied(plane))
    for by in ("applicant", "oncd", "developer"):
        told = plane.show(appeal, by)
        for agency in ("oncd", "ostp"):
            assert f"\n  blocked: {WHY.format(agency=agency)}\n" in told
        assert "\n  awaiting: oncd (cannot sign), ostp (cannot sign), openai" in told
    assert "oncd (cannot sign), ostp (cannot sign), openai" in plane.text("case", "list", by="oncd")
    assert "  next: have the agency make another key" in plane.show(appeal, "developer")
    assert "  next: nothing for you now" in plane.show(appeal, "oncd")
    waiting = plane.answer("case", "list", "--awaiting", "openai", "--kind", "appeal")["cases"]
    assert [each["case"] for each in waiting] == [appeal]
    assert "Agencies that cannot sign" in plane.text("report")
    rows = list(csv.DictReader(io.StringIO(plane.text("report", "--format", "csv"))))
    lacking = [row for row in rows if row["section"] == "cannotSign"]
    assert [(row["of"].split("/")[:2], row["value"]) for row in lacking] == [
        ([appeal, "oncd"], "1"),
        ([appeal, "ostp"], "1"),
    ]


def test_it_goes_on_when_other_owners_have_keys(plane):
    appeal = appealed(plane, denied(plane))
    others = [pin("oncd-other", "oncd"), pin("ostp-other", "ostp")]
    pins = [*(pin(owner, PARTIES.get(owner)) for owner in OWNERS), *others]
    start = StartLog(ORIGIN, plane.ledger.vkey(), DEVELOPER, pins)
    yes(plane.ledger.execute(start, by="log", command_id="start-again"))
    told = plane.show(appeal)
    assert "blocked" not in told
    assert "\n  awaiting: oncd, ostp\n" in told


def test_an_agency_with_one_key_that_needs_two_is_named(plane):
    text = WITHOUT_CAISI.replace(
        "        mode: approve\n", "        mode: approve\n        countersign: [oncd]\n"
    )
    plane.answer("apply", plane.file("countersigned.yaml", text))
    case = plane.answer("case", "list", "--kind", "terms", "--state", "in_review")["cases"]
    for each in case:
        for agency in ("oncd", "ostp"):
            plane.say(each["case"], agency)
    told = plane.show(plane.submit("Example Utility"))
    assert (
        "oncd cannot sign: it needs 2 owners, and 1 such owner has a key; pin a key of another owner" in told
    )
    assert "ostp cannot sign" not in told


def test_a_holder_who_is_not_eligible_any_more_is_heard_for_the_record(plane):
    others = [pin("oncd-other", "oncd"), pin("ostp-other", "ostp")]
    pins = [*(pin(owner, PARTIES.get(owner)) for owner in OWNERS), *others]
    start = StartLog(ORIGIN, plane.ledger.vkey(), DEVELOPER, pins)
    yes(plane.ledger.execute(start, by="log", command_id="start-again"))
    _, grant = plane.admit("Example Utility")
    removal = plane.answer("grant", "remove", grant, "--code", "misuse", "--text", "keys were shared")["case"]
    plane.say(removal, "oncd")
    plane.later(10)
    narrower = WITHOUT_CAISI.replace(
        "onwardAccess: [none]", "onwardAccess: [none]\n        owners: {above: 25}"
    )
    plane.answer("apply", plane.file("narrower.yaml", narrower))
    told = plane.text("application", "appeal", removal, "--text", "we did not", by="applicant")
    assert (
        "it is heard for the record, and no grant comes back: not eligible under the terms in force" in told
    )
    appeal = plane.answer("application", "show", removal, by="applicant")["appeal"]
    assert "if it is allowed, the record says so, and no grant comes back" in plane.show(appeal)
