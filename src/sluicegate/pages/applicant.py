"""The applicant's pages: what they have applied for, and each case with what they can do in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sluicegate.acts import applications, cases, grants, releases
from sluicegate.acts.act import APPLICANT, AnyAct, Nothing
from sluicegate.acts.cases import CaseArgument, CaseFilter, CaseList, CaseView
from sluicegate.acts.grants import GrantFilter
from sluicegate.acts.releases import ReleaseStatus, StageStatus, Status
from sluicegate.pages import forms, standings
from sluicegate.pages.forms import ActForm
from sluicegate.pages.page import Filled, SitePage, View
from sluicegate_record.terms import audience, kinds

HERE = "/applications"
ONLY = frozenset({APPLICANT})
_STEPS: Mapping[str, tuple[AnyAct, str, str]] = {
    "accept": (applications.ACCEPT, "Take the seat", ""),
    "reply": (applications.REPLY, "Send your reply", "Your reply"),
    "appeal": (applications.APPEAL, "Appeal", "Why it was wrong"),
}
"""The steps that have a form of their own, what it is sent with, and what its text is called."""


def _applications(view: View[CaseFilter, CaseList]) -> Filled:
    status = view.ask(releases.STATUS, Nothing())
    names, stages = names_in(status), list(_open_to_applicants(status))
    found = [view.ask(cases.SHOW, CaseArgument(case=each.case)) for each in view.found.cases]
    values = {
        "lines": standings.in_order(standings.line(each, names) for each in found),
        "more": view.found.next,
        "grants": view.ask(grants.LIST, GrantFilter()).grants,
        "stages": stages,
        "rules": {stage.terms: standings.rule(stage.rule, names) for _, stage in stages},
    }
    return Filled("applications.html", values)


def names_in(status: Status) -> Mapping[str, str]:
    """What the agencies of all releases are called."""
    return {name: called for release in status.releases for name, called in release.names.items()}


def _open_to_applicants(status: Status) -> Iterator[tuple[ReleaseStatus, StageStatus]]:
    """The stages that take applications."""
    for release in status.releases:
        for stage in release.stages if release.closed is None else ():
            if stage.audience == audience.APPLICANTS:
                yield release, stage


def _case(view: View[CaseArgument, CaseView]) -> Filled:
    case, here = view.found, f"{HERE}/{view.found.case}"
    names = names_in(view.ask(releases.STATUS, Nothing()))
    is_own = case.kind in kinds.OF_ONE
    values = {
        "case": case,
        "line": standings.line(case, names),
        "clocks": list(standings.clocks(case, names)),
        "names": names,
        "rule": standings.rule(case.rule, names),
        "needed": standings.needed(case, names),
        "said": list(standings.said(case, names)),
        "answers": [_answer(case.case, each.agency, here) for each in case.questions],
        "steps": {name: _step(name, case.case, here) for name in case.next_steps if name in _STEPS},
        "withdraw": _withdraw(case, here) if is_own else None,
    }
    return Filled("application.html", values)


def _answer(case: str, agency: str, here: str) -> ActForm:
    hidden, labels = {"case": case, "agency": agency}, {"text": "Your answer"}
    return forms.form(applications.ANSWER, hidden=hidden, labels=labels, submit="Send your answer", then=here)


def _step(name: str, case: str, here: str) -> ActForm:
    act, submit, called = _STEPS[name]
    return forms.form(act, hidden={"case": case}, labels={"text": called}, submit=submit, then=here)


def _withdraw(case: CaseView, here: str) -> ActForm | None:
    """The form that ends a case, where its applicant opened it and it is open."""
    if not kinds.allows("withdraw", case.kind, case.state):
        return None
    return forms.form(applications.WITHDRAW, hidden={"case": case.case}, submit="Withdraw it", then=here)


PAGES: tuple[SitePage[Any, Any], ...] = (
    SitePage(HERE, cases.LIST, _applications, roles=ONLY),
    SitePage(f"{HERE}/{{case}}", cases.SHOW, _case, roles=ONLY),
)
"""In this order a path is looked for."""
