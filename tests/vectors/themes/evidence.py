"""Themes about results of evaluations: what they open, what they lose, and what proves nothing."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.evidence import RecordEvidence, WithdrawEvidence
from sluicegate_record.terms.evaluations import EvaluationRun
from sluicegate_record.terms.plan import ModelDigests
from tests.evaluated import COMPARED, NAME, asked, envelope, run, withdrawal
from tests.vectors.history import History
from tests.worlds import API, digest, plan_value, stage

EVALUATED_RELEASE, COMPARED_RELEASE, FIRST = "gpt-12", "gpt-16", "evaluated"


def _of(
    h: History, ran: EvaluationRun, party: str = "caisi", *, of: str = EVALUATED_RELEASE
) -> RecordEvidence:
    evaluation = h.state.releases[of].plan.spec.evaluations[NAME]
    tested = ModelDigests(digest=digest(of), safeguards=digest("safe"))
    return RecordEvidence(envelope(evaluation, ran, party, release=of, model=of, tested=tested))


def _evaluated(h: History) -> None:
    """A stage that waits for an evaluation by two parties, opens by their results, and loses one."""
    ran = f"lab/{EVALUATED_RELEASE}"
    requires = {"allOf": [{"evidence": [NAME]}]}
    h.apply(
        plan_value(
            EVALUATED_RELEASE,
            models=(EVALUATED_RELEASE,),
            evaluations={NAME: asked(["caisi", "oncd"])},
            stages=[stage(FIRST, opensWhen=requires)],
        )
    )
    h.agree_to(EVALUATED_RELEASE)
    h.must(_of(h, run(ran="mockllm/model", name="a stand-in")), by="agency")
    first = _of(h, run(ran=ran))
    h.must(first, by="agency")
    h.must(first, by="agency")
    h.no("evidence_repeated", _of(h, run(ran=ran, log=digest("in another format"))))
    h.must(_of(h, run(hits=2, ran=ran), "oncd"), by="agency")
    assert h.newest("stage.opened", release=EVALUATED_RELEASE)["met"]
    h.must(_of(h, run(hits=40, ran=ran), "oncd"), by="agency")
    assert h.newest("stage.lacking", release=EVALUATED_RELEASE)["lost"]
    h.no("evaluator_not_asked", _of(h, run(hits=1, ran=ran), "ostp"))


def _compared(h: History) -> None:
    """A result that is comparable puts a level in force, and is withdrawn by its party."""
    follows = {"whenComparable": {"scrutiny": "close"}}
    evaluations = {NAME: asked(["caisi"], **COMPARED, **follows)}
    stages = [stage(FIRST, opensWhen={"allOf": [{"terms": "agreed"}]})]
    h.apply(
        plan_value(
            COMPARED_RELEASE,
            models=(COMPARED_RELEASE,),
            evaluations=evaluations,
            scrutiny={"close": {"addAgencies": ["caisi"]}},
            stages=stages,
        )
    )
    h.agree_to(COMPARED_RELEASE)
    before = h.applies("org-111", COMPARED_RELEASE, FIRST, surface=API)
    ran = run(hits=150, ran=f"lab/{COMPARED_RELEASE}", metric="accuracy", name="as strong")
    h.must(_of(h, ran, of=COMPARED_RELEASE), by="agency")
    h.ends(before, "superseded")
    told = h.newest("evidence.recorded", release=COMPARED_RELEASE)
    assert told["raised"]
    h.no("key_of_another_party", _withdraws(told["digest"], signer="oncd"))
    h.must(_withdraws(told["digest"]), by="agency")
    h.must(_withdraws(told["digest"]), by="agency")
    assert h.newest("evidence.withdrawn", release=COMPARED_RELEASE)["reason"]


def _withdraws(evidence: str, **changes: Any) -> WithdrawEvidence:
    return WithdrawEvidence(withdrawal(evidence, release=COMPARED_RELEASE, **changes))


EVALUATED, JUDGED = (_evaluated,), (_compared,)
