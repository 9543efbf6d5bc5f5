"""The applicant's pages: what they have applied for, each case and each grant, with what they can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from sluicegate.acts import (
    applications,
    cases,
    credentials,
    directives,
    drafts,
    grants,
    licences,
    members,
    releases,
)
from sluicegate.acts.act import APPLICANT, AnyAct, AskAct, Nothing
from sluicegate.acts.cases import CaseArgument, CaseFilter, CaseList, CaseView
from sluicegate.acts.credentials import CredentialFilter, CredentialSummary, GrantUsageQuestion
from sluicegate.acts.directives import AffectedPeople, DirectiveArgument, DirectiveView
from sluicegate.acts.drafts import DraftFilter
from sluicegate.acts.explanations import EXPLAIN, KeyExplanation
from sluicegate.acts.grants import GrantArgument, GrantFilter, GrantView
from sluicegate.acts.licences import LicenceFilter
from sluicegate.acts.members import MemberSearch, MemberView
from sluicegate.acts.releases import ReleaseStatus, StageStatus, Status
from sluicegate.pages import applying, forms, standings, uses
from sluicegate.pages.forms import ActForm
from sluicegate.pages.page import Filled, FormLook, ShowForm, SitePage, View
from sluicegate_record.terms import audience, effective, kinds

HERE, GRANTS = "/applications", "/grants"
LISTED = 50
"""How many keys and members a page lists."""
ONLY = frozenset({APPLICANT})
CLAIMED = ("status", "method", "assurance", "until")
"""What an organization says of a member."""
_LAYERS = (
    ("What refuses it", {"refuses"}),
    ("What is not known, because of that", {"unknown"}),
    ("What lets it through", {"allows"}),
    ("What is decided at each request", {"elsewhere"}),
)
"""The parts of the page that explains a key, with the layers in each, by their states."""
_CALLED: Mapping[str, str] = {
    "gateway": "The gateway",
    "credential": "The key",
    "request": "The request",
    "model": "The model",
    "directive": "Directives",
    "stage": "The stage",
    "deployment": "What serves it",
    "grant": "The grant",
    "programme": "Programmes",
    "person": "The person",
    "quota": "How many requests",
    "upstream": "Who serves the model",
}
"""What the layers of an explanation are called."""
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
        "drafts": view.ask(drafts.LIST, DraftFilter()).drafts,
        "grants": view.ask(grants.LIST, GrantFilter()).grants,
        "stages": [(*each, applying.apply_path(each[0].release, each[1].stage)) for each in stages],
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
    status = view.ask(releases.STATUS, Nothing())
    names = names_in(status)
    release = next((each for each in status.releases if each.release == case.release), None)
    is_asked = release is not None and case.kind in kinds.APPLIED and case.determination is None
    values = {
        "case": case,
        "labels": applying.LABELS,
        "documents": is_asked,
        "seal": applying.sealing_to(view.ask, names, case.parties) if is_asked else None,
        "line": standings.line(case, names),
        "clocks": list(standings.clocks(case, names)),
        "names": names,
        "rule": standings.rule(case.rule, names),
        "needed": standings.needed(case, names),
        "said": list(standings.said(case, names)),
        "answers": [_answer(case.case, each.agency, here) for each in case.questions],
        "steps": {name: _step(name, case.case, here) for name in case.next_steps if name in _STEPS},
        "withdraw": _withdraw(case.case, here) if "withdraw" in case.may else None,
    }
    return Filled("application.html", values)


def _answer(case: str, agency: str, here: str) -> ActForm:
    hidden, labels = {"case": case, "agency": agency}, {"text": "Your answer"}
    return forms.form(applications.ANSWER, hidden=hidden, labels=labels, submit="Send your answer", then=here)


def _step(name: str, case: str, here: str) -> ActForm:
    act, submit, called = _STEPS[name]
    return forms.form(act, hidden={"case": case}, labels={"text": called}, submit=submit, then=here)


def _withdraw(case: str, here: str) -> ActForm:
    """The form that ends a case."""
    return forms.form(applications.WITHDRAW, hidden={"case": case}, submit="Withdraw it", then=here)


class KeyRow(NamedTuple):
    """A key, and the forms that replace it and end it, while it is valid."""

    key: CredentialSummary
    rotate: ActForm
    revoke: ActForm


class MemberOfGrant(NamedTuple):
    """A member, and the forms about them."""

    member: MemberView
    claim: ActForm
    link: ActForm
    remove: ActForm


class DirectiveMeaning(NamedTuple):
    """What a directive means for the applicant's people, and the form that asks for an exception."""

    words: str
    affected: AffectedPeople
    directive: DirectiveView
    ask: ActForm

    @property
    def is_over_all(self) -> bool:
        """Whether it spares no one of them."""
        return not (self.affected.spared.members or self.affected.spared.credentials)

    @property
    def has_people(self) -> bool:
        """Whether there is anyone to count: a member, or a key."""
        covered = self.affected.covered
        return bool(covered.members or covered.credentials) or not self.is_over_all


