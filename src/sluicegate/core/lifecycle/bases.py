"""The date of a basis: reminders, a review that opens by itself, and what follows when the day is over.

Rules:
- Only a basis of terms in force that its agencies have agreed to ends: what follows is what they agreed to.
- A review always comes before the end that it decides, and has the time of the terms, also after a downtime.
- Each of the three is an entry, and once: what is written takes it off the agenda.
"""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate.acts.releases import BasisView
from sluicegate.core.lifecycle import determination
from sluicegate.core.lifecycle.agenda import What
from sluicegate.core.lifecycle.releases import asking
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Draft
from sluicegate_record.entries.bases import BasisEnded, BasisReminded
from sluicegate_record.form import replace
from sluicegate_record.law import bases as law
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import dates, kinds, quorum
from sluicegate_record.terms.after import LAPSE, Then
from sluicegate_record.terms.plan import Stage


def reminded(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    """The reminder of a date; or, after a downtime, what follows when the date is over."""
    release, stage = _found(state, what)
    until = stage.basis.until
    assert until is not None
    if dates.end_ms(until) <= now_ms:
        return ended(state, what, now_ms, entropy)
    body = BasisReminded(
        release=release.name,
        stage=stage.name,
        terms=release.own_terms[stage.name],
        until=until,
        then=law.after_of(stage.basis).then,
    )
    return [Draft(release.name, body)]


def opened(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    """The review of a basis before its date."""
    release, stage = _found(state, what)
    review, until = stage.basis.review, stage.basis.until
    assert review is not None
    assert until is not None
    case = entropy.name("case")
    question = Question(
        log=state.log,
        case=case,
        kind=kinds.REVIEW,
        release=release.name,
        stage=stage.name,
        terms=release.own_terms[stage.name],
        models=release.plan.model_digests,
    )
    due_ms = max(dates.end_ms(until), now_ms + review.opens_ms)
    return [Draft(case, replace(asking(question, release.plan), due_ms=due_ms))]


def ended(state: State, what: What, now_ms: int, entropy: Entropy) -> list[Draft]:
    """What follows when the date of a basis is over. A review without a decision has lapsed."""
    release, stage = _found(state, what)
    terms, review = release.own_terms[stage.name], stage.basis.review
    case = state.record.reviewed(terms)
    then: Then = law.after_of(stage.basis).then
    drafts = []
    if case is not None and review is not None:
        rule = quorum.without(review.by, case.recused)
        then = law.decided(review, rule, case.consenting, case.against)
        if case.state != kinds.DETERMINED:
            drafts.append(determination.outcome(case, "lapsed", now_ms, code="time_over"))
    body = BasisEnded(
        release=release.name,
        stage=stage.name,
        terms=terms,
        until=stage.basis.until or "",
        then=then,
        case=None if case is None else case.id,
    )
    return [*drafts, Draft(release.name, body)]


def _found(state: State, what: What) -> tuple[Release, Stage]:
    name, stage = what.stage
    release = state.releases[name]
    return release, release.plan.stages[stage]


TICKS = {"reminder": reminded, "review": opened, "basis": ended}
"""What is due by the date of a basis, and what is done then."""


# What is shown


def view(state: State, release: Release, stage: Stage) -> BasisView | None:
    """The date of a stage's basis, and what follows; None without a date."""
    terms, until = release.own_terms[stage.name], stage.basis.until
    if until is None:
        return None
    after, case = law.after_of(stage.basis), state.record.reviewed(terms)
    then = state.record.bases.get(terms)
    return BasisView(
        until=until,
        after="review" if after.review is not None else after.then,
        then=then,
        review=None if case is None else case.id,
        words=" ".join(_words(state, release, stage, then)),
    )


def _words(state: State, release: Release, stage: Stage, then: str | None) -> Iterator[str]:
    after, until = law.after_of(stage.basis), stage.basis.until
    agencies = " and ".join(sorted(stage.agencies))
    end = f"new terms end that, to which {agencies} agree"
    if then == LAPSE:
        yield f"Its rules lapsed when {until} was over: {agencies} no longer decide."
        yield f"What needed them, an officer of {state.developer} decides by a signed entry."
    elif then is not None:
        yield f"The date {until} is over. Its rules stay; {end}."
    elif release.own_terms[stage.name] not in release.agreed:
        yield f"It is to hold until {until}, if {agencies} agree to it."
    elif after.review is not None:
        who = " and ".join(sorted(quorum.parties_of(after.review.by)))
        yield f"Before {until} is over, {who} say whether its rules stay; if they do not decide,"
        yield "they lapse." if after.review.then == LAPSE else "they stay."
    elif after.then == LAPSE:
        yield f"When {until} is over, its rules lapse:"
        yield f"from then on an officer of {state.developer} decides alone."
    else:
        yield f"When {until} is over, its rules stay; {end}."
