"""`evidence import`, `evidence withdraw`, `evidence export`: what reads and writes files, and signs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import evidence as acts
from sluicegate.acts.evidence import EvaluationArgument, EvidenceArgument, SignedResult
from sluicegate.cli import wording
from sluicegate.cli.acting import argument, helped
from sluicegate.cli.files import write_json, write_private
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, emit, tell
from sluicegate.cli.provenance import (
    EVALUATION_KEY,
    BenchmarkOption,
    IndependenceOption,
    RedactedOption,
    SealToOption,
    provenance,
)
from sluicegate.client import signing
from sluicegate.client.evidence import export as exporting
from sluicegate.client.evidence import reading, result
from sluicegate.client.http import Client
from sluicegate.statements.evidence import WITHDRAWAL, WithdrawalWord


@helped(acts.IMPORT)
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="The log: .eval or .json of Inspect, report.jsonl of garak, or an EvaluationResult."
        ),
    ],
    release: Annotated[str, value("--release", "The release.")],
    evaluation: Annotated[str, value("--evaluation", "The evaluation, as the plan names it.")],
    key: Annotated[Path, EVALUATION_KEY],
    model: Annotated[
        str | None, value("--model", "The model of the release that was tested, if it has several.")
    ] = None,
    digest: Annotated[
        str | None, value("--digest", "The digest of the weights, if the log does not say it.")
    ] = None,
    safeguards: Annotated[
        str | None, value("--safeguards", "That of the safeguards, if the log does not say it.")
    ] = None,
    independence: IndependenceOption = None,
    redacted: RedactedOption = None,
    benchmark: BenchmarkOption = None,
    seal_to: SealToOption = None,
    as_json: Json = False,
) -> None:
    """The log is read on this machine and stays there: its digest and a summary are signed and sent.

    With --seal-to it is also kept, sealed: only the parties that you name can read it, by
    'sluicegate evidence log'.
    """
    said = provenance(independence, redacted, model, digest, safeguards)
    client = Client()
    asked = client.do(acts.TO_SIGN, EvaluationArgument(release=release, evaluation=evaluation))
    found = reading.read(file, asked.evaluation, benchmark)
    envelope = result.signed(asked, found, said, signing.private_key(key))
    sealed = result.sealed_log(file, asked, found, seal_to or ())
    done = client.do(acts.IMPORT, SignedResult(envelope=envelope, sealed_log=sealed))
    tell(done, as_json, wording.imported(done, seal_to or ()))


@helped(acts.LOG)
def log(
    evidence: Annotated[str, argument(EvidenceArgument, "evidence")],
    key: Annotated[Path, value("--key", "A key to which it is sealed.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.", show_default=False)],
    as_json: Json = False,
) -> None:
    """It is opened on this machine. What does not have the digest that was signed is refused."""
    found = Client().do(acts.LOG, EvidenceArgument(evidence=evidence))
    write_private(output, result.opened_log(found, signing.private_key(key)))
    emit(
        {"evidence": found.evidence, "log": found.digest, "file": str(output)},
        as_json,
        f"{output} is the log that was signed, {found.digest}",
    )


@helped(acts.WITHDRAW)
def withdraw(
    evidence: Annotated[str, argument(EvidenceArgument, "evidence")],
    reason: Annotated[str, value("--reason", "What is wrong. It is public.")],
    key: Annotated[Path, EVALUATION_KEY],
    as_json: Json = False,
) -> None:
    """What was signed stays on the record, with the reason. The same run can be imported again."""
    done = signing.say(Client(), WITHDRAWAL, WithdrawalWord(evidence=evidence, reason=reason), key)
    text = f"{done.party} withdraws its result of {done.evaluation} of {done.release}"
    tell(done, as_json, f"{text}\n  {done.evidence}")


def export(
    evidence: Annotated[str, argument(EvidenceArgument, "evidence")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.", show_default=False)],
    as_inspect: Annotated[
        bool, typer.Option("--inspect", help="As a log that Inspect reads, without questions and answers.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write what was signed to a file: a DSSE envelope over an in-toto test result."""
    found = Client().do(acts.SHOW, EvidenceArgument(evidence=evidence))
    written = exporting.inspect_log(found) if as_inspect else found.envelope
    write_json(output, written)
    emit({"evidence": found.evidence, "file": str(output)}, as_json, f"{output} has {found.evidence}")
