"""Themes about releases: the log begins, plans are agreed to, stages open, and plans change."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.applications import Reply, SubmitApplication
from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import ApplyPlan, OpenStage
from sluicegate.core.lifecycle.ticks import Tick
from sluicegate_record.terms.plan import Plan
from tests.vectors.history import History
from tests.vectors.themes.plans import (
    BOTH,
    GENERAL,
    MAIN,
    OLDER,
    OWNERS,
    PARTNERS,
    QUIET,
    main_plan,
    quiet_plan,
)
from tests.worlds import (
    API,
    OFFICER,
    OTHER_OFFICER,
    PINS,
    opening,
    pin,
    plan_value,
    position,
    proceeding,
    read_plan,
    signed,
    stage,
    start,
)


def _started(h: History) -> None:
    h.must(start(pins=OWNERS), by="operator")
    h.no("other_log", start(developer="other", pins=OWNERS))
    h.no("key_changed", start(pins=PINS))
    h.must(start(pins=[*OWNERS, pin("oncd-2", "oncd")]), by="operator")
    h.must(start(pins=[*OWNERS, pin("oncd-2", "oncd")]), by="operator")
    h.must(Tick(), by="clock")


def _main_release(h: History) -> None:
    h.no("stage_unknown", SubmitApplication(MAIN, PARTNERS, API, "org-1", {"organization": {}}))
    h.apply(main_plan())
    h.no("terms_not_agreed", OpenStage(opening(h.state, MAIN, PARTNERS)))
    h.agree_to(MAIN, GENERAL)
    denied = h.terms_case(MAIN, GENERAL)
    h.says(denied, "ostp no-objection", "oncd object")
    h.ends(denied, "denied", "objection")
    h.apply(main_plan())
    assert h.terms_case(MAIN, GENERAL) != denied
    h.agree_to(MAIN)
    h.opens(MAIN, PARTNERS, signer=OTHER_OFFICER)
    h.opens(MAIN, PARTNERS)
    h.opens(MAIN, GENERAL)
    h.apply(main_plan(title="Trusted partners"))
    h.last("release.applied")


def _older_plan(**changes: Any) -> Plan:
    only = {"oncd": {"name": "ONCD"}}
    body = stage("partners", admission={"mode": "approve", "grant": {"allOf": ["oncd"]}}, **changes)
    return read_plan(plan_value(OLDER, models=(OLDER,), agencies=only, stages=[body]))


def _older_release(h: History) -> None:
    """One agency alone: its silence on the terms is advice, and its other owner hears appeals."""
    h.must(ApplyPlan(_older_plan()))
    case = h.terms_case(OLDER, "partners")
    h.no("one_officer", proceeding(h.state.cases[case], OFFICER))
    h.must(proceeding(h.state.cases[case]))
    h.ends(case, "approved")
    h.opens(OLDER, "partners")
    asked = h.applies("org-1", OLDER, "partners")
    h.says(asked, "oncd object")
    appeal = h.must(h.appeal(asked, "it is wrong"))["case"]
    h.no("not_impartial", RecordPosition(position(h.state.cases[appeal], "oncd")))
    h.says(appeal, "oncd approve", signer="oncd-2")
    h.ids["older"] = h.granted(appeal)


def _quiet_release(h: History) -> None:
    h.apply(quiet_plan())
    assert "plan" not in h.newest("release.applied")
    h.agree_to(QUIET)
    first = h.opens(QUIET, "first")["case"]
    assert h.opens(QUIET, "first")["case"] == first
    h.says(first, "caisi object")
    h.ends(first, "denied", "objection")
    second = h.opens(QUIET, "first")["case"]
    h.apply(quiet_plan(conditions={"requestsPerMinute": 100}))
    h.ends(second, "superseded")
    h.agree_to(QUIET)
    third = h.opens(QUIET, "first")["case"]
    h.says(third, "caisi approve", "ostp approve")
    h.last("stage.opened")
    h.ids["quiet"] = h.admits("org-1", QUIET, "first", "oncd approve")


def _looser_plan(h: History) -> None:
    """Looser terms end what is open about the old ones, and are agreed to anew."""
    amendment = h.amends(h.ids["org-8"], "oncd approve")
    applied = h.applies("org-20", MAIN, PARTNERS)
    denied = h.applies("org-21", MAIN, PARTNERS)
    h.says(denied, "oncd object")
    appeal = h.must(h.appeal(denied, "it is wrong"))["case"]
    other = h.applies("org-24", MAIN, PARTNERS)
    h.says(other, "oncd object")
    removal = h.must(OpenRemoval(h.ids["org-9"], "other", "why"))["case"]
    looser = {"requestsPerMinute": 900, "validFor": "P90D"}
    assert h.apply(main_plan(conditions=looser))["loosened"] == {PARTNERS: ["conditions"]}
    for case in (amendment, applied, appeal):
        h.ends(case, "superseded")
    h.no("appealed_already", Reply(denied, "but"))
    h.no("terms_changed", Reply(other, "but"))
    waiting = h.terms_case(MAIN, PARTNERS)
    h.says(waiting, "oncd approve")
    assert h.apply(main_plan(conditions={**looser, "validFor": "P120D"}))["superseded"] == [waiting]
    early = h.applies("org-20", MAIN, PARTNERS)
    h.no("terms_not_agreed", RecordPosition(position(h.state.cases[early], "oncd")))
    h.agree_to(MAIN)
    h.no("not_asked", OpenRemoval(h.ids["org-9"], "other", "why", "caisi"))
    h.says(early, "oncd approve", "ostp approve")
    h.ids["org-20"] = h.granted(early)
    amendment = h.amends(h.ids["org-8"], "oncd approve")
    h.opens(MAIN, PARTNERS)
    h.says(amendment, "ostp approve")
    h.says(removal, "oncd approve", "ostp approve")
    h.ids["removal"] = removal


def _tighter_plan(h: History) -> None:
    """Provably tighter terms are agreed to already; cases go on, unless it changes who decides."""
    looser = {"requestsPerMinute": 900, "validFor": "P120D"}
    goes_on = h.applies("org-22", MAIN, PARTNERS)
    h.says(goes_on, "oncd approve")
    assert h.apply(main_plan(conditions={**looser, "requestsPerMinute": 300}))["tightened"] == [PARTNERS]
    h.says(goes_on, "ostp approve")
    h.ids["org-22"] = h.granted(goes_on)
    ends = h.applies("org-23", MAIN, PARTNERS)
    tighter = {
        "conditions": {**looser, "requestsPerMinute": 200},
        "admission": {**BOTH, "countersign": ["oncd"]},
    }
    assert h.apply(main_plan(**tighter))["superseded"] == [ends]
    case = h.applies("org-23", MAIN, PARTNERS)
    h.no("countersignature_missing", RecordPosition(position(h.state.cases[case], "oncd")))
    h.must(RecordPosition(signed(position(h.state.cases[case], "oncd").payload, "oncd", "oncd-2")))
    h.says(case, "ostp approve")
    h.ids["org-23"] = h.granted(case)


def _former_plan(h: History) -> None:
    """Terms that went out of force are no longer agreed: coming back to them asks again."""
    former = _older_plan()
    case = h.must(ApplyPlan(_older_plan(conditions={"requestsPerMinute": 900})))["cases"][0]
    assert h.must(ApplyPlan(former))["superseded"] == [case]
    again = h.terms_case(OLDER, "partners")
    h.says(again, "oncd approve")
    h.ends(again, "approved")
    h.opens(OLDER, "partners")


def _other_plans(h: History) -> None:
    """A model and a surface go; a release is announced; a plan that does not fit is refused."""
    value = quiet_plan(conditions={"requestsPerMinute": 100})
    value["spec"]["announced"] = True
    h.apply(value)
    assert h.newest("release.applied")["announced"]
    value = quiet_plan(conditions={"requestsPerMinute": 200})
    value["spec"]["announced"] = True
    h.apply(value)
    h.agree_to(QUIET)
    case = h.opens(QUIET, "first")["case"]
    h.must(proceeding(h.state.cases[case]), by="officer")
    h.last("stage.opened")
    removal = h.must(OpenRemoval(h.ids["org-10"], "screening", "why"))["case"]
    h.no("reply_time_runs", proceeding(h.state.cases[removal]))
    h.later(10)
    h.must(proceeding(h.state.cases[removal]), by="officer")
    h.last("grant.ended")
    h.no("model_taken", ApplyPlan(read_plan(plan_value("another", models=(MAIN,)))))
    theirs = plan_value("another", models=("another",))
    theirs["metadata"]["developer"] = "other"
    h.no("other_developer", ApplyPlan(read_plan(theirs)))
    agencies = {"nsc": {"name": "NSC"}, "oncd": {"name": "ONCD"}}
    unknown = stage(admission={"mode": "approve", "grant": {"allOf": ["nsc"]}})
    theirs = plan_value("another", models=("another",), agencies=agencies, stages=[unknown])
    h.no("agency_unknown", ApplyPlan(read_plan(theirs)))


RELEASES = (_started, _main_release, _older_release, _quiet_release)
CHANGES = (_looser_plan, _tighter_plan, _former_plan, _other_plans)
