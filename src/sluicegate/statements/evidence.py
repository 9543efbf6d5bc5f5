"""What a party signs of a result of its own that is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate.acts import evidence
from sluicegate.acts.act import AskAct
from sluicegate.acts.evidence import EvidenceArgument
from sluicegate.statements import words
from sluicegate.statements.kind import (
    Making,
    Reason,
    StatementKind,
    UnsignedStatement,
    Wording,
    filled,
    head,
    public,
)
from sluicegate_record.form import Json, form
from sluicegate_record.statements.evidence import EvidenceWithdrawal


@form
class WithdrawalWord(EvidenceArgument):
    """Which result of the developer is wrong, and why."""

    reason: Reason


def _result(ask: AskAct, said: WithdrawalWord) -> dict[str, Json]:
    found = ask(evidence.SHOW, EvidenceArgument(evidence=said.evidence))
    return {**found.to_json(), "log": head(ask)}


def _withdrawal(making: Making) -> UnsignedStatement:
    return filled(EvidenceWithdrawal, making.found, {"reason": making.said.reason})


def _withdraws(said: EvidenceWithdrawal, _: Wording) -> Iterator[str]:
    yield f"{said.party} takes its result {said.evidence} in {said.release} back: it counts no more."
    yield "What rests on it is lost, too."
    yield from public(said.reason)
    yield from words.fields(said.to_json(), {("party",), ("evidence",), ("release",), ("reason",)})


WITHDRAWAL = StatementKind(
    name="evidence-withdrawal",
    title="Take back a result of the developer",
    kind=EvidenceWithdrawal,
    asks=WithdrawalWord,
    look=_result,
    make=_withdrawal,
    words=_withdraws,
    act=evidence.WITHDRAW,
    after=lambda said: f"/board/{said.release}",
    command=lambda said: f"sluicegate evidence withdraw {said.evidence} --reason WHY --key officer.pem",
)
