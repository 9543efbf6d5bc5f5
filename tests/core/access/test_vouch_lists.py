"""A control plane that lies about lists, to a gateway that checks signatures itself."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.accounts import CloseAccount
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate_record.entries import Entry
from sluicegate_record.log import times
from sluicegate_record.terms.rule import Rule
from tests.core.access.test_vouch import KEY, asked, folded, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.listing import LISTED, applying, opening_account, party
from tests.worlds import AT_MS, CODEX, DAY_MS, RELEASE, STAGE, World, plan_value, stage

NAMES = ["A", "B"]


def listed(names: list[str] = NAMES, *, is_open: bool = True, stages: Any = (), **changes: Any) -> World:
    """A list that its agencies have agreed to."""
    made = World()
    first = stage(audience=LISTED, **changes)
    made.must(applying(plan_value(stages=[first, *stages]), names))
    made.agree()
    if is_open:
        made.open()
    return made


def admitted() -> World:
    """A listed organization with a key."""
    made = listed()
    made.must(opening_account("A"))
    made.must(IssueCredential(made.state.table.grants["org-A", RELEASE, "api"].id, KEY.hex()))
    return made


def approved(made: World | Liar) -> Entry:
    """The first grant by a list."""
    return next(entry for entry in made.entries if entry.type == "grant.approved")


def keyed(liar: Liar, grant: str) -> None:
    """The attacker's key under the grant."""
    liar.write("credential.issued", {"credential": "cred_lie", "grant": grant}, digest=KEY.hex())


def grants(liar: Liar, like: Entry, organization: str = "org-evil", **said: Any) -> None:
    """A grant that the control plane makes up after an honest one, and a key under it."""
    now = times.format_time(liar.world.now_ms)
    liar.again(like, {"grant": "grant_lie", "validFrom": now, **said}, organization=organization)
    keyed(liar, "grant_lie")


def test_an_honest_list_is_honoured_as_it_is() -> None:
    made = admitted()
    believed, vouched = (asked(folded(made.entries, table)) for table in (Table(), VouchedTable(trust())))
    assert isinstance(believed, Allow)
    assert believed == vouched


def test_an_organization_that_the_agencies_did_not_sign_is_not_admitted() -> None:
    liar = Liar(admitted_without_key())
    grants(liar, approved(liar), party=party("C"))
    liar.refused()


def admitted_without_key() -> World:
    made = listed()
    made.must(opening_account("A"))
    return made


def test_a_name_admits_no_second_organization() -> None:
    liar = Liar(admitted_without_key())
    grants(liar, approved(liar), surface="api")
    liar.refused()


def test_a_name_admits_no_other_organization_by_a_new_agreement() -> None:
    made = admitted_without_key()
    made.must(CloseAccount(made.state.accounts.newest["org-A"]))
    made.later(31)
    honest = agreed_again(made)
    liar = Liar(made)
    grants(liar, approved(made), **honest)
    liar.refused()


def agreed_again(made: World) -> dict[str, Any]:
    """Other terms over the same list, agreed to and open; what a grant by them says."""
    made.must(applying(plan_value(stages=[stage(audience=LISTED, conditions={"validFor": "P60D"})]), NAMES))
    made.agree()
    made.open()
    newest = [case for case in made.cases() if case.kind == "terms"][-1]
    said = sorted(newest.positions.items())
    return {
        "case": newest.id,
        "terms": made.state.releases[RELEASE].terms[STAGE],
        "positions": [{"agency": who, "digest": each.digest, "seq": each.seq} for who, each in said],
        "conditions": {"validFor": "P60D"},
        "validUntil": times.format_time(made.now_ms + 60 * DAY_MS),
    }


def test_a_grant_under_looser_terms_than_those_in_force_counts_for_nothing() -> None:
    made = listed()
    before = made.state.releases[RELEASE].terms[STAGE]
    tighter = stage(audience=LISTED, conditions={"requestsPerMinute": 6, "validFor": "P30D"})
    made.must(applying(plan_value(stages=[tighter]), NAMES))
    liar = Liar(made)
    grants(liar, approved(admitted_without_key()), "org-A", terms=before)
    liar.refused()


def test_a_case_about_the_terms_that_ended_without_a_decision_carries_no_grant() -> None:
    made = World()
    made.must(applying(plan_value(stages=[stage(audience=LISTED)]), NAMES))
    made.must(applying(plan_value(stages=[stage(audience=LISTED, title="x", seats=9)]), NAMES))
    made.must(applying(plan_value(stages=[stage(audience=LISTED)]), NAMES))
    first = made.cases()[0]
    assert first.outcome == "superseded"
    made.agree()
    made.open()
    made.must(opening_account("A"))
    honest = approved(made)
    made.entries = [entry for entry in made.entries if entry.type != "grant.approved"]
    liar = Liar(made)
    grants(liar, honest, "org-A", case=first.id, positions=[])
    liar.refused()
    told = folded(liar.entries, VouchedTable(trust())).told
    assert any("a case that had ended without a decision" in each for each in told)


def test_a_name_admits_its_organization_once() -> None:
    made = admitted_without_key()
    made.later(31)
    liar = Liar(made)
    grants(liar, approved(liar), "org-A", validUntil=times.format_time(made.now_ms + 30 * DAY_MS))
    liar.refused()


