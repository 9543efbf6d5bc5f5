"""A result of an evaluation, as an in-toto test result; and its withdrawal.

Source: in-toto attestation framework, predicate test-result v0.1. It asks for `result` and `configuration`,
and lets a predicate have more under a name that is a URI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Exact, Key, form
from sluicegate_record.statements.statement import Statement, check_text
from sluicegate_record.terms.evaluations import EvaluationRun
from sluicegate_record.terms.plan import ModelDigests

LISTED_MAX, LABEL_MAX = 20, 500
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@form
class Sha256(Exact):
    """A digest, as in-toto writes it: 64 lower-case hex digits."""

    sha256: str


@form
class TestedBy(Exact):
    """What a test was configured by: the evaluation as the plan has it, by its digest."""

    name: str
    digest: Sha256


@form
class EvaluationResult(Exact):
    """Whose result, of which evaluation of a release, about which model: by its name and its digests."""

    log: str
    release: str
    evaluation: str
    party: str
    model: str
    tested: ModelDigests
    run: EvaluationRun


@form
class ResultStatement(Statement):
    """The result of an evaluation. Its subjects are the weights and the safeguards that were tested.

    `result` is PASSED or FAILED by the threshold of the plan, which `configuration` names; WARNED if the run
    proves nothing.
    """

    TYPE: ClassVar = "https://in-toto.io/attestation/test-result/v0.1"

    result: Literal["PASSED", "FAILED", "WARNED"]
    configuration: tuple[TestedBy, ...]
    said: Annotated[EvaluationResult, Key("urn:sluicegate:evidence:v1")]

    @property
    def subjects(self) -> dict[str, str]:
        """The weights and the safeguards."""
        tested = self.said.tested
        found = {"model": tested.digest, "safeguards": tested.safeguards}
        return {name: digest.removeprefix("sha256:") for name, digest in found.items()}

    @property
    def asked(self) -> str:
        """The digest of the evaluation that was asked for, as `sha256:…`; empty if it does not say one."""
        names = [f"{self.said.release}/{self.said.evaluation}"]
        if [each.name for each in self.configuration] != names:
            return ""
        return f"sha256:{self.configuration[0].digest.sha256}"

    def check(self) -> None:
        """Check the texts, the digests and the counts. Raises: BadEnvelope."""
        run, tested = self.said.run, self.said.tested
        for text in _texts(run):
            check_text(text, "what was run", most=LABEL_MAX)
        if len(run.limits) > LISTED_MAX or len(run.redactions) > LISTED_MAX:
            raise BadEnvelope(f"at most {LISTED_MAX} limits, and as many redactions, expected")
        if not all(map(_SHA256.fullmatch, (run.log, tested.digest, tested.safeguards))) or tested.unknown:
            raise BadEnvelope("digests of the log, the weights and the safeguards, as sha256:…, expected")
        if not run.is_counted:
            raise BadEnvelope("counts where none is more than the one before it expected")


@form
class EvidenceWithdrawal(Statement):
    """A party's word that a result of its own is wrong. Its subject is what it signed then."""

    TYPE: ClassVar = "urn:sluicegate:evidence-withdrawal:v1"

    log: str
    release: str
    evidence: str
    party: str
    reason: str

    @property
    def subjects(self) -> dict[str, str]:
        """The statement of the result."""
        return {"evidence": self.evidence.removeprefix("sha256:")}

    def check(self) -> None:
        """Check the digest and the reason. Raises: BadEnvelope."""
        if not _SHA256.fullmatch(self.evidence):
            raise BadEnvelope("the digest of a result, sha256: and 64 hex digits, expected")
        check_text(self.reason, "a reason", most=LABEL_MAX)


def _texts(run: EvaluationRun) -> Iterator[str]:
    """What people read of a run."""
    yield from (run.tool, run.run, run.task, run.task_version, run.metric, run.ran, *run.redactions)
    for name, value in run.limits.items():
        yield from (name, value)


def stated(said: EvaluationResult, asked: str, result: str) -> ResultStatement:
    """The statement of a result; `asked` is the digest of the evaluation in the plan."""
    name = f"{said.release}/{said.evaluation}"
    tested_by = TestedBy(name=name, digest=Sha256(sha256=asked.removeprefix("sha256:")))
    return ResultStatement.from_json(
        {
            "result": result,
            "configuration": [tested_by.to_json()],
            "urn:sluicegate:evidence:v1": said.to_json(),
        }
    )
