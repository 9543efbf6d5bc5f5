"""Pages of everyone who is signed in: how they come in, and all that their role may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sluicegate.acts import colleagues, sign_ins, tokens
from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, AnyAct, Nothing
from sluicegate.acts.colleagues import ColleagueList, ColleagueView
from sluicegate.acts.sign_ins import NewInvitation, SignInList, WhoseSignIns
from sluicegate.pages import forms
from sluicegate.pages.forms import ActForm
from sluicegate.pages.frame import CONTROL
from sluicegate.pages.page import Filled, FormLook, ShowForm, SitePage, View

HERE, COLLEAGUES = "/account", "/colleagues"
ROLES: Mapping[str, str] = {
    DEVELOPER: "as staff of the developer",
    AGENCY: "for an agency",
    APPLICANT: "for an organization that applies, or has a grant",
}
"""As what someone is signed in."""


def _account(view: View[WhoseSignIns, SignInList]) -> Filled:
    found = view.found
    removes = {each.passkey: _end(sign_ins.REMOVE, "passkey", each.passkey) for each in found.passkeys}
    ends = {each.session: _end(sign_ins.END, "session", each.session) for each in found.sessions}
    invite = forms.form(sign_ins.INVITE, only=(), submit="Make an invitation for me")
    renew = forms.form(tokens.RENEW, submit="Make a token for me")
    shown = {"found": found, "removes": removes, "ends": ends, "invite": invite, "renew": renew}
    return Filled("account.html", {**shown, "role": ROLES[found.role]})


def _end(act: AnyAct, key: str, name: str) -> ActForm:
    return forms.form(act, hidden={key: name}, submit="Remove" if key == "passkey" else "End", then=HERE)


def _colleagues(view: View[Nothing, ColleagueList]) -> Filled:
    """The people of the reader's organization; with what an administrator may do about each."""
    may: dict[str, list[ActForm]] = {}
    invite = None
    if view.reader is not None and view.reader.administers:
        people = view.found.people
        administrators = [each for each in people if each.administrator and each.state != "ended"]
        may = {each.principal: [*_about(each)] for each in people if [each] != administrators}
        only, labels = ("name", "administrator"), {"name": "Their name"}
        made = forms.form(sign_ins.INVITE, only=only, labels=labels, submit="Invite")
        # Without a name the link would be for the reader.
        named = (replace(each, required=each.key == "name", note="") for each in made.fields)
        invite = replace(made, fields=tuple(named))
    return Filled("colleagues.html", {"people": view.found.people, "may": may, "invite": invite})


def _about(person: ColleagueView) -> Iterator[ActForm]:
    """What an administrator may do about a colleague."""
    hidden = {"principal": person.principal}
    if person.state == "ended":
        again = {"name": person.name, "administrator": "yes" if person.administrator else ""}
        yield forms.form(sign_ins.INVITE, hidden=again, only=(), submit="Invite again")
        return
    act, words = colleagues.PROMOTE, "Make administrator"
    if person.administrator:
        act, words = colleagues.DEMOTE, "No administrator any more"
    yield forms.form(act, hidden=hidden, submit=words, then=COLLEAGUES)
    yield forms.form(colleagues.END, hidden=hidden, submit="End access", then=COLLEAGUES)


def _ways_in(view: View[WhoseSignIns, SignInList]) -> Filled:
    """How someone comes in."""
    return Filled("ways_in.html", {"found": view.found, "role": ROLES[view.found.role]})


def _invited(look: FormLook) -> Filled:
    """The whole link, and what to do with it; or the usual page."""
    made = look.answer
    if not isinstance(made, NewInvitation):
        return forms.usual(sign_ins.INVITE, look)
    link = f"{CONTROL.reached(look.origin)}{made.path}"
    return Filled("invited.html", {"made": made, "link": link, "is_own": not look.given.get("name")})


PAGES: tuple[SitePage[Any, Any], ...] = (
    SitePage(HERE, sign_ins.LIST, _account),
    SitePage(COLLEAGUES, colleagues.LIST, _colleagues),
    SitePage("/sign-ins", sign_ins.LIST, _ways_in),
)
FORMS: Mapping[str, ShowForm] = {sign_ins.INVITE.name: _invited}
