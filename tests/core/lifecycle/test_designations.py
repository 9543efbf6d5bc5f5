"""Designations: whose judgement, what follows from it, for which cases, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts.designations import DesignationArgument, DesignationToSign
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle import Refusal, blocks, designations
from sluicegate.core.lifecycle.clearances import RecordClearance
from sluicegate.core.lifecycle.designations import Reconsider, RecordDesignation
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import ApplyPlan, CloseStage, OpenStage
from sluicegate.errors import BadEnvelope
from sluicegate_record.entities.designation import key_of
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.statements.designations import DesignationStatement
from sluicegate_record.terms import kinds, quorum
from tests.core.access.test_vouch import folded, trust
from tests.listing import LISTED, applying, opening_account
from tests.worlds import (
    API,
    DAY_MS,
    LOG,
    MODEL,
    RELEASE,
    STAGE,
    Followed,
    World,
    digest,
    looser,
    opening,
    plan_value,
    position,
    proceeding,
    read_plan,
    signed,
    stage,
    stage_closing,
)

COVERED, COMPARABLE = "covered-frontier-model", "comparable-to"
CLOCK = {"within": 20, "unit": "days", "calendar": "weekends", "silence": "deny"}
DESIGNATIONS = {"by": ["oncd"], "classes": {COVERED: {"scrutiny": "elevated"}}}
ELEVATED = {"addAgencies": ["caisi"]}


def plan_of(level: Any = None, **changes: Any) -> dict[str, Any]:
    """A plan in which a designation by ONCD adds CAISI, or what `level` says."""
    given = {"designations": DESIGNATIONS, "scrutiny": {"elevated": level or ELEVATED}}
    return plan_value(**{**given, **changes})


def world(level: Any = None, *, is_open: bool = True, **changes: Any) -> World:
    made = World()
    made.apply(plan_of(level, **changes))
    made.agree()
    if is_open:
        made.open()
    return made


def word(made: World, agency: str = "oncd", says: str = "designates", **said: Any) -> DesignationStatement:
    """An agency's judgement that follows its last one."""
    given = {"model": digest(MODEL), "class_": COVERED, "comparable_to": None, **said}
    name = key_of(RELEASE, agency, given["model"], given["class_"], given["comparable_to"])
    known = made.state.record.designations.get(name)
    own = made.state.releases[RELEASE].own_terms
    more = {"terms": own, "previous": None if known is None else known.digest, "log": LOG, "release": RELEASE}
    return DesignationStatement(agency=agency, says=says, **{**more, **given})


def command(
    stated: DesignationStatement, signer: str = "", basis: Opening | None = None
) -> RecordDesignation:
    return RecordDesignation(signed(stated.payload(), signer or stated.agency), basis)


def designate(made: World, agency: str = "oncd", says: str = "designates", **said: Any) -> dict[str, Any]:
    return made.must(command(word(made, agency, says, **said)))


def terms(made: World) -> str:
    return made.state.releases[RELEASE].terms[STAGE]


# What follows


def test_while_a_designation_holds_the_added_agency_must_agree() -> None:
    made = world()
    own = terms(made)
    made.admit("before")
    done = designate(made)
    assert done["scrutiny"] == ["elevated"]
    assert terms(made) != own
    case = made.submit("during")
    made.all_say(case, "oncd approve", "ostp approve")
    assert (case.state, case.awaiting) == ("in_review", ["caisi"])
    made.say(case, "caisi")
    assert case.grant is not None
    designate(made, says="withdraws")
    assert terms(made) == own
    made.admit("after")


def test_no_one_who_was_admitted_loses_anything() -> None:
    made = world()
    grant = made.admit()
    designate(made)
    assert made.state.grants[grant].is_live
    assert made.state.grants[grant].terms in made.state.table.open_terms
    assert terms(made) in made.state.table.open_terms


