"""Who hears of findings: of each word, what runs out and what is late. No text and no secret goes along."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import subscriptions
from sluicegate.service.finding_reminders import FindingReminders
from sluicegate_record.log import times
from sluicegate_record.statements.findings import ACKNOWLEDGES, ASKS, DISPUTES, FIXES, GONE, REPORTS, RETESTS
from tests.found import TESTED
from tests.plane import Plane, yes
from tests.service.test_findings import SECRET, says
from tests.worlds import DAY_MS, RELEASE, plan_value

LEVELS = [{"name": "low"}, {"name": "high", "acknowledge": "P2D", "fix": "P8D", "respond": "tell"}]
PARTIES = ("developer", "oncd", "caisi", "applicant", "rival")
TEXT = "in words"


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch) -> Plane:
    plane = Plane()
    plane.opened(plan_value(findings={"levels": LEVELS}))
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(plane.wall.at_ms))
    return plane


@pytest.fixture
def heard(plane: Plane) -> Any:
    """What a party has heard of findings so far, by topic and word."""
    names = {
        name: yes(plane.do(name, subscriptions.ADD, kind="webhook", target=f"https://{name}.example/hook"))
        for name in PARTIES
    }

    def told(name: str) -> list[dict[str, Any]]:
        letters = sorted(plane.store.contents.waiting.values(), key=lambda each: each[0])
        own = [each.body for _, each in letters if each.subscription == names[name].subscription]
        assert not any(word in body for body in own for word in (SECRET.encode(), TEXT.encode()))
        return [each for each in map(json.loads, own) if each["type"].startswith("finding.")]

    return told


def test_each_word_is_news_to_the_parties_of_the_release_alone(plane: Plane, heard: Any) -> None:
    name = yes(says(plane, "caisi", REPORTS, details=SECRET, seal_to=["oncd"])).finding
    for word in (ACKNOWLEDGES, ASKS, DISPUTES):
        says(plane, "developer", word, finding=name)
    says(plane, "developer", FIXES, finding=name, tested=TESTED)
    yes(says(plane, "caisi", RETESTS, finding=name, tested=TESTED, outcome=GONE))
    words = [REPORTS, ACKNOWLEDGES, ASKS, DISPUTES, FIXES, RETESTS]
    for party in ("developer", "oncd", "caisi"):
        assert [each["data"]["says"] for each in heard(party)] == words
    first, *_, last = [each["data"] for each in heard("oncd")]
    said = {"release": RELEASE, "finding": name, "kind": "jailbreak", "level": "high"}
    assert first == {**said, "party": "caisi", "says": REPORTS, "seq": first["seq"], "size": first["size"]}
    assert (last["outcome"], last["party"]) == (GONE, "caisi")
    assert heard("applicant") == heard("rival") == []


def test_a_misuse_is_news_to_the_holder_of_the_grant_too(plane: Plane, heard: Any) -> None:
    grant = plane.admit()
    misuse = {"kind": "misuse", "model": None, "tested": None, "grant": grant}
    yes(says(plane, "oncd", REPORTS, **misuse))
    assert [each["data"]["kind"] for each in heard("applicant")] == ["misuse"]
    assert heard("rival") == []


def test_what_runs_out_is_news_once_before_and_once_when_it_is_late(plane: Plane, heard: Any) -> None:
    name = yes(says(plane, "caisi", REPORTS)).finding
    begun_ms = plane.wall.at_ms
    reminders = FindingReminders(plane.ledger)
    seen: list[tuple[int, str, str]] = []
    for hours in range(0, 9 * 24, 6):
        plane.wall.at_ms = begun_ms + hours * DAY_MS // 24
        plane.ledger.tick()
        reminders.remind()
        if hours % 48 == 0:
            reminders = FindingReminders(plane.ledger)  # as after a restart
        rest = heard("developer")[1 + len(seen) :]
        seen += [(hours, each["type"], each["data"]["step"]) for each in rest]
    assert seen == [
        (36, "finding.due", "acknowledge"),
        (48, "finding.overdue", "acknowledge"),
        (168, "finding.due", "fix"),
        (192, "finding.overdue", "fix"),
    ]
    assert heard("oncd") == heard("developer")
    assert {each["data"]["finding"] for each in heard("oncd")} == {name}


def test_what_was_done_in_time_reminds_no_one(plane: Plane, heard: Any) -> None:
    name = yes(says(plane, "caisi", REPORTS)).finding
    yes(says(plane, "developer", FIXES, finding=name, tested=TESTED))
    plane.wall.at_ms += 8 * DAY_MS - 1
    FindingReminders(plane.ledger).remind()
    assert [each["type"] for each in heard("oncd")] == ["finding.reported", "finding.answered"]
