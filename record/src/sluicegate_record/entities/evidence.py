"""A result of an evaluation, and which of many count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries.evidence import EvidenceRecorded
from sluicegate_record.form import Form, Time, form
from sluicegate_record.terms import evaluations, quorum
from sluicegate_record.terms.evaluations import Evaluation, EvaluationRun
from sluicegate_record.terms.plan import ModelDigests, Plan


@form
class Evidence(Form):
    """A party's result, by the digest of its statement."""

    id: str
    seq: int
    at_ms: Time
    release: str
    evaluation: str
    party: str
    model: str
    tested: ModelDigests
    run: EvaluationRun
    withdrawn_ms: Time | None = None
    """When its party withdrew it; None if it stands by it."""

    def is_same_run(self, other: EvaluationRun) -> bool:
        """Whether it is of the same run: by its id, or by the digest of its log."""
        return other.run == self.run.run or other.log == self.run.log

    def lacks(self, plan: Plan) -> Iterator[str]:
        """Why it proves nothing under a plan: some of `evaluations.REASONS`; nothing if it counts."""
        evaluation = plan.spec.evaluations.get(self.evaluation)
        if self.withdrawn_ms is not None:
            yield "withdrawn"
        if evaluation is None:
            yield "another_task"
            return
        yield from evaluations.lacks(evaluation, self.run, self.model)
        named = [each for each in plan.spec.models if each.id == self.model] or plan.spec.models
        if self.tested not in [each.digests for each in named]:
            yield "other_digests"
        if self.party not in quorum.parties_of(evaluation.from_):
            yield "not_asked"


def recorded(entry: Happening, body: EvidenceRecorded) -> Evidence:
    """The evidence that an entry gives."""
    return Evidence(
        id=body.digest,
        seq=entry.seq,
        at_ms=entry.at_ms,
        release=body.release,
        evaluation=body.evaluation,
        party=body.party,
        model=body.model,
        tested=body.tested,
        run=body.run,
    )


def key_of(release: str, evaluation: str) -> str:
    """The name under which the results of an evaluation are kept."""
    return f"{release}/{evaluation}"


def levels(plan: Plan, known: Iterable[Evidence]) -> frozenset[str]:
    """The scrutiny levels of a plan to which results of its release lead.

    Any one that counts is enough, whatever the others say: a model that may be comparable is never less
    scrutinised.
    """
    found = set()
    for each in known:
        asked = plan.spec.evaluations.get(each.evaluation)
        follows = None if asked is None else asked.when_comparable
        if asked is None or follows is None or any(each.lacks(plan)):
            continue
        if evaluations.is_comparable(asked, each.run):
            found.add(follows.scrutiny)
    return frozenset(found)


def recorded_before(found: Evidence, counted: Iterable[Evidence]) -> Evidence | None:
    """The result of the same run that another party recorded first; None if it is the first."""
    earlier = (each for each in counted if each.seq < found.seq and each.party != found.party)
    return next((each for each in earlier if each.is_same_run(found.run)), None)


def held_ms(evaluation: Evaluation, counted: Sequence[Evidence]) -> int | None:
    """Since when results meet an evaluation: milliseconds since 1970 UTC; None if they do not.

    Requires: `counted` are those that count, all about one model, oldest first.
    """
    since_ms = None
    for each, weighed in _weighed(evaluation, counted):
        since_ms = (each.at_ms if since_ms is None else since_ms) if weighed.holds else None
    return since_ms


def deciding(evaluation: Evaluation, counted: Sequence[Evidence]) -> list[Evidence]:
    """The results by which an evaluation is met, or by which it is not; none if too few parties have one.

    Requires: as `held_ms`.
    """
    found = [weighed for _, weighed in _weighed(evaluation, counted)]
    return found[-1].deciding if found else []


@dataclass(frozen=True, slots=True)
class _Weighed:
    """The result of each party that speaks for it, and whether that one meets the evaluation."""

    evaluation: Evaluation
    of: dict[str, tuple[Evidence, bool]] = field(default_factory=dict)

    def add(self, found: Evidence, *, meets: bool) -> None:
        """Weigh a newer result against the one that has spoken for its party."""
        before = self.of.get(found.party)
        kept = {"worst": not meets, "newest": True, "best": meets}[self.evaluation.if_disagree]
        if before is None or before[1] is meets or kept:
            self.of[found.party] = (found, meets)

    @property
    def against(self) -> list[Evidence]:
        """Those that alone are enough for it not to be met."""
        if self.evaluation.if_disagree == "best":
            return []
        return [found for found, meets in self.of.values() if not meets]

    @property
    def holds(self) -> bool:
        """Whether the evaluation is met."""
        met_by = {party for party, (_, meets) in self.of.items() if meets}
        return not self.against and quorum.satisfied(self.evaluation.from_, met_by)

    @property
    def deciding(self) -> list[Evidence]:
        """Those against it; without any, those that meet it, if they are of enough parties."""
        return self.against or [found for found, meets in self.of.values() if meets and self.holds]


def _weighed(evaluation: Evaluation, counted: Sequence[Evidence]) -> Iterator[tuple[Evidence, _Weighed]]:
    """Each result in turn, weighed with all before it.

    A run that another party recorded first makes no second party: it counts only if it speaks against.
    """
    weighed = _Weighed(evaluation)
    for each in counted:
        meets = evaluations.meets(evaluation, each.run)
        if not meets or recorded_before(each, counted) is None:
            weighed.add(each, meets=meets)
            yield each, weighed
