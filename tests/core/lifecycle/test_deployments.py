"""Statements of what serves a release: what rests on them, how long, and what a new safeguard does."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle import digests
from sluicegate.core.lifecycle.accounts import OpenAccount
from sluicegate.core.lifecycle.deployments import AttestDeployment, EndDeployment
from sluicegate.errors import InvalidInput
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log import dsse
from sluicegate_record.statements.deployments import DeploymentStatement
from sluicegate_record.terms.deployments import ServedModel
from tests.core.access.test_audience import AGREED
from tests.core.access.test_vouch import KEY, folded, moved, told, trust
from tests.worlds import (
    API,
    CODEX,
    DAY_MS,
    DEVELOPER,
    MODEL,
    OFFICER,
    RELEASE,
    STAGE,
    World,
    deployment,
    digest,
    plan_value,
    signed,
    stage,
)

ASKS = {"atMost": "P7D"}
UNATTESTED = Reason.DEPLOYMENT_UNATTESTED


def world(**changes: Any) -> World:
    """A stage that is open by terms that ask for statements, an organization and its key."""
    made = World.opened(**{"deployments": ASKS, **changes})
    made.credential(made.admit())
    return made


def asked(made: World, table: Table | None = None, *, in_ms: int = 0, **changes: Any) -> Allow | Deny:
    ask = Ask(**{"digest": KEY, "model": MODEL, "surface": API, **changes})
    now_ms = made.now_ms + in_ms
    return decision.decide(ask, table or made.state.table, Instant(now_ms, now_ms))


def reason(answer: Allow | Deny) -> str:
    return answer.reason if isinstance(answer, Deny) else "allowed"


def served(made: World, **changes: Any) -> tuple[ServedModel, ...]:
    """What the plan names, but for these fields."""
    return tuple(replace(each, **changes) for each in digests.planned(made.state.releases[RELEASE]))


def test_without_a_statement_no_request_is_allowed_and_the_refusal_says_why() -> None:
    made = world()
    refused = asked(made)
    assert isinstance(refused, Deny)
    assert (refused.reason, refused.status, refused.may_retry) == (UNATTESTED, 403, False)
    assert "deployment show" in refused.remedy
    assert reason(asked(made, model="other")) == Reason.MODEL_NOT_FOUND
    made.must(deployment(made.state))
    assert reason(asked(made)) == "allowed"


def test_a_plan_that_does_not_ask_goes_on_as_before() -> None:
    made = world(deployments=None)
    answer = asked(made)
    assert isinstance(answer, Allow)
    before = answer.until_ms
    made.must(deployment(made.state, serves=served_otherwise(made)))
    answer = asked(made)
    assert isinstance(answer, Allow)
    assert answer.until_ms == before


def served_otherwise(made: World) -> tuple[ServedModel, ...]:
    return served(made, safeguards=digest("other"))


@pytest.mark.parametrize("field", ["model", "upstream", "digest", "safeguards"])
def test_a_statement_about_something_else_is_none(field: str) -> None:
    made = world()
    other = digest("other") if field in {"digest", "safeguards"} else "other"
    made.must(deployment(made.state, serves=served(made, **{field: other})))
    assert reason(asked(made)) == UNATTESTED


def test_a_statement_counts_on_the_surfaces_that_it_names() -> None:
    made = world()
    grant = made.admit(surface=CODEX)
    made.credential(grant, key="key-2")
    (planned,) = served(made)
    made.must(deployment(made.state, serves=(replace(planned, surfaces=(CODEX,)),)))
    assert reason(asked(made)) == UNATTESTED
    made.must(deployment(made.state, serves=(replace(planned, surfaces=(API,)),)))
    assert reason(asked(made)) == "allowed"


def test_a_yes_ends_with_its_statement_or_when_that_is_too_old_for_the_terms() -> None:
    made = world()
    made.must(deployment(made.state, until_ms=made.state.at_ms + DAY_MS))
    answer = asked(made)
    assert isinstance(answer, Allow)
    assert answer.until_ms == made.state.record.deployments[RELEASE].until_ms
    left_ms = answer.until_ms - made.now_ms
    assert reason(asked(made, in_ms=left_ms - 1)) == "allowed"
    assert reason(asked(made, in_ms=left_ms)) == UNATTESTED
    made.must(deployment(made.state, until_ms=made.state.at_ms + 30 * DAY_MS))
    answer = asked(made)
    assert isinstance(answer, Allow)
    assert answer.until_ms == made.state.record.deployments[RELEASE].signed_at_ms + 7 * DAY_MS
    shown = digests.view(made.state, made.state.record.deployments[RELEASE], made.now_ms)
    assert shown.until_ms == answer.until_ms


def test_another_safeguard_is_another_digest_and_says_what_rested_on_the_first() -> None:
    made = world()
    made.must(deployment(made.state))
    first = made.state.releases[RELEASE].plan.spec.models[0].safeguards
    value = plan_value(deployments=ASKS)
    value["spec"]["models"][0]["safeguards"] = digest("safer")
    made.apply(value)
    made.agree()
    made.open()
    assert reason(asked(made)) == "allowed", "what is served has not changed yet"
    made.must(deployment(made.state))
    assert reason(asked(made)) == UNATTESTED, "the grant's terms name the first safeguard"
    new, old = digests.resting(made.state, made.state.releases[RELEASE], made.now_ms, counts=True)
    assert (new.safeguards, new.grants, new.surfaces) == (digest("safer"), 0, (API, CODEX))
    assert (new.stages, new.open_stages) == ((STAGE,), (STAGE,))
    assert (old.safeguards, old.grants, old.surfaces, old.stages) == (first, 1, (), ())
    (grant,) = made.state.grants
    case = made.case(made.must(made.amend(grant, renew=True))["application"])
    made.all_say(case, "oncd approve", "ostp approve")
    assert reason(asked(made)) == "allowed", "its renewal rests on what is served"


def test_a_statement_that_is_taken_back_ends_what_rests_on_it_at_once() -> None:
    made = world()
    made.must(deployment(made.state))
    made.must(EndDeployment(RELEASE, "another model was served"))
    assert reason(asked(made)) == UNATTESTED
    assert made.refused(EndDeployment(RELEASE, "again")) == "deployment_none"
    made.must(deployment(made.state))
    assert reason(asked(made)) == "allowed"


def test_the_same_statement_again_changes_nothing_and_an_earlier_one_does_not_come_back() -> None:
    made = world()
    first, size = deployment(made.state), made.state.size
    made.must(first)
    made.must(first)
    assert made.types(size) == ["deployment.attested"]
    made.must(deployment(made.state, serves=served_otherwise(made)))
    assert made.refused(first) == "deployment_moved"
    made.must(EndDeployment(RELEASE, "wrong"))
    assert made.refused(first) == "deployment_moved"


def test_what_was_taken_back_is_not_entered_again() -> None:
    made = world()
    only = deployment(made.state)
    made.must(only)
    made.must(EndDeployment(RELEASE, "wrong"))
    assert made.refused(only) == "deployment_moved"


def test_what_was_signed_and_sent_after_its_end_is_refused() -> None:
    made = world()
    late = deployment(made.state, until_ms=made.state.at_ms + DAY_MS)
    made.now_ms = made.state.at_ms + DAY_MS
    assert made.refused(late) == "deployment_over"
    made.now_ms -= 1
    made.must(late)


def test_only_the_developer_says_it() -> None:
    made = world()
    assert made.refused(deployment(made.state, signer="oncd")) == "key_of_another_party"
    assert made.refused(deployment(made.state, log="other")) == "other_log"
    assert made.refused(deployment(made.state, release="gpt-none")) == "release_unknown"


def test_a_stage_for_everyone_rests_on_a_statement_too() -> None:
    general = {"audience": "everyone", "admission": None, "conditions": {"requestsPerMinute": 60}, **AGREED}
    made = World.opened(stages=[stage(), stage("general", **general)], deployments=ASKS)
    made.open(name="general")
    account = made.must(OpenAccount("org-a", {"organization": {"name": "org-a", "registeredIn": "US"}}))
    made.credential(account["account"])
    assert reason(asked(made)) == UNATTESTED
    made.must(deployment(made.state))
    answer = asked(made)
    assert isinstance(answer, Allow)
    assert answer.until_ms == made.state.record.deployments[RELEASE].until_ms
    made.must(EndDeployment(RELEASE, "wrong"))
    assert reason(asked(made)) == UNATTESTED


def test_a_grant_that_asks_for_none_is_not_lost_to_a_stage_for_everyone_that_does() -> None:
    """It goes on as part of that stage, which answers no one yet."""
    general = {"audience": "everyone", "admission": None, "conditions": {"requestsPerMinute": 60}, **AGREED}
    made = World.opened()
    made.credential(made.admit())
    becoming = stage("general", grants={STAGE: {"become": "general"}}, **general)
    made.apply(plan_value(stages=[stage(), becoming], deployments=ASKS))
    made.agree()
    made.open(name="general")
    answer = asked(made)
    assert isinstance(answer, Allow)
    assert answer.stage == STAGE
    made.must(deployment(made.state))
    answer = asked(made)
    assert isinstance(answer, Allow)
    assert answer.stage == "general"


# A gateway with a trust file


def vouched(made: World, entries: list[Entry] | None = None) -> VouchedTable:
    return folded(list(made.entries) if entries is None else entries, VouchedTable(trust()))


def test_a_gateway_that_checks_signatures_asks_for_the_developers() -> None:
    made = world()
    assert reason(asked(made, vouched(made))) == UNATTESTED
    made.must(deployment(made.state))
    assert reason(asked(made, vouched(made))) == "allowed"
    made.must(EndDeployment(RELEASE, "wrong"))
    assert reason(asked(made, vouched(made))) == UNATTESTED


def lied(made: World, **said: Any) -> list[Entry]:
    """The last statement, said otherwise by the control plane."""
    entries = list(made.entries)
    (place,) = [entry.seq for entry in entries if entry.type == "deployment.attested"][-1:]
    entries[place] = told(entries[place], said)
    return entries


def test_a_statement_that_no_officer_signed_counts_nowhere_but_where_the_log_is_believed() -> None:
    made = world()
    made.must(deployment(made.state))
    stated = DeploymentStatement.read(newest(made).envelope)
    envelope = signed(stated.payload(), "oncd")
    lie = lied(made, envelope=envelope.to_json(), digest=envelope.digest)
    assert reason(asked(made, folded(lie, Table()))) == "allowed"
    found = vouched(made, lie)
    assert reason(asked(made, found)) == UNATTESTED
    assert found.findings == {"deployment.attested": 1}


def newest(made: World) -> Any:
    return [entry.body for entry in made.entries if entry.type == "deployment.attested"][-1]


def test_a_statement_lasts_no_longer_than_was_signed() -> None:
    made = world()
    made.must(deployment(made.state, until_ms=made.state.at_ms + DAY_MS))
    lie = lied(made, until="2027-01-01T00:00:00.000Z")
    later = {"in_ms": 2 * DAY_MS}
    assert reason(asked(made, folded(lie, Table()), **later)) == "allowed"
    assert reason(asked(made, vouched(made, lie), **later)) == UNATTESTED


def test_an_earlier_statement_does_not_come_back_after_another_one() -> None:
    made = world()
    made.must(deployment(made.state))
    first = made.entries[-1]
    made.must(deployment(made.state, serves=served_otherwise(made)))
    lie = [*made.entries, moved(first, len(made.entries))]
    assert reason(asked(made, folded(lie, Table()))) == "allowed"
    assert reason(asked(made, vouched(made, lie))) == UNATTESTED


def test_an_unsigned_end_applies_because_it_narrows_and_harms_no_later_statement() -> None:
    made = world()
    made.must(deployment(made.state))
    made.must(EndDeployment(RELEASE, "wrong"))
    made.must(deployment(made.state))
    assert reason(asked(made, vouched(made))) == "allowed"
    other = told(made.entries[-2], {"deployment": digest("other")})
    lie = [*made.entries[:-2], other, made.entries[-1]]
    assert reason(asked(made, vouched(made, lie))) == "allowed"


# What is no statement


def of(made: World, **said: Any) -> AttestDeployment:
    return deployment(made.state, **said)


@pytest.mark.parametrize(
    "said",
    [
        {"serves": ()},
        {"signed_at_ms": None},
        {"until_ms": 0},
    ],
    ids=repr,
)
def test_what_is_no_statement_is_refused(said: dict[str, Any]) -> None:
    made = world()
    with pytest.raises(InvalidInput):
        made.do(of(made, **said))


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "sha256:00"},
        {"safeguards": "none"},
        {"model": ""},
        {"upstream": "up\u202estream"},
        {"surfaces": ()},
        {"surfaces": (API, API)},
        {"surfaces": tuple(f"s-{number}" for number in range(51))},
    ],
    ids=repr,
)
def test_what_serves_nothing_in_particular_is_refused(changes: dict[str, Any]) -> None:
    made = world()
    with pytest.raises(InvalidInput):
        made.do(of(made, serves=served(made, **changes)))


def test_a_statement_for_longer_than_ninety_days_is_refused() -> None:
    made = world()
    made.must(of(made, until_ms=made.state.at_ms + 90 * DAY_MS))
    with pytest.raises(InvalidInput, match="at most 90 days"):
        made.do(of(made, until_ms=made.state.at_ms + 90 * DAY_MS + 1))


def test_what_is_signed_names_its_subjects() -> None:
    made = world()
    statement = dsse.parse_statement(of(made).envelope, "urn:sluicegate:deployment:v1")
    named = f"{MODEL} at demo on {API}, {CODEX}"
    assert statement.subjects == {
        named: digest(MODEL).removeprefix("sha256:"),
        f"safeguards of {named}": digest("safe").removeprefix("sha256:"),
    }
    assert made.state.record.pinned().owners(of(made).envelope, DEVELOPER) == {OFFICER}
