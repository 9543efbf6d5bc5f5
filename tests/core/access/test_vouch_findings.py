"""A control plane that lies about findings, to a gateway that checks signatures itself."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.findings import GONE, RETESTS, FindingStatement
from tests.core.access.test_vouch import folded, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.found import LEVELS, TESTED, close, misuse, reported, retest, spec, word
from tests.worlds import DEVELOPER, OFFICER, RELEASE, World, plan_value


def waiting(**changes: Any) -> tuple[World, str]:
    """A world with a finding that keeps its stage closed."""
    world = World()
    world.apply(plan_value(**spec(**changes)))
    name = reported(world)
    world.agree()
    return world, name


def answers(liar: Liar, found: Envelope, **otherwise: Any) -> None:
    """The control plane puts a word on the record, or says something else of it."""
    stated = FindingStatement.read(found)
    left_out = {"log", "previous", "signedAt"}
    said = {name: value for name, value in stated.to_json().items() if name not in left_out}
    signed_by = {"owner": stated.party, "digest": found.digest, "envelope": found.to_json()}
    liar.write("finding.answered", {**said, "release": RELEASE, **signed_by, **otherwise})


def lying(world: World, found: Envelope, **otherwise: Any) -> Liar:
    liar = Liar(world)
    answers(liar, found, **otherwise)
    liar.opens("terms", "noOpenFindings")
    return liar


def test_a_stage_opens_there_too_by_a_retest_that_its_party_signed() -> None:
    world, name = waiting()
    close(world, name)
    assert Liar(world).is_open(VouchedTable(trust()))


def test_no_stage_opens_over_an_open_finding() -> None:
    liar = Liar(waiting()[0])
    liar.opens("terms", "noOpenFindings")
    liar.stays_closed()


@pytest.mark.parametrize("level", [2, 3])
def test_no_stage_opens_over_a_finding_for_which_the_plan_halts_or_suspends(level: int) -> None:
    world = World()
    world.apply(plan_value(**spec(None, levels=LEVELS)))
    reported(world, level=LEVELS[level]["name"])
    world.agree()
    liar = Liar(world)
    liar.opens("terms")
    liar.stays_closed()


@pytest.mark.parametrize("signer", ["oncd", OFFICER, "nobody"])
def test_no_finding_is_closed_by_a_retest_that_another_signed(signer: str) -> None:
    world, name = waiting()
    lying(world, retest(name, world, signer=signer).envelope).stays_closed()


def test_no_finding_is_closed_by_the_developer() -> None:
    world, name = waiting()
    lying(world, retest(name, world, DEVELOPER).envelope, owner=OFFICER).stays_closed()


def test_no_finding_is_closed_by_a_retest_of_another_finding() -> None:
    world, name = waiting()
    other = reported(world, text="another one")
    lying(world, retest(other, world).envelope, finding=name).stays_closed()


def test_no_finding_is_closed_by_a_retest_that_found_it_again() -> None:
    world, name = waiting()
    lying(world, retest(name, world, gone=False).envelope, outcome=GONE).stays_closed()


def test_no_finding_is_closed_by_a_retest_for_another_log() -> None:
    world, name = waiting()
    lying(world, retest(name, world, log="another").envelope).stays_closed()


def test_no_finding_is_closed_by_a_retest_that_comes_again() -> None:
    world, name = waiting(when_lost="close")
    early = retest(name, world).envelope
    world.must(retest(name, world))
    world.must(retest(name, world, "oncd", gone=False))
    lying(world, early).stays_closed()


def test_a_report_that_no_one_signed_narrows_all_the_same() -> None:
    """A control plane that invents findings closes stages, which it could do anyway."""
    world = World()
    world.apply(plan_value(**spec()))
    world.agree()
    liar = Liar(world)
    table = VouchedTable(trust())
    assert liar.is_open(table)
    found = word("caisi", RETESTS, finding="finding_0", outcome=GONE, tested=TESTED, previous="sha256:0")
    about = {"kind": "jailbreak", "level": "high", "text": "x", "model": "m", "tested": TESTED.to_json()}
    by = {"party": "caisi", "owner": "caisi", "digest": "sha256:0", "envelope": found.to_json()}
    liar.write("finding.reported", {"finding": "finding_0", "release": RELEASE, **about, **by})
    folded(liar.entries, table := VouchedTable(trust()))
    assert [each.is_open for each in table.record.findings_of(RELEASE)] == [True]
    assert table.findings["finding.reported"] == 1


def test_no_grant_is_freed_by_who_only_a_new_plan_names() -> None:
    agencies = {each: {"name": each.upper()} for each in ("oncd", "ostp")}
    terms: dict[str, Any] = {"agencies": agencies, "findings": {"misuse": {"suspendedBy": ["oncd"]}}}
    world = World.opened(**terms)
    grant = world.admit()
    name = world.must(misuse(world, grant, "oncd"))["finding"]
    world.apply(plan_value(**terms, evaluators={"caisi": {"name": "A friend"}}))
    liar = Liar(world)
    answers(liar, retest(name, world, "caisi", tested=None).envelope)
    liar.write("grant.resumed", {"grant": grant})
    believing, vouched = Table(), VouchedTable(trust())
    for table in (believing, vouched):
        folded(liar.entries, table)
    assert believing.grants_by_id[grant].barred is None, "not even believed"
    assert vouched.grants_by_id[grant].barred is not None
