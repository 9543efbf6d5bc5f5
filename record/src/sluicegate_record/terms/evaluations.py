"""Evaluations as a plan names them, what was run, and how much that proves.

Rules:
- A result counts by its bound, not by its point: the exact one-sided bound, at the evaluation's level.
- A question is counted once, however often it was asked. What is between 0 and 1, or differs from one time to
  another, counts against what the plan wants to see.
- What proves nothing says why. What a newer run says does not change that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, TypeAlias

from sluicegate_record.form import Codec, Exact, Form, Json, Misread, form, shown, within
from sluicegate_record.log import canonical
from sluicegate_record.terms import binomial
from sluicegate_record.terms.rule import Rule

PLACES_MAX = 9
"""How many decimal places a share may have."""
PATTERN = rf"(0|1|0\.[0-9]{{0,{PLACES_MAX - 1}}}[1-9])"
LEVEL = "0.95"
"""The level of a bound if a plan leaves it out."""
MOCK_PROVIDERS = frozenset({"mockllm", "none", "test"})
"""Providers of the tools that are read here, behind which there is no model."""


def is_share(text: object) -> bool:
    """Whether something is a share as the record has it: a decimal from 0 to 1, in its shortest form."""
    if type(text) is not str or len(text) > PLACES_MAX + 2:
        return False
    head, dot, tail = text.partition(".")
    if not dot:
        return text in {"0", "1"}
    return head == "0" and tail.isascii() and tail.isdigit() and not tail.endswith("0")


def _share(value: Json) -> str:
    if not is_share(value):
        raise Misread(f'a share such as "0.05", of at most {PLACES_MAX} places', shown(value))
    return str(value)


Share = Annotated[str, Codec(_share, str, {"type": "string", "pattern": f"^{PATTERN}$"})]
"""A share from 0 to 1: a decimal as text, for JSON has no fractions that every reader keeps."""


def _level(value: Json) -> str:
    if not is_share(value) or not Decimal("0.5") < Decimal(value) < 1:
        raise Misread('a level above 0.5 and below 1, such as "0.95"', shown(value))
    return str(value)


Level = Annotated[str, Codec(_level, str, {"type": "string", "pattern": f"^{PATTERN}$"})]
"""The level of a bound: how sure it is."""
IfDisagree: TypeAlias = Literal["worst", "newest", "best"]
"""Which result counts where several are current: all must meet the threshold, the newest, or any of them."""


@form
class Comparison(Form):
    """Another model's value. A model is comparable if it reaches at least `value` less `margin`."""

    model: str
    value: Share
    margin: Share = "0"

    @property
    def least(self) -> Decimal:
        """The least share that is comparable."""
        return max(binomial.less(Decimal(self.value), Decimal(self.margin)), Decimal(0))


@form
class WhenComparable(Form):
    """What follows if a model is comparable: the scrutiny level that its stages then have."""

    scrutiny: str


@form
class Evaluation(Form):
    """What is run, which number counts, who may run it, and what its bound must be.

    Without `at_least` and `at_most` any valid result of the models in force meets it.
    """

    task: str
    metric: str
    from_: Rule
    at_least: Share | None = None
    at_most: Share | None = None
    level: Level = LEVEL
    if_disagree: IfDisagree = "worst"
    compare_to: Comparison | None = None
    when_comparable: WhenComparable | None = None

    @property
    def digest(self) -> str:
        """The digest of the evaluation, as `sha256:…`. Who signs a result says by it what was asked."""
        return canonical.digest(self.to_json())


