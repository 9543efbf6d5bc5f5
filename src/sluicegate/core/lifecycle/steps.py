"""Whether a step may be done in a case now, by the table of `sluicegate_record.terms.kinds`."""

from __future__ import annotations

from collections.abc import Iterable

from sluicegate.acts.cases import ContributionView
from sluicegate.core.lifecycle.answer import Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.discussion import Contribution
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds


def not_now(step: str, case: Case) -> Refusal | None:
    """Why a step may not be done in a case of this kind in this state; None if it may."""
    if kinds.allows(step, case.kind, case.standing):
        return None
    if case.kind not in kinds.STEPS[step].kinds:
        listed = ", ".join(sorted(kinds.STEPS[step].kinds))
        said = f"{step!r} is not for a case of the kind {case.kind!r}, only for {listed}"
        return Refusal("conflict", "not_in_this_kind", said)
    if case.state == kinds.DETERMINED:
        again = "apply again" if case.kind in kinds.APPLIED else ""
        said = f"the case is already determined: {case.outcome}"
        return Refusal(
            "conflict",
            "case_determined",
            said,
            again and f"'sluicegate application show CASE' tells why; {again}",
        )
    listed = ", ".join(state for state in kinds.STATES if state in kinds.STEPS[step].states)
    said = f"{step!r} is not for a case that is {case.standing}, only for one that is {listed}"
    return Refusal(
        "conflict", "not_in_this_state", said, "'sluicegate application show CASE' tells its state"
    )


def found(state: State, name: str, step: str) -> Case | Refusal:
    """The case that a step is about, or why it may not be done there now."""
    case = state.cases.get(name)
    return case_unknown(name) if case is None else not_now(step, case) or case


def placed(state: State, question: Question, step: str) -> Case | Refusal:
    """The case that a signed question is about,
    or why the question is not the case's or the step may not be done now.
    """
    case = state.cases.get(question.case)
    if case is None:
        return case_unknown(question.case)
    return other_question(case, question.digest) or not_now(step, case) or case


def contributions(said: Iterable[Contribution]) -> tuple[ContributionView, ...]:
    """What was said in a case, as it is shown."""
    return tuple(
        ContributionView(seq=each.seq, who=each.who, what=each.what, weighs=each.weighs) for each in said
    )


def case_unknown(name: str) -> Refusal:
    """The refusal for a case that does not exist."""
    return Refusal(
        "unknown", "case_unknown", f"no case {name[:80]!r}", "'sluicegate case list' shows your cases"
    )


def other_question(case: Case, digest: str) -> Refusal | None:
    """The refusal if a statement was signed for another question than the case's; None if it was not."""
    if digest == case.question.digest:
        return None
    return Refusal(
        "conflict",
        "other_question",
        "it was signed for another question: other terms, party, surface or models",
        "export the case again and sign that",
    )
