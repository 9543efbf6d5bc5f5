"""What parties sign about requirements and reports: each word, what it is about, whether it makes that so."""

from __future__ import annotations

from typing import NamedTuple

ADOPTED, ATTESTED, EVALUATION, HOLD = "adopted", "attested", "evaluation", "hold"
REPORT = "report"
"""What is about the report of a release that is closed, by its digest."""
STANDARDS = frozenset({ADOPTED, ATTESTED})
"""What is about a standard; the others are about a stage, or a report."""


class ClearanceWord(NamedTuple):
    """A word: which kind of thing it is about, after which words of the same party it may come ("" if none),
    and whether the thing is so then.
    """

    kind: str
    after: frozenset[str]
    holds: bool


def _word(kind: str, *after: str, holds: bool) -> ClearanceWord:
    return ClearanceWord(kind, frozenset(after), holds)


CLEARANCES = {
    "adopts": _word(ADOPTED, "", "adopts", "withdraws", holds=True),
    "withdraws": _word(ADOPTED, "adopts", holds=False),
    "attests": _word(ATTESTED, "", "attests", "retracts", holds=True),
    "retracts": _word(ATTESTED, "attests", holds=False),
    "begins": _word(EVALUATION, "", holds=False),
    "extends": _word(EVALUATION, "begins", "extends", holds=False),
    "ends": _word(EVALUATION, "begins", "extends", holds=True),
    "holds": _word(HOLD, "", "releases", holds=False),
    "releases": _word(HOLD, "", "holds", holds=True),
    "signs": _word(REPORT, "", "dissents", holds=True),
    "dissents": _word(REPORT, "", "signs", "dissents", holds=False),
}
