"""`token issue`, `token list`, `token revoke`: who may use the control plane, over HTTP."""

from __future__ import annotations

from sluicegate.acts import tokens as acts
from sluicegate.acts.act import APPLICANT
from sluicegate.acts.tokens import TokenArgument, TokenFilter, Tokens
from sluicegate.cli import wording
from sluicegate.cli.acting import acting
from sluicegate.cli.listing import Columns, listing
from sluicegate.client.http import Client
from sluicegate_record.terms.text import counted


def _tokens(found: Tokens) -> list[list[str | None]]:
    return [
        [
            each.principal,
            each.role,
            each.name,
            each.party,
            each.colleague_of,
            wording.minute(each.created_ms),
            wording.minute(each.used_ms),
            each.state,
        ]
        for each in found.tokens
    ]


def _revoked(client: Client, asked: TokenArgument) -> str:
    """What revoking a token does."""
    known = client.do(acts.LIST, TokenFilter(limit=500)).tokens
    whose = next((f"{each.role} {each.name}, " for each in known if each.principal == asked.principal), "")
    others = [each for each in known if each.colleague_of == asked.principal and each.role == APPLICANT]
    and_others = f"; with it the access of {counted(len(others), 'colleague')} of it" if others else ""
    return f"the token of {whose}{asked.principal}, ends at once, and for ever{and_others}"


issue = acting(
    acts.ISSUE,
    lambda made: f"{made.name} has a token ({made.role})\n  token, shown only now: {made.token}",
    party="--agency",
)
renew = acting(
    acts.RENEW,
    lambda made: (
        f"you have a new token ({made.role}, {made.name})\n"
        f"  token, shown only now; keep it by 'sluicegate login': {made.token}"
    ),
)
COLUMNS = ("principal", "role", "name", "party", "colleague of", "created", "last use, by the hour", "state")
listed = listing(acts.LIST, Columns(COLUMNS, _tokens, "No such token."))
revoke = acting(
    acts.REVOKE,
    lambda ended: f"the token of {ended.role} {ended.name} has ended",
    first=_revoked,
)
