"""A whole case at the command line, tried as a new applicant, reviewer and release manager would."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Plane
from tests.cli.timed import WHERE, timed_plane

PLAN = """\
apiVersion: sluicegate/v1
kind: Release
metadata: {name: gpt-5.6, developer: openai, title: GPT-5.6 limited preview}
spec:
  models:
    - {id: gpt-5.6, upstream: demo, digest: "sha256:DIGEST", safeguards: "sha256:DIGEST"}
  surfaces: [api, codex]
  agencies:
    oncd:  {name: Office of the National Cyber Director}
    ostp:  {name: Office of Science and Technology Policy}
    caisi: {name: Center for AI Standards and Innovation}
  stages:
    - name: trusted-partners
      basis: {kind: voluntary, askedBy: [oncd, ostp], how: conversation, askedOn: "2026-06-24"}
      seats: 1
      admission:
        mode: approve
        grant: {allOf: [oncd, ostp]}
        remove: {anyOf: [oncd, ostp]}
        clock:
          {within: 5, unit: business-days, calendar: us-federal, silence: escalate, to: [deputy, director]}
        countersign: [caisi]
        appeal: {decide: {anyOf: [caisi]}, within: P30D}
      eligibility:
        registeredIn: [US]
        onwardAccess: [none]
        criteria: [defends critical infrastructure]
      conditions: {requestsPerMinute: 600, validFor: P30D}
""".replace("DIGEST", "1" * 64)


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[Plane]:
    """A control plane where the stage's terms are agreed to; two applicants have tokens."""
    with timed_plane(cli, tmp_path, PLAN) as made:
        yield made


def say(plane: Plane, case: str, agency: str, word: str = "approve", *options: object) -> Any:
    signed = sign(plane, case, agency, word, *options)
    return plane.answer("review", "import", signed, by=agency)


def sign(plane: Plane, case: str, agency: str, word: str, *options: object, owner: str = "") -> Path:
    exported, signed = plane.folder / "case.json", plane.folder / "signed.json"
    plane.answer("review", "export", case, "-o", exported, by=agency)
    key = plane.key(owner or agency)
    plane.answer(
        "review", "sign", exported, "--position", word, "--key", key, "-o", signed, *options, by=None
    )
    return signed


def countersigned(plane: Plane, case: str, word: str) -> Any:
    once = sign(plane, case, "caisi", word)
    twice = plane.folder / "twice.json"
    plane.answer("review", "countersign", once, "--key", plane.key("caisi-second"), "-o", twice, by=None)
    return plane.answer("review", "import", twice, by="caisi")


def organization(plane: Plane, name: str, **more: str) -> Path:
    path = plane.folder / f"{name.lower().replace(' ', '-')}.yaml"
    fields = {"name": name, "registeredIn": "US", "intendedUse": "finding weaknesses first", **more}
    path.write_text("".join(f"{field}: {value}\n" for field, value in fields.items()))
    return path


def apply(plane: Plane, name: str, by: str = "applicant") -> str:
    applied = plane.answer(
        "application", "submit", *WHERE, "--organization", organization(plane, name), by=by
    )
    assert applied["state"] == "submitted"
    return str(applied["application"])


def shown(plane: Plane, case: str, by: str = "applicant") -> str:
    done = plane("application", "show", case, by=by)
    assert done.code == 0, done
    return done.out


