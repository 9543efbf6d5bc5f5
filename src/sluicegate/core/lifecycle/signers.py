"""Who may sign a position in a case, by the keys that are pinned.

Rules:
- A position needs one owner of its agency's keys, or two if the terms ask for a countersignature.
- An owner who signed in the case that is appealed may not sign in the appeal.
- If too few owners are left, the agency cannot decide until someone pins a key of another owner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sluicegate_record.entities.case import Case
from sluicegate_record.entities.key import OWNERS_TOGETHER
from sluicegate_record.record import Record
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.plan import Plan, Stage
from sluicegate_record.terms.text import counted


def needed(case: Case, agency: str) -> int:
    """How many owners must sign a position of an agency."""
    return OWNERS_TOGETHER if agency in case.procedure.countersign else 1


def excluded(record: Record, case: Case) -> frozenset[str]:
    """The owners who may not sign, because they signed in the case that this one appeals."""
    return record.cases[case.question.against].signed if case.kind == kinds.APPEAL else frozenset()


def unable(record: Record, case: Case) -> list[str]:
    """The agencies that are asked in an open case and that have too few keys to answer; sorted."""
    if case.state == kinds.DETERMINED:
        return []
    spoken = {*case.positions, *_transcribed(record, case)}
    return [
        agency
        for agency in sorted(case.parties - spoken)
        if len(_owners(record, case, agency)) < needed(case, agency)
    ]


def is_stuck(case: Case, unable: Collection[str]) -> bool:
    """Whether agencies cannot carry a case to a yes, because of those that cannot answer."""
    left = case.left if unable and not case.unopposed else None
    return left is not None and not quorum.satisfied(left, quorum.parties_of(left).difference(unable))


def shortages(record: Record, case: Case) -> Iterator[tuple[str, str]]:
    """The agencies that cannot answer, each with the reason and what to do."""
    for agency in unable(record, case):
        wanted, found = needed(case, agency), len(_owners(record, case, agency))
        who = "an owner" if wanted == 1 else f"{wanted} owners"
        partial = " who did not sign in the appealed case" if case.kind == kinds.APPEAL else ""
        pinned = counted(found, "such owner has a key", "such owners have a key") if found else "no one has"
        yield (
            agency,
            (
                f"{agency} cannot sign: it needs {who}{partial}, and {pinned}; pin a key of another owner of "
                f"{agency} in the trust file, and restart the control plane"
            ),
        )


def undecidable(record: Record, given: Plan, stage: Stage) -> Iterator[str]:
    """Why cases of a stage of a plan would wait for ever: too few owners of an agency have a key."""
    for kind, what in ((kinds.ADMISSION, "admission"), (kinds.REMOVAL, "removal")):
        rule = kinds.rule_of(kind, given, stage)
        parties = quorum.parties_of(rule)
        lacking = sorted(each for each in parties if len(_pinned(record, each)) < _asked_for(stage, each))
        if not quorum.satisfied(rule, parties.difference(lacking)):
            yield (
                f"no {what} can be decided: a position of {' and '.join(lacking)} needs the signatures of "
                "two owners ('countersign'), and fewer have a key; pin a key of another owner"
            )


def unheard_appeals(record: Record, given: Plan, stage: Stage) -> Iterator[str]:
    """Why appeals in a stage of a plan may wait for ever: too few owners could not have signed before."""
    for first in (kinds.ADMISSION, kinds.REMOVAL):
        rule = kinds.rule_of(kinds.APPEAL, given, stage, first)
        before = quorum.parties_of(kinds.rule_of(first, given, stage))
        lacking = sorted(
            party
            for party in quorum.parties_of(rule)
            if len(_pinned(record, party)) < _asked_for(stage, party) * (2 if party in before else 1)
        )
        if not quorum.satisfied(rule, quorum.parties_of(rule).difference(lacking)):
            yield (
                f"an appeal against {_DECISIONS[first]} may wait for ever: {' and '.join(lacking)} would "
                "hear it, and no owner of a key who signed before may sign; pin a key of another owner, or "
                "let others hear it ('appeal.decide')"
            )


_DECISIONS = {kinds.ADMISSION: "a denial", kinds.REMOVAL: "a removal"}


def _asked_for(stage: Stage, party: str) -> int:
    return OWNERS_TOGETHER if party in stage.admission.countersign else 1


def _owners(record: Record, case: Case, agency: str) -> frozenset[str]:
    """The owners of an agency's keys who may sign."""
    return _pinned(record, agency) - excluded(record, case)


def _pinned(record: Record, agency: str) -> frozenset[str]:
    return frozenset(key.owner for key in record.keys.values() if key.party == agency and key.counts)


def _transcribed(record: Record, case: Case) -> frozenset[str]:
    """The agency whose position officers may write down."""
    found = record.directives.get(case.question.directive) if case.kind == kinds.LIFT else None
    return frozenset({found.issuer}) if found is not None and found.is_word else frozenset()
