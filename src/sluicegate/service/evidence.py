"""Evidence: what is asked of an evaluation, and its results.

Rules:
- The log of a run stays with who ran it. What comes here is the signed summary; and the log, if its party has
  sealed it to some keys: this process cannot read it.
- A result is for those who may know of its release. For others it does not exist.
"""

from __future__ import annotations

from typing import Any

from sluicegate.acts import evidence as acts
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.evidence import (
    EvaluationArgument,
    EvaluationToSign,
    EvidenceArgument,
    EvidenceFilter,
    EvidenceList,
    EvidenceReceipt,
    ModelInForce,
    SealedLog,
    SealingKey,
    SignedEvidence,
    SignedResult,
    WithdrawalReceipt,
)
from sluicegate.core.lifecycle import Refusal, State, evidence, findings
from sluicegate.core.lifecycle.evidence import RecordEvidence, WithdrawEvidence
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.paging import newest, page
from sluicegate_record.entities.evidence import Evidence
from sluicegate_record.entries.evidence import EvidenceRecorded
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms.plan import Plan

LOG_FIELD = "sealedLog"


def in_force(plan: Plan) -> tuple[ModelInForce, ...]:
    """The models of a plan, as a party that tested one names it."""
    return tuple(
        ModelInForce(id=each.id, digest=each.digest, safeguards=each.safeguards) for each in plan.spec.models
    )


def sealing_keys(state: State, plan: Plan) -> tuple[SealingKey, ...]:
    """The keys of the plan's parties to which something can be sealed."""
    return tuple(
        SealingKey(party=key.party, owner=key.owner, public=key.public)
        for key in findings.keys_to_seal_to(state, plan)
    )


@does(acts.TO_SIGN)
def to_sign(context: Context[EvaluationToSign], asked: EvaluationArgument) -> EvaluationToSign | Refusal:
    """What a result of the caller's party answers."""
    with context.ledger.reading() as state:
        release = state.releases.get(asked.release)
        knows = access.known(context.principal, state, context.ledger.directs)
        found = evidence.evaluation_of(state, asked.release, asked.evaluation)
        if release is None or not knows(release):
            return evidence.evaluation_unknown(asked.release, asked.evaluation)
        if isinstance(found, Refusal):
            return found
        return EvaluationToSign(
            log=state.log,
            release=asked.release,
            developer=state.developer,
            party=access.party_of(context.principal, state),
            name=asked.evaluation,
            evaluation=found,
            models=in_force(release.plan),
            keys=sealing_keys(state, release.plan),
        )


@does(acts.IMPORT)
def import_(context: Context[EvidenceReceipt], asked: SignedResult) -> EvidenceReceipt | Refusal:
    """Put a party's result on the record. Raises: BadEnvelope."""
    return context.execute(RecordEvidence(Envelope.from_json(asked.envelope), asked.sealed_log))


@does(acts.WITHDRAW)
def withdraw(context: Context[WithdrawalReceipt], asked: SignedStatement) -> WithdrawalReceipt | Refusal:
    """Take a result of the signer's party back. Raises: BadEnvelope."""
    return context.execute(WithdrawEvidence(Envelope.from_json(asked.envelope)))


@does(acts.LIST)
def listed(context: Context[EvidenceList], wanted: EvidenceFilter) -> EvidenceList | Refusal:
    """The results that the reader may see, newest first."""
    with context.ledger.reading() as state:
        known = state.record.evidence
        if wanted.before is not None and wanted.before not in known:
            return _unknown(wanted.before)
        found = (
            each
            for _, each in newest(known, wanted.before)
            if wanted.release in {None, each.release}
            and wanted.evaluation in {None, each.evaluation}
            and sees(context, state, each)
        )
        shown, is_cut = page(found, wanted.limit)
        views = tuple(evidence.view(state, each) for each in shown)
        return EvidenceList(size=state.size, evidence=views, next=shown[-1].id if is_cut else None)


@does(acts.SHOW)
def show(context: Context[SignedEvidence], asked: EvidenceArgument) -> SignedEvidence | Refusal:
    """A result with its envelope."""
    with context.ledger.reading() as state:
        found = _named(context, state, asked.evidence)
        if isinstance(found, Refusal):
            return found
        shown = evidence.view(state, found)
    (entry,) = context.ledger.entries(found.seq, found.seq + 1)
    assert isinstance(entry.body, EvidenceRecorded)
    more = {"envelope": entry.body.envelope.to_json(), "logKept": entry.body.sealed_log is not None}
    return SignedEvidence.from_json({**shown.to_json(), **more})


@does(acts.LOG)
def log(context: Context[SealedLog], asked: EvidenceArgument) -> SealedLog | Refusal:
    """The log of a run, as its party has sealed it."""
    with context.ledger.reading() as state:
        found = _named(context, state, asked.evidence)
        if isinstance(found, Refusal):
            return found
    opened = context.ledger.store.log.sealed([found.seq]).get(found.seq, {})
    if LOG_FIELD not in opened:
        said = f"the log of {found.id[:19]} is not here: {found.party} keeps it"
        return Refusal("unknown", "log_not_kept", said, f"ask {found.party} for it")
    return SealedLog(evidence=found.id, digest=found.run.log, sealed=str(opened[LOG_FIELD].value()))


def _named(context: Context[Any], state: State, name: str) -> Evidence | Refusal:
    """The result of a name; its digits do, too."""
    found = state.record.evidence.get(f"sha256:{name.removeprefix('sha256:')}")
    return found if found is not None and sees(context, state, found) else _unknown(name)


def sees(context: Context[Any], state: State, found: Evidence) -> bool:
    """Whether the reader may see a result."""
    return access.known(context.principal, state, context.ledger.directs)(state.releases[found.release])


def _unknown(name: str) -> Refusal:
    return Refusal(
        "unknown",
        "evidence_unknown",
        f"no evidence {name!r}",
        "'sluicegate evidence list' shows what there is",
    )