def test_the_clock_and_the_seats_are_those_of_the_level() -> None:
    own = {"within": 5, "unit": "days", "calendar": "weekends", "silence": "no-objection"}
    admission = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "clock": own}
    made = world({"clock": CLOCK, "seats": 2}, stages=[stage(seats=24, admission=admission)])
    designate(made)
    stated = made.state.releases[RELEASE].plan.stages[STAGE]
    assert stated.admission.clock is not None
    assert (stated.seats, stated.admission.clock.within) == (2, 20)
    for name in ("a", "b"):
        made.admit(name)
    assert made.submit("c").procedure.clock.silence == "deny"
    waiting = made.submit("d")
    made.all_say(waiting, "oncd approve", "ostp approve")
    assert waiting.state == "waitlisted"
    designate(made, says="withdraws")
    assert made.state.seats_of(RELEASE, STAGE) == 24


def adopts(made: World) -> None:
    said = Clearance(
        log=LOG, release=RELEASE, party="ostp", says="adopts", about="framework", version="1", previous=None
    )
    made.must(RecordClearance(signed(said.payload(), "ostp")))


REQUIRES = {"requires": {"allOf": [{"adopted": {"standard": "framework", "by": ["ostp"]}}]}}
BY_ITSELF: dict[str, Any] = {"opensWhen": {"allOf": [{"terms": "agreed"}]}}


def test_an_open_stage_admits_no_one_while_it_lacks_what_the_level_requires() -> None:
    made = world(REQUIRES, is_open=False, stages=[stage(**BY_ITSELF)])
    case = made.submit("a")
    made.say(case, "oncd")
    designate(made)
    assert made.types()[-1] == "stage.lacking"
    made.say(case, "ostp")  # it goes on: who may apply, and how it is decided, is the same
    assert [each.code for each in blocks.blocked_by(made.state.record, case.now, made.now_ms)] == [
        "stage_halted"
    ]
    adopts(made)
    made.tick()
    assert case.grant is not None


def test_a_closed_stage_does_not_open_before_it_has_what_the_level_requires() -> None:
    asked: dict[str, Any] = {"opensWhen": {"allOf": [{"date": "2026-07-01"}]}}
    made = world(REQUIRES, is_open=False, stages=[stage(**asked)])
    designate(made)
    made.later(30)
    assert terms(made) not in made.state.table.open_terms
    adopts(made)
    assert terms(made) in made.state.table.open_terms


def test_an_opening_needs_the_added_agency_too_and_is_asked_for_again() -> None:
    asked: dict[str, Any] = {"opensWhen": {"allOf": [{"agreedBy": {"allOf": ["ostp"]}}]}}
    made = world(is_open=False, stages=[stage(**asked)])
    before = made.case(made.open()["case"])
    designate(made)
    assert before.outcome == "superseded"
    case = made.case(made.open()["case"])
    made.say(case, "ostp")
    assert case.state == "in_review"
    made.say(case, "caisi")
    assert terms(made) in made.state.table.open_terms


def test_a_stage_that_opened_meanwhile_stays_open_when_the_designation_ends() -> None:
    made = world(is_open=False)
    own = terms(made)
    designate(made)
    made.open()
    designate(made, says="withdraws")
    assert terms(made) == own
    assert own in made.state.table.open_terms
    made.admit()


def test_a_stage_that_closed_meanwhile_stays_closed_when_the_designation_ends() -> None:
    made = world()
    designate(made)
    made.must(CloseStage(stage_closing()))
    designate(made, says="withdraws")
    assert terms(made) not in made.state.table.open_terms


def test_terms_that_are_not_agreed_are_agreed_with_what_the_level_makes_of_them() -> None:
    made = World()
    made.apply(plan_of())
    designate(made)
    (case,) = made.cases()
    assert quorum.parties_of(case.rule) == {"caisi", "oncd", "ostp"}
    made.agree()
    assert case.outcome == "approved"
    made.open()
    assert terms(made) in made.state.table.open_terms


# Cases that are open


