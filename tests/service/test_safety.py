"""Safety webhooks: whose each is, whom it concerns, that it counts once, and what people have to look at."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from sluicegate.acts import findings as acts
from sluicegate.acts import members, subscriptions
from sluicegate.acts.members import MemberRow
from sluicegate.client import sealing, signing
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.people.persons import identifier
from sluicegate.errors import BadSignature, InvalidInput
from sluicegate.service.safety import NoticeSource, SafetyIntake
from sluicegate.settings import DailyLimits
from tests.plane import Plane, no, yes
from tests.worlds import AGENCIES, MODEL, plan_value, private_key

LAB, USER, SECRET = "lab-safety", "user-8a1f", b"s" * 32
FINDINGS = {"from": [LAB], "misuse": {"suspendedBy": ["oncd"]}}
BLOCKED = "safety_identifier.blocked"
OPENED, RESOLVED = (f"user_profile.enforcement_action_{each}" for each in ("opened", "resolved"))


@pytest.fixture
def plane() -> Plane:
    plane = Plane(agencies=(*AGENCIES, LAB))
    plane.opened(plan_value(findings=FINDINGS))
    return plane


@pytest.fixture
def grant(plane: Plane) -> str:
    """The grant of an organization that has registered the end user."""
    grant = plane.admit()
    register(plane, "applicant", grant)
    return grant


def register(plane: Plane, who: str, grant: str) -> None:
    yes(plane.do(who, members.REGISTER, grant=grant, rows=(MemberRow(identifiers=(identifier(USER),)),)))


def intake(plane: Plane, **changes: Any) -> SafetyIntake:
    given = {"secret": SECRET, "key": private_key(LAB), "level": "high", "seal_to": (LAB, "oncd"), **changes}
    limits = given.pop("limits", DailyLimits())
    return SafetyIntake(plane.ledger, [NoticeSource(LAB, **given)], sealing.sealed, limits)


def event(type_: str = BLOCKED, **data: Any) -> bytes:
    said = {"safety_category": "cyber", "safety_identifier": USER, "request_id": "req_9", **data}
    value = {"id": "evt_1", "object": "event", "created_at": 1, "type": type_, "data": said}
    return json.dumps({**value, "more": 1.5}).encode()


def profile(type_: str, action: str = "act_1", **data: Any) -> bytes:
    said = {"type": type_, "id": action, "user_profile_id": USER, **data}
    return json.dumps({"type": "event", "id": "whe_1", "data": said}).encode()


def headers(plane: Plane, body: bytes, message: str = "wh_1", late_s: int = 0) -> dict[str, str]:
    """The headers of a notice, signed by hand."""
    at_s = str(plane.wall.at_ms // 1000 - late_s)
    mac = hmac.new(SECRET, f"{message}.{at_s}.".encode() + body, sha256).digest()
    signed = f"v1,{b64encode(b'0' * 32).decode()} v1,{b64encode(mac).decode()}"
    return {"webhook-id": message, "webhook-timestamp": at_s, "webhook-signature": signed}


def take(plane: Plane, body: bytes, message: str = "wh_1", **changes: Any) -> Any:
    return intake(plane, **changes).take(LAB, headers(plane, body, message), body)


def found(plane: Plane) -> list[Any]:
    return list(yes(plane.do("developer", acts.LIST)).findings)


def staff(plane: Plane) -> Any:
    """What the developer's staff hear of notices that need people."""
    added = yes(plane.do("developer", subscriptions.ADD, kind="webhook", target="https://a.example/hook"))

    def heard() -> list[dict[str, Any]]:
        letters = sorted(plane.store.contents.waiting.values(), key=lambda each: each[0])
        own = [json.loads(each.body) for _, each in letters if each.subscription == added.subscription]
        return [each["data"] for each in own if each["type"] == "safety.unresolved"]

    return heard


def test_a_notice_about_an_end_user_is_a_sealed_finding_of_a_misuse(plane: Plane, grant: str) -> None:
    assert take(plane, event(model=MODEL)) == "reported"
    (said,) = found(plane)
    assert (said.kind, said.level, said.party, said.grant) == ("misuse", "high", LAB, grant)
    assert said.text == f"a safety notice of the model's provider: {BLOCKED}"
    assert said.sealed_to == (LAB, "oncd")
    shown = yes(plane.do("oncd", acts.SHOW, finding=said.finding))
    (details,) = signing.details(shown, private_key("oncd")).values()
    assert json.loads(details)["data"]["safety_identifier"] == USER
    assert not yes(plane.do("developer", acts.SHOW, finding=said.finding)).details


def test_neither_the_identifier_nor_the_category_is_in_the_log_or_the_store(plane: Plane, grant: str) -> None:
    heard = staff(plane)
    take(plane, event())
    take(plane, event(safety_identifier="someone-else"), "wh_2")
    assert heard()
    log = plane.ledger.store.log
    held = [each.leaf for each in log.entries(0, log.size())]
    opened = log.sealed(range(log.size()))
    held += [opening.body for fields in opened.values() for opening in fields.values()]
    held += [letter.body for _, letter in plane.store.contents.waiting.values()]
    for word in (USER, "cyber", "req_9", "someone-else"):
        assert not any(word.encode() in each for each in held)


