"""What a finding does to requests while it is open: those for its model are held to a rate."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access import versions
from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate_record.statements.findings import GONE
from tests.core.access.test_vouch import folded, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.core.access.test_vouch_findings import answers
from tests.found import close, reported, retest
from tests.worlds import API, MODEL, World, plan_value

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


def test_a_plan_in_force_says_which_rate_it_is() -> None:
    world, digest = serving()
    reported(world, level="medium")
    levels = [*LEVELS[:1], {"name": "medium", "restrict": {"requestsPerMinute": 90}}, LEVELS[2]]
    world.apply(plan_value(findings={"levels": levels}))
    assert rate(world.state.table, digest) == 90


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
    assert versions.fold_version(plain.entries[-1]) == 12
