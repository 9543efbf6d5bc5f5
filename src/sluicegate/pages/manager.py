"""Pages of the developer's staff: the board, a release with all that it waits for, and its cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sluicegate.acts import (
    applications,
    cases,
    early_access,
    findings,
    outlook,
    releases,
    reports,
)
from sluicegate.acts.act import DEVELOPER, AnyAct, AskAct, Nothing
from sluicegate.acts.cases import CaseArgument, CaseFilter, CaseList, CaseSummary, CaseView
from sluicegate.acts.early_access import EarlyAccess, EarlyAccessFilter
from sluicegate.acts.findings import FindingFilter
from sluicegate.acts.outlook import ReleaseOutlook
from sluicegate.acts.releases import ExposureView, ReleaseArgument, Status
from sluicegate.acts.reports import CaseReport, ReportFilter
from sluicegate.pages import forms, timeline
from sluicegate.pages.forms import ActForm
from sluicegate.pages.page import Filled, SitePage, View
from sluicegate.statements import cases as statements
from sluicegate.statements.kind import AnyKind
from sluicegate_record.terms import kinds

STAFF = frozenset({DEVELOPER})
BOARD, CASES = "/board", "/cases"
CASES_SHOWN = 12
"""How many cases the board has, by the time that runs out first."""
OF_DIRECTIVES = 100
"""How many open cases of each kind about directives the board counts, at most."""
_STEPS: tuple[tuple[str, AnyAct, str], ...] = (
    ("answer", applications.ANSWER, "Answer for the applicant"),
    ("return", applications.RETURN, "Return it without a decision"),
    ("accept", applications.ACCEPT, "Accept the seat for the applicant"),
    ("reply", applications.REPLY, "Reply for the organization"),
    ("withdraw", applications.WITHDRAW, "Withdraw it for the applicant"),
)
"""What staff can do in a case without a key, by the step of the table of steps."""
_SIGNED: Mapping[str, AnyKind] = {
    "position": statements.POSITION,
    "transcribe": statements.TRANSCRIPTION,
    "screen": statements.SCREENING,
}
"""What an officer signs to take a step."""


class Exposed(NamedTuple):
    """A measure of what a stage lets into the world: now, at most. `now` is None if it is not said."""

    measure: str
    now: int | None
    most: int
    enforced: bool


def _board(view: View[Nothing, Status]) -> Filled:
    shown = [view.ask(outlook.SHOW, ReleaseArgument(release=each.release)) for each in view.found.releases]
    of_directives, are_all = _of_directives(view.ask)
    open_cases: list[CaseSummary] = [each for found in shown for each in found.cases]
    open_cases += of_directives
    report: CaseReport = view.ask(reports.REPORT, ReportFilter())
    values = {
        "releases": shown,
        "cases": sorted(open_cases, key=_due_first)[:CASES_SHOWN],
        "open_cases": sum(each.open_cases for each in shown) + len(of_directives),
        "are_all": are_all,
        "report": report,
        "findings": view.ask(findings.LIST, FindingFilter(state="open", limit=20)).findings,
        "slowest": max([each.median for each in report.agencies], default=0),
    }
    return Filled("board.html", values)


def _of_directives(ask: AskAct) -> tuple[list[CaseSummary], bool]:
    """The newest open cases about directives, which are of no one release; and whether these are all."""
    lists = [
        ask(cases.LIST, CaseFilter(kind=kind, state=cases.OPEN, limit=OF_DIRECTIVES))
        for kind in (kinds.LIFT, kinds.LICENCE)
    ]
    return [each for found in lists for each in found.cases], all(found.next is None for found in lists)


def _due_first(case: CaseSummary) -> tuple[bool, int]:
    return case.next_due_ms is None, case.next_due_ms or 0


def _release(view: View[ReleaseArgument, ReleaseOutlook]) -> Filled:
    found = view.found
    values = {
        "found": found,
        "line": timeline.timeline(found.timeline, found.at_ms),
        "said": timeline.SAID,
        "courses": {each.stage: each for each in found.timeline},
        "exposed": {each.stage: tuple(exposed(each.exposure)) for each in found.status.stages},
    }
    return Filled("board_release.html", values)


def exposed(found: ExposureView | None) -> Iterator[Exposed]:
    """What a stage lets into the world, measure by measure."""
    if found is None:
        return
    now = {
        "organizations": found.organizations,
        "people": found.people,
        "requestsPerDay": found.requests_today,
    }
    for name, most in found.stated.measures.items():
        yield Exposed(name, now[name], most.value, most.enforced)


def _cases(view: View[CaseFilter, CaseList]) -> Filled:
    asked = view.asked
    kept = {"kind": asked.kind, "state": asked.state, "awaiting": asked.awaiting}
    kept |= {"organization": asked.organization, "directive": asked.directive, "before": view.found.next}
    values = {
        "found": view.found,
        "asked": asked,
        "kinds": tuple(kinds.KINDS),
        "states": cases.STANDINGS,
        "older": f"{CASES}?{urlencode({name: each for name, each in kept.items() if each})}",
        "is_filtered": any((asked.kind, asked.state, asked.awaiting, asked.organization, asked.directive)),
    }
    return Filled("cases.html", values)


def _case(view: View[CaseArgument, CaseView]) -> Filled:
    found = view.found
    of_case = urlencode({"case": found.case})
    values = {
        "case": found,
        "steps": tuple(_steps(found)),
        "signs": [(each.title, f"{each.form}?{of_case}") for each in _signs(found)],
        "proceeds": "proceed" in found.may,
    }
    return Filled("case.html", values)


def _steps(case: CaseView) -> Iterator[ActForm]:
    """The forms of what staff can do in a case now."""
    for step, act, label in _STEPS:
        if step in case.may:
            yield forms.form(act, hidden={"case": case.case}, submit=label, then=f"{CASES}/{case.case}")


def _signs(case: CaseView) -> Iterator[AnyKind]:
    """What an officer can sign in a case now, beside proceeding."""
    yield from (kind for step, kind in _SIGNED.items() if step in case.may)
    yield statements.NOTE


def _early_access_of(ask: AskAct) -> Filled:
    """The form, before it is said of what."""
    status = ask(releases.STATUS, Nothing())
    names = [name for each in status.releases for name in (each.release, *each.models)]
    return Filled("early_access.html", {"found": None, "asked": None, "names": list(dict.fromkeys(names))})


def _early_access(view: View[EarlyAccessFilter, EarlyAccess]) -> Filled:
    return Filled("early_access.html", {"found": view.found, "asked": view.asked, "names": ()})


PAGES: tuple[SitePage[Any, Any], ...] = (
    SitePage(BOARD, releases.STATUS, _board, roles=STAFF, asks=7),
    SitePage(f"{BOARD}/{{release}}", outlook.SHOW, _release, roles=STAFF),
    SitePage("/early-access", early_access.LIST, _early_access, roles=STAFF, empty=_early_access_of),
    SitePage(CASES, cases.LIST, _cases, roles=STAFF),
    SitePage(f"{CASES}/{{case}}", cases.SHOW, _case, roles=STAFF),
)
