"""Every kind of statement that officers sign on pages, and those that they sign elsewhere, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sluicegate.acts import evidence as evidence_acts
from sluicegate.acts import observations
from sluicegate.acts import points as point_acts
from sluicegate.acts.act import AnyAct
from sluicegate.statements import (
    cases,
    clearances,
    directives,
    evidence,
    findings,
    keys,
    points,
    promises,
    recalls,
    stages,
)
from sluicegate.statements.kind import AnyKind

FAMILIES: Mapping[str, Sequence[AnyKind]] = {
    "Orders": (directives.DIRECTIVE,),
    "Cases": cases.STATEMENTS,
    "Stages and releases": (*stages.STATEMENTS, *recalls.SETS),
    "For the developer": (
        keys.KEY,
        promises.PROMISE,
        findings.FINDING,
        clearances.CLEARANCE,
        evidence.WITHDRAWAL,
        points.POINT,
    ),
}
STATEMENTS: Mapping[str, AnyKind] = {each.name: each for found in FAMILIES.values() for each in found}
BY_TYPE: Mapping[tuple[str, bool], AnyKind] = {
    (each.kind.TYPE, each.each is not None): each for each in STATEMENTS.values()
}
"""By the type of the statement, and whether it is of a set: each is read, and said in words, in one way."""


class SignedElsewhere(NamedTuple):
    """What is not signed on pages: why, and the command that signs it. `acts` put it on the record."""

    title: str
    why: str
    command: str
    acts: tuple[AnyAct, ...] = ()


ELSEWHERE = (
    SignedElsewhere(
        "The result of an evaluation",
        "It is signed where the evaluation ran, by the program that has read the log of the run.",
        "sluicegate evidence import LOG --release RELEASE --evaluation EVALUATION --key officer.pem",
        (evidence_acts.IMPORT,),
    ),
    SignedElsewhere(
        "What a surface answers to who watches it",
        "It is signed by the program that asked, at once, with a key of its own.",
        "sluicegate canary run CANARIES --key canary.pem",
        (observations.RECORD,),
    ),
    SignedElsewhere(
        "What a point says of a directive",
        "The law takes it from the point's own key, and from no officer's.",
        "sluicegate point state POINT DIRECTIVE --says enforced --key point.pem",
        (point_acts.STATE,),
    ),
    SignedElsewhere(
        "Details of a finding that only some may read",
        "They are sealed on the machine of who writes them, so that this server never has them.",
        "sluicegate finding report RELEASE --kind jailbreak --level LEVEL --text TEXT --details FILE "
        "--seal-to PARTY --key officer.pem",
    ),
    SignedElsewhere(
        "Another key of the log itself; going on after a loss",
        "They are entered while the control plane is stopped, and then there is no page.",
        "sluicegate keys rotate-log --lost --reason WHY -o handover.json; "
        "sluicegate backup sign restored.json --reason WHY --key officer.pem -o epoch.json",
    ),
)


def of_act(act: AnyAct) -> tuple[Sequence[AnyKind], Sequence[SignedElsewhere]]:
    """What officers sign for an act: here, and elsewhere."""
    here = [each for each in STATEMENTS.values() if each.act is act]
    return here, [each for each in ELSEWHERE if act in each.acts]