def test_open_cases_end_and_are_named_before_anything_is_signed() -> None:
    made = world()
    case = made.submit()
    made.say(case, "oncd")
    shown = to_sign(made)
    assert shown.superseded == (case.id,)
    assert [(each.stage, each.changes[0].field) for each in shown.stages] == [
        (STAGE, f"spec.stages[{STAGE}].admission.grant.allOf[2]")
    ]
    assert (shown.scrutiny, made.state.record.levels(RELEASE, made.state.releases[RELEASE].stated)) == (
        ("elevated",),
        (),
    )
    done = designate(made)
    assert done["superseded"] == [case.id]
    assert case.outcome == "superseded"
    assert made.refused(RecordPosition(position(case, "ostp"))) == "case_determined"
    assert made.submit().awaiting == ["caisi", "oncd", "ostp"]


def test_cases_that_the_level_does_not_change_go_on() -> None:
    made = world({"seats": 5}, stages=[stage(seats=24)])
    case = made.submit()
    assert designate(made)["superseded"] == []
    made.all_say(case, "oncd approve", "ostp approve")
    assert case.grant is not None


def test_a_case_on_the_waitlist_ends_too() -> None:
    made = world(stages=[stage(seats=1)])
    first = made.admit("a")
    waiting = made.submit("b")
    made.all_say(waiting, "oncd approve", "ostp approve")
    assert waiting.state == "waitlisted"
    designate(made)
    assert waiting.outcome == "superseded"
    assert made.state.grants[first].is_live


def test_a_review_of_a_basis_goes_on() -> None:
    basis = {
        "kind": "voluntary",
        "askedBy": ["oncd"],
        "how": "a call",
        "askedOn": "2026-06-24",
        "until": "2026-08-01",
        "afterUntil": {"review": {"by": ["oncd"], "then": "lapse"}},
    }
    made = world(stages=[stage(basis=basis)])
    made.later(30)
    (review,) = [each for each in made.cases() if each.kind == "review"]
    designate(made)
    assert review.outcome is None
    made.say(review, "oncd")
    made.later(30)
    assert made.state.record.bases == {made.state.releases[RELEASE].own_terms[STAGE]: "stay"}


# Plans


def test_a_designation_holds_under_a_later_plan_whatever_the_developer_does() -> None:
    made = world()
    designate(made)
    made.apply(plan_of(stages=[looser()]))
    made.agree()
    made.open()
    case = made.submit()
    assert case.awaiting == ["caisi", "oncd", "ostp"]
    again = made.apply(plan_of(stages=[looser()]))
    assert (again["changes"], again["superseded"]) == ([], [])


def test_a_tighter_plan_goes_on_under_the_designation_without_new_agreement() -> None:
    made = world(stages=[stage(seats=24)])
    designate(made)
    case = made.submit("a")
    done = made.apply(plan_of(stages=[stage(seats=20)]))
    assert (done["tightened"], done["superseded"], case.outcome) == ([STAGE], [], None)
    assert terms(made) in made.state.table.open_terms
    assert made.state.releases[RELEASE].plan.stages[STAGE].seats == 20
    made.all_say(case, "oncd approve", "ostp approve", "caisi approve")
    assert case.grant is not None
    designate(made, says="withdraws")
    assert terms(made) in made.state.table.open_terms


def test_another_plan_about_another_stage_closes_nothing() -> None:
    made = world(is_open=False)
    designate(made)
    made.open()
    made.apply(plan_of(stages=[stage(), stage("second")]))
    assert terms(made) in made.state.table.open_terms


@pytest.mark.parametrize(
    "given",
    [
        plan_of(scrutiny=None, designations=None),
        plan_of({"addAgencies": ["ostp"]}),
        plan_of(designations={**DESIGNATIONS, "by": ["ostp"]}),
    ],
    ids=["none", "another level", "another agency"],
)
def test_terms_without_the_level_are_new_terms(given: dict[str, Any]) -> None:
    made = world()
    designate(made)
    case = made.submit()
    done = made.apply(given)
    assert done["loosened"][STAGE]
    assert case.outcome == "superseded"
    assert terms(made) not in made.state.releases[RELEASE].agreed


def test_other_weights_are_another_model() -> None:
    made = world()
    designate(made)
    given = plan_of()
    (model,) = given["spec"]["models"]
    model["digest"] = digest("new weights")
    done = made.apply(given)
    assert "models" in done["loosened"][STAGE]
    assert made.state.record.levels(RELEASE, made.state.releases[RELEASE].stated) == ()
    model |= {"digest": digest(MODEL), "safeguards": digest("other safeguards")}
    made.apply(given)
    assert made.state.record.levels(RELEASE, made.state.releases[RELEASE].stated) == ("elevated",)


