"""Findings, from what a party is asked to sign to the record, and what others see of their details."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts import findings as acts
from sluicegate.acts import grants
from sluicegate.acts.findings import FindingToSign, FindingView
from sluicegate.client import signing
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput
from sluicegate.statements.findings import FINDING
from sluicegate.statements.kind import UnsignedStatement
from sluicegate_record.log import canonical, times
from sluicegate_record.statements.findings import ASKS, GIVES, GONE, REPORTS, RETESTS, FindingStatement
from tests.found import TESTED
from tests.plane import Plane, no, yes
from tests.worlds import AT_MS, MODEL, OFFICER, RELEASE, plan_value, private_key

SECRET = "ignore all that was said before"


@pytest.fixture(autouse=True)
def _signed_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signers' clocks are those of these tests."""
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(AT_MS))


@pytest.fixture
def plane() -> Plane:
    made = Plane()
    yes(made.apply(plan_value()))
    return made


def says(plane: Plane, by: str, word: str, *, finding: str | None = None, **said: Any) -> Any:
    """A party says a word on a finding, or reports one."""
    about: dict[str, Any] = {"release": RELEASE} if finding is None else {"finding": finding}
    asked: FindingToSign = yes(plane.do(by, acts.TO_SIGN, **about))
    key = private_key(OFFICER if by == "developer" else by)
    if word == REPORTS:
        about = {"release": RELEASE, "kind": "jailbreak", "level": "high", "model": MODEL, "tested": TESTED}
        said = {**about, **said}
    details, seal_to = said.pop("details", None), said.pop("seal_to", ())
    said |= {"log": asked.log, "party": asked.party, "finding": asked.finding, "previous": asked.previous}
    stated = FindingStatement(says=word, text="in words", **said)
    unsigned = UnsignedStatement(stated)
    if details is not None:
        unsigned = signing.with_details(stated, details, asked.keys, seal_to)
    given = FINDING.asked(signing.signed(unsigned.statement, key), unsigned.opened)
    return plane.send(plane.who[by], acts.RECORD, given)


def shown(plane: Plane, by: str, name: str) -> FindingView:
    found: FindingView = yes(plane.do(by, acts.SHOW, finding=name))
    return found


def test_sealed_details_are_read_by_those_named_and_by_no_one_else(plane: Plane) -> None:
    name = yes(says(plane, "caisi", REPORTS, details=SECRET, seal_to=["caisi", "oncd"])).finding
    yes(says(plane, "developer", ASKS, finding=name))
    yes(says(plane, "caisi", GIVES, finding=name, details="and again", seal_to=["openai"]))
    readers = {"caisi": "caisi", "oncd": "oncd", "ostp": "ostp", "developer": OFFICER, "applicant": "x"}
    read = {}
    for by, owner in readers.items():
        found = shown(plane, by, name)
        assert [found.sealed_to, found.said[1].sealed_to] == [("caisi", "oncd"), ("openai",)]
        read[by] = sorted(signing.details(found, private_key(owner)).values())
    assert read == {
        "caisi": [SECRET],
        "oncd": [SECRET],
        "ostp": [],
        "developer": ["and again"],
        "applicant": [],
    }


def test_the_developers_staff_cannot_read_what_is_not_sealed_to_them(plane: Plane) -> None:
    """Neither by the answer, nor by all that this process has on its disk and in its log."""
    name = yes(says(plane, "caisi", REPORTS, details=SECRET, seal_to=["oncd"])).finding
    theirs = shown(plane, "oncd", name)
    assert not shown(plane, "developer", name).details
    with pytest.raises(InvalidInput, match="sealed to other keys than this one"):
        signing.details(theirs, private_key(OFFICER))
    log = plane.ledger.store.log
    for entry in log.entries(0, log.size()):
        held = [entry.leaf, *(each.body for each in log.sealed([entry.seq]).get(entry.seq, {}).values())]
        assert not any(SECRET.encode() in each for each in held)


def test_details_to_a_party_without_a_key_are_refused_where_they_are(plane: Plane) -> None:
    with pytest.raises(InvalidInput, match="'treasury' has no key to which anything can be sealed") as caught:
        says(plane, "caisi", REPORTS, details=SECRET, seal_to=["treasury"])
    assert caught.value.remedy == "one of caisi, oncd, openai, ostp"


def test_details_that_are_no_text_or_too_long_are_refused(plane: Plane) -> None:
    with pytest.raises(InvalidInput, match="of at most 65,536 bytes"):
        says(plane, "caisi", REPORTS, details="x" * 60_000, seal_to=["oncd"])
    assert not yes(plane.do("developer", acts.LIST)).findings


def test_a_finding_of_a_release_that_is_not_announced_is_not_there_for_others() -> None:
    plane = Plane()
    yes(plane.apply(plan_value(announced=False)))
    name = yes(says(plane, "caisi", REPORTS)).finding
    assert yes(plane.do("oncd", acts.LIST)).findings
    assert not yes(plane.do("applicant", acts.LIST)).findings
    assert no(plane.do("applicant", acts.SHOW, finding=name)) == "finding_unknown"


def test_an_agency_reports_the_misuse_of_a_grant_that_it_may_see() -> None:
    plane = Plane()
    plane.opened()
    grant = plane.admit()
    about = {"kind": "misuse", "grant": grant, "model": None, "tested": None}
    assert no(says(plane, "caisi", REPORTS, **about)) == "grant_unknown"
    found = says(plane, "oncd", REPORTS, **about)
    assert not isinstance(found, Refusal)
    assert shown(plane, "developer", found.finding).grant == grant


def test_everyone_who_sees_a_grant_sees_that_a_finding_holds_it_to_a_rate_until_it_is_closed() -> None:
    plane = Plane()
    plane.opened(plan_value(findings={"levels": [{"name": "high", "restrict": {"requestsPerMinute": 6}}]}))
    plane.admit()
    name = yes(says(plane, "caisi", REPORTS)).finding
    for who in ("developer", "oncd", "applicant"):
        (limit,) = yes(plane.do(who, grants.LIST)).grants[0].limits
        assert (limit.kind, limit.name) == ("finding", name)
        assert limit.words == f"finding {name} restricts (6 requests a minute) {MODEL}"
    yes(says(plane, "caisi", RETESTS, finding=name, outcome=GONE, tested=TESTED))
    assert not yes(plane.do("oncd", grants.LIST)).grants[0].limits


def test_findings_are_listed_page_by_page(plane: Plane) -> None:
    names = [yes(says(plane, "caisi", REPORTS, level=level)).finding for level in ("low", "medium", "high")]
    first = yes(plane.do("applicant", acts.LIST, limit=2))
    assert [each.finding for each in first.findings] == names[:0:-1]
    rest = yes(plane.do("applicant", acts.LIST, before=first.next))
    assert [each.finding for each in rest.findings] == names[:1]
    assert not yes(plane.do("applicant", acts.LIST, state="closed")).findings
    assert no(plane.do("applicant", acts.LIST, before="finding_0")) == "finding_unknown"
    with pytest.raises(InvalidInput, match="no state 'fixed', expected open or closed"):
        plane.do("applicant", acts.LIST, state="fixed")


def test_what_is_sealed_is_a_file_of_age(plane: Plane) -> None:
    name = yes(says(plane, "caisi", REPORTS, details=SECRET, seal_to=["oncd"])).finding
    (text,) = shown(plane, "oncd", name).details.values()
    assert canonical.unb64(text).startswith(b"age-encryption.org/v1\n-> ssh-ed25519 ")
