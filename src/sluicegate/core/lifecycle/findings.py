"""Findings: reported, answered, retested; and what the developer has not done in time.

Rules:
- Each word is signed by its party, over the newest word on the finding: no one answers what it has not seen.
- The developer answers, and closes nothing. Who found it closes it, or another party of the plan.
- What follows for stages is a requirement like any other: `stages.py` has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sluicegate.acts.findings import FindingDue, FindingReceipt, FindingSummary, FindingView
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import signer_here
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.finding import DEVELOPERS, Finding, reported, reporters
from sluicegate_record.entities.grant import SUSPENDED
from sluicegate_record.entities.happening import Trial
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.entries import Draft
from sluicegate_record.entries.findings import FindingAnswered, FindingOverdue, FindingReported
from sluicegate_record.entries.grants import GrantSuspended
from sluicegate_record.form import replace
from sluicegate_record.law.findings import closers, retested
from sluicegate_record.law.requirements import at_now
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.log.publickey import ED25519_BYTES
from sluicegate_record.record import Record
from sluicegate_record.statements.findings import GIVES, GONE, REPORTS, FindingStatement, name_of
from sluicegate_record.terms.findings import MISUSE
from sluicegate_record.terms.plan import Plan


@dataclass(frozen=True, slots=True)
class RecordFinding(SignedCommand):
    """Put a party's signed word on a finding on the record.

    `details` opens the commitment to what was sealed; None without that, or if its party keeps it.
    """

    details: Opening | None = None


def record_finding(
    state: State, command: RecordFinding, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RecordFinding`. The newest word on a finding again changes nothing."""
    said, digest = FindingStatement.read(command.envelope), command.envelope.digest
    key = signer_here(state, command.envelope, said.party, said.log)
    if isinstance(key, Refusal):
        return key
    known = state.record.findings.get(said.finding or name_of(digest))
    if known is not None and known.digest == digest:
        return Acceptance([], _receipt(known))
    refusal = _not_to_report(state, said, known) if said.says == REPORTS else _unfit(state, said, known)
    refusal = refusal or _unsealed(state, said, command.details)
    if refusal is not None:
        return refusal
    body = replace(
        _entered(said, known, key.owner, command.envelope),
        sealed_details=said.sealed_details,
        details=command.details,
    )
    trial = Trial(body, state.size, now_ms)
    if isinstance(body, FindingReported):
        after = reported(trial, body, state.record.scale_for(body.release, body.grant))
    else:
        assert known is not None
        after = known.after(trial)
    return Acceptance([Draft.of(body.finding, body, entropy), *_suspending(state, after)], _receipt(after))


def _suspending(state: State, found: Finding) -> Iterator[Draft]:
    """The suspension of a grant that follows from a report of its misuse."""
    grant = state.grants.get(found.grant or "")
    if (
        grant is not None
        and found.suspends
        and found.is_open
        and grant.is_live
        and grant.standing != SUSPENDED
    ):
        yield Draft(grant.id, GrantSuspended(grant=grant.id, case=grant.case, reason_code=MISUSE))


def _entered(
    said: FindingStatement, known: Finding | None, owner: str, envelope: Envelope
) -> FindingReported | FindingAnswered:
    """The entry of a word. Requires: what `FindingStatement.check` says of its fields."""
    if known is None:
        return FindingReported(
            finding=name_of(envelope.digest),
            release=said.release or "",
            party=said.party,
            owner=owner,
            digest=envelope.digest,
            envelope=envelope,
            kind=said.kind or "",
            level=said.level or "",
            axes=said.axes,
            text=said.text or "",
            model=said.model,
            tested=said.tested,
            grant=said.grant,
            transcribed=said.transcribed,
        )
    return FindingAnswered(
        finding=known.id,
        release=known.release,
        party=said.party,
        owner=owner,
        digest=envelope.digest,
        envelope=envelope,
        says=said.says,
        text=said.text,
        tested=said.tested,
        outcome=said.outcome,
        transcribed=said.transcribed,
    )