def test_an_agency_without_a_key_is_no_agency_of_a_plan() -> None:
    given = plan_of(designations={**DESIGNATIONS, "by": ["nasa"]})
    given["spec"]["agencies"]["nasa"] = {"name": "NASA"}
    assert World().refused(ApplyPlan(read_plan(given))) == "agency_unknown"
    given = plan_of({"addAgencies": ["nasa"]})
    given["spec"]["agencies"]["nasa"] = {"name": "NASA"}
    assert World().refused(ApplyPlan(read_plan(given))) == "agency_unknown"


# Several judgements


TWO: dict[str, Any] = {
    "designations": {
        "by": ["oncd", "ostp"],
        "classes": {COVERED: {"scrutiny": "elevated"}, COMPARABLE: {"scrutiny": "close"}},
    },
    "scrutiny": {"elevated": {"addAgencies": ["caisi"], "seats": 9}, "close": {"seats": 5}},
}


def test_all_that_several_levels_add_is_asked_for() -> None:
    made = world(**TWO)
    designate(made)
    assert made.state.seats_of(RELEASE, STAGE) == 9
    designate(made, "ostp", class_=COMPARABLE, comparable_to="mythos-5")
    assert made.state.seats_of(RELEASE, STAGE) == 5
    designate(made, says="withdraws")
    assert (made.state.seats_of(RELEASE, STAGE), made.submit().awaiting) == (5, ["oncd", "ostp"])


def test_a_level_holds_while_one_agency_stands_by_it() -> None:
    made = world(**TWO)
    designate(made)
    case = made.submit()
    assert designate(made, "ostp")["superseded"] == []
    designate(made, says="withdraws")
    assert case.outcome is None
    assert made.submit("b").awaiting == ["caisi", "oncd", "ostp"]
    designate(made, "ostp", says="withdraws")
    assert case.outcome == "superseded"


# Whose word


def test_a_word_is_its_agencys_and_follows_the_last_one() -> None:
    made = world()
    first = word(made)
    assert made.refused(command(first, "ostp")) == "key_of_another_party"
    assert made.refused(command(word(made, "ostp"))) == "not_to_designate"
    assert made.refused(command(word(made, class_=COMPARABLE, comparable_to="m"))) == "class_unknown"
    assert made.refused(command(word(made, model=digest("other")))) == "model_unknown"
    assert made.refused(command(word(made, says="withdraws"))) == "not_designated"
    assert made.refused(command(word(made, log="other"))) == "other_log"
    assert made.refused(command(word(made, terms={}))) == "terms_changed"
    assert made.refused(command(word(made, release="none"))) == "release_unknown"
    made.must(command(first))
    size = made.state.size
    made.must(command(first))
    assert made.state.size == size
    assert made.refused(command(word(made, previous=None, statement="x"))) == "designation_stale"
    designate(made, statement="still")
    assert made.refused(command(first)) == "designation_stale"
    designate(made, says="withdraws")
    assert made.refused(command(word(made, says="withdraws"))) == "not_designated"


def test_since_when_it_holds_is_since_its_agency_first_stood_by_it() -> None:
    made = world()
    since_ms = made.now_ms
    designate(made)
    made.later(2)
    designate(made, statement="again")
    (found,) = made.state.record.designations.values()
    assert (found.since_ms, found.at_ms) == (since_ms, since_ms + 2 * DAY_MS)
    designate(made, says="withdraws")
    made.later(2)
    designate(made)
    (found,) = made.state.record.designations.values()
    assert found.since_ms == since_ms + 4 * DAY_MS


