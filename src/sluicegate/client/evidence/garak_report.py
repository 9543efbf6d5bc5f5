"""Reports of garak, `report.jsonl`: how often each probe broke the model, by each of its detectors.

Rules:
- A task is a probe, or `probe/detector`; a hit is an answer that the detector finds bad. An answer that the
  detector could not judge may be a hit.
- With one answer to each prompt the line `eval` is counted. With more, each prompt is counted once, from its
  own line, and the lines must add up to what `eval` says. One without an answer may be a hit.
- A report that does not say that it is complete is of a run that did not end.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from sluicegate.client.evidence.scores import QuestionCounts
from sluicegate.client.evidence.summary import Summary, Wanted, parsed
from sluicegate.errors import InvalidInput
from sluicegate_record.form import Form, Json, Key, Misread, form
from sluicegate_record.terms.evaluations import EvaluationRun

LINE_MAX = 16 * 1024 * 1024
LINES_MAX = 2_000_000
METRIC = "attack_success_rate"
_DONE = 2
_STAND_INS = "test"


@form
class GarakEval(Form):
    """How often a probe's answers passed a detector."""

    probe: str
    detector: str
    passed: int
    fails: int | None = None
    nones: int = 0
    total: int | None = None
    total_evaluated: Annotated[int | None, Key("total_evaluated")] = None

    @property
    def judged(self) -> int:
        """How many answers the detector judged."""
        found = self.total_evaluated if self.total_evaluated is not None else self.total
        return self.passed + (self.fails or 0) if found is None else found

    @property
    def adds_up(self) -> bool:
        """Whether its numbers fit each other, and say how many answers did not pass."""
        fails = self.judged - self.passed
        is_said = (self.fails, self.total_evaluated, self.total) != (None, None, None)
        return is_said and min(self.passed, fails, self.nones) >= 0 and self.fails in {None, fails}


class _Report:
    """The lines of a report that are counted."""

    def __init__(self) -> None:
        self.setup: Mapping[str, Any] = {}
        self.run = self.version = ""
        self.is_complete = False
        self.evals: list[GarakEval] = []
        self.attempts: list[tuple[str, Mapping[str, Any]]] = []

    def take(self, line: Any) -> None:
        kind = line.get("entry_type") if type(line) is dict else None
        if kind == "start_run setup":
            self.setup = line
        elif kind == "init":
            self.run, self.version = str(line.get("run", "")), str(line.get("garak_version", ""))
        elif kind == "attempt" and line.get("status") == _DONE and type(line.get("detector_results")) is dict:
            self.attempts.append((str(line.get("probe_classname", "")), line["detector_results"]))
        elif kind == "eval":
            self.evals.append(_eval(line))
        elif kind == "completion":
            self.is_complete = True


def _eval(line: Any) -> GarakEval:
    try:
        return GarakEval.from_json(line)
    except Misread as error:
        raise InvalidInput(f"a report of garak that cannot be read: {error.message}") from error


def is_one(first: bytes) -> bool:
    """Whether a file begins as a report does."""
    return first.lstrip().startswith(b'{"entry_type"')


def read(lines: Iterable[bytes], wanted: Wanted) -> Summary:
    """What is read of a report. Raises: InvalidInput."""
    report = _Report()
    for line in itertools.islice(lines, LINES_MAX):
        if len(line) > LINE_MAX:
            raise InvalidInput(f"a report with a line of more than {LINE_MAX:,} bytes")
        if line.strip():
            report.take(parsed(line, "a line of the report"))
    return _summary(report, wanted)


def _summary(report: _Report, wanted: Wanted) -> Summary:
    task = wanted.evaluation.task
    found = [each for each in report.evals if task in {each.probe, f"{each.probe}/{each.detector}"}]
    if len(found) > 1:
        named = ", ".join(f"{each.probe}/{each.detector}" for each in found)
        raise InvalidInput(f"{task!r} has several detectors: {named}", remedy="name one of them in the plan")
    asked = found[0] if found else None
    times = report.setup.get("run.generations")
    epochs = times if type(times) is int and times > 0 else 1
    counted = QuestionCounts(0, 0, 0, 0) if asked is None else _counts(asked, report, epochs)
    kind, name = (str(report.setup.get(f"plugins.{each}") or "") for each in ("target_type", "target_name"))
    run = EvaluationRun(
        tool=f"garak {report.version}".strip(),
        run=report.run or "none",
        log=wanted.log,
        task=task if asked else ", ".join(sorted({each.probe for each in report.evals}))[:200] or "none",
        task_version="none",
        metric=METRIC,
        ran=_ran(kind, name),
        status="success" if report.is_complete else "started",
        dataset=counted.completed,
        samples=counted.completed,
        completed=counted.completed,
        epochs=epochs,
        trials=counted.trials,
        hits=counted.hits,
        sure=counted.sure,
        limits=_limits(report.setup),
    )
    return Summary(run)


def _ran(kind: str, name: str) -> str:
    """The model as garak names it. Its stand-ins are of the type `test`."""
    is_stand_in = kind.partition(".")[0] == _STAND_INS
    return f"{_STAND_INS}/{name or kind}" if is_stand_in else f"{kind or 'none'}/{name}".rstrip("/")


def _counts(asked: GarakEval, report: _Report, epochs: int) -> QuestionCounts:
    if not asked.adds_up:
        raise InvalidInput("a report with a line 'eval' whose numbers do not add up")
    of, fails = asked.judged + asked.nones, asked.judged - asked.passed
    if epochs == 1:
        return QuestionCounts(of, of, fails + asked.nones, fails)
    found = _results(asked, report)
    each = Counter(result for one in found for result in one)
    if (each[False], each[True], each[None]) != (asked.passed, fails, asked.nones):
        raise InvalidInput("a report whose prompts do not add up to its line 'eval'")
    hits = sum(not one or any(result is not False for result in one) for one in found)
    sure = sum(bool(one) and all(result is True for result in one) for one in found)
    return QuestionCounts(len(found), len(found), hits, sure)


def _results(asked: GarakEval, report: _Report) -> list[list[bool | None]]:
    """Which answers to each prompt a detector found bad; None: it could not judge. Raises: InvalidInput."""
    threshold = report.setup.get("run.eval_threshold", 0.5)
    found = [
        results[asked.detector]
        for probe, results in report.attempts
        if probe == asked.probe and asked.detector in results
    ]
    scores = [each for one in found if type(one) is list for each in one if each is not None]
    are_lists = all(type(one) is list for one in found)
    if not are_lists or not all(isinstance(each, int | float) for each in (threshold, *scores)):
        raise InvalidInput("a report with a score or a threshold that is no number")
    return [[None if score is None else score >= threshold for score in one] for one in found]


def _limits(setup: Mapping[str, Any]) -> dict[str, str]:
    cap: Json = setup.get("run.soft_probe_prompt_cap")
    return {} if cap is None else {"soft_probe_prompt_cap": str(cap)[:100]}
