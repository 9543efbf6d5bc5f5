"""Themes about programmes: granted, denied and given on appeal, amended, with holders, suspended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sluicegate.core.lifecycle.applications import SubmitApplication
from sluicegate.core.lifecycle.grants import OpenRemoval, ResumeGrant, SuspendGrant
from sluicegate.core.people import persons
from sluicegate_record.terms.programmes import HeldProgramme
from tests.vectors.history import History
from tests.vectors.themes.plans import BOTH
from tests.worlds import API, application, plan_value, stage

GUARDED = "guarded-1"
PROGRAMMES: dict[str, Any] = {
    "cyber": {
        "standard": {},
        "blue": {"asks": {"sso": True}},
        "red": {"asks": {"sso": True, "personNamed": True}},
        "black": {"travels": "x-access-program"},
        "b": {"travels": "anthropic-user-profile-id"},
    }
}
BLUE, RED, BLACK = (HeldProgramme(concern="cyber", name=name) for name in ("blue", "red", "black"))
B = HeldProgramme(concern="cyber", name="b", holders=(persons.identifier("profile").hex(),))


def _asking(organization: str, *held: HeldProgramme) -> SubmitApplication:
    return replace(application(organization, release=GUARDED, name="guarded"), programmes=held)


def _applies(h: History, organization: str, *held: HeldProgramme) -> str:
    case: str = h.must(_asking(organization, *held), by=f"user of {organization}")["application"]
    return case


def _granted(h: History) -> None:
    """One that is approved, and one that is denied and approved on appeal."""
    body = stage("guarded", admission={**BOTH, "reply": "P1D"}, conditions=None)
    h.apply(plan_value(GUARDED, models=(GUARDED,), stages=[body], surfaces=[API], programmes=PROGRAMMES))
    h.agree_to(GUARDED)
    h.opens(GUARDED, "guarded")
    h.no("programme_unknown", _asking("org-100", HeldProgramme(concern="cyber", name="none")))
    h.no("programme_unfit", _asking("org-100", replace_holders(BLUE, "mem_none")))
    case = _applies(h, "org-100", BLUE, B)
    h.says(case, "oncd approve", "ostp approve")
    h.ids["guarded"] = h.granted(case)
    denied = _applies(h, "org-101", BLUE)
    h.says(denied, "oncd object")
    appeal: str = h.must(h.appeal(denied), by="user of org-101")["case"]
    h.says(appeal, "caisi approve")
    h.granted(appeal)


def replace_holders(held: HeldProgramme, *holders: str) -> HeldProgramme:
    """A programme, for these alone."""
    return HeldProgramme(concern=held.concern, name=held.name, holders=holders)


def _changed(h: History) -> None:
    """Another one, for as long as that is not suspended."""
    grant = h.ids["guarded"]
    h.amends(grant, "oncd approve", "ostp approve", renew=False, programmes=(BLUE, BLACK, B))
    h.must(SuspendGrant(grant, "misuse", (BLUE.label, BLACK.label)), by="staff")
    h.no("programme_unknown", SuspendGrant(grant, "misuse", (RED.label,)))
    h.must(ResumeGrant(grant, (BLACK.label,)), by="staff")
    h.amends(grant, "oncd approve", "ostp approve", renew=True)


def _removed(h: History) -> None:
    """A removal that was wrong gives back what there was."""
    grant = h.ids["guarded"]
    removal: str = h.must(OpenRemoval(grant, "misuse", "why"), by="staff")["case"]
    h.says(removal, "oncd approve", "ostp approve")
    h.later(2)
    appeal: str = h.must(h.appeal(removal), by="user of org-100")["case"]
    h.says(appeal, "caisi approve")
    h.last("grant.reinstated")


PROGRAMMED = (_granted, _changed, _removed)