def test_a_sealed_basis_is_what_was_signed_or_kept() -> None:
    basis = Opening(bytes(32), b'"the benchmark"')
    made = world()
    stated = word(made, sealed=basis.commitment("sealed", "basis"))
    other = Opening(bytes(32), b'"another"')
    assert made.refused(command(stated, basis=other)) == "basis_unproven"
    assert made.refused(command(word(made), basis=basis)) == "basis_unproven"
    made.must(command(stated, basis=basis))
    entry = made.entries[-1]
    assert entry.sealed["basis"].value() == "the benchmark"
    assert b"the benchmark" not in entry.leaf
    designate(made, sealed=basis.commitment("sealed", "basis"))
    assert made.entries[-1].sealed == {}
    assert made.entries[-1].public["sealed"] == basis.commitment("sealed", "basis")


@pytest.mark.parametrize(
    "changes",
    [
        {"says": "likes"},
        {"class_": "small"},
        {"class_": COMPARABLE},
        {"comparable_to": "m"},
        {"class_": COMPARABLE, "comparable_to": "a\u202eb"},
        {"model": "sha256:00"},
        {"statement": "a\u202eb"},
        {"sealed": "00"},
    ],
    ids=repr,
)
def test_what_is_no_judgement_is_refused(changes: dict[str, Any]) -> None:
    made = world()
    with pytest.raises(BadEnvelope):
        made.do(command(word(made, **changes)))


# What is signed, before it is


def to_sign(made: World, **asked: Any) -> Any:
    fields = {"release": RELEASE, "class_": COVERED, **asked}
    agency = fields.pop("by", "oncd")
    return designations.to_sign(made.state, DesignationArgument(**fields), agency, made.now_ms)


def test_what_is_shown_is_what_can_be_signed() -> None:
    made = world(REQUIRES, is_open=False, stages=[stage(**BY_ITSELF)])
    shown = to_sign(made)
    assert isinstance(shown, DesignationToSign)
    assert [each.lacks for each in shown.stages] == [("the adoption of framework by ostp",)]
    stated = word(made)
    for name in ("log", "release", "agency", "says", "model", "class_", "terms", "previous"):
        assert getattr(shown, name) == getattr(stated, name), name
    designate(made)
    back = to_sign(made, says="withdraws")
    assert (back.says, back.scrutiny, back.previous) == ("withdraws", (), word(made).previous)
    assert [each.terms for each in back.stages] == [made.state.releases[RELEASE].own_terms[STAGE]]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"class_": "small"}, "class_unknown"),
        ({"class_": COMPARABLE}, "class_incomplete"),
        ({"comparable_to": "m"}, "class_incomplete"),
        ({"model": "none"}, "model_unknown"),
        ({"by": "ostp"}, "not_to_designate"),
        ({"says": "withdraws"}, "not_designated"),
        ({"says": "likes"}, "word_unknown"),
    ],
)
def test_what_cannot_be_signed_is_refused_before(asked: dict[str, Any], code: str) -> None:
    found = to_sign(world(), **asked)
    assert isinstance(found, Refusal)
    assert found.code == code


def test_of_several_models_one_is_named() -> None:
    made = world(models=(MODEL, "mini"))
    found = to_sign(made)
    assert isinstance(found, Refusal)
    assert found.code == "several_models"
    assert to_sign(made, model="mini").model == digest("mini")


# Reconsidered


def reconsidered(made: World, text: str = "the benchmark is wrong") -> Followed:
    (found,) = made.state.record.designations.values()
    return made.case(made.must(Reconsider(RELEASE, found.digest, text))["case"])


def test_the_developer_appeals_and_the_agency_that_designated_decides() -> None:
    made = world()
    own = terms(made)
    designate(made)
    case, during = reconsidered(made), made.submit()
    assert (case.kind, case.awaiting) == (kinds.RECONSIDER, ["oncd"])
    made.say(case, "oncd")
    assert made.types()[-1] == "designation.ended"
    assert (terms(made), during.outcome) == (own, "superseded")
    assert made.refused(Reconsider(RELEASE, "sha256:00", "why")) == "designation_unknown"
    designate(made)
    assert terms(made) != own


def test_terms_may_let_others_decide() -> None:
    made = world(designations={**DESIGNATIONS, "reconsider": {"anyOf": ["ostp", "caisi"]}})
    designate(made)
    case = reconsidered(made)
    assert case.awaiting == ["caisi", "ostp"]
    made.say(case, "caisi")
    assert made.state.record.levels(RELEASE, made.state.releases[RELEASE].stated) == ()