def test_who_was_removed_is_not_admitted_by_its_name_under_new_terms() -> None:
    made = admitted_without_key()
    case = made.case(made.must(OpenRemoval(approved(made).public["grant"], "misuse", "a notice"))["case"])
    made.all_say(case, "oncd approve", "ostp approve")
    made.later(11)
    honest = agreed_again(made)
    liar = Liar(made)
    grants(liar, approved(made), "org-A", **honest)
    liar.refused()


@pytest.mark.parametrize(
    "said",
    [
        {"surface": "cloud"},
        {"conditions": {}},
        {"conditions": {"requestsPerMinute": 6_000, "validFor": "P30D"}},
        {"validUntil": None},
        {"validUntil": times.format_time(AT_MS + 300 * DAY_MS)},
        {"validFrom": times.format_time(AT_MS - DAY_MS)},
        {"party": None},
        {"case": "case_none"},
    ],
    ids=repr,
)
def test_a_grant_by_a_list_is_no_wider_than_its_terms(said: dict[str, Any]) -> None:
    made = listed()
    made.must(opening_account("A"))
    honest = approved(made)
    made.entries = [entry for entry in made.entries if entry.type != "grant.approved"]
    liar = Liar(made)
    grants(liar, honest, "org-A", **said)
    table = folded(liar.entries, VouchedTable(trust()))
    surface = said.get("surface", "api")
    assert isinstance(asked(folded(liar.entries, Table()), surface=surface), Allow) or "surface" in said
    assert not isinstance(asked(table, surface=surface), Allow)
    liar = Liar(made)
    grants(liar, honest, "org-A")
    assert isinstance(asked(folded(liar.entries, VouchedTable(trust()))), Allow)


def test_a_list_is_not_admitted_before_every_agency_agreed_to_its_terms() -> None:
    made = World()
    made.must(applying(plan_value(stages=[stage(audience=LISTED)]), NAMES))
    (case,) = made.cases()
    made.say(case, "oncd")
    honest = admitted_without_key()
    liar = Liar(made)
    terms = made.state.releases[RELEASE].terms[STAGE]
    liar.write("case.determined", {"case": case.id, "outcome": "approved"})
    liar.again(next(e for e in honest.entries if e.type == "stage.opened"), {"terms": terms})
    grants(liar, approved(honest), "org-A", case=case.id, terms=terms)
    liar.refused()


def test_a_wider_list_under_the_old_agreement_admits_no_one_else() -> None:
    made = admitted_without_key()
    wider = applying(plan_value(stages=[stage(audience=LISTED)]), [*NAMES, "C"])
    honest = World()
    honest.must(wider)
    plan = next(entry for entry in honest.entries if entry.type == "release.applied")
    terms = plan.public["terms"][STAGE]
    liar = Liar(made)
    liar.again(plan, {"tightened": {STAGE: made.state.releases[RELEASE].terms[STAGE]}})
    grants(liar, approved(made), "org-C", party=party("C"), terms=terms)
    liar.refused()


def test_a_list_of_one_stage_admits_to_no_other() -> None:
    other = stage("other", audience="applicants")
    made = listed(stages=[other])
    made.open(name="other")
    made.must(opening_account("A"))
    liar = Liar(made)
    terms = made.state.releases[RELEASE].terms["other"]
    grants(liar, approved(made), stage="other", terms=terms)
    liar.refused()


def test_a_list_of_a_stage_that_is_closed_admits_no_one() -> None:
    opened = admitted_without_key()
    made = listed(is_open=False)
    made.must(opening_account("A"))
    liar = Liar(made)
    grants(liar, approved(opened), "org-A", case=made.cases()[0].id)
    table = folded(liar.entries, VouchedTable(trust()))
    assert table.record.grants == {}


def test_those_who_agreed_to_a_list_satisfy_the_floor() -> None:
    made = admitted()
    liar = Liar(made)
    liar.refused(floor=Rule("allOf", ("oncd", "ostp", "caisi")))


def test_a_name_that_left_the_list_admits_no_one() -> None:
    made = listed()
    made.must(applying(plan_value(stages=[stage(audience=LISTED)]), ["B"]))
    honest = admitted_without_key()
    liar = Liar(made)
    terms = made.state.releases[RELEASE].terms[STAGE]
    grants(liar, approved(honest), "org-A", terms=terms)
    liar.refused()


def test_an_organization_that_is_listed_is_served_on_each_surface() -> None:
    made = listed()
    made.must(opening_account("A"))
    made.must(IssueCredential(made.state.table.grants["org-A", RELEASE, CODEX].id, KEY.hex()))
    assert isinstance(asked(folded(made.entries, VouchedTable(trust())), surface=CODEX), Allow)


def test_a_narrowed_list_is_honoured_without_a_new_agreement() -> None:
    made = listed()
    made.must(applying(plan_value(stages=[stage(audience=LISTED)]), ["A"]))
    made.must(opening_account("A"))
    made.must(IssueCredential(made.state.table.grants["org-A", RELEASE, "api"].id, KEY.hex()))
    assert isinstance(asked(folded(made.entries, VouchedTable(trust()))), Allow)
