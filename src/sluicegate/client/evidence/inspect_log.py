"""Logs of Inspect, `.eval` and `.json`: the header, and the scores of each question.

Rules:
- This module reads only the header and the summaries of samples of an archive. A run that ended before it
  wrote its header has only the start of it; its status is then `started`.
- A question is a sample id. With several epochs it was asked several times.

Source: inspect_ai.log, version 2 of its log format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Annotated, Any, TypeVar

from sluicegate.client.evidence.archive import Archive
from sluicegate.client.evidence.scores import AskedQuestion, QuestionCounts, counts, value_of
from sluicegate.client.evidence.summary import (
    SAFEGUARDS_KEY,
    TASK_KEY,
    Summary,
    Wanted,
    digest_in,
    parsed,
)
from sluicegate.errors import InvalidInput
from sluicegate_record.form import Form, Json, Key, Misread, form
from sluicegate_record.terms.evaluations import EvaluationRun

HEADER, START, SUMMARIES, JOURNAL = (
    "header.json",
    "_journal/start.json",
    "summaries.json",
    "_journal/summaries/",
)
FORMAT = 2
_LIMITS = ("limit", "sample_id", "message_limit", "token_limit", "time_limit", "working_limit", "cost_limit")
Read = TypeVar("Read", bound=Form)


@form
class InspectDataset(Form):
    """The questions of a task."""

    samples: int | None = None
    sample_ids: Annotated[tuple[Json, ...] | None, Key("sample_ids")] = None


@form
class InspectEval(Form):
    """What was run."""

    run_id: Annotated[str, Key("run_id")]
    eval_id: Annotated[str | None, Key("eval_id")] = None
    task: str
    task_id: Annotated[str | None, Key("task_id")] = None
    task_version: Annotated[Json, Key("task_version")] = None
    task_registry_name: Annotated[str | None, Key("task_registry_name")] = None
    dataset: InspectDataset
    model: str
    config: Json = None
    packages: Json = None
    metadata: Json = None


@form
class InspectScore(Form):
    """The numbers of one scorer."""

    name: str
    scorer: str
    metrics: Json = None


@form
class InspectResults(Form):
    """How many samples there were, each epoch counted, and the numbers."""

    total_samples: Annotated[int, Key("total_samples")] = 0
    scores: tuple[InspectScore, ...] | None = None


@form
class InspectHeader(Form):
    """A log without its samples."""

    version: int
    status: str = "started"
    eval: InspectEval
    results: InspectResults | None = None


@form
class InspectSample(Form):
    """How one sample went, in one epoch."""

    id: Json
    epoch: int
    scores: Json = None
    error: Json = None
    completed: bool | None = None


def from_archive(file: IO[bytes], wanted: Wanted) -> Summary:
    """What is read of an `.eval` file. Raises: InvalidInput."""
    archive = Archive(file)
    is_whole = HEADER in archive.names
    header = parsed(archive.read(HEADER if is_whole else START), "the header")
    if SUMMARIES in archive.names:
        samples = parsed(archive.read(SUMMARIES), "the summaries")
    else:
        names = sorted(name for name in archive.names if name.startswith(JOURNAL))
        samples = [each for name in names for each in _list(parsed(archive.read(name), name))]
    return _summary(_read(InspectHeader, header), _list(samples), wanted)


def of_json(value: Json, wanted: Wanted) -> Summary:
    """What is read of a log in JSON. Raises: InvalidInput."""
    samples = value.pop("samples", None) if type(value) is dict else None
    return _summary(_read(InspectHeader, value), _list(samples or []), wanted)


def is_one(value: Any) -> bool:
    """Whether JSON is a log of Inspect."""
    return type(value) is dict and "eval" in value and "version" in value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise InvalidInput("a log whose samples are no list")
    return value


def _read(kind: type[Read], value: Any) -> Read:
    try:
        return kind.from_json(value)
    except Misread as error:
        raise InvalidInput(f"a log of Inspect that cannot be read: {error.message}") from error


def _summary(header: InspectHeader, given: list[Any], wanted: Wanted) -> Summary:
    if header.version != FORMAT:
        raise InvalidInput(f"a log in format {header.version}, and {FORMAT} is read here")
    asked = header.eval
    samples = [_read(InspectSample, each) for each in given]
    epochs = _number(_mapping(asked.config).get("epochs")) or 1
    scorer = _scorer(header, wanted.evaluation.metric)
    found = _counts(samples, scorer, epochs)
    if scorer is not None:
        found.check(_reported(scorer, wanted.evaluation.metric), wanted.evaluation.metric)
    dataset = asked.dataset
    to_ask = len(dataset.sample_ids or ()) or (
        header.results.total_samples // epochs if header.results else 0
    )
    run = EvaluationRun(
        tool=f"inspect_ai {_mapping(asked.packages).get('inspect_ai', '')}".strip(),
        run=asked.eval_id or f"{asked.run_id}/{asked.task_id or asked.task}",
        log=wanted.log,
        task=_task(asked, wanted.evaluation.task),
        task_version=str(asked.task_version if asked.task_version is not None else "none"),
        metric=wanted.evaluation.metric,
        ran=asked.model,
        status=_status(header.status),
        dataset=max(dataset.samples or 0, to_ask, found.completed),
        samples=max(to_ask, found.completed),
        completed=found.completed,
        epochs=epochs,
        trials=found.trials,
        hits=found.hits,
        sure=found.sure,
        limits=_limits(_mapping(asked.config)),
    )
    said = _mapping(asked.metadata)
    return Summary(run, digest_in(said, TASK_KEY), digest_in(said, SAFEGUARDS_KEY))


def _task(asked: InspectEval, wanted: str) -> str:
    """The task's name: that of the plan, if it is one of those in the log."""
    return wanted if wanted in {asked.task, asked.task_registry_name} else asked.task


