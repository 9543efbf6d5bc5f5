"""A control plane that lies about designations, to a gateway that checks signatures itself."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate_record.entries import Entry
from sluicegate_record.log import times
from tests.core.access.test_vouch import KEY, asked, folded, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.core.lifecycle.test_designations import (
    command,
    designate,
    plan_of,
    reconsidered,
    terms,
    word,
    world,
)
from tests.worlds import OFFICER, RELEASE, STAGE, Followed, World, looser, signed


def may(entries: list[Entry], table: Table, at_ms: int) -> bool:
    return isinstance(asked(folded(entries, table), at_ms=at_ms), Allow)


def own(made: World) -> str:
    return made.state.releases[RELEASE].own_terms[STAGE]


def designated() -> tuple[World, Followed]:
    """A designation holds, and the two agencies of the plan's own rule have approved an application."""
    made = world()
    designate(made)
    case = made.submit()
    made.all_say(case, "oncd approve", "ostp approve")
    return made, case


def granted(liar: Liar, case: Followed, under: str) -> None:
    """The control plane decides a case, and makes a key for it."""
    liar.write("case.determined", {"case": case.id, "outcome": "approved"})
    about = {"release": RELEASE, "stage": STAGE, "surface": case.question.surface}
    about["validFrom"] = times.format_time(liar.world.now_ms)
    given = {**about, "grant": "grant_lie", "case": case.id, "terms": under, "party": case.question.party}
    liar.write("grant.approved", given, organization="org-1")
    liar.write("credential.issued", {"credential": "cred_lie", "grant": "grant_lie"}, digest=KEY.hex())


def refused(liar: Liar) -> VouchedTable:
    """What the lies give is believed by a gateway that checks nothing, and not where signatures count."""
    at_ms = liar.world.now_ms
    assert may(liar.entries, Table(), at_ms), "not even believed"
    table = VouchedTable(trust())
    assert not may(liar.entries, table, at_ms)
    return table


def taken_back(liar: Liar, signer: str) -> None:
    """A withdrawal that the designating agency did not sign."""
    stated = word(liar.world, says="withdraws")
    said = {"release": RELEASE, "agency": "oncd", "owner": "oncd", "says": "withdraws", "model": stated.model}
    envelope = signed(stated.payload(), signer)
    more = {
        "class": stated.class_,
        "statement": "",
        "digest": envelope.digest,
        "envelope": envelope.to_json(),
    }
    liar.write("designation.recorded", {**said, **more, "statement": ""})


def test_an_honest_designation_is_honoured() -> None:
    made, case = designated()
    made.say(case, "caisi")
    made.credential(case.grant, "key-1")
    table = VouchedTable(trust())
    folded(made.entries, table)
    assert (dict(table.findings), terms(made) in table.open_terms) == ({}, True)
    assert table.record.releases[RELEASE].terms[STAGE] == terms(made) != own(made)


@pytest.mark.parametrize("signer", [OFFICER, "ostp", "log"])
def test_a_designation_that_is_forged_away_still_holds(signer: str) -> None:
    made, case = designated()
    liar = Liar(made)
    taken_back(liar, signer)
    granted(liar, case, own(made))
    table = refused(liar)
    assert table.findings["designation.recorded"] == 1
    assert table.record.releases[RELEASE].terms[STAGE] == terms(made)


def test_no_one_is_admitted_by_the_rule_without_the_added_agency() -> None:
    made, case = designated()
    for under in (terms(made), own(made)):
        liar = Liar(made)
        granted(liar, case, under)
        refused(liar)


def test_a_withdrawal_from_before_is_not_told_again() -> None:
    made = world()
    designate(made)
    designate(made, says="withdraws")
    before = made.entries[-1]
    designate(made, statement="it is one")
    case = made.submit()
    made.all_say(case, "oncd approve", "ostp approve")
    liar = Liar(made)
    liar.again(before)
    granted(liar, case, own(made))
    assert "does not follow" in " ".join(refused(liar).told)


@pytest.mark.parametrize("is_new", [False, True])
def test_a_plan_does_not_forget_the_designations_that_hold(is_new: bool) -> None:
    made, case = designated()
    liar = Liar(made)
    made.apply(plan_of(**({"stages": [looser()]} if is_new else {"onRefusal": {"fallbackModel": "gpt-5.5"}})))
    applied = next(entry for entry in reversed(made.entries) if entry.type == "release.applied")
    value = {name: each for name, each in applied.public.items() if name != "raised"}
    liar.write("release.applied", {**value, "tightened": {}})
    granted(liar, case, own(made))
    table = VouchedTable(trust())
    assert not may(liar.entries, table, made.now_ms)
    assert table.findings["release.applied"] == 1
    assert table.record.releases[RELEASE].terms[STAGE] == terms(made) != own(made)


def test_a_designation_that_was_left_out_is_missed_by_the_next_word_of_its_agency() -> None:
    made = world()
    size = made.state.size
    designate(made)
    designate(made, statement="it still is")
    liar = Liar(made)
    liar.entries = liar.entries[:size]
    liar.again(made.entries[-1])
    table = VouchedTable(trust())
    folded(liar.entries, table)
    assert "does not follow the one before it" in " ".join(table.told)


def test_a_designation_is_what_was_signed_whatever_the_control_plane_says_follows() -> None:
    made = world()
    before = own(made)
    designate(made)
    liar = Liar(made)
    entry = liar.entries.pop()
    liar.again(entry, {"raised": {}})
    table = VouchedTable(trust())
    folded(liar.entries, table)
    assert table.findings["designation.recorded"] == 1
    assert table.record.releases[RELEASE].terms[STAGE] == terms(made) != before
    assert terms(made) in table.open_terms


def test_a_designation_that_is_made_up_changes_nothing_and_is_told() -> None:
    made = world()
    made.credential(made.admit(), "key-1")
    liar = Liar(made)
    designate(made)
    entry = made.entries[-1]
    forged = signed(word_before(made).payload(), OFFICER)
    liar.again(entry, {"envelope": forged.to_json(), "digest": forged.digest})
    table = VouchedTable(trust())
    assert may(liar.entries, table, made.now_ms)
    assert table.record.releases[RELEASE].terms[STAGE] == own(made)
    assert "its agency did not sign" in " ".join(table.told)


def word_before(made: World) -> Any:
    """The first word of the agency."""
    return word(made, previous=None)


def test_no_designation_ends_by_a_case_that_its_rule_does_not_carry() -> None:
    made, during = designated()
    case = reconsidered(made)
    liar = Liar(made)
    liar.write("case.determined", {"case": case.id, "outcome": "approved"})
    ended = {"release": RELEASE, "designation": case.question.designation, "case": case.id}
    liar.write("designation.ended", ended)
    granted(liar, during, own(made))
    assert refused(liar).findings["designation.ended"] == 1


def test_a_designation_that_its_agency_withdraws_is_over_there_too() -> None:
    made = world()
    designate(made)
    made.must(command(word(made, says="withdraws")))
    made.credential(made.admit(), "key-1")
    assert may(made.entries, VouchedTable(trust()), made.now_ms)
