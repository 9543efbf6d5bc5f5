"""Pages of everyone who is signed in: how they come in, and all that their role may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sluicegate.acts import sign_ins
from sluicegate.acts.act import AnyAct
from sluicegate.acts.sign_ins import NewInvitation, SignInList, WhoseSignIns
from sluicegate.pages import forms
from sluicegate.pages.forms import ActForm
from sluicegate.pages.frame import CONTROL
from sluicegate.pages.page import Filled, FormLook, ShowForm, SitePage, View

HERE = "/account"


def _account(view: View[WhoseSignIns, SignInList]) -> Filled:
    found = view.found
    removes = {each.passkey: _end(sign_ins.REMOVE, "passkey", each.passkey) for each in found.passkeys}
    ends = {each.session: _end(sign_ins.END, "session", each.session) for each in found.sessions}
    invite = forms.form(sign_ins.INVITE, only=(), submit="Make an invitation for me")
    return Filled("account.html", {"found": found, "removes": removes, "ends": ends, "invite": invite})


def _end(act: AnyAct, key: str, name: str) -> ActForm:
    return forms.form(act, hidden={key: name}, submit="Remove" if key == "passkey" else "End", then=HERE)


def _invited(look: FormLook) -> Filled:
    """The usual page, with the whole link."""
    filled = forms.usual(sign_ins.INVITE, look.given, look.answer, look.fault)
    if not isinstance(look.answer, NewInvitation):
        return filled
    link = f"{CONTROL.reached(look.origin)}{look.answer.path}"
    shown = {"link" if key == "path" else key: value for key, value in look.answer.to_json().items()}
    return Filled(filled.template, {**filled.values, "answer": {**shown, "link": link}})


PAGES: tuple[SitePage[Any, Any], ...] = (SitePage(HERE, sign_ins.LIST, _account),)
FORMS: Mapping[str, ShowForm] = {sign_ins.INVITE.name: _invited}
