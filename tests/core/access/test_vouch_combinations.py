"""Lies for which two honest mechanisms have to be together, to a gateway that checks signatures itself."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.accounts import OpenAccount
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate_record.entries import Entry
from sluicegate_record.log import times
from tests.core.access.test_ramps import ramped
from tests.core.access.test_vouch import KEY, asked, folded, honest, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.core.access.test_vouch_lists import keyed
from tests.listing import LISTED, applying, opening_account, party
from tests.worlds import RELEASE, STAGE, World, closing, looser, plan_value, stage


def applied(made: World, value: dict[str, Any]) -> Entry:
    """The entry by which another world puts a plan in force."""
    other = World()
    other.apply(value)
    return next(each for each in other.entries if each.type == "release.applied")


@pytest.mark.parametrize(
    "lie", [{}, {"tightened": True}, {"raised": True}], ids=["told", "tightened", "raised"]
)
def test_a_closed_release_gets_no_plan_whatever_else_is_untrue_of_it(lie: list[str]) -> None:
    """What is only said wrongly of a plan is set right, but not of a plan that may not be applied at all."""
    made = honest()
    made.must(closing(made.state))
    before = made.state.releases[RELEASE]
    liar = Liar(made)
    said = {name: {STAGE: before.terms[STAGE]} for name in lie}
    liar.again(applied(made, plan_value(stages=[looser()])), said)
    table = folded(liar.entries, VouchedTable(trust()))
    assert table.findings["release.applied"] == 1
    assert table.record.releases[RELEASE] == before


def removed(made: World, organization: str) -> str:
    """Agencies admit an organization, and remove it; its grant."""
    grant = made.admit(organization)
    case = made.case(made.must(OpenRemoval(grant, "misuse", "a notice"))["case"])
    made.all_say(case, "oncd approve", "ostp approve")
    made.later(11)
    assert made.state.grants[grant].standing == "removed"
    return grant


def test_who_was_removed_is_not_let_in_by_a_stage_for_everyone_behind_a_grant_that_is_none() -> None:
    made = ramped(ramp=[{"share": 100}])
    grant = removed(made, "org-1")
    dossier = {"organization": {"name": "org-1", "registeredIn": "US"}}
    account = made.must(OpenAccount("org-1", dossier))["account"]
    made.must(IssueCredential(account, KEY.hex()))
    liar = Liar(made)
    first = next(each for each in liar.entries if each.public.get("grant") == grant)
    liar.again(first, {"grant": "grant_lie"})
    liar.refused()


@pytest.mark.parametrize("how", ["expired", "surrendered"])
@pytest.mark.parametrize("is_suspended", [False, True])
def test_a_removal_is_not_covered_by_a_milder_end_where_a_stage_is_for_everyone(
    how: str, is_suspended: bool
) -> None:
    made = ramped(ramp=[{"share": 100}])
    grant = removed(made, "org-1")
    dossier = {"organization": {"name": "org-1", "registeredIn": "US"}}
    made.must(IssueCredential(made.must(OpenAccount("org-1", dossier))["account"], KEY.hex()))
    liar, about = Liar(made), {"grant": grant, "case": made.state.grants[grant].case}
    if is_suspended:
        liar.write("grant.suspended", {**about, "reasonCode": "misuse"})
    liar.write("grant.ended", {**about, "how": how})
    table = folded(liar.entries, VouchedTable(trust()))
    assert isinstance(asked(table, at_ms=made.now_ms + 1_000), Deny)
    assert table.record.grants[grant].standing == "removed"


def test_who_was_removed_before_is_not_let_in_by_a_list_of_a_later_stage() -> None:
    """Its agencies agreed to a name. That the name is of who was removed, they were not told."""
    partners = stage("partners", audience=LISTED)
    made = World()
    made.must(applying(plan_value(stages=[stage(), partners]), ["A", "B"]))
    made.agree()
    made.open()
    made.open(name="partners")
    removed(made, "org-A")
    made.must(opening_account("B"))
    by_list = (each for each in made.entries if each.public.get("party") == party("B"))
    honest = next(each for each in by_list if each.public["surface"] == "api")
    liar = Liar(made)
    now = times.format_time(made.now_ms)
    liar.again(honest, {"grant": "grant_lie", "party": party("A"), "validFrom": now}, organization="org-A")
    keyed(liar, "grant_lie")
    liar.refused()
