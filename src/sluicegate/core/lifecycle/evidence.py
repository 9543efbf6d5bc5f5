"""Results of evaluations: put on the record, and shown in numbers and words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sluicegate.acts.evidence import EvidenceReceipt, EvidenceView, WeighedEvidence, WithdrawalReceipt
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.designations import ending, following
from sluicegate.core.lifecycle.keys import other_log, signer_for
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.evidence import Evidence, deciding, recorded_before
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Draft
from sluicegate_record.entries.evidence import EvidenceRecorded, EvidenceWithdrawn
from sluicegate_record.form import replace
from sluicegate_record.law.evidence import asked_of
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.evidence import EvaluationResult, EvidenceWithdrawal, ResultStatement
from sluicegate_record.terms import binomial, evaluations
from sluicegate_record.terms.evaluations import Evaluation, EvaluationRun
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.quorum import parties_of


@dataclass(frozen=True, slots=True)
class RecordEvidence(SignedCommand):
    """Put a party's signed result of an evaluation on the record; with its log, if that came sealed."""

    sealed_log: str | None = None


@dataclass(frozen=True, slots=True)
class WithdrawEvidence(SignedCommand):
    """Take back a result of the signer's own party."""


def record_evidence(
    state: State, command: RecordEvidence, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RecordEvidence`. The same statement again changes nothing."""
    stated = ResultStatement.read(command.envelope)
    said, digest = stated.said, command.envelope.digest
    key = signer_for(state, command.envelope, said.party)
    if isinstance(key, Refusal):
        return key
    evaluation = _evaluation_asked(state, stated)
    if isinstance(evaluation, Refusal):
        return evaluation
    if digest in state.record.evidence:
        known = state.record.evidence[digest]
        return Acceptance([], _receipt(known, state.releases[said.release].plan, stated.result))
    refusal = _unfit(state, stated, evaluation)
    if refusal is not None:
        return refusal
    body = EvidenceRecorded(
        release=said.release,
        evaluation=said.evaluation,
        party=said.party,
        owner=key.owner,
        model=said.model,
        tested=said.tested,
        run=said.run,
        result=stated.result,
        digest=digest,
        envelope=command.envelope,
        sealed_log=None if command.sealed_log is None else leaves.opening(command.sealed_log, entropy),
    )
    release = state.releases[said.release]
    found = _as_evidence(said, digest, now_ms, state.size)
    then = following(state, release, found)
    is_raised = then.after.terms != release.terms
    draft = Draft.of(said.release, replace(body, raised=then.raised if is_raised else {}), entropy)
    result = _receipt(found, release.plan, stated.result)
    return Acceptance([*ending(then), draft], replace(result, superseded=then.superseded))


def withdraw_evidence(
    state: State, command: WithdrawEvidence, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `WithdrawEvidence`. What rested on the result is lost with it, as the plan says."""
    said = EvidenceWithdrawal.read(command.envelope)
    key = signer_for(state, command.envelope, said.party)
    if isinstance(key, Refusal):
        return key
    found = state.record.evidence.get(said.evidence)
    if found is None or (found.party, found.release) != (said.party, said.release):
        text = f"{said.party!r} has no result {said.evidence[:80]!r} in {said.release!r}"
        return Refusal("unknown", "evidence_unknown", text, "'sluicegate evidence list' shows what there is")
    if said.log != state.log:
        return other_log()
    release = state.releases[said.release]
    if found.withdrawn_ms is not None:
        return Acceptance([], _withdrawn(found, ()))
    gone = replace(found, withdrawn_ms=now_ms)
    then = following(state, release, gone)
    body = EvidenceWithdrawn(
        release=release.name,
        evidence=found.id,
        party=said.party,
        owner=key.owner,
        reason=said.reason,
        raised=then.raised,
        digest=command.envelope.digest,
        envelope=command.envelope,
    )
    return Acceptance([*ending(then), Draft(release.name, body)], _withdrawn(gone, then.superseded))


def _withdrawn(found: Evidence, superseded: tuple[str, ...]) -> WithdrawalReceipt:
    return WithdrawalReceipt(
        evidence=found.id,
        release=found.release,
        evaluation=found.evaluation,
        party=found.party,
        superseded=superseded,
    )


def evaluation_of(state: State, release: str, name: str) -> Evaluation | Refusal:
    """An evaluation of the plan in force."""
    found = state.releases.get(release)
    evaluation = None if found is None else found.plan.spec.evaluations.get(name)
    if evaluation is None:
        return evaluation_unknown(release, name, () if found is None else found.plan.spec.evaluations)
    return evaluation


def _evaluation_asked(state: State, stated: ResultStatement) -> Evaluation | Refusal:
    """The evaluation that a result is of: of the plan in force, or of earlier terms on which grants go on.

    One that answers neither is compared with the newest.
    """
    said = stated.said
    found = state.releases.get(said.release)
    known = () if found is None else asked_of(state.record, found.name, said.evaluation)
    if not known:
        return evaluation_unknown(
            said.release, said.evaluation, () if found is None else found.plan.spec.evaluations
        )
    return next((each for each in known if each.digest == stated.asked), known[0])


def evaluation_unknown(release: str, name: str, stated: Iterable[str] = ()) -> Refusal:
    """The refusal of what is about an evaluation that the plan does not have; it has those `stated`."""
    text = f"the plan of {release!r} has no evaluation {name!r}"
    names = ", ".join(sorted(stated))
    remedy = f"it has {names}" if names else "'sluicegate status' shows what stages require"
    return Refusal("unknown", "evaluation_unknown", text, remedy)


def _unfit(state: State, stated: ResultStatement, evaluation: Evaluation) -> Refusal | None:
    said = stated.said
    if said.log != state.log:
        return other_log()
    if said.party not in parties_of(evaluation.from_):
        named = ", ".join(sorted(parties_of(evaluation.from_)))
        text = f"the plan asks {named} for {said.evaluation!r}, and not {said.party!r}"
        return Refusal(
            "forbidden", "evaluator_not_asked", text, "a plan that names the party counts its results"
        )
    result = evaluations.outcome(evaluation, said.run, said.model)
    if stated.asked != evaluation.digest or stated.result != result:
        text = "the statement answers another evaluation than the plan has now"
        return Refusal("conflict", "evidence_stale", text, "import the log again: it is signed anew")
    known = _same_run(state, said)
    if known is not None:
        text = f"this run is on the record since entry {known.seq}, by the same party"
        return Refusal(
            "conflict",
            "evidence_repeated",
            text,
            "it counts once, in any format; if that is wrong: "
            "'sluicegate evidence withdraw EVIDENCE --reason REASON --key KEY'",
        )
    return None


def _same_run(state: State, said: EvaluationResult) -> Evidence | None:
    found = state.record.results_of(said.release, said.evaluation)
    own = (each for each in found if each.party == said.party and each.withdrawn_ms is None)
    return next((each for each in own if each.is_same_run(said.run)), None)


def _as_evidence(said: EvaluationResult, digest: str, at_ms: int, seq: int) -> Evidence:
    return Evidence(
        id=digest,
        seq=seq,
        at_ms=at_ms,
        release=said.release,
        evaluation=said.evaluation,
        party=said.party,
        model=said.model,
        tested=said.tested,
        run=said.run,
    )


def _receipt(found: Evidence, plan: Plan, result: str) -> EvidenceReceipt:
    reasons = tuple(found.lacks(plan))
    return EvidenceReceipt(
        evidence=found.id,
        release=found.release,
        evaluation=found.evaluation,
        party=found.party,
        counts=not reasons,
        reasons=reasons,
        result=result,
        says=words(found, plan),
    )


def view(state: State, found: Evidence) -> EvidenceView:
    """A result as it is shown, and whether it counts by the plan in force."""
    plan = state.releases[found.release].plan
    reasons = tuple(found.lacks(plan))
    return EvidenceView(
        evidence=found.id,
        release=found.release,
        evaluation=found.evaluation,
        party=found.party,
        model=found.model,
        digest=found.tested.digest,
        safeguards=found.tested.safeguards,
        counts=not reasons,
        reasons=reasons,
        says="; ".join([words(found, plan), *_repeated(state, found)]),
        run=found.run,
        at_ms=found.at_ms,
        seq=found.seq,
    )


def weighed(state: State, release: Release) -> Iterator[WeighedEvidence]:
    """The newest result of each party of each evaluation of the plan, and those that decide; without those
    that were withdrawn.
    """
    for name, asked in sorted(release.plan.spec.evaluations.items()):
        stands = [each for each in state.record.results_of(release.name, name) if each.withdrawn_ms is None]
        shown = {(each.party, each.model): each for each in stands}
        decides = _deciding(asked, [each for each in stands if not any(each.lacks(release.plan))])
        found = {
            each.id: each for each in (*shown.values(), *(each for each in stands if each.id in decides))
        }
        for each in sorted(found.values(), key=lambda each: (each.party, each.model, each.seq)):
            row = view(state, each).to_json()
            yield WeighedEvidence.from_json({**row, "decides": "; ".join(decides.get(each.id, ())) or None})


def _deciding(asked: Evaluation, counted: Sequence[Evidence]) -> dict[str, list[str]]:
    """Why results decide, by the result: of each model whether the threshold is met, and the scrutiny."""
    found = defaultdict[str, list[str]](list)
    for tested in dict.fromkeys(each.tested for each in counted):
        of_model = [each for each in counted if each.tested == tested]
        for each in deciding(asked, of_model):
            found[each.id].append(_why(asked, each))
        follows = asked.when_comparable
        compared = [each for each in of_model if evaluations.is_comparable(asked, each.run)]
        if follows is not None and compared:
            said = f"one that is comparable is enough for scrutiny level {follows.scrutiny}"
            found[compared[-1].id].append(said)
    return found


def _why(asked: Evaluation, found: Evidence) -> str:
    """Why a result decides whether its evaluation is met."""
    if not (asked.at_least or asked.at_most):
        return "the plan asks for no more than a result that counts"
    if not evaluations.meets(asked, found.run):
        whose = "the newest result of each party" if asked.if_disagree == "newest" else "every result"
        return f"the threshold is not met, and the plan asks that {whose} meets it"
    return {
        "worst": f"every result that counts meets the threshold; the newest of {found.party}",
        "newest": f"the threshold is met by the newest result of {found.party}",
        "best": "the threshold is met, and one such result of a party is enough",
    }[asked.if_disagree]


def _repeated(state: State, found: Evidence) -> Iterator[str]:
    """That another party recorded the same run first, if one did."""
    first = recorded_before(found, state.record.results_of(found.release, found.evaluation))
    if first is not None:
        yield f"{first.party} recorded this run first: it counts only against the threshold"


def words(found: Evidence, plan: Plan) -> str:
    """What a result says, in numbers and words: its counts, its bound, and what follows by a plan."""
    evaluation = plan.spec.evaluations.get(found.evaluation)
    told = [] if evaluation is None else [_measured(evaluation, found.run)]
    reasons = [evaluations.REASONS[reason] for reason in found.lacks(plan)]
    if reasons:
        return "; ".join([*told, f"it does not count: {'; '.join(reasons)}"])
    assert evaluation is not None
    return "; ".join([*told, *_judged(evaluation, found.run)])


def _measured(evaluation: Evaluation, run: EvaluationRun) -> str:
    """The counts: where questions were asked often and differ, both ends."""
    hits = str(run.hits) if run.hits == run.sure else f"{run.sure} to {run.hits}"
    if not run.trials:
        return f"{evaluation.metric}: no question has a score"
    level = Decimal(evaluation.level)
    least = binomial.lower(run.sure, run.trials, level)
    most = binomial.upper(run.hits, run.trials, level)
    sure = f"at the level {evaluation.level} the share is at least {least}, and at most {most}"
    return f"{evaluation.metric}: {hits} of {run.trials:,}; {sure}"


def _judged(evaluation: Evaluation, run: EvaluationRun) -> list[str]:
    told = []
    asked = f"at least {evaluation.at_least}" if evaluation.at_least else f"at most {evaluation.at_most}"
    if evaluation.at_least or evaluation.at_most:
        word = "met" if evaluations.meets(evaluation, run) else "not met"
        told.append(f"the plan asks for {asked}: {word}")
    reference = evaluation.compare_to
    if reference is not None:
        is_comparable = evaluations.is_comparable(evaluation, run)
        word = "comparable" if is_comparable else "not comparable"
        follows = evaluation.when_comparable if is_comparable else None
        level = "" if follows is None else f", so scrutiny level {follows.scrutiny} holds"
        told.append(f"{word} to {reference.model}, which begins at {reference.least}{level}")
    return told
