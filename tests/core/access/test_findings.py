"""What a finding does to requests while it is open: those for its model are held to a rate."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts.act import DEVELOPER as DEVELOPER_ROLE
from sluicegate.core.access import obstacles, versions
from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.ports import Principal
from sluicegate.service import limits
from sluicegate_record.statements.findings import FIXES, GONE
from sluicegate_record.terms.plan import ModelDigests
from tests.core.access.test_vouch import folded, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.core.access.test_vouch_findings import answers
from tests.found import TESTED, close, reported, retest, say
from tests.worlds import API, DEVELOPER, MODEL, RELEASE, STAGE, World, plan_value
from tests.worlds import digest as digest_of

LEVELS: tuple[dict[str, Any], ...] = (
    {"name": "low"},
    {"name": "medium", "restrict": {"requestsPerMinute": 60}},
    {"name": "high", "restrict": {"requestsPerMinute": 6}},
)


def serving(levels: Any = LEVELS) -> tuple[World, bytes]:
    """A world with a plan of these levels, and a key in it, whose grant has 600 requests a minute."""
    world = World.opened(findings={"levels": list(levels)})
    return world, world.credential(world.admit())[0]


def rate(table: Table, digest: bytes, model: str = MODEL) -> int | None:
    now_ms = World().now_ms + 1_000
    found = decide(Ask(digest, model, API), table, Instant(now_ms, now_ms))
    assert isinstance(found, Allow), found
    return found.requests_per_minute


@pytest.mark.parametrize("level", ["low", "medium", "high"])
def test_requests_are_held_to_the_rate_of_its_level_until_it_is_closed(level: str) -> None:
    world, digest = serving()
    table = world.state.table
    name = reported(world, level=level)
    assert rate(table, digest) == {"low": 600, "medium": 60, "high": 6}[level]
    close(world, name)
    assert rate(table, digest) == 600
    assert not table.directed
    world.must(retest(name, world, "oncd", gone=False))
    assert rate(table, digest) == {"low": 600, "medium": 60, "high": 6}[level]


def test_the_lowest_rate_of_several_findings_and_directives_holds() -> None:
    world, digest = serving()
    medium, high = reported(world, level="medium"), reported(world, level="high")
    world.direct("slow", action="restrict", conditions={"requestsPerMinute": 30})
    assert rate(world.state.table, digest) == 6
    close(world, high)
    assert rate(world.state.table, digest) == 30
    world.lift("slow")
    assert rate(world.state.table, digest) == 60
    close(world, medium)
    assert rate(world.state.table, digest) == 600


def test_no_directive_takes_the_place_of_a_finding() -> None:
    world, digest = serving()
    name = reported(world, level="high")
    world.direct(name, action="restrict", conditions={"requestsPerMinute": 30})
    world.lift(name)
    assert rate(world.state.table, digest) == 6
    assert name not in world.state.table.directives


def test_another_model_is_not_held_to_it() -> None:
    world = World()
    world.apply(plan_value(models=(MODEL, "mini"), findings={"levels": list(LEVELS)}))
    world.agree()
    world.open()
    digest, _ = world.credential(world.admit())
    reported(world, level="high")
    assert [rate(world.state.table, digest, model) for model in (MODEL, "mini")] == [6, 600]


@pytest.mark.parametrize("is_agreed", [False, True])
def test_the_terms_of_a_grant_say_which_rate_it_is_whatever_a_later_plan_says(*, is_agreed: bool) -> None:
    world, digest = serving()
    reported(world, level="medium")
    world.apply(plan_value(findings={"levels": [{"name": "medium"}]}))
    if is_agreed:
        world.agree()
        world.open()
    assert rate(world.state.table, digest) == 60
    other, _ = world.credential(world.admit("org-2"), "key-2") if is_agreed else (None, None)
    if other is not None:
        assert rate(world.state.table, other) == 600


SUSPENDING: tuple[dict[str, Any], ...] = (
    {"name": "low"},
    {"name": "high", "fix": "P7D", "overdue": "suspend"},
    {"name": "critical", "respond": "suspend"},
)


def suspending(**changes: Any) -> tuple[World, bytes]:
    """A world with two models, one of which findings of the highest level suspend, and a key for both."""
    world = World()
    world.apply(plan_value(models=(MODEL, "mini"), findings={"levels": list(SUSPENDING)}, **changes))
    world.agree()
    world.open()
    return world, world.credential(world.admit())[0]


def refused(table: Table, digest: bytes, model: str = MODEL, now_ms: int = 0) -> str:
    """Why a request is refused; empty if it is allowed."""
    at_ms = (now_ms or World().now_ms) + 1_000
    found = decide(Ask(digest, model, API), table, Instant(at_ms, at_ms))
    return "" if isinstance(found, Allow) else found.reason.value


def test_what_suspends_one_of_several_models_leaves_the_others() -> None:
    world, digest = suspending()
    table, name = world.state.table, reported(world, level="critical")
    assert [refused(table, digest, model) for model in (MODEL, "mini")] == ["stage_not_open", ""]
    assert world.state.record.lacking[world.state.releases[RELEASE].terms[STAGE]].then == "halt"
    close(world, name)
    assert [refused(table, digest, model) for model in (MODEL, "mini")] == ["", ""]


def test_a_stage_closes_when_no_model_is_left() -> None:
    world, digest = suspending()
    mini = ModelDigests(digest=digest_of("mini"), safeguards=TESTED.safeguards)
    reported(world, level="critical")
    assert "stage.closed" not in world.types()
    reported(world, level="critical", model="mini", tested=mini)
    assert world.types()[-1] == "stage.closed"
    assert {refused(world.state.table, digest, model) for model in (MODEL, "mini")} == {"stage_not_open"}


def test_what_is_late_suspends_a_model_until_it_is_found_gone() -> None:
    world, digest = suspending()
    name = reported(world, level="high")
    assert refused(world.state.table, digest) == ""
    world.later(8)
    assert refused(world.state.table, digest, now_ms=world.now_ms) == "stage_not_open"
    assert refused(world.state.table, digest, "mini", world.now_ms) == ""
    say(world, name, DEVELOPER, FIXES)
    assert refused(world.state.table, digest, now_ms=world.now_ms) == "stage_not_open"
    close(world, name)
    assert refused(world.state.table, digest, now_ms=world.now_ms) == ""


def test_another_name_for_the_same_weights_escapes_no_finding() -> None:
    world, digest = suspending()
    reported(world, level="critical")
    value = plan_value(models=("renamed", "mini"), findings={"levels": list(SUSPENDING)})
    value["spec"]["models"][0]["digest"] = digest_of(MODEL)
    world.apply(value)
    world.agree()
    assert refused(world.state.table, digest, "renamed")
    terms = world.state.releases[RELEASE].terms[STAGE]
    assert set(world.state.table.weak[terms]) == {"renamed"}


def test_a_refusal_names_the_finding_and_all_that_is_behind_it() -> None:
    world, digest = suspending()
    name = reported(world, level="critical")
    at_ms = world.now_ms + 1_000
    found = obstacles.find(Ask(digest, MODEL, API), world.state.table, Instant(at_ms, at_ms))
    assert [name in each.text for each in found.refusals] == [True]
    assert found.allowed is not None


def test_what_limits_a_grant_says_so() -> None:
    world, digest = suspending()
    name = reported(world, level="critical")
    row = world.state.table.credentials[digest].grant
    developer = Principal("officer", DEVELOPER_ROLE, "an officer")
    held = world.state.grants[row.id]
    said = [each.words for each in limits.limits(world.state, developer, held, world.now_ms)]
    assert said == [f"finding {name} suspends {MODEL}"]


def test_a_control_plane_that_closes_nothing_still_serves_no_suspended_model() -> None:
    world, digest = suspending()
    size = len(world.entries)
    reported(world, level="critical")
    entries = [each for each in world.entries if each.seq <= size]
    for table in (Table(), VouchedTable(trust(upstreams={MODEL: "demo", "mini": "demo"}))):
        assert refused(folded(entries, table), digest)


def test_a_gateway_with_a_trust_file_frees_no_one_by_a_retest_that_another_signed() -> None:
    world, digest = serving()
    name = reported(world, level="high")
    liar = Liar(world)
    answers(liar, retest(name, world, signer="oncd").envelope, outcome=GONE)
    assert rate(folded(liar.entries, Table()), digest) == 600
    assert rate(folded(liar.entries, VouchedTable(trust())), digest) == 6


def test_an_earlier_gateway_gets_no_lease_for_a_log_with_findings() -> None:
    world, _ = serving()
    assert max(map(versions.fold_version, world.entries)) == 12
    plain = World.opened()
    assert max(map(versions.fold_version, plain.entries)) < 12
    reported(plain)
    assert versions.fold_version(plain.entries[-1]) == 20
