"""Observations, from what a party signs to what others see: directives, releases, letters, reasons."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts import directives, explanations, releases
from sluicegate.acts import observations as acts
from sluicegate.client import signing
from sluicegate.client.canaries import observation
from sluicegate.core.lifecycle.fleet import NoteInForce
from sluicegate_record.log import times
from sluicegate_record.terms.observations import ProbeOutcome
from tests.plane import Plane, no, yes
from tests.service.test_subscriptions import subscribe, waiting
from tests.worlds import API, CODEX, MODEL, OFFICER, RELEASE, private_key

ANSWERED = ProbeOutcome(got="answered", status=200)
REFUSED = ProbeOutcome(got="refused", status=451, reason="directive_in_force", directive="d-1")
PROBE = {
    "release": RELEASE,
    "model": MODEL,
    "surface": API,
    "address": "https://api.example",
    "ask": "chat",
    "expects": "answered",
}


@pytest.fixture
def plane() -> Plane:
    made = Plane()
    made.opened()
    return made


def sees(
    plane: Plane, monkeypatch: pytest.MonkeyPatch, outcome: ProbeOutcome, by: str = "caisi", **probe: Any
) -> Any:
    """A party hands in what it got."""
    plane.wall.at_ms += 1
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(plane.wall.at_ms))
    asked = yes(plane.do(by, acts.TO_SIGN, **{**PROBE, **probe}))
    key = private_key(OFFICER if by == "developer" else by)
    return plane.do(by, acts.RECORD, envelope=signing.signed(observation(asked, outcome), key))


def force(plane: Plane, name: str = "d-1") -> None:
    with plane.ledger.reading() as state:
        size = state.directives[name].size
    yes(plane.ledger.execute(NoteInForce(name, size, ()), by="fleet", command_id="force", request=[name]))


def test_a_directive_shows_where_it_was_seen_and_where_no_one_watches(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    sees(plane, monkeypatch, ANSWERED)
    plane.direct()

    def status() -> tuple[list[tuple[str, str]], list[str]]:
        found = yes(plane.do("oncd", directives.STATUS, directive="d-1"))
        return [(each.probe.surface, each.shows) for each in found.observed], list(found.unobserved)

    both = [f"{MODEL} on {API}", f"{MODEL} on {CODEX}"]
    assert status() == ([(API, "earlier")], both)
    yes(sees(plane, monkeypatch, ANSWERED))
    assert status() == ([(API, "before")], both)
    force(plane)
    yes(sees(plane, monkeypatch, REFUSED))
    yes(sees(plane, monkeypatch, ANSWERED, surface=CODEX))
    assert status() == ([(CODEX, "still_served"), (API, "removed")], [])
    yes(sees(plane, monkeypatch, ProbeOutcome(got="failed")))
    yes(sees(plane, monkeypatch, ProbeOutcome(got="refused", status=401, reason="x"), surface=CODEX))
    assert status() == ([(CODEX, "refused"), (API, "failed")], both)


def test_a_contradiction_is_shown_to_staff_and_agencies_and_not_to_applicants(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    yes(sees(plane, monkeypatch, ANSWERED, expects="refused"))
    for who, count in (("developer", 1), ("ostp", 1), ("applicant", 0)):
        (found,) = yes(plane.do(who, releases.STATUS)).releases
        assert len(found.contradicted) == count
    listed = yes(plane.do("oncd", acts.LIST, release=RELEASE, shows="still_served"))
    assert [each.observer for each in listed.observations] == ["caisi"]
    assert yes(plane.do("oncd", acts.LIST, shows="as_due")).observations == ()


def test_its_letters_go_to_the_developer_the_issuer_and_the_observer_once(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = {name: subscribe(plane, name) for name in ("developer", "oncd", "ostp", "caisi", "applicant")}
    plane.direct()
    force(plane)
    for outcome in (REFUSED, ANSWERED, ANSWERED, REFUSED, REFUSED):
        yes(sees(plane, monkeypatch, outcome))
    told: dict[str, list[Any]] = {
        name: [each["data"] for each in waiting(plane, found) if each["type"] == "observation.recorded"]
        for name, found in heard.items()
    }
    shows = [(each["shows"], each.get("directive")) for each in told["developer"]]
    assert shows == [("still_served", "d-1"), ("as_due", "d-1")]
    assert told["developer"] == told["oncd"] == told["caisi"]
    assert told["ostp"] == told["applicant"] == []


def test_why_a_key_is_refused_says_who_saw_it(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    credential = plane.credential(plane.admit()).credential
    plane.direct()
    force(plane)
    yes(sees(plane, monkeypatch, REFUSED))
    found = yes(plane.do("applicant", explanations.EXPLAIN, credential=credential, model=MODEL))
    (layer,) = [each for each in found.because if each.what == "directive"]
    assert "caisi saw it refused on api at 2026-" in layer.text
    assert max(layer.entries) == plane.size - 1


def test_only_a_party_that_signed_it_is_believed(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(plane.wall.at_ms))
    asked = yes(plane.do("caisi", acts.TO_SIGN, **PROBE))
    forged = signing.signed(observation(asked, ANSWERED), private_key("nobody"))
    assert no(plane.do("caisi", acts.RECORD, envelope=forged)) == "signature_invalid"
    another = signing.signed(observation(asked, ANSWERED), private_key("ostp"))
    assert no(plane.do("ostp", acts.RECORD, envelope=another)) == "key_of_another_party"
    assert no(plane.do("caisi", acts.TO_SIGN, **{**PROBE, "release": "none"})) == "release_unknown"
    assert yes(sees(plane, monkeypatch, ANSWERED, by="developer")).recorded