def test_an_applicant_sees_the_criteria_the_clock_and_who_is_awaited(plane):
    assert "defends critical infrastructure" in plane("status", by="applicant").out
    abroad = organization(plane, "Example Abroad", registeredIn="NO")
    refused = plane.error("application", "submit", *WHERE, "--organization", abroad, by="applicant")
    assert refused["code"] == "not_eligible"
    assert "'NO'" in refused["message"]
    draft = plane.answer("application", "submit", *WHERE, "--organization", abroad, "--draft", by="applicant")
    assert "'NO'" in draft["ineligible"][0]
    (kept,) = plane.answer("application", "drafts", by="applicant")["drafts"]
    assert kept["draft"] == draft["draft"]
    assert plane.answer("application", "drafts", by="rival")["drafts"] == []
    assert plane.error("application", "send", draft["draft"], by="rival")["code"] == "draft_unknown"
    assert plane.error("application", "send", draft["draft"], by="applicant")["code"] == "not_eligible"
    plane.answer("application", "discard", draft["draft"], by="applicant")
    utility = organization(plane, "Example Utility")
    draft = plane.answer(
        "application", "submit", *WHERE, "--organization", utility, "--draft", by="applicant"
    )
    case = plane.answer("application", "send", draft["draft"], by="applicant")["application"]
    assert plane.answer("application", "drafts", by="applicant")["drafts"] == []
    assert "awaiting: oncd, ostp" in shown(plane, case)
    received = plane.answer("review", "receive", case, "--key", plane.key("oncd"), by="oncd")
    assert f"clock of oncd: due {received['due']}" in shown(plane, case)
    say(plane, case, "oncd", "ask", "--reason", "which systems do you defend?")
    asked = shown(plane, case)
    assert "oncd asks: which systems do you defend?" in asked
    assert "clock of oncd: stopped until the applicant answers" in asked
    assert "state: asked" in asked
    assert "awaiting: applicant, ostp" in asked
    plane.answer("application", "answer", case, "--text", "those of a grid", by="applicant")
    assert "the applicant answered: those of a grid" in plane("case", "show", case, by="oncd").out
    assert "still needed for a yes: oncd and ostp" in shown(plane, case)
    conditions = plane.folder / "conditions.yaml"
    conditions.write_text("requestsPerMinute: 60\n")
    say(plane, case, "oncd", "approve-with-conditions", "--conditions", conditions)
    assert say(plane, case, "ostp")["determination"] == "approved-with-conditions"
    grant = plane.answer("application", "show", case, by="applicant")["grant"]
    assert (grant["requestsPerMinute"], grant["state"]) == (60, "approved")
    assert f"next: sluicegate credential issue --grant {grant['grant']}" in shown(plane, case)
    plane.answer("credential", "issue", "--grant", grant["grant"], by="applicant")
    told = plane("grant", "show", grant["grant"], by="applicant").out
    assert "has a key; no request was let through yet" in told
    renewal = plane.answer("application", "amend", grant["grant"], "--renew", by="applicant")["application"]
    assert say(plane, renewal, "oncd", "no-objection")["determination"] is None
    assert say(plane, renewal, "ostp")["determination"] == "approved"
    assert plane.error("application", "show", case, by="rival")["code"] == "case_unknown"
    plane.answer("grant", "surrender", grant["grant"], "--yes", by="applicant")
    assert "surrendered" in shown(plane, case)


def test_a_denial_is_answered_then_appealed_and_others_decide(plane):
    case = apply(plane, "Example Utility")
    say(plane, case, "ostp", "object", "--reason", "a foreign owner", "--sealed")
    denied = shown(plane, case)
    assert "state: denied (objection)" in denied
    assert "reply by" in denied
    assert "appeal by" in denied
    assert "foreign owner" not in denied
    assert "ostp object: the reason is not public" in denied
    assert "ostp object: a foreign owner" in plane("case", "show", case, by="oncd").out
    plane.answer("application", "reply", case, "--text", "it was sold", by="applicant")
    assert "state: in review" in shown(plane, case)
    say(plane, case, "oncd")
    again = say(plane, case, "ostp", "object", "--reason", "still")
    assert again["determination"] == "denied"
    appeal = plane.answer("application", "appeal", case, "--text", "it really was", by="applicant")["case"]
    once = sign(plane, appeal, "caisi", "approve")
    missing = plane.error("review", "import", once, by="caisi")
    assert missing["code"] == "countersignature_missing"
    assert "review countersign" in missing["remedy"]
    assert countersigned(plane, appeal, "approve")["determination"] == "approved"
    assert plane.answer("application", "show", appeal, by="applicant")["grant"]["state"] == "approved"