def _unsealed(state: State, said: FindingStatement, details: Opening | None) -> Refusal | None:
    """Why details are not those that were signed, or are sealed to a key that is not of this log."""
    sealed = said.sealed_details
    committed = None if sealed is None else sealed.commitment
    if details is not None and details.commitment("sealed", "details") != committed:
        text = "the sealed details are not what the statement commits to"
        return Refusal("unverified", "details_unproven", text, "send what was signed, unchanged")
    unknown = set() if sealed is None else set(sealed.keys) - state.record.keys.keys()
    if not unknown:
        return None
    text = f"the details are sealed to a key that is not pinned here: {min(unknown)[:16]}…"
    return Refusal("conflict", "key_unknown", text, "seal them again: --seal-to PARTY")


def _not_to_report(state: State, said: FindingStatement, known: Finding | None) -> Refusal | None:
    """Why a party cannot report this; None if it can."""
    if known is not None:
        text = f"this was reported before, as {known.id}, and more was said of it since"
        return Refusal("conflict", "finding_reported", text, f"'sluicegate finding show {known.id}' has it")
    release = state.releases.get(said.release or "")
    if release is None:
        return release_unknown(said.release or "")
    plan = _naming(state, release.name, said.party)
    if plan is None:
        names = ", ".join(sorted(reporters(release.plan)))
        text = f"the plan of {release.name!r} names {names} for findings, and not {said.party!r}"
        remedy = "the developer's staff can enter it, with --for"
        return Refusal("forbidden", "not_to_report", text, remedy)
    if said.level not in plan.spec.scale.names:
        text = f"no level {said.level!r} in the plan of {release.name!r}"
        return Refusal("unknown", "level_unknown", text, f"one of {', '.join(plan.spec.scale.names)}")
    if said.grant is not None:
        grant = state.grants.get(said.grant)
        is_its = grant is not None and grant.release == release.name
        text = f"no grant {said.grant[:80]!r} of {release.name!r}"
        return _transcribes(state, said) if is_its else Refusal("unknown", "grant_unknown", text)
    return _no_model(release.plan, said) or _transcribes(state, said)


def _naming(state: State, release: str, party: str) -> Plan | None:
    """The plan that lets a party report: that in force, or one on whose terms grants go on without it."""
    return next((each for each in state.record.plans(release) if party in reporters(each)), None)


def _no_model(plan: Plan, said: FindingStatement) -> Refusal | None:
    weights = {each.id: each.digest for each in plan.spec.models}
    assert said.tested is not None
    if weights.get(said.model or "") == said.tested.digest:
        return None
    text = f"the release has no model {said.model!r} of these weights"
    return Refusal("unknown", "model_unknown", text, f"one of {', '.join(sorted(weights))}, as it is now")


def _transcribes(state: State, said: FindingStatement) -> Refusal | None:
    if said.transcribed is None or said.party == state.developer:
        return None
    text = "only the developer's staff enters what someone without a key found"
    return Refusal("forbidden", "not_to_transcribe", text, "report it as your own party's")


def _unfit(state: State, said: FindingStatement, known: Finding | None) -> Refusal | None:
    """Why a word on a finding does not fit how it stands, or is another party's to say; None if it fits."""
    if known is None:
        return finding_unknown(said.finding or "")
    if said.previous != known.digest:
        text = "more was said of this finding since the statement was made"
        return Refusal(
            "conflict", "finding_stale", text, "'sluicegate finding show FINDING' shows it now; sign it again"
        )
    if said.says in DEVELOPERS:
        return _not_to_answer(state, said, known)
    if said.says == GIVES:
        is_named = _naming(state, known.release, said.party) is not None
        return _transcribes(state, said) if is_named else _not_to_give(known, said.party)
    return _not_to_retest(state, said, known)


def _not_to_answer(state: State, said: FindingStatement, known: Finding) -> Refusal | None:
    if said.party != state.developer:
        text = f"the developer, {state.developer!r}, {said.says} findings, and not {said.party!r}"
        return Refusal(
            "forbidden",
            "not_the_developer",
            text,
            "'sluicegate finding give FINDING --text TEXT --key KEY' adds detail",
        )
    return None if known.is_open else _closed(known)


