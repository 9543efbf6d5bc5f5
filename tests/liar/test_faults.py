"""Lies that were believed once: each is told by hand, as it was found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.applications import OpenAppeal
from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record import law
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.law import Breach, Support
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.terms.rule import Rule
from tests.core.access.test_vouch import asked, folded, honest, trust
from tests.forging import forged, openings, public_of, told
from tests.record.law.test_law import before, of_type
from tests.worlds import AGENCIES, DAY_MS, LOG, RELEASE, STAGE, World, plan_value, position, stage

LOOSE = Rule("anyOf", AGENCIES)
ANOTHER = "a case about the grant of another organization"


def without(entry: Entry, *fields: str) -> Entry:
    """An entry that does not say these."""
    public = {name: value for name, value in public_of(entry).items() if name not in fields}
    return forged(entry.type, public, entry.gate, entry.sealed, seq=entry.seq, at_ms=entry.at_ms)


def vouched(entries: list[Entry]) -> VouchedTable:
    table = VouchedTable(trust(LOOSE))
    folded(entries, table)
    return table


# The conditions that agencies signed


def conditional() -> World:
    """A grant on conditions that one of its agencies signed."""
    world = World.opened()
    case = world.submit()
    stricter = {"requestsPerMinute": 5}
    world.must(RecordPosition(position(case, "oncd", "approve-with-conditions", conditions=stricter)))
    world.say(case, "ostp")
    world.credential(case.grant)
    return world


def test_a_grant_that_says_no_conditions_has_not_those_that_its_agencies_signed() -> None:
    world = conditional()
    lied = [without(e, "conditions") if e.type == "grant.approved" else e for e in world.entries]
    believed, table = asked(folded(lied, Table())), vouched(lied)
    assert isinstance(believed, Allow)
    assert believed.requests_per_minute == 600
    assert not isinstance(asked(table), Allow)
    assert table.findings == {"grant.approved": 1}


def test_an_auditor_finds_that_too() -> None:
    world = conditional()
    entry = next(e for e in world.entries if e.type == "grant.approved")
    record = World(started=False).state.record
    for each in world.entries[: entry.seq]:
        record.apply(each)
    found = law.breach(record, without(entry, "conditions"), record.pinned(), LOG, Support.RECORD)
    assert found == Breach("is_carried", "conditions looser than those agreed to")


def test_a_grant_of_an_earlier_build_that_says_no_conditions_has_those_of_its_terms() -> None:
    entries = [without(e, "conditions") if e.type == "grant.approved" else e for e in honest().entries]
    table = vouched(entries)
    assert not table.findings
    assert asked(table) == asked(folded(honest().entries, Table()))


# Terms that went out of force

OTHER = plan_value(
    stages=[
        stage(
            conditions={"requestsPerMinute": 5, "validFor": "P3D"},
            admission={"mode": "approve", "grant": {"allOf": [*AGENCIES]}},
        )
    ]
)


def replaced(*, held: bool) -> tuple[World, list[Entry], str]:
    """A world in which other terms have come into force, and its log; with the old terms.

    `held`: the log kept back that the old terms were agreed to.
    """
    world = World.agreed()
    old = world.state.releases[RELEASE].terms[STAGE]
    decided = next(e for e in world.entries if e.type == "case.determined")
    world.apply(OTHER)
    world.agree()
    entries = [e for e in world.entries if not (held and e is decided)]
    applied = next(e for e in world.entries if e.type == "release.applied")
    return world, [*entries, applied, decided], old


@pytest.mark.parametrize("held", [False, True])
def test_old_terms_that_are_put_in_force_again_are_not_agreed_to_by_what_was_signed_before(
    *, held: bool
) -> None:
    world, entries, old = replaced(held=held)
    table = vouched([told(e, {}, at_ms=world.state.at_ms, seq=i) for i, e in enumerate(entries)])
    assert table.record.releases[RELEASE].terms[STAGE] == old
    assert old not in table.record.releases[RELEASE].agreed
    assert table.findings == {"case.determined": 1}


def test_they_are_if_the_agencies_sign_again() -> None:
    world, _, old = replaced(held=False)
    world.apply(plan_value())
    assert old not in world.state.releases[RELEASE].agreed
    world.agree()
    assert old in world.state.releases[RELEASE].agreed
    assert not vouched(world.entries).findings


# Whose grant it is


def named_alike(change: Callable[[World, str], None]) -> tuple[World, list[Entry]]:
    """Two grants whose names the log swapped, before the holder of the first asks for something about it."""
    world = World.opened()
    one, two = world.admit("org-1"), world.admit("org-2")
    world.now_ms += 15 * DAY_MS
    size = len(world.entries)
    change(world, one)
    swap = {one: two, two: one}
    swapped = [
        told(e, {"grant": swap[e.public["grant"]]}) if e.type == "grant.approved" else e
        for e in world.entries[:size]
    ]
    return world, [*swapped, *world.entries[size:]]


def renewed(world: World, grant: str) -> None:
    case = world.case(world.must(world.amend(grant, renew=True))["application"])
    for agency in ("oncd", "ostp"):
        world.say(case, agency)


def as_another(entries: list[Entry], organization: str, **gate: Any) -> list[Entry]:
    """The log says that amendments are of another organization."""
    named = openings({"organization": organization, **gate}, Entropy(bytes(32)))
    return [told(e, {}, named) if e.public.get("kind") == "amendment" else e for e in entries]


def test_a_renewal_renews_no_grant_of_another_organization() -> None:
    world, entries = named_alike(renewed)
    for lied in (entries, as_another(entries, "org-2")):
        believed = folded(lied, Table())
        (two,) = (row for row in believed.grants_by_id.values() if row.organization == "org-2")
        assert two.valid_until_ms == world.now_ms + 30 * DAY_MS
        table = vouched(lied)
        assert {row.valid_until_ms for row in table.grants_by_id.values()} == {world.now_ms + 15 * DAY_MS}
        assert table.findings == {"grant.amended": 1}


def test_another_dossier_changes_no_grant_of_another_organization() -> None:
    def changed(world: World, grant: str) -> None:
        dossier = {"organization": {"name": "Renamed", "registeredIn": "US"}}
        case = world.case(world.must(world.amend(grant, renew=True, dossier=dossier))["application"])
        for agency in ("oncd", "ostp"):
            world.say(case, agency)

    world, entries = named_alike(changed)
    assert vouched(entries).findings == {"grant.amended": 1}
    assert not vouched(world.entries).findings


def removed(world: World, grant: str) -> OpenAppeal:
    """A grant is removed; the appeal against that."""
    case = world.case(world.must(OpenRemoval(grant, "misuse", "why"))["case"])
    for agency in ("oncd", "ostp"):
        world.say(case, agency)
    world.later(11)
    return world.appeal(case.id)


def test_a_removal_that_was_wrong_brings_back_no_grant_of_another_organization() -> None:
    def reinstated(world: World, grant: str) -> None:
        appeal = world.case(world.must(removed(world, grant))["case"])
        for agency in sorted(appeal.parties):
            world.say(appeal, agency)

    world, entries = named_alike(reinstated)
    assert [reason for reason in vouched(entries).told if "(grant.reinstated)" in reason] == [
        f"entry {len(entries) - 1} (grant.reinstated) is not vouched for: {ANOTHER}"
    ]
    assert not vouched(world.entries).findings


# What an auditor could not bear


def test_an_opening_that_no_agency_has_to_agree_to_is_a_breach() -> None:
    entry = of_type("case.opened", kind="opening")
    record = before(entry.seq)
    name = entry.public["release"]
    plan = record.releases[name].plan
    stages = tuple(replace(each, opens_when=None) for each in plan.spec.stages)
    given = replace(plan, spec=replace(plan.spec, stages=stages))
    digest = entry.public["question"]["terms"]
    record.terms[digest] = replace(record.terms[digest], given=given)
    found = law.breach(record, entry, record.pinned(), LOG, Support.RECORD)
    assert found == Breach("asks_by_its_rule", "an opening that no agency has to agree to")