def test_a_notice_that_comes_again_changes_nothing(plane: Plane, grant: str) -> None:
    body = event()
    assert [take(plane, body) for _ in range(3)] == ["reported"] * 3
    size = plane.size
    assert len(found(plane)) == 1
    assert take(plane, body) == "reported"
    assert plane.size == size
    assert take(plane, event(), "wh_2") == "reported"
    assert len(found(plane)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "wh_2"},
        {"webhook-id": ""},
        {"webhook-id": "x" * 201},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "ü"},
    ],
)
def test_what_the_provider_did_not_sign_is_refused(plane: Plane, grant: str, change: dict[str, str]) -> None:
    body = event()
    with pytest.raises(BadSignature):
        intake(plane).take(LAB, {**headers(plane, body), **change}, body)
    with pytest.raises(BadSignature):
        intake(plane).take(LAB, headers(plane, body), body + b" ")
    with pytest.raises(BadSignature):
        intake(plane, secret=b"t" * 32).take(LAB, headers(plane, body), body)
    assert not found(plane)


def test_an_old_notice_is_refused_and_one_within_the_window_is_not(plane: Plane, grant: str) -> None:
    body = event()
    for late_s in (301, -301):
        with pytest.raises(BadSignature):
            intake(plane).take(LAB, headers(plane, body, late_s=late_s), body)
    assert intake(plane).take(LAB, headers(plane, body, late_s=300), body) == "reported"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"type":"x"}', b'{"data":{}}', b"[" * 60_000, b"\xff"])
def test_what_cannot_be_read_is_refused(plane: Plane, body: bytes) -> None:
    with pytest.raises(InvalidInput):
        take(plane, body)


def test_other_notices_and_other_parties_change_nothing(plane: Plane, grant: str) -> None:
    assert take(plane, event("response.completed")) == "ignored"
    refused = intake(plane).take("another", headers(plane, event()), event())
    assert no(refused) == "safety_source_unknown"
    assert not found(plane)


def test_what_cannot_be_resolved_goes_to_people_or_is_refused_until_there_are_some(plane: Plane) -> None:
    refused = take(plane, event())
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.kind) == ("safety_unheard", "exhausted")
    heard = staff(plane)
    assert take(plane, event()) == "unresolved"
    assert take(plane, event()) == "unresolved"
    (said,) = heard()
    why = "no one organization with a grant has this identifier"
    assert said == {"party": LAB, "event": BLOCKED, "message": "wh_1", "why": why}
    take(plane, event("safety.warning_issued", id="C-abc123", safety_identifier=None), "wh_2")
    assert heard()[1]["action"] == "C-abc123"
    assert not found(plane)


def test_an_identifier_of_two_organizations_goes_to_people(plane: Plane, grant: str) -> None:
    heard = staff(plane)
    register(plane, "rival", plane.admit("rival", "Rival Utility"))
    assert take(plane, event()) == "unresolved"
    assert len(heard()) == 1
    assert not found(plane)


def test_what_the_plan_does_not_let_a_party_report_goes_to_people() -> None:
    plane = Plane(agencies=(*AGENCIES, LAB))
    plane.opened()
    heard = staff(plane)
    register(plane, "applicant", plane.admit())
    assert take(plane, event()) == "unresolved"
    assert "names" in heard()[0]["why"]


def test_the_end_of_an_enforcement_closes_its_findings_and_no_others(plane: Plane, grant: str) -> None:
    heard = staff(plane)
    assert take(plane, profile(OPENED)) == "reported"
    assert take(plane, profile(OPENED, "act_2"), "wh_2") == "reported"
    assert take(plane, profile(RESOLVED), "wh_3") == "closed"
    assert sorted(each.state for each in found(plane)) == ["closed", "reported"]
    size = plane.size
    assert take(plane, profile(RESOLVED), "wh_3") == "closed"
    assert plane.size == size
    assert take(plane, profile(RESOLVED, "act_3"), "wh_4") == "unresolved"
    assert heard()[0]["why"] == "no finding is known of what has ended"


def test_a_provider_that_floods_is_held_to_a_days_number(plane: Plane, grant: str) -> None:
    limits = DailyLimits(positions=2)
    answers = [take(plane, event(), f"wh_{number}", limits=limits) for number in range(3)]
    assert answers[:2] == ["reported", "reported"]
    assert isinstance(answers[2], Refusal)
    assert answers[2].kind == "exhausted"
    assert len(found(plane)) == 2


HALF = "caf\ud83d"
"""An emoji that someone cut in half."""


@pytest.mark.parametrize(
    "body", [event(model=HALF), event(note=HALF), profile(OPENED, HALF)], ids=["model", "note", "action"]
)
def test_half_a_character_in_a_notice_keeps_no_report_away(plane: Plane, grant: str, body: bytes) -> None:
    assert take(plane, body) == "reported"
    (said,) = found(plane)
    shown = yes(plane.do("oncd", acts.SHOW, finding=said.finding))
    (details,) = signing.details(shown, private_key("oncd")).values()
    assert HALF in json.loads(details)["data"].values()


def test_half_a_character_in_the_number_of_an_action_still_closes_it(plane: Plane, grant: str) -> None:
    assert take(plane, profile(OPENED, HALF)) == "reported"
    assert take(plane, profile(RESOLVED, HALF), "wh_2") == "closed"


def test_who_has_the_secret_fills_no_mailbox(plane: Plane, grant: str) -> None:
    """What no one can resolve is counted as reports are."""
    heard, limits = staff(plane), DailyLimits(positions=3)
    for number in range(3):
        assert take(plane, event(safety_identifier="no one"), f"wh_{number}", limits=limits) == "unresolved"
    refused = take(plane, event(safety_identifier="no one"), "wh_9", limits=limits)
    assert isinstance(refused, Refusal)
    assert refused.kind == "exhausted"
    assert len(heard()) == 3
