"""Who may sign a position in a case, by the keys that are pinned.

Rules:
- A position needs one owner of its agency's keys, or two if the terms ask for a countersignature.
- An owner who signed in the case that is appealed may not sign in the appeal.
- If too few owners are left, the agency cannot decide until someone pins a key of another owner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sluicegate_record.entities.case import Case
from sluicegate_record.record import Record
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.text import counted


def needed(case: Case, agency: str) -> int:
    """How many owners must sign a position of an agency."""
    return 2 if agency in case.procedure.countersign else 1


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


def _owners(record: Record, case: Case, agency: str) -> frozenset[str]:
    """The owners of an agency's keys who may sign."""
    owners = frozenset(key.owner for key in record.keys.values() if key.party == agency)
    return owners - excluded(record, case)


def _transcribed(record: Record, case: Case) -> frozenset[str]:
    """The agency whose position officers may write down."""
    found = record.directives.get(case.question.directive) if case.kind == kinds.LIFT else None
    return frozenset({found.issuer}) if found is not None and found.is_word else frozenset()
