"""Gateways that may hold a lease."""

from __future__ import annotations

from sluicegate.acts import fleet as acts
from sluicegate.acts.act import Nothing
from sluicegate.acts.fleet import Gateways
from sluicegate.service.context import Context, does


@does(acts.LIST)
def listed(context: Context[Gateways], _: Nothing) -> Gateways:
    """Every gateway that may hold a lease."""
    return Gateways(gateways=tuple(context.services.fleet.gateways()))
