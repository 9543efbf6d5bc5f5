"""What happens to a grant after its approval: proven, suspended, resumed, surrendered, removed, falling back.

Rules:
- The developer alone may suspend a grant, and resume what it suspended. A removal is a case. The terms under
  which the grant is held have the rule that decides it. So no later plan lets a holder escape a removal.
- A holder may surrender a grant at any time, and choose whether a fallback answers where a directive refuses.
- Nothing here gives more than a case has given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sluicegate.acts.act import Done
from sluicegate.acts.grants import FallbackReceipt, GrantChange, NewRemoval
from sluicegate.core.lifecycle import determination, programmes
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.applications import about_stage, opened
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.grant import SUSPENDED, Grant
from sluicegate_record.entries import Draft
from sluicegate_record.entries.grants import (
    GrantDiffered,
    GrantEnded,
    GrantFallbackChosen,
    GrantProven,
    GrantResumed,
    GrantSuspended,
)
from sluicegate_record.form import form
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.effective import day_of


@form
class GrantProof(Done):
    """A grant under which a call has succeeded."""

    grant: str


@dataclass(frozen=True, slots=True)
class ProveGrant(Command):
    """Note that a call under a grant has succeeded on its surface. Gateways report such calls."""

    grant: str
    gateway: str


@dataclass(frozen=True, slots=True)
class NoteDifference(Command):
    """Note how an answer differed from a grant: a kind of `terms.effective`. Gateways report it."""

    grant: str
    kind: str
    gateway: str


@dataclass(frozen=True, slots=True)
class SuspendGrant(Command):
    """Suspend a grant, for one of `kinds.REASON_CODES`; or only programmes of it, by their labels."""

    grant: str
    code: str
    programmes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResumeGrant(Command):
    """Make a suspended grant valid again; or only programmes of it, by their labels."""

    grant: str
    programmes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SurrenderGrant(Command):
    """Give a grant back."""

    grant: str


@dataclass(frozen=True, slots=True)
class ChooseFallback(Command):
    """Choose whether the fallback answers what a directive refuses under a grant."""

    grant: str
    fallback: bool


@dataclass(frozen=True, slots=True)
class OpenRemoval(Command):
    """Ask whether a grant should end, for one of `kinds.REASON_CODES`.

    `text` is the notice, sealed for the holder. `party` is the agency that asks, None for the developer.
    """

    grant: str
    code: str
    text: str
    party: str | None = None


def prove_grant(state: State, command: ProveGrant, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `ProveGrant`. Proving again changes nothing."""
    grant = _live(state, command.grant)
    if isinstance(grant, Refusal):
        return grant
    if state.table.grants_by_id[grant.id].proven:
        return Acceptance([], GrantProof(grant=grant.id))
    body = GrantProven(grant=grant.id, case=grant.case, surface=grant.surface, gateway=command.gateway)
    return Acceptance([Draft(grant.id, body)], GrantProof(grant=grant.id))


