"""How scores of questions become counts: each question once, however often it was asked.

Rules:
- What is between 0 and 1 counts as a hit where hits are feared, and as none where they are wanted.
- A question without a score each time is not scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sluicegate.errors import InvalidInput

WORDS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""What the letters of Inspect's scores are worth: correct, incorrect, partial, no answer."""
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class QuestionCounts:
    """Questions with an answer each time, with a score each time, with a hit, and with a hit each time."""

    completed: int
    trials: int
    hits: int
    sure: int

    def check(self, value: Any, metric: str) -> None:
        """Check that what a tool reports is the share of hits. Raises: InvalidInput: it is another number."""
        if not self.trials or type(value) not in {int, float}:
            return
        least, most = self.sure / self.trials, self.hits / self.trials
        if not least - TOLERANCE <= value <= most + TOLERANCE:
            raise InvalidInput(
                f"{metric!r} is {value}, but {self.hits} of {self.trials} questions have a score above 0",
                remedy="only a number that is the share of questions with a hit has a bound here",
            )


@dataclass(slots=True)
class AskedQuestion:
    """The times that a question was asked: how often with an answer, and the scores."""

    answered: int = 0
    scores: list[float] = field(default_factory=list)


def counts(questions: Sequence[AskedQuestion], epochs: int) -> QuestionCounts:
    """The counts of questions, each of which was to be asked so often."""
    scored = [each.scores for each in questions if len(each.scores) >= epochs]
    return QuestionCounts(
        completed=sum(each.answered >= epochs for each in questions),
        trials=len(scored),
        hits=sum(max(each) > 0 for each in scored),
        sure=sum(min(each) >= 1 for each in scored),
    )


def value_of(score: Any, part: str) -> float | None:
    """A score as a number from 0 to 1; None if there is no score. `part` names one of several in one score.

    Raises: InvalidInput: a score that is no share.
    """
    if isinstance(score, Mapping):
        return value_of(score.get(part), part)
    if score is None:
        return None
    number = WORDS.get(score) if isinstance(score, str) else score
    if not isinstance(number, int | float) or not 0 <= number <= 1:
        raise InvalidInput(
            f"a score of {str(score)[:40]!r}, expected one from 0 to 1, or C, P, I, N",
            remedy="only scores that say whether a question was a hit have a bound here",
        )
    return float(number)
