"""What prevents the determination of a case: contradictions, a screening, time to reply, terms or stage.

Rules:
- It follows from the record. So code that changes the record can find the cases that this has set free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sluicegate.acts.cases import Block
from sluicegate.core.access.rows import StageName
from sluicegate.core.lifecycle import eligibility
from sluicegate.core.terms import sizes
from sluicegate_record.entities.case import Case
from sluicegate_record.form import replace
from sluicegate_record.law.requirements import facts_of
from sluicegate_record.log import times
from sluicegate_record.record import Record
from sluicegate_record.terms import conditions, kinds, plan, quorum
from sluicegate_record.terms.conditions import UNCONDITIONAL, Conditions, Contradictions
from sluicegate_record.terms.requirements import CLOSE, HALT


def stage_of(case: Case) -> StageName:
    """The release and stage of a case that is about one."""
    assert case.question.release is not None
    assert case.question.stage is not None
    return case.question.release, case.question.stage


def set_free(record: Record, undecided: Iterable[Case], now_ms: int) -> Iterator[Case]:
    """Those of some undecided cases that nothing blocks any more."""
    return (case for case in undecided if _is_free(record, case, now_ms))


SETTLED = kinds.LISTED | {kinds.DETERMINED}


def _is_free(record: Record, case: Case, now_ms: int) -> bool:
    heard = as_heard(record, case)
    return is_agreed(heard) and not blocked_by(record, heard, now_ms)


def is_agreed(case: Case) -> bool:
    """Whether the rule of a case (or of its allowed appeal) is satisfied,
    and no objection is enough to stop it.
    """
    rule = case.left
    satisfied = rule is not None and (quorum.satisfied(rule, case.consenting) or case.unopposed)
    return satisfied and not _is_objected(case)


def undecided_by(record: Record, case: Case, now_ms: int) -> tuple[str, ...]:
    """The codes of what prevents a determination of a case whose rule is satisfied; none if it is not."""
    heard = as_heard(record, case)
    if not is_agreed(heard):
        return ()
    return tuple(dict.fromkeys(block.code for block in blocked_by(record, heard, now_ms)))


def blocked_by(record: Record, case: Case, now_ms: int) -> list[Block]:
    """What prevents a determination when the rule is satisfied."""
    found: list[Block] = []
    if eligibility.is_for_the_record(record, case):
        return found
    nothing: tuple[Conditions, Contradictions] = UNCONDITIONAL, {}
    stated, contradictions = granted_conditions(record, case) if case.kind in _CONDITIONED else nothing
    for name, values in contradictions.items():
        said = ", ".join(f"{who}: {value!r}" for who, value in sorted(values.items()))
        text = f"the condition {name!r} is stated differently ({said}); one of them must change its position"
        code = "conditions_contradict"
        found.append(Block(what="contradiction", code=code, text=text, condition=name, values=values))
    taken, room = sizes.size_of(stated), sizes.room(len(case.parties))
    if taken > room:
        text = (
            f"the conditions take {taken:,} bytes together, and {room:,} fit into an entry; "
            "a party must ask for less, or the plan must"
        )
        found.append(Block(what="size", code="conditions_too_large", text=text))
    if screening_needed(record, case):
        text = "the applicant must be screened, and cleared, against the list in use"
        found.append(Block(what="screening", code="screening_needed", text=text))
    if case.kind == kinds.REMOVAL and case.reply_by_ms is not None and now_ms < case.reply_by_ms:
        text = f"the holder may reply until {times.format_time(case.reply_by_ms)}"
        found.append(Block(what="reply", code="reply_time_runs", text=text, until_ms=case.reply_by_ms))
    if case.kind in kinds.APPLIED and not _terms_are_agreed(record, case):
        text = "the agencies that the terms in force name have not all agreed to them"
        found.append(Block(what="terms", code="terms_not_agreed", text=text))
    if case.kind in _GIVES and _is_halted(record, case, now_ms):
        text = "the stage lacks something that it requires, and admits no one until it has it again"
        found.append(Block(what="opening", code="stage_halted", text=text))
    if _would_close(record, case):
        text = "the stage is not open under the terms in force: the grant would stop working"
        found.append(Block(what="opening", code="stage_not_open", text=text))
    return found


_CONDITIONED = kinds.APPLIED | {kinds.LICENCE}
"""The kinds in which positions can have conditions."""


def _terms_are_agreed(record: Record, case: Case) -> bool:
    release, stage = stage_of(case)
    found = record.releases[release]
    return found.terms.get(stage) in found.agreed


_GIVES = frozenset({kinds.ADMISSION, kinds.APPEAL})


def _is_halted(record: Record, case: Case, now_ms: int) -> bool:
    release, name = stage_of(case)
    body = record.releases[release].plan.stages.get(name)
    return body is not None and facts_of(record, release, name, now_ms).lack(body).then in {HALT, CLOSE}


def _would_close(record: Record, case: Case) -> bool:
    """Whether an amendment would move a working grant to terms that are not open yet."""
    if case.kind != kinds.AMENDMENT:
        return False
    grant = record.grants[case.question.grant]
    terms = record.releases[grant.release].terms.get(grant.stage)
    return record.opened.get(grant.terms) is not None and record.opened.get(terms or "") is None


def screening_needed(record: Record, case: Case) -> bool:
    """Whether a case's stage asks for a clear screening record that the case does not have, or has lost.

    An appeal without a record uses the record of the application or amendment that it would approve.
    """
    if eligibility.is_for_the_record(record, case):
        return False
    if case.kind == kinds.APPEAL and case.screening is None:
        first = record.cases[case.question.against]
        return screening_needed(record, first if first.kind in kinds.ADMITS else record.cases[case.root])
    body = _stage(record, case) if case.kind in kinds.APPLIED else None
    if body is None or body.eligibility.screening is None:
        return False
    return not case.is_cleared


def conditions_of_terms(record: Record, case: Case) -> Conditions:
    """The conditions of the stage of a case, under the terms in force."""
    body = _stage(record, case)
    return UNCONDITIONAL if body is None else body.conditions


def granted_conditions(record: Record, case: Case) -> tuple[Conditions, Contradictions]:
    """The conditions of a grant from this case, including those of the stage; and the contradictions.

    If positions contradict the terms, the terms hold: officers cannot proceed past what was agreed.
    """
    stated = [("terms", conditions_of_terms(record, case))]
    stated += [(party, said.conditions) for party, said in sorted(case.positions.items()) if said.conditions]
    combined, contradictions = conditions.strictest(stated)
    agreed = {name: values["terms"] for name, values in contradictions.items() if "terms" in values}
    return combined.declaring(agreed), contradictions


def allowed_on_appeal(record: Record, case: Case) -> bool:
    """Whether an appeal against the denial of an application has been allowed."""
    appeal = record.cases.get(case.appeal or "")
    return case.kind == kinds.ADMISSION and appeal is not None and appeal.outcome in kinds.GRANTED


def as_heard(record: Record, case: Case) -> Case:
    """A case after an appeal against it was allowed: the positions of the appeal replace its own."""
    if not allowed_on_appeal(record, case):
        return case
    appeal = record.cases[case.appeal or ""]
    return replace(instead_of(case, appeal), id=case.id, rule=appeal.rule, replied_seq=None)


def _is_objected(case: Case) -> bool:
    """Whether there is an objection, if one is enough. During a review it neither denies nor admits."""
    return case.is_notified and bool(case.against)


def _stage(record: Record, case: Case) -> plan.Stage | None:
    if not case.question.stage:
        return None
    release, stage = stage_of(case)
    return record.releases[release].plan.stages.get(stage)


def instead_of(first: Case, appeal: Case) -> Case:
    """The appealed case, with the positions of the appeal instead of its own."""
    return replace(
        first, id=appeal.id, positions=appeal.positions, clocks=appeal.clocks, referrals=appeal.referrals
    )
