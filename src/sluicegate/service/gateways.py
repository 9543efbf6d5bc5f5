"""Gateways: which may hold a lease, and what they report of their use."""

from __future__ import annotations

from sluicegate.acts import fleet as acts
from sluicegate.acts.act import Nothing
from sluicegate.acts.fleet import FleetReport, Gateways, ReportReceipt, UsageRow
from sluicegate.core.access.naming import Naming, UsageKey
from sluicegate.errors import InvalidInput, Unauthorized
from sluicegate.service import day_uses, daybook, grants, providers, usage
from sluicegate.service.context import Context, does
from sluicegate.service.usage import UsageCount


@does(acts.LIST)
def listed(context: Context[Gateways], _: Nothing) -> Gateways:
    """Every gateway that may hold a lease."""
    return Gateways(gateways=tuple(context.services.fleet.gateways()))


@does(acts.REPORT)
def report(context: Context[ReportReceipt], asked: FleetReport) -> ReportReceipt:
    """Note what a gateway reports. Raises: Unauthorized: of another. InvalidInput: a malformed naming."""
    ledger, by = context.ledger, context.principal
    if by.name != asked.gateway:
        said = f"this token is of gateway {by.name!r}, not {asked.gateway!r}"
        raise Unauthorized(said, code="forbidden")
    if asked.usage:
        rows = usage.known(ledger, [_count(each) for each in asked.usage])
        context.services.usage.report((asked.gateway, asked.incarnation), rows, ledger.now_ms())
        context.services.last_uses.note((row.key.credential for row in rows), ledger.now_ms())
    if asked.days is not None:
        days = daybook.known(ledger, asked.days.rows)
        context.services.days.report((asked.gateway, asked.days.spender), days, ledger.now_ms())
    if asked.tally is not None:
        tallied, run = day_uses.known(ledger, asked.tally), (asked.gateway, asked.incarnation)
        context.services.day_uses.report(run, asked.tally.number, tallied, ledger.now_ms())
    if asked.proven:
        grants.prove(ledger, by, asked.surface, asked.proven)
    if asked.differences:
        grants.note_differences(ledger, by, asked.surface, asked.differences)
    if asked.missing:
        providers.note_missing(context, asked.missing)
    return ReportReceipt()


def _count(row: UsageRow) -> UsageCount:
    try:
        naming = Naming.from_json(row.naming)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"a report of use with a naming that is none: {error}") from error
    return UsageCount(UsageKey(row.credential, row.model, naming), row.open, row.total)
