"""Pages of everyone who is signed in: how they come in, and all that their role may do."""

from __future__ import annotations

from typing import Any

from sluicegate.acts import sign_ins
from sluicegate.acts.act import AnyAct
from sluicegate.acts.sign_ins import SignInList, WhoseSignIns
from sluicegate.pages import forms
from sluicegate.pages.forms import ActForm
from sluicegate.pages.page import Filled, SitePage, View

HERE = "/account"


def _account(view: View[WhoseSignIns, SignInList]) -> Filled:
    found = view.found
    removes = {each.passkey: _end(sign_ins.REMOVE, "passkey", each.passkey) for each in found.passkeys}
    ends = {each.session: _end(sign_ins.END, "session", each.session) for each in found.sessions}
    invite = forms.form(sign_ins.INVITE, only=(), submit="Make an invitation for me")
    return Filled("account.html", {"found": found, "removes": removes, "ends": ends, "invite": invite})


def _end(act: AnyAct, key: str, name: str) -> ActForm:
    return forms.form(act, hidden={key: name}, submit="Remove" if key == "passkey" else "End", then=HERE)


PAGES: tuple[SitePage[Any, Any], ...] = (SitePage(HERE, sign_ins.LIST, _account),)