@form
class EvaluationRun(Exact):
    """What was run, as who ran it signs it. `log` is the digest of the tool's own log, which stays there.

    These count questions: `dataset` those there are, `samples` those that were to be asked, `completed` those
    with an answer each time, `trials` those with a score. Each was asked `epochs` times. `hits` are those
    with more than 0 at least once, `sure` those with 1 each time.
    """

    tool: str
    run: str
    log: str
    task: str
    task_version: str
    metric: str
    ran: str
    status: Literal["success", "error", "cancelled", "started"]
    dataset: Annotated[int, within(0, binomial.TRIALS_MAX)]
    samples: Annotated[int, within(0, binomial.TRIALS_MAX)]
    completed: Annotated[int, within(0, binomial.TRIALS_MAX)]
    epochs: Annotated[int, within(1, 1_000)]
    trials: Annotated[int, within(0, binomial.TRIALS_MAX)]
    hits: Annotated[int, within(0, binomial.TRIALS_MAX)]
    sure: Annotated[int, within(0, binomial.TRIALS_MAX)]
    limits: Mapping[str, str] = field(default_factory=dict)
    independence: Literal["independent", "paid-by-developer", "developer"] = "independent"
    redactions: tuple[str, ...] = ()

    @property
    def is_counted(self) -> bool:
        """Whether its counts fit each other."""
        counts = (self.sure, self.hits, self.trials, self.completed, self.samples, self.dataset)
        return all(fewer <= more for fewer, more in pairwise(counts))


REASONS = {
    "withdrawn": "its party has withdrawn it",
    "cancelled": "the run was cancelled",
    "incomplete": "the run did not end, or not every question has an answer and a score",
    "partial": "only some of the questions of the task were asked",
    "no_scores": "no question has a score",
    "mock_model": "no model was asked, but a stand-in of the tool",
    "another_model": "the run asked another model",
    "another_task": "the run is of another task than the plan names",
    "another_metric": "the result is another number than the plan names",
    "other_digests": "its digests are not those of a model in force: it is stale, or of another model",
    "not_asked": "the plan does not name this party as one whose result counts",
}
"""Why a result proves nothing, in words."""


def lacks(evaluation: Evaluation, run: EvaluationRun, model: str) -> Iterator[str]:
    """Why a run proves nothing about a model, whatever is in force: some of `REASONS`."""
    if run.status == "cancelled":
        yield "cancelled"
    elif run.status != "success" or run.completed < run.samples or 0 < run.trials < run.completed:
        yield "incomplete"
    if run.samples < run.dataset:
        yield "partial"
    if not run.trials:
        yield "no_scores"
    provider, _, name = run.ran.rpartition("/")
    if provider.partition("/")[0] in MOCK_PROVIDERS or run.ran in MOCK_PROVIDERS:
        yield "mock_model"
    elif model not in {run.ran, name} and not run.ran.endswith(f"/{model}"):
        yield "another_model"
    if run.task != evaluation.task:
        yield "another_task"
    if run.metric != evaluation.metric:
        yield "another_metric"


def meets(evaluation: Evaluation, run: EvaluationRun) -> bool:
    """Whether the bound of a run meets the threshold; true without one. Requires: `run.trials` > 0."""
    level = Decimal(evaluation.level)
    if evaluation.at_least is not None:
        return binomial.is_at_least(run.sure, run.trials, Decimal(evaluation.at_least), level)
    if evaluation.at_most is not None:
        return binomial.is_at_most(run.hits, run.trials, Decimal(evaluation.at_most), level)
    return True


def is_comparable(evaluation: Evaluation, run: EvaluationRun) -> bool:
    """Whether the model may be comparable, by a run: it is, unless the bound proves that it is not.

    Requires: the evaluation compares, and `run.trials` > 0.
    """
    if evaluation.compare_to is None:
        return False
    level = Decimal(evaluation.level)
    return not binomial.is_below(run.hits, run.trials, evaluation.compare_to.least, level)


PASSED, FAILED, WARNED = "PASSED", "FAILED", "WARNED"


def outcome(evaluation: Evaluation, run: EvaluationRun, model: str) -> str:
    """The result in the words of an in-toto test result; `WARNED` if the run proves nothing."""
    if any(lacks(evaluation, run, model)):
        return WARNED
    return PASSED if meets(evaluation, run) else FAILED
