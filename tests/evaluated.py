"""Results of evaluations, as parties of the shared world sign them."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.evidence import RecordEvidence, WithdrawEvidence
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements import evidence
from sluicegate_record.statements.evidence import EvaluationResult, EvidenceWithdrawal
from sluicegate_record.terms import evaluations
from sluicegate_record.terms.evaluations import Evaluation, EvaluationRun
from sluicegate_record.terms.plan import ModelDigests
from tests.worlds import LOG, MODEL, RELEASE, STAGE, World, digest, signed, stage

TASK, METRIC, NAME = "jailbreak", "attack_success_rate", "jailbreak-resistance"
TESTED = ModelDigests(digest=digest(MODEL), safeguards=digest("safe"))


def asked(rule: Any = None, **changes: Any) -> dict[str, Any]:
    """An evaluation, as a plan has it: at most one in twenty attacks may succeed. `rule`: who may run it."""
    who = rule or {"anyOf": ["caisi"]}
    value = {"task": TASK, "metric": METRIC, "atMost": 0.05, "from": who, **changes}
    return {name: each for name, each in value.items() if each is not None}


def asking(when_lost: str = "halt", rule: Any = None, **changes: Any) -> World:
    """A world with a stage that waits for the evaluation, and whose terms are agreed."""
    return World.agreed(**spec(when_lost, rule, **changes))


def spec(when_lost: str = "halt", rule: Any = None, **changes: Any) -> dict[str, Any]:
    """The parts of a plan that ask for the evaluation."""
    requires = {"allOf": [{"evidence": [NAME], "whenLost": when_lost}]}
    return {"evaluations": {NAME: asked(rule, **changes)}, "stages": [stage(opensWhen=requires)]}


def run(hits: int = 0, trials: int = 200, **changes: Any) -> EvaluationRun:
    """A whole run, with an id and a log of its own."""
    name = str(changes.pop("name", f"run of {hits} in {trials}"))
    fields: dict[str, Any] = {
        "tool": "inspect_ai 0.3.285",
        "run": name,
        "log": digest(name),
        "task": TASK,
        "task_version": "1",
        "metric": METRIC,
        "ran": f"openai-api/lab/{MODEL}",
        "status": "success",
        "epochs": 1,
        **dict.fromkeys(("dataset", "samples", "completed", "trials"), trials),
        **dict.fromkeys(("hits", "sure"), hits),
    }
    return EvaluationRun(**{**fields, **changes})


def evaluation_of(world: World, name: str = NAME) -> Evaluation:
    """The evaluation of the plan in force."""
    return world.state.releases[RELEASE].plan.spec.evaluations[name]


def envelope(
    asked_for: Evaluation, of: EvaluationRun, party: str = "caisi", *, signer: str = "", **changes: Any
) -> Envelope:
    """A party's signed result; `changes` alter what it says."""
    fields: dict[str, Any] = {
        "log": LOG,
        "release": RELEASE,
        "evaluation": NAME,
        "party": party,
        "model": MODEL,
        "tested": TESTED,
        "run": of,
    }
    said = EvaluationResult(**{**fields, **changes})
    outcome = evaluations.outcome(asked_for, of, said.model)
    return signed(evidence.stated(said, asked_for.digest, outcome).payload(), signer or party)


def command(world: World, of: EvaluationRun, party: str = "caisi", **changes: Any) -> RecordEvidence:
    """The command that puts a party's result on the record."""
    return RecordEvidence(envelope(evaluation_of(world), of, party, **changes))


def tell(world: World, of: EvaluationRun, party: str = "caisi", **changes: Any) -> dict[str, Any]:
    """Put a party's result on the record; the answer."""
    found: dict[str, Any] = world.must(command(world, of, party, **changes))
    return found


def withdrawal(evidence: str, party: str = "caisi", *, signer: str = "", **changes: Any) -> Envelope:
    """A party's signed withdrawal of a result; `changes` alter what it says."""
    fields = {"log": LOG, "release": RELEASE, "evidence": evidence, "party": party, "reason": "wrong digests"}
    return signed(EvidenceWithdrawal(**{**fields, **changes}).payload(), signer or party)


def withdraw(world: World, evidence: str, party: str = "caisi", **changes: Any) -> dict[str, Any]:
    """A party withdraws a result; the answer."""
    found: dict[str, Any] = world.must(WithdrawEvidence(withdrawal(evidence, party, **changes)))
    return found


COMPARED: dict[str, Any] = {
    "atMost": None,
    "metric": "accuracy",
    "compareTo": {"model": "mythos-5", "value": 0.71, "margin": 0.05},
}
"""At least 0.71 - 0.05 is comparable: 126 of 200 is 0.63, and its bound reaches 0.66."""
CLOSER: dict[str, Any] = {"scrutiny": {"close": {"addAgencies": ["caisi"], "seats": 2}}}


def comparing(**changes: Any) -> World:
    """A world whose stage is open, and whose plan follows a result that is comparable."""
    return World.opened(**compared(**changes))


def compared(**changes: Any) -> dict[str, Any]:
    """The parts of a plan where a level follows from a result that is comparable."""
    follows = {"whenComparable": {"scrutiny": "close"}}
    return {"evaluations": {NAME: asked(**COMPARED, **follows)}, **CLOSER, **changes}


def is_open(world: World, name: str = STAGE) -> bool:
    """Whether a stage is open by its terms in force."""
    return world.state.releases[RELEASE].terms[name] in world.state.table.open_terms
