"""Tokens: made once, shown once, kept as digests."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from sluicegate.core import apikey
from sluicegate.core.lifecycle import Refusal
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.ledger import Ledger


def issue(
    ledger: Ledger,
    role: str,
    name: str,
    party: str | None = None,
    *,
    keep: Callable[[str], None] | None = None,
) -> dict[str, Any] | Refusal:
    """Make a token for a new principal; `token` is in this answer and nowhere else.

    `keep` is given the token before it counts, by whoever could not ask for another one.
    """
    if role not in access.ROLES:
        return Refusal(
            "unknown", "role_unknown", f"no role {role!r}, expected one of {', '.join(access.ROLES)}"
        )
    with ledger.reading() as state:
        agencies = state.parties - {state.developer}
        if party not in (agencies if role == access.AGENCY else {None}):
            known = ", ".join(sorted(agencies))
            return Refusal("unknown", "party_unknown", f"a token of an agency names one of: {known}")
    secret = apikey.make(apikey.TOKEN_PREFIX, ledger.random(32))
    if keep is not None:
        keep(secret)
    pseudonym = f"{role}_{base64.b32encode(ledger.random(10)).decode().lower()}"
    ledger.store.add_principal(apikey.digest(secret), Principal(pseudonym, role, name, party))
    return {"principal": pseudonym, "role": role, "name": name, "party": party, "token": secret}
