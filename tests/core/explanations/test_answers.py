"""What is said of each layer: by whose act it would change, and which entries it rests on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sluicegate.acts.explanations import LayerAnswer
from sluicegate.core.access import decision, obstacles
from sluicegate.core.access.decision import Ask, Instant
from sluicegate.core.access.obstacles import LAYERS
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.explanations import remedies
from sluicegate.core.explanations.answers import asked_programme, because
from sluicegate.core.explanations.inquiry import Inquiry
from sluicegate.core.explanations.layers import WORDS
from sluicegate.core.lifecycle.accounts import CloseAccount
from sluicegate.core.lifecycle.grants import OpenRemoval, ResumeGrant, SurrenderGrant, SuspendGrant
from tests import worlds
from tests.core.access.test_audience import GENERAL, account, general, key
from tests.core.lifecycle.test_programmes import BLUE, PROGRAMMES, asking
from tests.found import misuse, reported, retest
from tests.worlds import API, CODEX, MODEL, World, deployment, plan_value, stage


def look(
    world: World, credential: str, digest: bytes, model: str = MODEL, surface: str = "", **more: Any
) -> Inquiry:
    state, now_ms = world.state, world.now_ms
    row = state.table.credentials_by_id[credential]
    may_know = more.pop("may_know", False)
    programmes = more.pop("programmes", ())
    ask = Ask(digest, model, surface or row.grant.surface or API, **more)
    held = state.table.grants.get((row.grant.organization, "gpt-5.6", ask.surface))
    asked = tuple(asked_programme(state.table, held, each) for each in programmes)
    ask.programmes = asked
    found = obstacles.find(ask, state.table, Instant(now_ms, now_ms), may_know=may_know)
    assert found.decided == decision.decide(ask, state.table, Instant(now_ms, now_ms))
    return Inquiry(state, row, ask, now_ms, found)


def layers(found: Inquiry) -> dict[str, LayerAnswer]:
    """The layers of an answer, each with its rests in the log; what refuses first is the decision."""
    answers = because(found)
    assert [each.what for each in answers] == [each.name for each in LAYERS]
    refusing = [each for each in answers if each.state == "refuses"]
    decided = found.found.decided
    if isinstance(decided, Deny):
        assert (refusing[0].reason, refusing[0].status) == (decided.reason.value, decided.status)
        assert all(each.would_change for each in refusing)
    else:
        assert not refusing
    return {each.what: each for each in answers}


def types(world: World, answer: LayerAnswer) -> list[str]:
    """The types of the entries that an answer rests on."""
    assert answer.entry == (max(answer.entries) if answer.entries else None)
    return [world.entries[seq].type for seq in answer.entries]


def refusing(found: Inquiry, layer: str, reason: Reason) -> LayerAnswer:
    answer = layers(found)[layer]
    assert (answer.state, answer.reason) == ("refuses", reason.value)
    return answer


@pytest.fixture
def world() -> World:
    return World.opened()


@pytest.fixture
def grant(world: World) -> str:
    return world.admit()


@pytest.fixture
def seen(world: World, grant: str) -> Callable[..., Inquiry]:
    digest, credential = world.credential(grant)
    return lambda **more: look(world, credential, digest, **more)


def test_a_yes_names_the_grant_the_stage_the_key_and_what_they_rest_on(world, grant, seen) -> None:
    found = layers(seen())
    assert {each.state for each in found.values()} == {"allows", "elsewhere"}
    assert types(world, found["grant"]) == ["case.determined", "grant.approved"]
    assert grant in found["grant"].text
    assert types(world, found["stage"]) == ["release.applied", "stage.opened"]
    assert types(world, found["credential"]) == ["credential.issued"]
    assert "600 requests a minute" in found["quota"].text
    assert "'demo'" in found["upstream"].text


def test_each_directive_is_named_with_its_issuer_and_the_rest_is_seen_behind_it(world, grant, seen) -> None:
    world.direct("d-1", ["org-1"])
    world.direct("d-2", basis={"kind": "agreed", "authority": "a letter"})
    world.must(SuspendGrant(grant, "misuse"))
    found = seen()
    answer = refusing(found, "directive", Reason.DIRECTIVE_IN_FORCE)
    assert {"d-1", "d-2"} <= set(answer.text.replace(",", " ").split())
    assert "oncd lifts it ('sluicegate directive lift d-1')" in answer.would_change
    assert "oncd decides on an exception for it ('sluicegate licence request d-1')" in answer.would_change
    assert types(world, answer) == ["directive.issued", "directive.issued"]
    answer = refusing(found, "grant", Reason.GRANT_SUSPENDED)
    assert f"'sluicegate grant resume {grant}'" in answer.would_change
    world.lift("d-1")
    world.lift("d-2")
    world.must(ResumeGrant(grant))
    assert layers(seen())["grant"].state == "allows"
    assert types(world, layers(seen())["grant"])[-2:] == ["grant.suspended", "grant.resumed"]


def test_what_serves_the_model_is_said_by_the_developer_or_lacks_its_statement() -> None:
    world = World.opened(deployments={"atMost": "P7D"})
    digest, credential = world.credential(world.admit())
    answer = refusing(look(world, credential, digest), "deployment", Reason.DEPLOYMENT_UNATTESTED)
    assert "'sluicegate deployment sign gpt-5.6 --key KEY'" in answer.would_change
    assert layers(look(world, credential, digest))["grant"].state == "allows"
    world.must(deployment(world.state))
    answer = layers(look(world, credential, digest))["deployment"]
    assert (answer.state, "openai asserts what serves it until" in answer.text) == ("allows", True)
    assert types(world, answer) == ["deployment.attested"]


def test_a_grant_that_a_report_of_misuse_suspends_says_that_a_retest_comes_first() -> None:
    world = World.opened(findings={"misuse": {"suspendedBy": ["oncd"]}})
    grant = world.admit()
    digest, credential = world.credential(grant)
    name = world.must(misuse(world, grant, "oncd"))["finding"]
    answer = refusing(look(world, credential, digest), "grant", Reason.GRANT_SUSPENDED)
    assert answer.text == f"{grant} is suspended", "not by the developer, who cannot resume it"
    assert answer.would_change.startswith(f"a retest closes {name} ")
    world.must(retest(name, world, "oncd", tested=None))
    answer = refusing(look(world, credential, digest), "grant", Reason.GRANT_SUSPENDED)
    assert f"'sluicegate grant resume {grant}'" in answer.would_change


def test_a_key_that_is_over_says_that_another_one_is_needed(world, grant) -> None:
    digest, credential = world.credential(grant)
    world.revoke(credential)
    answer = refusing(look(world, credential, digest), "credential", Reason.CREDENTIAL_REVOKED)
    assert f"credential issue --grant {grant}" in answer.would_change
    assert types(world, answer) == ["credential.issued", "credential.revoked"]


def test_an_unknown_model_and_one_that_is_not_announced_are_the_same_to_who_may_not_know(world, seen) -> None:
    world.apply(plan_value("secret", models=["gpt-6"], announced=False))
    world.agree()
    world.open("secret")
    world.direct("d-9", models=["gpt-6"])
    hidden, missing = (layers(seen(model=model)) for model in ("gpt-6", "gpt-7"))
    assert repr(hidden).replace("gpt-6", "gpt-7") == repr(missing)
    assert hidden["directive"].state == hidden["grant"].state == "unknown"
    staff = layers(seen(model="gpt-6", may_know=True))
    assert "secret is not announced" in staff["model"].text
    assert "announces it" in staff["model"].would_change
    assert staff["directive"].reason == "directive_in_force"
    assert staff["grant"].reason == "not_admitted"


def test_a_stage_that_is_not_open_says_what_it_waits_for() -> None:
    world = World.agreed()
    digest, credential = world.credential(world.admit())
    answer = refusing(look(world, credential, digest), "stage", Reason.STAGE_NOT_OPEN)
    assert "an officer's 'sluicegate stage open'" in answer.would_change
    assert types(world, answer) == ["release.applied"]
    waiting = World.opened(
        stages=[stage(), stage("later", opensWhen={"allOf": [{"terms": "agreed"}, {"date": "2027-01-01"}]})]
    )
    digest, credential = waiting.credential(waiting.admit(name="later"))
    answer = refusing(look(waiting, credential, digest), "stage", Reason.STAGE_NOT_OPEN)
    assert "later opens by itself on 2027-01-01" in answer.would_change


def test_how_a_grant_ended_says_who_can_give_it_again(world, grant, seen) -> None:
    world.later(31)
    answer = refusing(seen(), "grant", Reason.GRANT_EXPIRED)
    assert "applies again, and oncd and ostp agree" in answer.would_change
    assert types(world, answer)[-1] == "grant.ended"


def test_a_grant_that_was_given_back_says_so(world, grant, seen) -> None:
    world.must(SurrenderGrant(grant))
    answer = refusing(seen(), "grant", Reason.NOT_ADMITTED)
    assert f"{grant} was given back by its holder" in answer.text


def test_a_removed_grant_says_how_to_appeal(world, grant, seen) -> None:
    case = world.case(world.must(OpenRemoval(grant, "misuse", "a notice", None))["case"])
    world.all_say(case, "oncd approve", "ostp approve")
    world.later(15)
    answer = refusing(seen(), "grant", Reason.GRANT_REMOVED)
    assert "appeals until 2026-08-05" in answer.would_change
    assert f"application appeal {case.id}" in answer.would_change
    assert types(world, answer)[-1] == "grant.ended"


def test_a_key_of_another_grant_says_under_which_to_issue_one(world, grant, seen) -> None:
    other = world.admit(surface=CODEX)
    answer = refusing(seen(surface=CODEX), "grant", Reason.NOT_PROVISIONED)
    assert f"credential issue --grant {other}" in answer.would_change


def test_an_application_under_review_says_who_is_awaited(world, seen) -> None:
    assert "on api, not on codex" in refusing(seen(surface=CODEX), "grant", Reason.SURFACE_NOT_GRANTED).text
    case = world.submit(surface=CODEX)
    world.say(case, "oncd")
    answer = refusing(seen(surface=CODEX), "grant", Reason.APPLICATION_PENDING)
    assert case.id in answer.text
    assert answer.would_change == "it waits for ostp"
    assert types(world, answer) == ["case.opened"]


def test_who_is_not_admitted_applies_and_agencies_decide(world, seen) -> None:
    world.apply(plan_value("other", models=["gpt-4"]))
    world.agree()
    world.open("other")
    answer = refusing(seen(model="gpt-4"), "grant", Reason.NOT_ADMITTED)
    assert "application submit" in answer.would_change
    assert layers(seen(model="gpt-4"))["programme"].state == "unknown"


def test_a_programme_says_who_gives_it_and_who_resumes_it() -> None:
    world = World.opened(programmes=PROGRAMMES)
    case = world.case(world.must(asking(BLUE))["application"])
    world.all_say(case, "oncd approve", "ostp approve")
    grant = case.grant or ""
    digest, credential = world.credential(grant)
    allowed = layers(look(world, credential, digest, programmes=["cyber:blue"]))
    assert "cyber: blue" in allowed["programme"].text
    lacking = look(world, credential, digest, programmes=["cyber: red"])
    answer = refusing(lacking, "programme", Reason.PROGRAMME_NOT_GRANTED)
    assert f"'sluicegate application amend {grant} --programme …'), and oncd and ostp agree" in (
        answer.would_change
    )
    unknown = look(world, credential, digest, programmes=["cyber: violet"])
    assert "no such programme" in refusing(unknown, "programme", Reason.PROGRAMME_NOT_GRANTED).text
    world.must(SuspendGrant(grant, "misuse", ("cyber: blue",)))
    halted = look(world, credential, digest, programmes=["cyber:blue", "cyber:red"])
    answer = refusing(halted, "programme", Reason.PROGRAMME_NOT_GRANTED)
    assert f"grant resume {grant} --programme" in answer.would_change
    assert "red" in answer.text
    assert types(world, answer)[-1] == "grant.suspended"


def test_a_person_that_a_directive_asks_for_is_a_layer_of_its_own(world, seen) -> None:
    world.direct(
        "d-1", ["org-1"], action="restrict", conditions={"personNamed": True, "requestsPerMinute": 3}
    )
    found = seen()
    answer = refusing(found, "person", Reason.PERSON_REQUIRED)
    assert types(world, answer) == ["directive.issued"]
    assert layers(found)["directive"].state == "allows"
    assert "d-1 may restrict it" in layers(found)["directive"].text


def test_a_stage_for_everyone_needs_no_grant_and_says_its_share() -> None:
    world = World.opened(stages=[stage(), general(ramp=[{"share": 1, "for": "P9D"}, {"share": 100}])])
    name = account(world)
    digest = key(world, name, "a")
    credential = world.state.table.credentials[digest].id
    before = look(world, credential, digest)
    assert "application submit" in refusing(before, "grant", Reason.NOT_ADMITTED).would_change
    world.open(name=GENERAL)
    answer = refusing(look(world, credential, digest), "stage", Reason.STAGE_NOT_OPEN)
    assert "a share of all organizations" in answer.text
    assert layers(look(world, credential, digest))["grant"].state == "allows"
    for says in ("pauses", "continues"):
        world.must(worlds.moving(world.state, says, name=GENERAL))
    answer = refusing(look(world, credential, digest), "stage", Reason.STAGE_NOT_OPEN)
    assert {"stage.opened", "stage.ramped"} <= {*types(world, answer)}
    world.later(10)
    found = layers(look(world, credential, digest))
    assert f"{name} needs no grant" in found["grant"].text
    assert types(world, found["grant"]) == ["account.opened"]
    world.must(CloseAccount(name))
    answer = refusing(look(world, credential, digest), "grant", Reason.NOT_ADMITTED)
    assert f"{name} is closed" in answer.text


def test_each_layer_and_each_reason_of_the_table_has_its_words() -> None:
    assert WORDS.keys() == {each.name for each in LAYERS}
    decided_here = {reason for each in LAYERS if each.is_here for reason in each.reasons}
    assert remedies.REMEDIES.keys() == decided_here - {Reason.CREDENTIAL_MISSING}


def test_a_model_that_a_finding_suspends_says_who_closes_that() -> None:
    world = World.opened(
        findings={"levels": [{"name": "high", "respond": "suspend"}]}, models=(MODEL, "mini")
    )
    digest, credential = world.credential(world.admit())
    name = reported(world)
    answer = refusing(look(world, credential, digest), "stage", Reason.STAGE_NOT_OPEN)
    assert name in answer.text
    assert "a retest closes it" in answer.would_change
    assert types(world, answer) == ["finding.reported"]
