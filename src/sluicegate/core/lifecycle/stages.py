"""Stages that open by themselves: when, and by which entry.

Rules:
- The law's own facts say when a stage opens. Nothing here decides that a second time.
- Only entries change those facts. The moment is put on the agenda again before anyone reads it, after all of
  them that have come. So what became due while nothing ran happens at the next start, in the order in which
  it became due.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sluicegate.acts.stages import RequirementView
from sluicegate.core.lifecycle.agenda import Agenda, What
from sluicegate.core.lifecycle.answer import Refusal
from sluicegate.core.lifecycle.resting import resting_on
from sluicegate.core.terms import requirement_phrases
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.closing import SOUND
from sluicegate_record.entries import Body, Draft
from sluicegate_record.entries.cases import CaseDetermined
from sluicegate_record.entries.releases import (
    StageClosed,
    StageForeseen,
    StageLacking,
    StageOpened,
)
from sluicegate_record.law.ramps import carried
from sluicegate_record.law.referrals import heard_before
from sluicegate_record.law.requirements import CHANGING, StageFacts, at_now, facts_of
from sluicegate_record.record import Record
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.plan import Stage
from sluicegate_record.terms.requirements import (
    CLOSE,
    Adopted,
    After,
    AgreedBy,
    Attested,
    EvaluationTime,
    Evidenced,
    Hold,
    NoOpenFindings,
    Requirement,
    Soak,
    TermsAgreed,
)

OPENING, LACK, FORESIGHT = "opening", "lack", "foresight"


def opens_ms(record: Record, release: str, stage: str, at_ms: int) -> int | None:
    """When a stage that is closed opens by itself, milliseconds since 1970 UTC, if nothing more happens.

    None: it is open, or something has to be done first, or an officer has to open it.
    """
    found = record.releases[release]
    body = found.plan.stages.get(stage)
    if body is None or body.opens_when is None or record.opened.get(found.terms[stage]) is not None:
        return None
    return facts_of(record, release, stage, at_ms).opens_ms(body)


def foresight_ms(record: Record, release: str, stage: str, at_ms: int) -> int | None:
    """When those whose grants go on as part of a stage hear that it opens; None: not, or not by itself."""
    due_ms = opens_ms(record, release, stage, at_ms)
    found = record.releases[release]
    if due_ms is None or due_ms <= at_ms or record.foreseen.get(found.terms[stage]) == due_ms:
        return None
    body = found.plan.stages[stage]
    return max(at_ms, due_ms - body.notice_ms) if body.grants else None


def foreseen(record: Record, release: str, stage: str, now_ms: int) -> Draft:
    """The entry that says when a stage opens. Requires: `foresight_ms` is not None."""
    due_ms = opens_ms(record, release, stage, now_ms)
    assert due_ms is not None
    terms = record.releases[release].terms[stage]
    return Draft(release, StageForeseen(release=release, stage=stage, terms=terms, opens_ms=due_ms))


def opened(
    record: Record, release: str, stage: str, now_ms: int, agreeing: Case | None = None
) -> Iterator[Draft]:
    """The entry by which a stage opens; none while something that it requires does not hold.

    `agreeing` is the case in which agencies agree to it at this moment.
    """
    found = record.releases[release]
    body = found.plan.stages[stage]
    facts = facts_of(record, release, stage, now_ms, agreeing)
    due_ms = facts.opens_ms(body)
    if due_ms is None or due_ms > now_ms:
        return
    case = agreeing
    if case is None and body.agreed_by is not None:
        case = facts.agreement(body.agreed_by)
    said = StageOpened(
        log=record.log,
        release=release,
        stage=stage,
        terms=found.terms[stage],
        officer=None if case is None or case.opening is None else case.opening.officer,
        envelope=None if case is None or case.opening is None else case.opening.envelope,
        case=None if case is None else case.id,
        reopens=reopened(record, release, stage),
        met=() if agreeing is not None and _asks_no_more(body) else tuple(facts.met(body)),
        heard=heard_before(record, found, stage, case),
        ramp=carried(at_now(record, now_ms), release, stage, found.terms[stage]),
    )
    yield Draft(release, said if case is None else resting_on(said, case))


def reopened(record: Record, release: str, stage: str) -> tuple[str, ...]:
    """The earlier terms that open again with a stage: those that were open when it closed."""
    found = record.closing_of(release, stage)
    current = record.releases[release].terms[stage]
    return () if found is None else tuple(terms for terms in found.terms if terms != current)


def was_planned(record: Record, release: str, stage: str) -> bool:
    """Whether a plan of a release has or had a stage."""
    return any((each.plan.metadata.name, each.stage) == (release, stage) for each in record.terms.values())


def is_changed(record: Record, release: str, stage: str, at_ms: int) -> bool:
    """Whether an open stage lacks something else than the record says."""
    found = record.releases[release]
    lack = facts_of(record, release, stage, at_ms).loss(found.plan.stages.get(stage))
    known = record.lacking.get(found.terms.get(stage, ""), SOUND)
    return (lack.lost, lack.then) != (known.lost, known.then)


def lacked(record: Record, release: str, stage: str, now_ms: int) -> Draft:
    """The entry of what an open stage lacks now: it closes, halts or tells. Requires: it has changed."""
    found = record.releases[release]
    lack = facts_of(record, release, stage, now_ms).loss(found.plan.stages.get(stage))
    if lack.then == CLOSE:
        terms = record.open_terms(release, stage)
        return Draft(
            release,
            StageClosed(log=record.log, release=release, stage=stage, terms=terms, lost=lack.lost),
        )
    body = StageLacking(
        release=release, stage=stage, terms=found.terms[stage], lost=lack.lost, then=lack.then or None
    )
    return Draft(release, body)


def _asks_no_more(stage: Stage) -> bool:
    """Whether a stage asks only for its terms and the agreement to its opening, which the entry names."""
    asked = () if stage.opens_when is None else stage.opens_when.leaves
    return all(isinstance(each, TermsAgreed | AgreedBy) for each in asked)


def requirements_unmet(facts: StageFacts, stage: Stage) -> Refusal:
    """The refusal to open a stage while something that it requires does not hold."""
    listed = ", ".join([*map(requirement_phrases.required, facts.unmet(stage)), *facts.responses()])
    said = f"stage {stage.name!r} opens by itself when all that it requires holds; it waits for {listed}"
    return Refusal(
        "conflict", "requirements_unmet", said, "'sluicegate status' shows who can clear each of them"
    )


def shown(record: Record, release: str, stage: str, now_ms: int) -> Iterator[RequirementView]:
    """Each requirement of a stage: whether it holds and since when, or what it waits for."""
    plan = record.releases[release].plan
    body, agencies = plan.stages[stage], _awaited(record, release, stage)
    facts = facts_of(record, release, stage, now_ms)
    asked = record.openings.get(record.releases[release].terms[stage], ())
    is_asked = any(record.cases[name].determined_ms is None for name in asked)
    for each in body.opens_when.leaves if body.opens_when is not None else ():
        from_ms = each.from_ms(facts)
        is_met = from_ms is not None and from_ms <= now_ms
        yield RequirementView(
            requirement=each.text,
            words=requirement_phrases.required(each),
            state="met" if is_met else "missing" if from_ms is None else "comes",
            since_ms=_known(from_ms if is_met else _waits_ms(record, release, stage, each, facts)),
            at_ms=None if is_met else from_ms,
            clears=()
            if is_met or from_ms is not None
            else tuple(_clears(agencies, each, facts, is_asked=is_asked)),
            when_lost=each.when_lost,
        )


def _awaited(record: Record, release: str, stage: str) -> Collection[str]:
    """The agencies that the terms of a stage wait for: who has not agreed in the open case, or else all."""
    found = record.releases[release]
    asked = (record.cases[name] for name in record.asked.get(found.own_terms[stage], ()))
    waits = [each.awaiting for each in asked if each.determined_ms is None]
    return waits[-1] if waits else found.plan.agencies_of(found.plan.stages[stage])


def _known(at_ms: int | None) -> int | None:
    return at_ms or None


def _waits_ms(
    record: Record, release: str, stage: str, requirement: Requirement, facts: StageFacts
) -> int | None:
    """Since when a requirement waits: since its case is open, or else since the terms are agreed."""
    found = record.releases[release]
    asked = {
        TermsAgreed: record.asked.get(found.own_terms[stage], ()),
        AgreedBy: record.openings.get(found.terms[stage], ()),
    }
    waiting = [record.cases[name].at_ms for name in asked.get(type(requirement), ())]
    return max(waiting) if waiting else facts.agreed_ms()


def _clears(
    agencies: Collection[str], requirement: Requirement, facts: StageFacts, *, is_asked: bool
) -> Iterator[str]:
    """Who can clear a requirement that time alone does not meet. `is_asked`: the opening case is open.
    `agencies` agree to the terms of the stage.
    """
    if isinstance(requirement, TermsAgreed):
        yield from sorted(agencies)
    elif isinstance(requirement, After | Soak):
        named = requirement.after if isinstance(requirement, After) else requirement.of or facts.before
        yield f"the opening of {named}"
    elif isinstance(requirement, AgreedBy):
        asked = sorted(quorum.parties_of(requirement.agreed_by))
        yield from (
            asked if is_asked else [f"an officer's 'sluicegate stage open', which asks {', '.join(asked)}"]
        )
    elif isinstance(requirement, Adopted | Attested | EvaluationTime):
        yield from sorted(quorum.parties_of(requirement.by))
    elif isinstance(requirement, Evidenced):
        yield from _tested_by(requirement, facts)
    elif isinstance(requirement, NoOpenFindings):
        found = facts.found_from(requirement.no_open_findings.at_least)
        yield from (f"a retest of {each.id} ({each.level})" for each in found if each.is_open)
    elif isinstance(requirement, Hold):
        yield requirement.hold.by


def _tested_by(requirement: Evidenced, facts: StageFacts) -> Iterator[str]:
    """Who may run the evaluations that are not met."""
    for name in requirement.evidence:
        asked = facts.evaluation(name)
        if asked is not None and facts.evidence_ms(name) is None:
            yield from (f"{party} ({name})" for party in sorted(quorum.parties_of(asked.from_)))


def follow(record: Record, agenda: Agenda, name: str, at_ms: int) -> None:
    """Put on the agenda when each stage of a release opens.

    `at_ms` is the time of the last entry that may have changed that.
    """
    for stage in record.releases[name].terms:
        due_ms = opens_ms(record, name, stage, at_ms)
        agenda.put(What.of_stage(name, stage, OPENING), None if due_ms is None else max(due_ms, at_ms))
        soon_ms = foresight_ms(record, name, stage, at_ms)
        agenda.put(What.of_stage(name, stage, FORESIGHT), soon_ms)
    for stage in record.planned(name):
        has_changed = is_changed(record, name, stage, at_ms)
        agenda.put(What.of_stage(name, stage, LACK), at_ms if has_changed else None)


def changed_by(record: Record, body: Body) -> str | None:
    """The release of which an entry may have changed what opens a stage. Requires: the record has it."""
    if type(body) in _CHANGING:
        name: str = body.release  # type: ignore[attr-defined]
        return name
    if isinstance(body, CaseDetermined):
        case = record.cases[body.case]
        return case.question.release if case.kind in {kinds.TERMS, kinds.OPENING} else None
    return None


_CHANGING = frozenset({*CHANGING, StageForeseen, StageLacking})