def _grant(view: View[GrantArgument, GrantView]) -> Filled:
    grant, here = view.found, f"{GRANTS}/{view.found.grant}"
    held = view.ask(credentials.LIST, CredentialFilter(grant=grant.grant, limit=LISTED))
    used = view.ask(credentials.USAGE, GrantUsageQuestion(grant=grant.grant, limit=LISTED))
    people = view.ask(members.LIST, MemberSearch(grant=grant.grant, limit=LISTED))
    limited = [each for each in grant.limits if each.kind == "directive" and each.name is not None]
    excepted = view.ask(licences.LIST, LicenceFilter()).licences
    this = {"grant": grant.grant}
    values = {
        "grant": grant,
        "place": view.place,
        "keys": [_key(each, here) for each in held.credentials],
        "more_keys": held.next,
        "usage": used,
        "charts": (("key", uses.by_key(used)), ("model", uses.by_model(used))),
        "issue": forms.form(
            credentials.ISSUE,
            hidden=this,
            submit="Make a key",
            then=here,
        ),
        "members": [_member(each, grant.grant, here) for each in people.members],
        "more_members": people.next,
        "import": forms.form(
            members.REGISTER, hidden={"grant": grant.grant}, submit="Register them", then=here
        ),
        "directives": [_directive(view.ask, each.name or "", each.words, grant.grant) for each in limited],
        "licences": [each for each in excepted if each.grant == grant.grant],
        "renew": forms.form(
            applications.AMEND, hidden={**this, "renew": "yes"}, only=(), submit="Ask for it to begin again"
        ),
        "fallback": forms.form(
            grants.CHOOSE_FALLBACK,
            hidden={**this, "fallback": "no" if grant.fallback else "yes"},
            submit="Have them refused" if grant.fallback else "Have the fallback answer them",
            then=here,
        ),
        "surrender": forms.form(grants.SURRENDER, hidden=this, submit="Give it back", then=HERE),
        "base": grant.address or "https://GATEWAY",
        "model": grant.models[0] if grant.models else "MODEL",
        "wrong": effective.DIFFERENCES,
    }
    return Filled("grant.html", values)


def _key(key: CredentialSummary, here: str) -> KeyRow:
    hidden = {"credential": key.credential}
    return KeyRow(
        key,
        forms.form(
            credentials.ROTATE, {"days": "7"}, hidden=hidden, submit="Make a new key in its place", then=here
        ),
        forms.form(credentials.REVOKE, hidden=hidden, submit="Revoke", then=here),
    )


def _member(member: MemberView, grant: str, here: str) -> MemberOfGrant:
    hidden = {"member": member.member}
    removed = {"grant": grant, "members": member.member}
    return MemberOfGrant(
        member,
        forms.form(
            members.CLAIM,
            hidden=hidden,
            only=CLAIMED,
            submit="Say so",
            then=here,
        ),
        forms.form(members.LINK, hidden=hidden, submit="Make their private link"),
        forms.form(members.REMOVE, hidden=removed, submit="Remove", then=here),
    )


def _directive(ask: AskAct, name: str, words: str, grant: str) -> DirectiveMeaning:
    asks = forms.form(
        licences.REQUEST,
        hidden={"directive": name, "grant": grant},
        submit="Ask for an exception",
    )
    which = DirectiveArgument(directive=name)
    return DirectiveMeaning(words, ask(directives.AFFECTED, which), ask(directives.SHOW, which), asks)


def _explained(look: FormLook) -> Filled:
    """Why a key may use a model, or may not: what refuses first."""
    found, made = look.answer, forms.form(EXPLAIN, look.given, fault=look.fault)
    form = replace(made, fields=forms.offering(made.fields, look.ask))
    if not isinstance(found, KeyExplanation):
        return Filled("act.html", {"act": EXPLAIN, "form": form, "fault": form.fault})
    parts = [(title, [each for each in found.because if each.state in states]) for title, states in _LAYERS]
    return Filled("explained.html", {"found": found, "form": form, "parts": parts, "called": _CALLED})


PAGES: tuple[SitePage[Any, Any], ...] = (
    SitePage(HERE, cases.LIST, _applications, roles=ONLY),
    SitePage(f"{HERE}/{{case}}", cases.SHOW, _case, roles=ONLY),
    SitePage(f"{GRANTS}/{{grant}}", grants.SHOW, _grant, roles=ONLY),
)
"""In this order a path is looked for."""
FORMS: Mapping[str, ShowForm] = {EXPLAIN.name: _explained}
