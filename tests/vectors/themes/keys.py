"""Themes about keys: further ones, another in place of one, retired ones, and one that was stolen."""

from __future__ import annotations

from sluicegate.core.lifecycle.grants import ResumeGrant
from tests.vectors.history import History
from tests.worlds import ending, keyid, pinning, plan_value, stage

TAKEN, FIRST = "gpt-17", "by-trade"
PARTY = {"trade": {"name": "Trade"}}


def _keys(h: History) -> None:
    """Two further owners; one changes its key and retires that, the other's is stolen."""
    h.no("other_log", pinning("third", "trade", "third", "first", "second", log="other"))
    h.no("party_unknown", pinning("third", "nobody", "third", "first"))
    h.no("owner_taken", pinning("oncd", "trade", "third", "first", "second"))
    h.no("signatures_missing", pinning("third", "trade", "third", "first"))
    h.no("key_of_another_party", pinning("third", "trade", "third", "oncd"))
    h.must(pinning("third", "trade", "third", "first", "second"), by="trade")
    h.must(pinning("third", "trade", "third", "first", "second"), by="trade")
    h.no("key_known", pinning("fourth", "trade", "third", "first", "second"))
    h.must(pinning("fourth", "trade", "fourth", "second", "third"), by="trade")
    h.no("key_moved", pinning("fourth", "trade", "fourth-2", "fourth"))
    h.must(pinning("fourth", "trade", "fourth-2", "fourth", replaces=keyid("fourth")), by="trade")
    h.no("signature_invalid", ending("retires", "fourth", "trade", "fourth-2", "nobody"))
    h.no("key_unknown", ending("retires", "fifth", "trade", "fourth-2", "first"))
    h.must(ending("retires", "fourth", "trade", "fourth-2", "first"), by="trade")
    h.must(ending("retires", "fourth", "trade", "fourth-2", "first"), by="trade")
    h.no("only_key", ending("retires", "ostp", "ostp", "ostp", "ostp"))
    since = h.state.size
    asked = {"kind": "voluntary", "askedBy": ["trade"], "how": "a call", "askedOn": "2026-06-24"}
    decided = {"mode": "approve", "grant": {"allOf": ["trade"]}}
    stages = [stage(FIRST, basis=asked, admission=decided)]
    plan = plan_value(TAKEN, models=(TAKEN,), agencies=PARTY, stages=stages)
    h.apply(plan)
    h.says(h.terms_case(TAKEN, FIRST), "trade approve", signer="third")
    h.opens(TAKEN, FIRST)
    case = h.applies("org-170", TAKEN, FIRST)
    h.says(case, "trade approve", signer="third")
    grant = h.granted(case)
    h.issues(grant, "taken-key")
    kept = h.applies("org-171", TAKEN, FIRST)
    h.says(kept, "trade approve", signer="first")
    h.issues(h.granted(kept), "kept-key")
    waiting = h.applies("org-172", TAKEN, FIRST)
    h.no("since_ahead", ending("revokes", "third", "trade", "third", "first", since=h.state.size + 1))
    h.must(ending("revokes", "third", "trade", "third", "first", since=since), by="trade")
    h.last("grant.suspended")
    h.no("key_revoked", ending("retires", "third", "trade", "third", "first"))
    h.no("grant_doubted", ResumeGrant(grant))
    h.apply(plan)
    h.says(h.terms_case(TAKEN, FIRST), "trade approve")
    h.amends(grant, "trade approve")
    h.must(ResumeGrant(grant))
    h.says(waiting, "trade approve")
    h.must(ending("revokes", "fourth", "trade", "fourth-2", "first", since=since), by="trade")


KEYS_LIVE = (_keys,)
