"""A result as a log that Inspect reads: its header. Questions and answers stay with who ran it."""

from __future__ import annotations

from typing import Any

from sluicegate.acts.evidence import EvidenceView
from sluicegate_record.log import times


def inspect_log(found: EvidenceView) -> dict[str, Any]:
    """The log. Source: inspect_ai.log.EvalLog, version 2."""
    run, at = found.run, times.format_time(found.at_ms)
    share = run.hits / run.trials if run.trials else 0.0
    metric = {"name": run.metric, "value": share}
    score = {"name": run.metric, "scorer": run.metric, "metrics": {run.metric: metric}}
    counted = {"total_samples": run.samples * run.epochs, "completed_samples": run.completed * run.epochs}
    return {
        "version": 2,
        "status": run.status,
        "eval": {
            "run_id": run.run,
            "eval_id": run.run,
            "task_id": run.run,
            "created": at,
            "task": run.task,
            "task_version": run.task_version,
            "dataset": {"samples": run.dataset},
            "model": run.ran,
            "config": {"epochs": run.epochs},
            "metadata": {
                "evidence": found.evidence,
                "model_digest": found.digest,
                "safeguards_digest": found.safeguards,
                "log": run.log,
            },
        },
        "results": {**counted, "scores": [score] if run.trials else []},
    }
