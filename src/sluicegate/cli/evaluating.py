"""`evaluate`: run an evaluation through a gateway, sign its result, put it on the record, and explain it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import evidence as acts
from sluicegate.acts import releases
from sluicegate.acts.act import Nothing
from sluicegate.acts.evidence import EvaluationArgument, EvaluationToSign, ModelInForce, SignedResult
from sluicegate.acts.releases import StageStatus
from sluicegate.acts.stages import RequirementView
from sluicegate.cli import wording
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, tell
from sluicegate.cli.provenance import (
    EVALUATION_KEY,
    BenchmarkOption,
    IndependenceOption,
    RedactedOption,
    SealToOption,
    provenance,
)
from sluicegate.cli.releases import required
from sluicegate.client import signing
from sluicegate.client.evidence import benchmark as secret
from sluicegate.client.evidence import reading, result, running
from sluicegate.client.evidence.running import DEFAULT_GATEWAY, KEY, GatewayAccess
from sluicegate.client.evidence.summary import Summary
from sluicegate.client.http import Client
from sluicegate.errors import CommandRefused, InvalidInput
from sluicegate.statements.models import model_of
from sluicegate_record.form import replace
from sluicegate_record.terms import evaluations
from sluicegate_record.terms.quorum import parties_of
from sluicegate_record.terms.requirements import Evidenced

LOGS = Path("evaluations")


def evaluate(
    release: Annotated[str, word("The release.")],
    task: Annotated[str, word("Inspect's task: FILE.py@TASK, or PACKAGE/TASK.")],
    more: Annotated[list[str] | None, word("Options of 'inspect eval', after '--'.")] = None,
    *,
    key: Annotated[Path, EVALUATION_KEY],
    evaluation: Annotated[
        str | None, value("--evaluation", "The evaluation, as the plan names it, if several have this task.")
    ] = None,
    model: Annotated[str | None, value("--model", "The model of the release, if it has several.")] = None,
    gateway: Annotated[str, typer.Option("--gateway", help="The gateway's URL.")] = DEFAULT_GATEWAY,
    logs: Annotated[Path | None, value("--logs", "The folder for the logs; by default a new one.")] = None,
    resume: Annotated[
        Path | None, value("--resume", "The folder of a run that was interrupted, to go on from.")
    ] = None,
    independence: IndependenceOption = None,
    redacted: RedactedOption = None,
    benchmark: BenchmarkOption = None,
    seal_to: SealToOption = None,
    as_json: Json = False,
) -> None:
    """Run an evaluation with Inspect through a gateway, and put its signed result on the record.

    SLUICEGATE_API_KEY has the API key that asks the model. The log stays in the folder of the run; with
    --seal-to it is also kept on the record, for the parties that you name alone. Whatever the result is, it
    goes on the record. A run that did not end leaves nothing there.
    """
    said, signer = provenance(independence, redacted, model), signing.private_key(key)
    if resume is not None and not running.logs(resume):
        raise InvalidInput(f"{resume} has no log to go on from", remedy="begin again, without --resume")
    running.program()
    client = Client()
    name = evaluation or _evaluation_of(client, release, task)
    asked = _asked(client, release, name)
    result.independence_of(asked, said.independence)
    tested = model_of(asked.models, model)
    signing.sealing_keys(asked.keys, seal_to or ())  # who cannot read it is said before it runs
    access = GatewayAccess(gateway, os.environ.get(KEY, "").strip())
    access.check(tested.id)
    folder = resume or logs or LOGS / f"{release}-{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    named = replace(asked, evaluation=secret.named(asked.evaluation, benchmark))
    log = _run(named, tested, task, access, folder, more or ())
    asked = _asked(client, release, name)
    found = reading.read(log, asked.evaluation, benchmark)
    _check_is_evidence(asked, found, tested.id, folder)
    envelope = result.signed(asked, found, said, signer)
    sealed = result.sealed_log(log, asked, found, seal_to or ())
    done = client.do(acts.IMPORT, SignedResult(envelope=envelope, sealed_log=sealed))
    stages = list(_helped(client, release, name))
    kept = f"  log: {log}, which stays with you"
    text = "\n".join([wording.imported(done, seal_to or ()), kept, *map(_stage_words, stages)])
    helped = [{"stage": stage.stage, "open": stage.open, **view.to_json()} for stage, view in stages]
    tell(done, as_json, text, log=str(log), stages=helped)


def _evaluation_of(client: Client, release: str, task: str) -> str:
    """The one evaluation that a stage of the release asks for and that has the task.

    Raises: InvalidInput: there is not exactly one. CommandRefused: no such release.
    """
    asked = sorted({name for stage in _stages(client, release) for name in _names(stage)})
    tasks = {task, task.rpartition("@")[2], Path(task.partition("@")[0]).stem, task.rpartition("/")[2]}
    fitting = [name for name in asked if _asked(client, release, name).evaluation.task in tasks]
    if len(fitting) == 1:
        return fitting[0]
    several = ", ".join(fitting or asked) or "no evaluation"
    raise InvalidInput(
        f"{'several evaluations have' if fitting else 'no evaluation has'} the task {task!r}; the stages of "
        f"{release!r} ask for {several}",
        remedy="name it: --evaluation NAME",
    )


def _asked(client: Client, release: str, name: str) -> EvaluationToSign:
    """What a result answers. Raises: CommandRefused: the plan does not ask this party for it."""
    asked = client.do(acts.TO_SIGN, EvaluationArgument(release=release, evaluation=name))
    named = parties_of(asked.evaluation.from_)
    if asked.party not in named:
        raise CommandRefused(
            f"the plan asks {', '.join(sorted(named))} for {name!r}, and not {asked.party!r}",
            code="evaluator_not_asked",
            remedy="a plan that names the party counts its results",
        )
    return asked


def _run(
    asked: EvaluationToSign,
    tested: ModelInForce,
    task: str,
    access: GatewayAccess,
    folder: Path,
    more: Sequence[str],
) -> Path:
    """The log of a run, which goes on from what the folder has; one that ended well is not run again."""
    known = running.logs(folder)
    if not known:
        return running.run(running.begun(task, tested.id, tested.tested, more), access, folder)
    found = reading.read(known[-1], asked.evaluation)
    if (found.digest, found.safeguards) != (tested.digest, tested.safeguards):
        raise CommandRefused(
            f"the run in {folder} is of other weights or safeguards than are in force now",
            code="run_stale",
            remedy="begin again, without --resume",
        )
    if found.run.status == "success":
        return known[-1]
    return running.run(running.resumed(known[-1], more), access, folder)


def _check_is_evidence(asked: EvaluationToSign, found: Summary, model: str, folder: Path) -> None:
    """Check that a run proves something, before anything is signed.

    Raises: CommandRefused: it does not, and nothing is on the record.
    """
    reasons = list(evaluations.lacks(asked.evaluation, found.run, model))
    if not reasons:
        return
    run = found.run
    why = "; ".join(evaluations.REASONS[reason] for reason in reasons)
    said = f"{why}: {run.completed:,} of {run.samples:,} questions answered; nothing is on the record"
    if run.status == "success" and "incomplete" not in reasons:
        raise CommandRefused(
            said, code="run_proves_nothing", remedy=f"its log is in {folder}; begin a run that does"
        )
    again = f"the same command with --resume {shlex.quote(str(folder))}"
    raise CommandRefused(said, code="run_interrupted", remedy=f"to go on: {again}")


def _helped(client: Client, release: str, name: str) -> Iterator[tuple[StageStatus, RequirementView]]:
    """The stages that ask for an evaluation, each with how far that requirement is."""
    for stage in _stages(client, release):
        texts = {each.text for each in _asking(stage) if name in each.evidence}
        yield from ((stage, view) for view in stage.requirements if view.requirement in texts)


def _stages(client: Client, release: str) -> Sequence[StageStatus]:
    found = client.do(releases.STATUS, Nothing()).releases
    return next((each.stages for each in found if each.release == release), ())


def _names(stage: StageStatus) -> Iterator[str]:
    return (name for each in _asking(stage) for name in each.evidence)


def _asking(stage: StageStatus) -> Iterator[Evidenced]:
    leaves = () if stage.opens_when is None else stage.opens_when.leaves
    return (each for each in leaves if isinstance(each, Evidenced))


def _stage_words(found: tuple[StageStatus, RequirementView]) -> str:
    stage, view = found
    return f"  stage {stage.stage}, {'open' if stage.open else 'closed'},{required(view).removeprefix(' ')}"
