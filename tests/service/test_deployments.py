"""Statements of what serves a release, from what an officer signs to what others see of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from securesystemslib.dsse import Envelope as ForeignEnvelope
from securesystemslib.signer import SSlibKey

from sluicegate.acts import deployments as acts
from sluicegate.acts import grants, releases
from sluicegate.acts.deployments import ReleaseDeployment
from sluicegate.client import signing
from sluicegate.statements.stages import DEPLOYMENT, DeploymentWord
from sluicegate_record.log import times
from tests.plane import Plane, no, yes
from tests.worlds import AT_MS, DAY_MS, DEVELOPER, OFFICER, RELEASE, plan_value, private_key


@pytest.fixture(autouse=True)
def _signed_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signers' clocks are those of these tests."""
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(AT_MS))


@pytest.fixture
def plane() -> Plane:
    """A stage that is open by terms that ask for statements."""
    made = Plane()
    made.opened(plan_value(deployments={"atMost": "P7D"}))
    return made


def shown(plane: Plane, who: str = "developer") -> ReleaseDeployment:
    found: ReleaseDeployment = yes(plane.do(who, acts.SHOW, release=RELEASE))
    return found


def envelope(plane: Plane, *, until_ms: int = AT_MS + DAY_MS) -> dict[str, Any]:
    found, said = shown(plane), DeploymentWord(release=RELEASE, until_ms=until_ms)
    return signing.for_record(signing.made(DEPLOYMENT, found, said), private_key(OFFICER))


def test_an_officer_signs_what_is_shown_and_everyone_sees_whose_word_it_is(plane: Plane) -> None:
    before = shown(plane)
    assert (before.statement, before.at_most, [each.surfaces for each in before.digests]) == (
        None,
        "P7D",
        [()],
    )
    receipt = yes(plane.do("developer", acts.ATTEST, envelope=envelope(plane)))
    for who in ("developer", "oncd", "applicant"):
        found = shown(plane, who)
        assert found.statement is not None
        assert (found.statement.deployment, found.statement.holds) == (receipt.deployment, True)
        assert (found.statement.asserted_by, found.statement.officer) == (DEVELOPER, OFFICER)
        status = yes(plane.do(who, releases.STATUS)).releases[0].deployment
        assert (status.developer, status.at_most, status.statement) == (DEVELOPER, "P7D", found.statement)


def test_how_many_grants_rest_on_it_is_not_for_applicants(plane: Plane) -> None:
    plane.admit()
    seen = [shown(plane, who).digests[0].grants for who in ("developer", "oncd", "applicant")]
    assert seen == [1, 1, None]


def test_a_grant_says_that_it_is_limited_while_no_statement_holds(plane: Plane) -> None:
    grant = plane.admit()

    def limits() -> list[tuple[str, str]]:
        shown = yes(plane.do("applicant", grants.SHOW, grant=grant)).limits
        return [(each.kind, each.words) for each in shown]

    why = ("deployment", "no statement holds that what was agreed to serves gpt-5.6")
    assert limits() == [why]
    yes(plane.do("developer", acts.ATTEST, envelope=envelope(plane)))
    assert limits() == []
    plane.wall.at_ms += DAY_MS
    assert limits() == [why]


def test_who_may_not_know_of_a_release_hears_nothing_of_what_serves_it() -> None:
    made = Plane()
    made.opened(plan_value(deployments={"atMost": "P7D"}, announced=False))
    yes(made.do("developer", acts.ATTEST, envelope=envelope(made)))
    assert shown(made, "oncd").statement is not None
    assert no(made.do("applicant", acts.SHOW, release=RELEASE)) == "release_unknown"
    assert no(made.do("applicant", acts.SHOW, release="gpt-none")) == "release_unknown"


def test_it_is_taken_back_by_the_staff_and_shown_as_such(plane: Plane) -> None:
    yes(plane.do("developer", acts.ATTEST, envelope=envelope(plane)))
    done = yes(plane.do("developer", acts.END, release=RELEASE, reason="another model was served"))
    assert not done.holds
    found = shown(plane)
    assert found.statement is not None
    assert (found.statement.holds, found.statement.ended_ms) == (False, plane.ledger.now_ms())
    assert [each.surfaces for each in found.digests] == [()]
    assert no(plane.do("developer", acts.END, release=RELEASE, reason="again")) == "deployment_none"


def test_a_plan_that_asks_for_a_statement_says_what_is_missing_before_it_applies(plane: Plane) -> None:
    text = {"text": _yaml(deployments={"atMost": "P6D"})}
    words = [each.words for each in yes(plane.do("developer", releases.PREVIEW, **text)).effects]
    assert any(
        "no one is answered before 'sluicegate deployment sign gpt-5.6 --key KEY'" in each for each in words
    )
    yes(plane.do("developer", acts.ATTEST, envelope=envelope(plane)))
    words = [each.words for each in yes(plane.do("developer", releases.PREVIEW, **text)).effects]
    assert not any("deployment sign" in each for each in words)


def _yaml(**changes: Any) -> str:
    return json.dumps(plan_value(**changes))


def test_tools_of_others_verify_it(plane: Plane) -> None:
    signed = envelope(plane)
    found = ForeignEnvelope.from_dict(signed)
    made = SSlibKey.from_crypto(private_key(OFFICER).public_key())
    (keyid,) = found.signatures
    assert len(found.verify([SSlibKey(keyid, made.keytype, made.scheme, made.keyval)], 1)) == 1
    assert json.loads(found.payload)["predicateType"] == "urn:sluicegate:deployment:v1"
