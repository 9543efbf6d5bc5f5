"""The end of a release: its report, and closing it."""

from __future__ import annotations

from sluicegate.acts import closures as acts
from sluicegate.acts.closures import ClosingReceipt, ReportArgument, ReportView
from sluicegate.acts.documents import SignedStatement
from sluicegate.core.lifecycle import Refusal, closures
from sluicegate.core.lifecycle.closures import CloseRelease
from sluicegate.core.lifecycle.releases import stage_unknown
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate_record.law.closures import report_of
from sluicegate_record.log.dsse import Envelope


@does(acts.REPORT)
def report(context: Context[ReportView], asked: ReportArgument) -> ReportView | Refusal:
    """What a release came to: the report that it was closed with, or as it would be now."""
    ledger = context.ledger
    with ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is None or not access.known(context.principal, state, ledger.directs)(release):
            return stage_unknown(asked.release, "")
        known = state.record.closures.get(asked.release)
        if known is None:
            made = report_of(state.record, asked.release)
            why = closures.not_to_close(state, asked.release, ledger.now_ms())
            missing = None if why is None else why.message
            return ReportView(
                log=state.log, release=asked.release, report=made, digest=made.digest, missing=missing
            )
        return ReportView(
            log=state.log,
            release=asked.release,
            report=known.report,
            digest=known.report.digest,
            closed_ms=known.at_ms,
            officer=known.officer,
            said=tuple(closures.said_of(state.record, known)),
        )


@does(acts.CLOSE)
def close(context: Context[ClosingReceipt], asked: SignedStatement) -> ClosingReceipt | Refusal:
    """Close a release by an officer's signature. Raises: BadEnvelope."""
    return context.execute(CloseRelease(Envelope.from_json(asked.envelope)))
