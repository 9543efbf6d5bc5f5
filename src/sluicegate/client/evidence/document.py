"""The documented form of a result, for tools whose logs are not read here: docs/how-to/import-evidence.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from sluicegate.client.evidence.scores import QuestionCounts
from sluicegate.client.evidence.summary import Summary, Wanted
from sluicegate.errors import InvalidInput
from sluicegate_record.form import Exact, Json, Misread, form
from sluicegate_record.terms.evaluations import EvaluationRun

KIND = "EvaluationResult"


@form
class ResultMetric(Exact):
    """How many questions were scored, how many with a hit, and how many with a hit each time."""

    trials: int
    hits: int
    sure: int | None = None


@form
class ResultSamples(Exact):
    """How many questions there are, how many were to be asked, how many were answered, and how often each."""

    dataset: int
    selected: int
    completed: int
    epochs: int = 1


@form
class ResultDocument(Exact):
    """A run of an evaluation."""

    api_version: Literal["sluicegate/v1"]
    kind: Literal["EvaluationResult"]
    tool: str
    run: str
    task: str
    task_version: str
    model: str
    digest: str | None = None
    safeguards: str | None = None
    status: Literal["success", "error", "cancelled", "started"]
    samples: ResultSamples
    metrics: Mapping[str, ResultMetric]
    limits: Mapping[str, str] = field(default_factory=dict)


def is_one(value: Any) -> bool:
    """Whether JSON says that it is a result."""
    return type(value) is dict and value.get("kind") == KIND


def read(value: Json, wanted: Wanted) -> Summary:
    """What is read of a document. Raises: InvalidInput."""
    try:
        found = ResultDocument.from_json(value)
    except Misread as error:
        raise InvalidInput(f"a result that cannot be read: {error.message}") from error
    metric = found.metrics.get(wanted.evaluation.metric)
    samples, name = found.samples, wanted.evaluation.metric
    counted = QuestionCounts(samples.completed, 0, 0, 0)
    if metric is not None:
        sure = metric.hits if metric.sure is None else metric.sure
        counted = QuestionCounts(samples.completed, metric.trials, metric.hits, sure)
    run = EvaluationRun(
        tool=found.tool,
        run=found.run,
        log=wanted.log,
        task=found.task,
        task_version=found.task_version,
        metric=name,
        ran=found.model,
        status=found.status,
        dataset=samples.dataset,
        samples=samples.selected,
        completed=samples.completed,
        epochs=samples.epochs,
        trials=counted.trials,
        hits=counted.hits,
        sure=counted.sure,
        limits=found.limits,
    )
    return Summary(run, found.digest, found.safeguards)