def test_a_freed_seat_is_offered_to_the_next(plane):
    first, second = apply(plane, "Example Utility"), apply(plane, "Example Grid", by="rival")
    exported = []
    for i, case in enumerate((first, second)):
        exported.append(plane.folder / f"{i}.json")
        plane.answer("review", "export", case, "-o", exported[-1], by="oncd")
    both = plane.folder / "both.json"
    sign_all = ("review", "schedule", *exported, "--position", "approve", "--key", plane.key("oncd"))
    listing = plane(*sign_all, "-o", both, by=None).out
    assert "Example Utility" in listing
    assert "Example Grid" in listing
    recorded = plane.answer("review", "import", both, by="oncd")
    assert [each["case"] for each in recorded["cases"]] == [first, second]
    assert say(plane, first, "ostp")["determination"] == "approved"
    assert say(plane, second, "ostp")["determination"] is None
    assert "state: waitlisted" in shown(plane, second, by="rival")
    assert "place 1 on the waitlist" in shown(plane, second, by="rival")
    grant = plane.answer("application", "show", first, by="applicant")["grant"]["grant"]
    plane.answer("grant", "surrender", grant, "--yes", by="applicant")
    offered = shown(plane, second, by="rival")
    assert "state: offered" in offered
    assert "offered until" in offered
    assert "awaiting: applicant" in offered
    assert plane.error("application", "accept", second, by="developer")["code"] == "not_applicant"
    accepted = plane.answer("application", "accept", second, by="rival")
    assert accepted["determination"] == "approved"


def test_a_release_manager_proceeds_removes_and_reports(plane):
    case = apply(plane, "Example Utility")
    said = plane.folder / "proceed.json"
    proceed = ("review", "proceed", case, "--reason", "no answer in a month", "-o", said)
    plane.answer(*proceed, "--key", plane.key("release-officer"))
    assert plane.error("review", "import", said)["code"] == "one_officer"
    both = plane.folder / "both.json"
    plane.answer("review", "countersign", said, "--key", plane.key("second-officer"), "-o", both, by=None)
    assert plane.answer("review", "import", both)["determination"] == "approved"
    about = ("--case", case, "--party", "ostp", "--key", plane.key("ostp"))
    plane.answer("review", "note", "--kind", "dissent", "--text", "too early", "--on", "2026-06-28", *about)
    told = shown(plane, case)
    assert "proceeded: no answer in a month" in told
    assert "ostp, dissent: too early" in told
    grant = plane.answer("application", "show", case)["grant"]["grant"]
    assert "suspended" in plane("grant", "suspend", grant, "--code", "security").out
    assert "valid again" in plane("grant", "resume", grant).out
    removal = plane.answer("grant", "remove", grant, "--code", "misuse", "--text", "keys were shared")["case"]
    assert say(plane, removal, "oncd")["determination"] is None
    notice = shown(plane, removal)
    assert "notice to the holder: keys were shared" in notice
    assert "blocked: the holder may reply until" in notice
    plane.answer("application", "reply", removal, "--text", "they were not", by="applicant")
    assert "the applicant replied: they were not" in shown(plane, removal, by="developer")
    listed = plane.answer("case", "list", "--kind", "removal", "--awaiting", "ostp")
    assert [each["case"] for each in listed["cases"]] == [removal]
    found = plane.answer("case", "list", "--organization", "utility")["cases"]
    assert {each["case"] for each in found} == {case, removal}
    assert "Days of waiting" in plane("report").out
    rows = list(csv.DictReader(io.StringIO(plane("report", "--format", "csv").out)))
    assert {"section": "counts", "of": "admission/approved", "figure": "cases", "value": "1"} in rows
    assert plane.answer("report", "--release", "gpt-5.6")["counts"]
    hoped = organization(plane, "Example Bank")
    plane.answer("nomination", "add", *WHERE[:4], "--organization", hoped)
    assert plane.answer("nomination", "list")["nominations"][0]["applied"] == []
    bank = apply(plane, "Example Bank", by="rival")
    assert plane.answer("nomination", "list")["nominations"][0]["applied"] == [bank]
    assert plane.answer("application", "show", bank)["nominated"] is True
    returned = plane("case", "return", bank, "--text", "name its owners")
    assert "returned without action" in returned.out
    assert "returned because: name its owners" in shown(plane, bank, by="rival")
    assert apply(plane, "Example Bank", by="rival") != bank
