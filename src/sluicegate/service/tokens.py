"""Tokens: made once, shown once, kept as digests."""

from __future__ import annotations

import base64
from collections.abc import Callable

from sluicegate.acts import tokens as acts
from sluicegate.acts.act import AGENCY, PERSON, ROLES
from sluicegate.acts.tokens import TokenIssued, TokenRequest
from sluicegate.core.access import apikey
from sluicegate.core.lifecycle import Refusal
from sluicegate.ports import Principal
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger

ISSUED = tuple(role for role in ROLES if role != PERSON)
"""The roles that tokens are issued for; a person's token is a link, made for a member."""


def issue(
    ledger: Ledger,
    role: str,
    name: str,
    party: str | None = None,
    *,
    keep: Callable[[str], None] | None = None,
) -> TokenIssued | Refusal:
    """Make a token for a new principal; `token` is in this answer and nowhere else.

    `keep` is given the token before it counts, by whoever could not ask for another one.
    """
    if role not in ISSUED:
        return Refusal("unknown", "role_unknown", f"no role {role!r}, expected one of {', '.join(ISSUED)}")
    with ledger.reading() as state:
        agencies = state.parties - {state.developer}
        if party not in (agencies if role == AGENCY else {None}):
            known = ", ".join(sorted(agencies))
            return Refusal("unknown", "party_unknown", f"a token of an agency names one of: {known}")
    secret = _secret(ledger)
    if keep is not None:
        keep(secret)
    pseudonym = _pseudonym(ledger, role)
    ledger.store.principals.add(apikey.digest(secret), Principal(pseudonym, role, name, party))
    return TokenIssued(principal=pseudonym, role=role, name=name, party=party, token=secret)


@does(acts.ISSUE)
def issue_asked(context: Context[TokenIssued], asked: TokenRequest) -> TokenIssued | Refusal:
    """Make a token as it is asked for."""
    return issue(context.ledger, asked.role, asked.name, asked.party)


def link(ledger: Ledger, member: str, person: str | None = None) -> str:
    """The token of a member's private link, in place of the one before.

    `person` is who goes on under it, where a person renews their own; else somebody new acts from now on.
    """
    secret = _secret(ledger)
    who = Principal(person or _pseudonym(ledger, PERSON), PERSON, member)
    ledger.store.principals.replace(apikey.digest(secret), who)
    return secret


def _secret(ledger: Ledger) -> str:
    return apikey.make(apikey.TOKEN_PREFIX, ledger.random(32))


def _pseudonym(ledger: Ledger, role: str) -> str:
    return f"{role}_{base64.b32encode(ledger.random(10)).decode().lower()}"