def note_difference(
    state: State, command: NoteDifference, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `NoteDifference`. The same kind again on one day changes nothing."""
    grant = _live(state, command.grant)
    if isinstance(grant, Refusal):
        return grant
    known = dict(state.table.grants_by_id[grant.id].differed)
    if known.get(command.kind, -1) >= day_of(now_ms):
        return Acceptance([], GrantProof(grant=grant.id))
    body = GrantDiffered(
        grant=grant.id, case=grant.case, surface=grant.surface, gateway=command.gateway, kind=command.kind
    )
    return Acceptance([Draft(grant.id, body)], GrantProof(grant=grant.id))


def suspend_grant(state: State, command: SuspendGrant, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `SuspendGrant`. Suspending again changes nothing."""
    grant = _live(state, command.grant) if command.code in kinds.REASON_CODES else _code_unknown(command.code)
    if isinstance(grant, Refusal):
        return grant
    if command.programmes:
        return _halt(grant, command)
    result = GrantChange(grant=grant.id, state="suspended")
    if grant.standing == SUSPENDED:
        return Acceptance([], result)
    body = GrantSuspended(grant=grant.id, case=grant.case, reason_code=command.code)
    return Acceptance([Draft(grant.id, body)], result)


def resume_grant(state: State, command: ResumeGrant, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `ResumeGrant`. Resuming a grant that is not suspended changes nothing."""
    grant = _live(state, command.grant)
    if isinstance(grant, Refusal):
        return grant
    found = state.record.suspending(grant.id)
    if found is not None:
        text = f"the report {found.id} of {found.party!r} suspends this grant until it is closed"
        return Refusal(
            "conflict", "finding_open", text, "'sluicegate finding show FINDING' says who may close it"
        )
    if grant.doubted:
        text = "this grant rests on what a compromised key signed"
        remedy = (
            "its holder asks to renew it, 'sluicegate application amend GRANT', and the agencies decide again"
        )
        return Refusal("conflict", "grant_doubted", text, remedy)
    if command.programmes:
        return _halt(grant, command)
    drafts = [Draft(grant.id, GrantResumed(grant=grant.id, case=grant.case))]
    result = GrantChange(grant=grant.id, state="resumed")
    return Acceptance(drafts if grant.standing == SUSPENDED else [], result)


def _halt(grant: Grant, command: SuspendGrant | ResumeGrant) -> Acceptance | Refusal:
    """Suspend programmes of a grant, or resume them. What is so already stays."""
    refusal = programmes.not_to_halt(grant, command.programmes)
    if refusal is not None:
        return refusal
    named = set(command.programmes)
    result = GrantChange(grant=grant.id, state="resumed", programmes=tuple(sorted(named)))
    if isinstance(command, SuspendGrant):
        result = replace(result, state="suspended")
        labels = tuple(sorted(named - grant.halted))
        code = command.code
        body = GrantSuspended(grant=grant.id, case=grant.case, reason_code=code, programmes=labels)
        draft = Draft(grant.id, body)
    else:
        labels = tuple(sorted(named & grant.halted))
        draft = Draft(grant.id, GrantResumed(grant=grant.id, case=grant.case, programmes=labels))
    return Acceptance([draft] if labels else [], result)


def surrender_grant(
    state: State, command: SurrenderGrant, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `SurrenderGrant`. The seat is free immediately. Surrendering again changes nothing."""
    result = GrantChange(grant=command.grant, state="surrendered")
    known = state.grants.get(command.grant)
    if known is not None and known.standing == "surrendered":
        return Acceptance([], result)
    grant = _live(state, command.grant)
    if isinstance(grant, Refusal):
        return grant
    return Acceptance(ended(state, grant, "surrendered"), result)


def choose_fallback(
    state: State, command: ChooseFallback, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `ChooseFallback`. Choosing the same again changes nothing."""
    grant = _live(state, command.grant)
    if isinstance(grant, Refusal):
        return grant
    result = FallbackReceipt(grant=grant.id, fallback=command.fallback)
    if state.table.grants_by_id[grant.id].falls_back is command.fallback:
        return Acceptance([], result)
    body = GrantFallbackChosen(grant=grant.id, case=grant.case, fallback=command.fallback)
    return Acceptance([Draft(grant.id, body)], result)


def open_removal(state: State, command: OpenRemoval, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `OpenRemoval`. It counts, at the earliest, when the holder's time to reply is over."""
    grant = _live(state, command.grant) if command.code in kinds.REASON_CODES else _code_unknown(command.code)
    if isinstance(grant, Refusal):
        return grant
    terms = state.record.terms[grant.terms]
    rule = kinds.rule_of(kinds.REMOVAL, terms.plan, terms.body)
    if command.party is not None and command.party not in quorum.parties_of(rule):
        return Refusal("forbidden", "not_asked", f"{command.party!r} has no say in the removal of this grant")
    if grant.removal is not None:
        return Acceptance([], NewRemoval(case=grant.removal, grant=grant.id))
    case = entropy.name("case")
    question = replace(
        about_stage(state, grant.stage, grant.terms, case, kinds.REMOVAL),
        surface=grant.surface,
        party=state.party_of(grant.id),
        grant=grant.id,
        reason_code=command.code,
    )
    sealed = {"notice": leaves.opening(command.text, entropy)}
    body = opened(state, question, grant.organization, now_ms, sealed=sealed)
    first = state.cases[grant.case]
    opener = first.opener if grant.listed is None else state.holder_of(grant) or None
    body = replace(body, applicant=first.applicant, opener=opener)
    result = NewRemoval(case=case, grant=grant.id, reply_by_ms=body.reply_by_ms)
    return Acceptance([Draft.of(case, body, entropy)], result)


def ended(state: State, grant: Grant, how: str) -> list[Draft]:
    """The entries that end a grant, and the open cases about it."""
    body = GrantEnded(grant=grant.id, case=grant.case, how=how)
    return [Draft(grant.id, body), *determination.superseded(state, grant.id, how)]


def _live(state: State, name: str) -> Grant | Refusal:
    grant = state.grants.get(name)
    if grant is None:
        return Refusal("unknown", "grant_unknown", f"no grant {name[:80]!r}")
    if not grant.is_live:
        said = f"grant {grant.id!r} has ended: {grant.standing}"
        return Refusal("conflict", "grant_ended", said, "a new application is the way back")
    return grant


def _code_unknown(code: str) -> Refusal:
    said = f"no reason code {code[:40]!r}, expected one of {', '.join(kinds.REASON_CODES)}"
    return Refusal("conflict", "reason_unknown", said)
