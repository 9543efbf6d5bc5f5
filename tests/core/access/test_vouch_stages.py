"""A control plane that lies about stages, to a gateway that checks signatures itself."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.refusals import Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.accounts import OpenAccount
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.releases import CloseStage
from sluicegate_record.log import times
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms import audience
from sluicegate_record.terms.exposure import Measure
from sluicegate_record.terms.rule import Rule
from tests.core.access.test_vouch import KEY, asked, folded, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.worlds import (
    AT_MS,
    DAY_MS,
    LOG,
    OFFICER,
    RELEASE,
    STAGE,
    World,
    looser,
    opening,
    plan_value,
    read_plan,
    signed,
    stage,
    stage_closing,
    stage_opening,
)

SECOND = "second"
NOW = times.format_time(AT_MS)


def world(asked: Any, *, is_open: bool = False) -> World:
    """Two stages whose terms are agreed, of which the second requires something."""
    made = World.agreed(stages=[stage(), stage(SECOND, opensWhen=asked)])
    if is_open:
        made.open()
    return made


ASKED: list[Any] = [
    {"allOf": [{"after": STAGE}]},
    {"allOf": [{"soak": "P10D"}]},
    {"allOf": [{"date": "2099-01-01"}]},
    {"anyOf": [{"date": "2099-01-01"}, {"after": STAGE}]},
]


@pytest.mark.parametrize("asked", ASKED, ids=repr)
def test_a_stage_whose_requirements_do_not_hold_stays_closed(asked: Any) -> None:
    liar = Liar(world(asked))
    liar.opens("terms", name=SECOND)
    liar.stays_closed(SECOND)


def test_a_stage_that_waits_for_another_stays_closed_if_that_was_opened_by_nobody() -> None:
    liar = Liar(world({"allOf": [{"after": STAGE}]}))
    liar.opens(name=STAGE)
    liar.opens("after", name=SECOND)
    liar.stays_closed(SECOND)


def test_a_soak_is_not_shortened() -> None:
    made = world({"allOf": [{"soak": "P10D"}]}, is_open=True)
    made.now_ms += 9 * DAY_MS
    liar = Liar(made)
    liar.opens("soak", name=SECOND)
    liar.stays_closed(SECOND)


def test_a_stage_that_agencies_have_to_agree_to_does_not_open_by_itself() -> None:
    liar = Liar(world({"allOf": [{"agreedBy": {"allOf": ["caisi"]}}]}))
    liar.opens("agreedBy", name=SECOND)
    liar.stays_closed(SECOND)


def test_an_officers_signature_opens_nothing_that_is_still_required() -> None:
    made = world({"allOf": [{"after": STAGE}]})
    liar = Liar(made)
    liar.opens(name=SECOND, officer=OFFICER, envelope=opening(made.state, name=SECOND).to_json())
    liar.stays_closed(SECOND)


def test_a_stage_that_an_officer_opens_does_not_come_to_open_by_itself_without_new_terms() -> None:
    made = World.agreed()
    liar = Liar(made)
    terms = made.state.releases[RELEASE].terms[STAGE]
    other = World()
    other.apply(plan_value(stages=[stage(opensWhen={"allOf": [{"terms": "agreed"}]})]))
    applied = other.entries[-2]
    new = applied.public["terms"][STAGE]
    liar.again(applied, {"tightened": {STAGE: terms}})
    liar.write(
        "stage.opened",
        {
            "log": LOG,
            "release": RELEASE,
            "stage": STAGE,
            "terms": new,
            "officer": None,
            "envelope": None,
            "met": [{"requirement": "terms", "since": NOW}],
        },
    )
    tables = folded(liar.entries, Table()), folded(liar.entries, VouchedTable(trust()))
    assert [new in each.open_terms for each in tables] == [True, False]


def test_a_stage_opens_there_too_once_all_holds() -> None:
    made = world({"allOf": [{"soak": "P10D"}]}, is_open=True)
    made.later(10)
    assert Liar(made).is_open(VouchedTable(trust()), SECOND)


# A stage for everyone


EVERYONE: dict[str, Any] = {"audience": "everyone", "admission": None, "conditions": None}
GENERAL = "general"


def general(asked_by: tuple[str, ...] = ("oncd", "ostp"), **changes: Any) -> dict[str, Any]:
    basis = {"kind": "agreed", "askedBy": list(asked_by), "how": "a call", "askedOn": "2026-06-24"}
    return stage(GENERAL, basis=basis, **EVERYONE, **changes)


def everyone(*, is_open: bool = True, **changes: Any) -> World:
    """A stage for everyone, and the key of an organization that has only an account."""
    made = World.agreed(stages=[stage(), general(**changes)])
    if is_open:
        made.open(name=GENERAL)
    account = made.must(OpenAccount("org-a", {"organization": {"name": "A", "registeredIn": "US"}}))[
        "account"
    ]
    made.must(IssueCredential(account, KEY.hex()))
    return made


def may(liar: Liar, table: Table) -> bool:
    return isinstance(asked(folded(liar.entries, table), at_ms=liar.world.now_ms), Allow)


def test_everyone_is_let_in_where_the_agencies_of_the_floor_signed_the_terms() -> None:
    assert may(Liar(everyone()), VouchedTable(trust()))


def test_everyone_is_not_let_in_by_fewer_agencies_than_the_floor_asks_for() -> None:
    liar = Liar(everyone(asked_by=("oncd",)))
    assert may(liar, Table())
    assert not may(liar, VouchedTable(trust()))
    assert may(liar, VouchedTable(trust(Rule("anyOf", ("oncd",)))))


@pytest.mark.parametrize("tightened", [True, False])
def test_an_audience_is_not_widened_without_new_signatures(tightened: bool) -> None:
    made = World.agreed(stages=[stage(), stage(GENERAL)])
    made.open(name=GENERAL)
    account = made.must(OpenAccount("org-a", {"organization": {"name": "A", "registeredIn": "US"}}))[
        "account"
    ]
    made.must(IssueCredential(account, KEY.hex()))
    before = made.state.releases[RELEASE].terms
    wide = read_plan(plan_value(stages=[stage(), general()]))
    liar = Liar(made)
    applied = liar.last("release.applied")
    looser = {name: before[name] for name in before} if tightened else {}
    liar.again(applied, {"plan": wide.to_json(), "terms": wide.terms, "tightened": looser})
    envelope = signed(stage_opening(LOG, RELEASE, GENERAL, wide.terms[GENERAL]), OFFICER)
    about = {"log": LOG, "release": RELEASE, "stage": GENERAL, "terms": wide.terms[GENERAL]}
    liar.write("stage.opened", {**about, "officer": OFFICER, "envelope": envelope.to_json()})
    assert may(liar, Table())
    assert not may(liar, VouchedTable(trust()))


def test_a_ramp_does_not_grow_faster_than_its_terms_say() -> None:
    ramp = [{"share": 1, "for": "P10D"}, {"share": 100}]
    made = everyone(ramp=ramp)
    place = audience.place_of(RELEASE, "org-a")
    assert place >= 100
    assert not may(Liar(made), VouchedTable(trust()))
    made.later(10)
    assert may(Liar(made), VouchedTable(trust()))


# Closed by an officer


def closed() -> World:
    made = World.opened()
    made.credential(made.admit())
    made.must(CloseStage(stage_closing()))
    return made


def again(liar: Liar, type_: str, which: int, **said: Any) -> None:
    found = [each for each in liar.world.entries if each.type == type_][which]
    liar.again(found, said)


def test_a_closing_that_no_officer_signed_closes_all_the_same() -> None:
    made = World.opened()
    made.credential(made.admit())
    liar = Liar(made)
    terms = made.state.releases[RELEASE].terms[STAGE]
    liar.write("stage.closed", {"log": LOG, "release": RELEASE, "stage": STAGE, "terms": [terms]})
    assert not may(liar, VouchedTable(trust()))


def test_what_an_officer_closed_is_not_opened_by_the_opening_from_before() -> None:
    liar = Liar(closed())
    again(liar, "stage.opened", 0)
    assert may(liar, Table())
    assert not may(liar, VouchedTable(trust()))


def test_what_an_officer_closed_twice_is_not_opened_by_telling_the_first_time_again() -> None:
    made = closed()
    made.open()
    made.must(CloseStage(stage_closing(reason="a second time")))
    liar = Liar(made)
    assert not may(liar, VouchedTable(trust()))
    again(liar, "stage.closed", 0)
    again(liar, "stage.opened", 1)
    assert may(liar, Table())
    assert not may(liar, VouchedTable(trust()))
    made.open()
    assert may(Liar(made), VouchedTable(trust()))


def test_what_an_officer_closed_does_not_open_by_itself_there() -> None:
    made = world({"allOf": [{"after": STAGE}]}, is_open=True)
    made.must(CloseStage(stage_closing(name=SECOND)))
    liar = Liar(made)
    liar.opens("after", name=SECOND)
    liar.stays_closed(SECOND)


def test_an_opening_opens_no_terms_that_were_not_open_before() -> None:
    made = closed()
    old = made.state.releases[RELEASE].terms[STAGE]
    made.apply(plan_value(stages=[looser()]))
    made.agree()
    liar = Liar(made)
    found = made.state.record.closings[f"{RELEASE}/{STAGE}"]
    new = made.state.releases[RELEASE].terms[STAGE]
    envelope = signed(stage_opening(LOG, RELEASE, STAGE, new, found.digest), OFFICER)
    about = {"log": LOG, "release": RELEASE, "stage": STAGE, "terms": new, "officer": OFFICER}
    liar.write("stage.opened", {**about, "envelope": envelope.to_json(), "reopens": [old, new + "x"]})
    table = VouchedTable(trust())
    folded(liar.entries, table)
    assert not table.open_terms


def test_no_one_is_admitted_there_while_the_stage_lacks_something() -> None:
    made = world({"allOf": [{"after": STAGE}]}, is_open=True)
    case = made.submit(name=SECOND)
    made.say(case, "oncd")
    made.must(CloseStage(stage_closing()))
    made.say(case, "ostp")
    assert case.grant is None
    other = world({"allOf": [{"after": STAGE}]}, is_open=True)
    grant = other.admit(name=SECOND)
    liar = Liar(made)
    given = next(each for each in other.entries if each.type == "grant.approved")
    liar.write("case.determined", {"case": case.id, "outcome": "approved"})
    liar.again(given, {"case": case.id, "party": case.question.party}, organization="org-1")
    liar.write("credential.issued", {"credential": "c", "grant": grant}, digest=KEY.hex(), member=None)
    tables = folded(liar.entries, Table()), folded(liar.entries, VouchedTable(trust()))
    assert [each.grants_by_id[grant].barred for each in tables] == [None, Reason.DEPLOYMENT_UNATTESTED]


# What parties sign about requirements


def requiring(**asked: Any) -> World:
    """A stage that waits for what parties sign."""
    return world({"allOf": [asked]})


def clears(liar: Liar, party: str, says: str, about: str, *, signer: str = "oncd", **said: Any) -> None:
    """A word of a party on the record, signed by somebody."""
    fields = {"log": LOG, "release": RELEASE, "party": party, "says": says, "about": about, **said}
    envelope = signed(Clearance.from_json(fields).payload(), signer)
    public = {name: each for name, each in fields.items() if name not in {"log", "previous"}}
    stated = {"owner": party, "reason": "", "digest": envelope.digest, "envelope": envelope.to_json()}
    liar.write("clearance.recorded", {**stated, **public})


def test_an_adoption_that_its_agency_did_not_sign_opens_nothing() -> None:
    liar = Liar(requiring(adopted={"standard": "s", "by": ["ostp"]}))
    clears(liar, "ostp", "adopts", "s", version="1")
    liar.opens("adopted", name=SECOND)
    liar.stays_closed(SECOND)


def test_an_adoption_opens_the_stage_there_too_if_its_agency_signed_it() -> None:
    made = requiring(adopted={"standard": "s", "by": ["ostp"]})
    liar = Liar(made)
    clears(liar, "ostp", "adopts", "s", signer="ostp", version="1")
    liar.opens("adopted", name=SECOND)
    assert liar.is_open(VouchedTable(trust()), SECOND)


def test_an_adoption_that_was_withdrawn_is_not_told_again() -> None:
    made = requiring(adopted={"standard": "s", "by": ["ostp"]})
    liar = Liar(made)
    clears(liar, "ostp", "adopts", "s", signer="ostp", version="1")
    first = liar.last("clearance.recorded")
    clears(liar, "ostp", "withdraws", "s", signer="ostp", previous=first.public["digest"])
    liar.again(first)
    liar.opens("adopted", name=SECOND)
    liar.stays_closed(SECOND)


@pytest.mark.parametrize("says", ["begins", "ends"])
def test_an_evaluation_is_neither_begun_nor_ended_for_its_evaluator(says: str) -> None:
    made = requiring(evaluationTime={"atMost": "P1D", "by": ["caisi"], "silence": "met"})
    liar = Liar(made)
    clears(liar, "caisi", says, SECOND)
    made.now_ms += 9 * DAY_MS
    liar.opens("evaluationTime", name=SECOND)
    liar.stays_closed(SECOND)


def test_an_evaluation_is_not_cut_short() -> None:
    made = requiring(evaluationTime={"atMost": "P10D", "by": ["caisi"], "silence": "met"})
    liar = Liar(made)
    clears(liar, "caisi", "begins", SECOND, signer="caisi")
    made.now_ms += 9 * DAY_MS
    liar.opens("evaluationTime", name=SECOND)
    liar.stays_closed(SECOND)
    made.now_ms += 2 * DAY_MS
    liar.opens("evaluationTime", name=SECOND)
    assert liar.is_open(VouchedTable(trust()), SECOND)


def test_a_hold_is_released_by_its_holder_alone() -> None:
    liar = Liar(requiring(hold={"by": "ostp", "reason": "a review"}))
    clears(liar, "ostp", "releases", SECOND)
    liar.opens("hold", name=SECOND)
    liar.stays_closed(SECOND)


def enforcing(value: int) -> dict[str, Any]:
    return plan_value(stages=[stage(exposure={"requestsPerDay": {"value": value, "enforced": True}})])


def per_day(liar: Liar) -> Any:
    table = VouchedTable(trust())
    folded(liar.entries, table)
    return table.per_day.get((RELEASE, STAGE))


def test_the_requests_a_day_are_those_of_the_terms_that_agencies_signed() -> None:
    """Whatever the control plane says of a plan: under the same digest, as a tighter one, or without it."""
    made = World.opened(stages=enforcing(7)["spec"]["stages"])
    terms = made.state.releases[RELEASE].terms[STAGE]
    honest = Liar(made)
    assert per_day(honest) == Measure(7, enforced=True)
    other = read_plan(enforcing(7_000)).to_json()
    applied = honest.last("release.applied")
    for public in (
        {"plan": other, "terms": {STAGE: terms}},
        {"plan": other, "terms": {STAGE: terms}, "tightened": {STAGE: terms}},
        {"plan": other, "terms": read_plan(enforcing(7_000)).terms, "tightened": {STAGE: terms}},
        {"plan": read_plan(plan_value()).to_json(), "terms": read_plan(plan_value()).terms},
    ):
        liar = Liar(made)
        liar.again(applied, public)
        assert per_day(liar) == Measure(7, enforced=True)
        liar.again(honest.last("stage.opened"))
        assert per_day(liar) in (Measure(7, enforced=True), Measure(0, enforced=True))


def test_a_tighter_number_of_requests_a_day_needs_no_signature_and_a_larger_one_does() -> None:
    made = World.opened(stages=enforcing(7)["spec"]["stages"])
    made.apply(enforcing(5))
    assert per_day(Liar(made)) == Measure(5, enforced=True)
    made.apply(enforcing(9))
    assert per_day(Liar(made)) == Measure(5, enforced=True)
    made.agree()
    made.open()
    assert per_day(Liar(made)) == Measure(9, enforced=True)
