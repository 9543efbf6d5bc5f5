"""The act that reports on casework."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, DEVELOPER, Act, ActAnswer, Arguments
from sluicegate.acts.fields import Days
from sluicegate_record.form import Note, Time, form


@form
class ReportFilter(Arguments):
    """Which cases are counted: those of one release, or all."""

    release: Annotated[str | None, Note("Only this release.")] = None


@form
class CaseCount(ActAnswer):
    """How many cases of a kind are in a state, or ended with an outcome.

    In `transcribed` of them, officers wrote down the word of an agency.
    """

    kind: str
    state: str
    cases: int
    transcribed: int = 0


@form
class AgencyDays(ActAnswer):
    """How many days an agency takes until its own position. A transcribed one is not its own."""

    agency: str
    cases: int
    mean: Days
    median: Days


@form
class KindDays(ActAnswer):
    """How many days cases of a kind take, from opening to determination."""

    kind: str
    cases: int
    mean: Days
    median: Days


@form
class PartyWait(ActAnswer):
    """How many days cases waited for a party, in total and on average."""

    for_: str
    cases: int
    days: Days
    mean: Days


@form
class KeyShortage(ActAnswer):
    """An agency that has too few keys to answer in a case: how many owners must sign, and what to do."""

    case: str
    agency: str
    owners: int
    why: str


@form
class RequirementDelay(ActAnswer):
    """How many days a requirement of a stage has delayed its opening, or did until it was met."""

    release: str
    stage: str
    requirement: str
    case: str | None
    met: bool
    days: Days


@form
class PromiseCount(ActAnswer):
    """How many promises a party has made, and what happened to them. `late`: kept after they were broken."""

    party: str
    made: int
    open: int
    kept: int
    late: int
    broken: int
    void: int


@form
class CaseReport(ActAnswer):
    """What the cases that its reader may see add up to, and what delays the releases."""

    size: int
    at_ms: Time
    counts: tuple[CaseCount, ...]
    agencies: tuple[AgencyDays, ...]
    overall: tuple[KindDays, ...]
    waiting: tuple[PartyWait, ...]
    cannot_sign: tuple[KeyShortage, ...] = ()
    requirements: tuple[RequirementDelay, ...]
    promises: tuple[PromiseCount, ...] = ()


REPORT = Act(
    "report.read",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/reports/cases",
    ReportFilter,
    CaseReport,
    "Count cases; days per agency and in total; who the cases waited for; what delayed a release.",
)