def _not_to_retest(state: State, said: FindingStatement, known: Finding) -> Refusal | None:
    plan = state.releases[known.release].plan
    closing = closers(at_now(state.record, known.at_ms), known)
    if said.party not in closing:
        names = ", ".join(sorted(closing))
        text = f"{said.party!r} does not close this finding: {names} may retest it"
        return Refusal(
            "forbidden",
            "not_to_retest",
            text,
            "'sluicegate finding fix FINDING --text TEXT --key KEY' says that it is ready for a retest",
        )
    if said.outcome == GONE and not known.is_open:
        return _closed(known)
    if said.tested not in retested(plan, known):
        text = "the retest is of other weights or safeguards than those in force"
        return Refusal("conflict", "retest_stale", text, "retest the model as the plan has it now")
    return None


def _closed(known: Finding) -> Refusal:
    text = f"the finding {known.id} is closed"
    return Refusal("conflict", "finding_closed", text, "a retest that finds it again opens it: --persists")


def _not_to_give(known: Finding, party: str) -> Refusal:
    text = f"the plan of {known.release!r} does not name {party!r} for findings"
    return Refusal("forbidden", "not_to_report", text)


def finding_unknown(name: str) -> Refusal:
    """The refusal for a finding that is not on the record."""
    return Refusal(
        "unknown", "finding_unknown", f"no finding {name[:80]!r}", "'sluicegate finding list' shows them"
    )


def _receipt(found: Finding) -> FindingReceipt:
    return FindingReceipt(finding=found.id, release=found.release, party=found.party, state=found.state)


# Time


def overdue(record: Record, name: str) -> list[Draft]:
    """What is written when a step was not done in time. Requires: one is due."""
    found = record.findings[name]
    step, at_ms = min(record.owed(found).items(), key=lambda each: each[::-1])
    body = FindingOverdue(finding=found.id, release=found.release, step=step, due_ms=at_ms)
    return [Draft(found.id, body)]


# What is shown


def open_in(record: Record, release: str) -> Iterator[Finding]:
    """The findings of a release that are open, newest first."""
    return (each for each in reversed(record.findings_of(release)) if each.is_open)


def summary(state: State, found: Finding) -> FindingSummary:
    """A finding as a list shows it."""
    plan = state.releases[found.release].plan
    holds = found.is_open and found.is_weakness
    limit = plan.spec.scale.level(found.level).restrict if holds else None
    return FindingSummary(
        finding=found.id,
        release=found.release,
        party=found.party,
        kind=found.kind,
        level=found.level,
        axes=found.axes,
        text=found.text,
        model=found.model,
        tested=found.tested,
        grant=found.grant,
        transcribed=found.transcribed,
        state=found.state,
        response=found.response(plan.spec.scale),
        requests_per_minute=None if limit is None else limit.requests_per_minute,
        suspends=found.suspends and found.is_open,
        owed=tuple(FindingDue(step=step, due_ms=at_ms) for step, at_ms in state.record.owed(found).items()),
        overdue=found.overdue,
        sealed_to=parties_of(state, found.sealed_to),
        reported_at_ms=found.at_ms,
        closed_at_ms=found.closed_ms,
        seq=found.seq,
    )


def view(state: State, found: Finding) -> FindingView:
    """A finding with all that was said of it."""
    said = [{**each.to_json(), "sealedTo": list(parties_of(state, each.sealed_to))} for each in found.said]
    closing = closers(at_now(state.record, found.at_ms), found)
    more = {"said": said, "closesBy": sorted(closing)}
    return FindingView.from_json({**summary(state, found).to_json(), **more})


def parties_of(state: State, keys: Iterable[str]) -> tuple[str, ...]:
    """The parties of some keys, sorted."""
    return tuple(sorted({state.record.keys[keyid].party for keyid in keys}))


def keys_to_seal_to(state: State, plan: Plan) -> Iterator[PinnedKey]:
    """The keys to which details can be sealed: Ed25519 keys of those who may report, that are no passkeys."""
    return (key for key in state.record.keys.values() if opens(key) and key.party in reporters(plan))


def opens(key: PinnedKey) -> bool:
    """Whether something can be sealed to a key, and its holder opens it."""
    return key.counts and key.webauthn is None and len(key.public) == ED25519_BYTES
