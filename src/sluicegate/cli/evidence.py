"""`evidence list`, `evidence show`: results of evaluations."""

from __future__ import annotations

from sluicegate.acts import evidence as acts
from sluicegate.acts.evidence import EvidenceList, EvidenceView, SignedEvidence
from sluicegate.cli import wording
from sluicegate.cli.acting import acting
from sluicegate.cli.listing import Columns, listing

SHOWN = len("sha256:") + 12
"""How much of a name a list shows: a beginning is enough for the other commands."""


def _evidence(found: EvidenceList) -> list[list[str]]:
    return list(map(_row, found.evidence))


def _row(each: EvidenceView) -> list[str]:
    name, counts = f"{each.release}/{each.evaluation}", "yes" if each.counts else "no"
    return [
        each.evidence[:SHOWN],
        name,
        each.party,
        each.model,
        wording.minute(each.at_ms),
        counts,
        each.says,
    ]


def _shown(found: SignedEvidence) -> str:
    run = found.run
    lines = [
        f"{found.release}/{found.evaluation} by {found.party}, entry {found.seq}",
        f"  {found.says}",
        f"  model {found.model}: {found.digest}",
        f"  safeguards: {found.safeguards}",
        f"  run {run.run} of {run.task}, version {run.task_version}, by {run.tool}; it asked {run.ran}",
        f"  questions: {run.dataset:,}, to be asked: {run.samples:,}, each {_times(run.epochs)}",
        f"  answered: {run.completed:,}, scored: {run.trials:,}",
        f"  who ran it: {run.independence}",
        *(f"  limit {name}: {value}" for name, value in sorted(run.limits.items())),
        *(f"  left out: {each}" for each in run.redactions),
        f"  log: {run.log}, kept by {found.party}"
        + (
            "; sealed here, too: 'sluicegate evidence log EVIDENCE --key KEY -o FILE' opens it"
            if found.log_kept
            else ""
        ),
    ]
    return "\n".join(lines)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


COLUMNS = ("evidence", "evaluation", "by", "model", "on", "counts", "says")
listed = listing(acts.LIST, Columns(COLUMNS, _evidence, "No evidence."))
show = acting(acts.SHOW, _shown)
