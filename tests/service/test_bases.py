"""Who hears of the date of a basis: every party of the release, once before and once when it is over."""

from __future__ import annotations

import json

import pytest

from sluicegate.acts import releases, subscriptions
from sluicegate_record.terms import dates
from tests.plane import Plane, yes
from tests.worlds import AT_MS, DAY_MS, plan_value, stage

UNTIL = dates.day_before(AT_MS + 20 * DAY_MS)
BASIS = {"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-20", "until": UNTIL}
PARTIES = ("developer", "oncd", "caisi", "applicant", "rival")


@pytest.fixture
def plane() -> Plane:
    """A basis with a date in force, and an organization that holds a grant."""
    plane = Plane()
    plane.opened(plan_value(stages=[stage(basis={**BASIS, "afterUntil": "lapse"})]))
    plane.admit("applicant")
    return plane


def told(plane: Plane, subscription: str) -> list[tuple[str, str]]:
    """The topics about the basis that wait for a subscription, each with what follows."""
    letters = sorted(plane.store.contents.waiting.values(), key=lambda each: each[0])
    bodies = [json.loads(letter.body) for _, letter in letters if letter.subscription == subscription]
    return [(each["type"], each["data"]["then"]) for each in bodies if each["type"].startswith("basis.")]


def test_every_party_of_the_release_is_told_and_no_one_else(plane):
    heard = {
        name: yes(plane.do(name, subscriptions.ADD, kind="webhook", target=f"https://{name}.example/hook"))
        for name in PARTIES
    }
    for at_ms in (dates.end_ms(UNTIL) - 7 * DAY_MS, dates.end_ms(UNTIL), dates.end_ms(UNTIL) + DAY_MS):
        plane.wall.at_ms = at_ms
        plane.ledger.tick()
    both = [("basis.reminded", "lapse"), ("basis.ended", "lapse")]
    found = {name: told(plane, each.subscription) for name, each in heard.items()}
    assert found == {name: both if name != "rival" else [] for name in PARTIES}


@pytest.mark.parametrize("who", PARTIES)
def test_the_status_tells_everyone_in_words_what_follows(plane, who):
    (release,) = plane.do(who, releases.STATUS).releases
    shown = release.stages[0].basis_after
    assert (shown.until, shown.after, shown.then) == (UNTIL, "lapse", None)
    assert shown.words.startswith(f"When {UNTIL} is over, its rules lapse:")
    plane.wall.at_ms = dates.end_ms(UNTIL)
    plane.ledger.tick()
    (release,) = plane.do(who, releases.STATUS).releases
    assert release.stages[0].basis_after.then == "lapse"