def test_what_was_reconsidered_is_not_asked_again_unless_no_one_decided() -> None:
    made = world()
    designate(made)
    case = reconsidered(made)
    assert reconsidered(made).id == case.id
    made.say(case, "oncd", "object")
    assert case.outcome == "denied"
    (found,) = made.state.record.designations.values()
    assert found.holds
    assert made.refused(Reconsider(RELEASE, found.digest, "why")) == "reconsidered_already"
    assert made.refused(Reconsider("none", found.digest, "why")) == "release_unknown"
    designate(made, statement="it still is")
    second = reconsidered(made)
    made.all_say(second, "oncd recuse")
    assert second.outcome == "returned"
    assert reconsidered(made).id != second.id


def test_another_word_ends_the_case_about_the_one_before_it() -> None:
    made = world()
    designate(made)
    case = reconsidered(made)
    assert designate(made, says="withdraws")["superseded"] == [case.id]
    assert case.outcome == "superseded"


def test_no_plan_ends_a_reconsideration_and_officers_do_not_decide_it() -> None:
    made = world()
    designate(made)
    case = reconsidered(made)
    made.apply(plan_of(stages=[looser()]))
    assert case.outcome is None
    assert made.refused(proceeding(case)) == "not_in_this_kind"


def test_an_opening_that_was_signed_for_the_plans_own_terms_does_not_open_the_levels() -> None:
    made = world(is_open=False)
    signed_before = opening(made.state)
    designate(made)
    assert made.refused(OpenStage(signed_before)) == "terms_changed"


# Stages that admit by their terms


def by_list(level: Any = None) -> World:
    """A list of two, one of which has an account."""
    made = World()
    stages = [stage(audience=LISTED, opensWhen={"allOf": [{"terms": "agreed"}]})]
    made.must(applying(plan_of(level, stages=stages), ["A", "B"]))
    made.agree()
    made.must(opening_account("A"))
    return made


def held(made: World) -> list[str]:
    return [f"{each.organization} {each.surface}" for each in made.state.grants.values() if each.is_live]


def test_under_a_level_a_list_admits_those_that_the_added_agency_agreed_to_with_its_terms() -> None:
    made = by_list()
    own = terms(made)
    designate(made)
    assert terms(made) != own
    made.must(opening_account("B"))
    assert held(made) == ["org-A api", "org-A codex", "org-B api", "org-B codex"]
    (case,) = (each for each in made.cases() if each.question.stage == STAGE)
    assert "caisi" in case.positions
    grant = made.state.table.grants["org-B", RELEASE, API]
    assert grant.terms == terms(made)
    table = VouchedTable(trust())
    folded(made.entries, table)
    assert table.findings == {}
    assert table.grants["org-B", RELEASE, API].barred is None


def test_a_list_admits_no_one_while_it_lacks_what_the_level_requires() -> None:
    made = by_list(REQUIRES)
    designate(made)
    made.must(opening_account("B"))
    assert held(made) == ["org-A api", "org-A codex"]
    adopts(made)
    assert held(made) == ["org-A api", "org-A codex", "org-B api", "org-B codex"]


def test_a_list_has_the_seats_of_the_level() -> None:
    made = by_list({"seats": 1})
    designate(made)
    made.must(opening_account("B"))
    assert held(made) == ["org-A api", "org-A codex"]
    designate(made, says="withdraws")
    assert held(made) == ["org-A api", "org-A codex", "org-B api", "org-B codex"]


def test_under_a_level_grants_go_on_as_part_of_a_stage_whose_terms_its_agency_agreed_to() -> None:
    made = World()
    stages = [stage("before"), stage(grants={"before": {"become": STAGE}})]
    made.apply(plan_of(stages=stages))
    made.agree()
    made.open(name="before")
    grant = made.admit(name="before")
    designate(made)
    made.open()
    assert made.state.grants[grant].stage == STAGE
    table = VouchedTable(trust())
    folded(made.entries, table)
    assert table.grants_by_id[grant].stage == STAGE
    assert table.findings == {}
