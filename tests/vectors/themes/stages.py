"""Themes about stages: one that opens by itself, for everyone, and accounts."""

from __future__ import annotations

import hashlib

from sluicegate.core.lifecycle.accounts import CloseAccount, OpenAccount
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.releases import OpenStage
from tests.vectors.history import History, describes
from tests.worlds import opening, plan_value, stage

WIDE, PREVIEW, GENERAL = "gpt-7", "preview", "general"
AGREED = {"kind": "agreed", "askedBy": ["oncd", "ostp"], "how": "a memorandum", "askedOn": "2026-06-24"}


def _wide(h: History) -> None:
    """A preview, and a day later everyone, by shares."""
    general = stage(
        GENERAL,
        basis=AGREED,
        audience="everyone",
        admission=None,
        conditions={"requestsPerMinute": 60},
        opensWhen={"allOf": [{"soak": "P1D"}, {"anyOf": [{"after": PREVIEW}, {"date": "2030-01-01"}]}]},
        ramp=[{"share": 50, "for": "P1D"}, {"share": 100}],
        grants={PREVIEW: {"become": GENERAL}},
    )
    h.apply(plan_value(WIDE, models=(WIDE,), stages=[stage(PREVIEW), general]))
    h.agree_to(WIDE)
    h.no("requirements_unmet", OpenStage(opening(h.state, WIDE, GENERAL)))
    h.opens(WIDE, PREVIEW)
    h.issues(h.admits("wide-1", WIDE, PREVIEW), "key of wide-1")
    h.later(1)
    assert h.newest("stage.opened", stage=GENERAL)["met"]


def _accounts(h: History) -> None:
    """An organization without a case, and one whose account ends."""
    for number in (1, 2, 2):
        name = f"wide-account-{number}"
        dossier = {"organization": {"name": f"Example {name}", "registeredIn": "US"}}
        command = OpenAccount(name, dossier, describes(name), "user" if number == 1 else None)
        h.ids[name] = h.must(command, by="operator")["account"]
        digest = hashlib.sha256(f"{name} {h.state.size}".encode()).hexdigest()
        h.must(IssueCredential(h.ids[name], digest), by="operator")
    closed = h.ids["wide-account-2"]
    h.must(CloseAccount(closed), by="operator")
    h.must(CloseAccount(closed), by="operator")
    h.no("account_closed", IssueCredential(closed, "ab" * 32))
    h.no("account_unknown", CloseAccount("acct_none"))


STAGES = (_wide, _accounts)