def _status(status: str) -> Any:
    if status not in {"success", "error", "cancelled", "started"}:
        raise InvalidInput(f"a run with the status {status[:40]!r}")
    return status


def _scorer(header: InspectHeader, metric: str) -> InspectScore | None:
    """The scorer with a metric; None if no scorer has it. Raises: InvalidInput: there are several."""
    scores = (header.results.scores if header.results else None) or ()
    found = [each for each in scores if metric in _mapping(each.metrics)]
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise InvalidInput(
            f"{metric!r} is a number of several scorers: {names}",
            remedy="run the task with the one scorer that the plan means",
        )
    return found[0] if found else None


def _reported(scorer: InspectScore, metric: str) -> Any:
    return _mapping(_mapping(scorer.metrics)[metric]).get("value")


def _counts(samples: Iterable[InspectSample], scorer: InspectScore | None, epochs: int) -> QuestionCounts:
    questions: dict[str, AskedQuestion] = {}
    seen: set[tuple[str, int]] = set()
    for each in samples:
        name = f"{type(each.id).__name__} {each.id}"
        if (name, each.epoch) in seen:
            raise InvalidInput(f"a log with the sample {str(each.id)[:40]!r} twice in one epoch")
        seen.add((name, each.epoch))
        question = questions.setdefault(name, AskedQuestion())
        question.answered += each.error is None and each.completed is not False
        score = None if scorer is None else _mapping(each.scores).get(scorer.scorer, _NONE)
        value = None if score is None or each.error is not None else _value(score, scorer)
        question.scores += [] if value is None else [value]
    return counts(list(questions.values()), epochs)


_NONE: Mapping[str, Any] = {}


def _value(score: Any, scorer: InspectScore | None) -> float | None:
    return value_of(_mapping(score).get("value"), "" if scorer is None else scorer.name)


def _limits(config: Mapping[str, Any]) -> dict[str, str]:
    """What bounded the run, as text."""
    return {name: str(config[name])[:100] for name in _LIMITS if config.get(name) is not None}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else {}


def _number(value: Any) -> int:
    return value if type(value) is int else 0
