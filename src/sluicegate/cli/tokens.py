"""`token issue`, `token list`, `token revoke`: who may use the control plane, over HTTP."""

from __future__ import annotations

from sluicegate.acts import tokens as acts
from sluicegate.acts.tokens import Tokens
from sluicegate.cli.acting import acting
from sluicegate.cli.tables import table


def _listed(found: Tokens) -> str:
    rows = [[each.principal, each.role, each.name, each.party, each.state] for each in found.tokens]
    return table("", ["principal", "role", "name", "party", "state"], rows, "No token.")


issue = acting(
    acts.ISSUE,
    lambda made: f"{made.role} {made.name}\n  token, shown only now: {made.token}",
    party="--agency",
)
listed = acting(acts.LIST, _listed)
revoke = acting(acts.REVOKE, lambda ended: f"the token of {ended.role} {ended.name} has ended")
