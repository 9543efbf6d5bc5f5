"""Themes about grants: keys, use, amendments, and their end."""

from __future__ import annotations

import hashlib

from sluicegate.core.lifecycle.applications import Reply, Return, Withdraw
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.grants import (
    ChooseFallback,
    OpenRemoval,
    ProveGrant,
    ResumeGrant,
    SurrenderGrant,
    SuspendGrant,
)
from tests.vectors.history import History, describes
from tests.vectors.themes.plans import MAIN, PARTNERS
from tests.worlds import proceeding


def _keys(h: History) -> None:
    """A key for every grant of the first releases."""
    names = ["org-1", "org-1 codex", *(f"org-{number}" for number in range(2, 14) if number not in {6, 7})]
    for name in (*names, "older", "quiet"):
        h.issues(h.ids[name], f"key of {name}")
    h.no("grant_unknown", IssueCredential("grant_x", "0" * 64))
    h.no("key_known", IssueCredential(h.ids["org-1"], hashlib.sha256(b"key of org-1").hexdigest()))


def _used_grants(h: History) -> None:
    """Grants under which a call has succeeded, and whose holders choose the fallback."""
    grant = h.ids["org-1"]
    h.must(ProveGrant(grant, "gateway-1"), by="gateway-1")
    h.must(ProveGrant(grant, "gateway-2"), by="gateway-2")
    h.must(ChooseFallback(grant, fallback=True))
    h.must(ChooseFallback(h.ids["org-2"], fallback=True))
    h.must(ChooseFallback(h.ids["org-2"], fallback=True))
    h.must(ChooseFallback(h.ids["org-2"], fallback=False))


def _grants(h: History) -> None:
    grant = h.ids["org-1"]
    h.no("reason_unknown", SuspendGrant(grant, "because"))
    h.must(SuspendGrant(h.ids["org-3"], "misuse"))
    h.must(SuspendGrant(h.ids["org-3"], "misuse"))
    h.must(SuspendGrant(h.ids["org-4"], "safeguards"))
    h.must(ResumeGrant(h.ids["org-4"]))
    h.must(SurrenderGrant(h.ids["org-7"]), by="user of org-7")
    h.no("grant_ended", ProveGrant(h.ids["org-7"], "gateway-1"))
    case = h.must(OpenRemoval(h.ids["org-13"], "terms_breached", "why"))["case"]
    h.says(case, "ostp approve")
    h.issues(h.admits("org-7", MAIN, PARTNERS), "key of org-7")


def _amendments(h: History) -> None:
    """Renewals and changed files: approved, on conditions, denied, replied to, appealed, withdrawn."""
    grant, other = h.ids["org-2"], h.ids["org-4"]
    h.no("nothing_to_amend", h.amend(grant, renew=False))
    case = h.amends(grant, "oncd approve", "ostp approve")
    h.ends(case, "approved")
    renamed = {"organization": {"name": "Renamed", "registeredIn": "CN"}}
    more = {"dossier": renamed, "described": describes("org-2", "CN", "critical-infrastructure")}
    case = h.amends(grant, "oncd approve", renew=False, **more)
    h.asks_for(case, "ostp", requestsPerMinute=30)
    h.ends(case, "approved-with-conditions")
    h.last("organization.described")
    case = h.amends(other, "oncd object")
    h.ends(case, "denied", "objection")
    h.must(Reply(case, "but"))
    h.says(case, "oncd approve", "ostp approve")
    h.ends(case, "approved")
    case = h.amends(other, "ostp object", renew=False, dossier=renamed)
    appeal = h.must(h.appeal(case, "it is wrong"))["case"]
    h.says(appeal, "caisi approve")
    h.last("grant.amended")
    case = h.amends(other)
    h.no("already_applied", h.amend(other, renew=True))
    h.must(Return(case, "a form is missing"))
    case = h.amends(other, "oncd object")
    h.must(proceeding(h.state.cases[case]))
    h.ends(case, "approved")
    case = h.amends(other, "oncd ask")
    h.must(Withdraw(case))


def _more_keys(h: History) -> None:
    """Keys for grants that came later."""
    for name in ("org-20", "org-22", "org-23", "yields", "notified", "signed", "l"):
        h.issues(h.ids[name], f"key of {name}")
    h.no("grant_removed", IssueCredential(h.ids["org-9"], "0" * 64))


def _time_over(h: History) -> None:
    """Grants expire, and with them what is open about them."""
    amendment = h.amends(h.ids["org-5"])
    removal = h.must(OpenRemoval(h.ids["org-11"], "criteria_not_met", "why"))["case"]
    for _ in range(6):
        h.later(20)
    h.ends(amendment, "superseded", "grant_expired")
    h.ends(removal, "superseded", "grant_expired")


KEYS = (_keys, _used_grants)
GRANTS = (_grants, _amendments)
ENDS = (_more_keys, _time_over)
