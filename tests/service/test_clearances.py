"""What parties sign about requirements and stages, from what they are asked to sign to the record."""

from __future__ import annotations

import pytest

from sluicegate.acts import clearances as acts
from sluicegate.acts import releases
from sluicegate.client import signing
from sluicegate.errors import InvalidInput
from sluicegate.statements.clearances import CLEARANCE, WordOnRequirement
from sluicegate.statements.stages import CLOSING, ClosingWord, opening
from sluicegate_record.log import times
from tests.plane import Plane, no, yes
from tests.worlds import AT_MS, OFFICER, RELEASE, STAGE, plan_value, private_key, stage


def asking() -> Plane:
    """A stage that waits for a standard."""
    plane = Plane()
    asked = {"allOf": [{"adopted": {"standard": "frontier-testing", "by": ["ostp"]}}]}
    for case in yes(plane.apply(plan_value(stages=[stage(opensWhen=asked)]))).cases:
        for agency in ("oncd", "ostp"):
            plane.say(case, agency)
    return plane


def says(plane: Plane, word: str, version: str | None = None) -> None:
    asked = yes(plane.do("ostp", acts.TO_SIGN, release=RELEASE, says=word, about="frontier-testing"))
    about = "frontier-testing"
    said = WordOnRequirement(release=RELEASE, says=word, about=about, reason="so it is", version=version)
    envelope = signing.for_record(signing.made(CLEARANCE, asked, said), private_key("ostp"))
    done = yes(plane.do("ostp", acts.RECORD, envelope=envelope))
    assert (done.party, done.says) == ("ostp", word)


def is_open(plane: Plane) -> bool:
    plane.ledger.tick()
    found: bool = yes(plane.do("developer", releases.STATUS)).releases[0].stages[0].open
    return found


@pytest.fixture(autouse=True)
def _signed_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signers' clocks are those of these tests."""
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(AT_MS))


def test_an_agency_signs_what_it_is_asked_and_the_stage_opens() -> None:
    plane = asking()
    (shown,) = yes(plane.do("applicant", releases.STATUS)).releases[0].stages[0].requirements
    assert (shown.state, shown.clears) == ("missing", ("ostp",))
    says(plane, "adopts", version="1")
    assert is_open(plane)
    says(plane, "withdraws")
    (shown,) = yes(plane.do("applicant", releases.STATUS)).releases[0].stages[0].requirements
    assert shown.state == "missing"


def test_an_officer_closes_a_stage_and_opens_it_again() -> None:
    plane = Plane()
    plane.opened()
    asked = yes(plane.do("developer", releases.OPENING, release=RELEASE, stage=STAGE))
    said = ClosingWord(release=RELEASE, stage=STAGE, reason="it is unsafe")
    envelope = signing.for_record(signing.made(CLOSING, asked, said), private_key(OFFICER))
    yes(plane.do("developer", releases.CLOSE, envelope=envelope))
    assert not is_open(plane)
    stale = signing.for_record(opening(asked), private_key(OFFICER))
    assert no(plane.do("developer", releases.OPEN, envelope=stale)) == "stage_closed"
    asked = yes(plane.do("developer", releases.OPENING, release=RELEASE, stage=STAGE))
    again = signing.for_record(opening(asked), private_key(OFFICER))
    yes(plane.do("developer", releases.OPEN, envelope=again))
    assert is_open(plane)


def test_no_such_word_or_release_is_asked_for() -> None:
    plane = asking()
    with pytest.raises(InvalidInput):
        plane.do("ostp", acts.TO_SIGN, release=RELEASE, says="likes", about="frontier-testing")
    assert no(plane.do("ostp", acts.TO_SIGN, release="none", says="adopts", about="s")) == "stage_unknown"
