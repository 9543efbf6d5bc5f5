"""What becomes of a grant after its approval: proven, suspended, resumed, surrendered, removed, falling back.

Rules:
- The developer may suspend alone, and resume what it suspended; a removal is a case, decided by the rule of
  the terms under which the grant is held. So no plan applied later lets anybody escape it.
- A holder may surrender at any time, and choose whether a fallback answers where a directive refuses.
- Nothing here gives anybody more than a case has given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sluicegate.core.access.table import Grant
from sluicegate.core.lifecycle import determination
from sluicegate.core.lifecycle.answer import Decided, Refusal
from sluicegate.core.lifecycle.applications import about_stage, opened
from sluicegate.core.lifecycle.state import ENDED, State
from sluicegate_record.log import events
from sluicegate_record.log.events import Draft, Entropy
from sluicegate_record.terms import kinds, quorum

REASON_CODES = (
    "criteria_not_met",
    "misuse",
    "safeguards",
    "screening",
    "security",
    "terms_breached",
    "other",
)


@dataclass(frozen=True, slots=True)
class ProveGrant:
    """Note that a call under a grant has succeeded on its surface; gateways report it."""

    grant: str
    gateway: str


@dataclass(frozen=True, slots=True)
class SuspendGrant:
    """Suspend a grant, for one of `REASON_CODES`."""

    grant: str
    code: str


@dataclass(frozen=True, slots=True)
class ResumeGrant:
    """Let a suspended grant go on."""

    grant: str


@dataclass(frozen=True, slots=True)
class SurrenderGrant:
    """Give a grant back."""

    grant: str


@dataclass(frozen=True, slots=True)
class ChooseFallback:
    """Have the fallback answer what a directive refuses under a grant, or have it no more."""

    grant: str
    fallback: bool


@dataclass(frozen=True, slots=True)
class OpenRemoval:
    """Ask whether a grant shall end, for one of `REASON_CODES`. `text` is the notice, sealed for the holder.

    `party` is the agency that asks, None for the developer.
    """

    grant: str
    code: str
    text: str
    party: str | None = None


def prove_grant(state: State, command: ProveGrant, now_ms: int, entropy: Entropy) -> Decided | Refusal:
    """Decide `ProveGrant`. Proving twice is done once."""
    grant = _live(state, command.grant)
    if isinstance(grant, Refusal):
        return grant
    if grant.proven:
        return Decided([], {"grant": grant.id})
    public = {**_about(state, grant), "surface": grant.surface, "gateway": command.gateway}
    return Decided([Draft(events.GRANT_PROVEN, grant.id, public)], {"grant": grant.id})


def suspend_grant(state: State, command: SuspendGrant, now_ms: int, entropy: Entropy) -> Decided | Refusal:
    """Decide `SuspendGrant`. Suspending twice is done once."""
    grant = _live(state, command.grant) if command.code in REASON_CODES else _code_unknown(command.code)
    if isinstance(grant, Refusal):
        return grant
    result = {"grant": grant.id, "state": "suspended"}
    if state.standing.get(grant.id) == "suspended":
        return Decided([], result)
    public = {**_about(state, grant), "reasonCode": command.code}
    return Decided([Draft(events.GRANT_SUSPENDED, grant.id, public)], result)


def resume_grant(state: State, command: ResumeGrant, now_ms: int, entropy: Entropy) -> Decided | Refusal:
    """Decide `ResumeGrant`. Resuming what is not suspended changes nothing."""
    grant = _live(state, command.grant)
    if isinstance(grant, Refusal):
        return grant
    drafts = [Draft(events.GRANT_RESUMED, grant.id, _about(state, grant))]
    suspended = state.standing.get(grant.id) == "suspended"
    return Decided(drafts if suspended else [], {"grant": grant.id, "state": "resumed"})


def surrender_grant(
    state: State, command: SurrenderGrant, now_ms: int, entropy: Entropy
) -> Decided | Refusal:
    """Decide `SurrenderGrant`. The seat is free at once; surrendering twice is done once."""
    result = {"grant": command.grant, "state": "surrendered"}
    if state.standing.get(command.grant) == "surrendered":
        return Decided([], result)
    grant = _live(state, command.grant)
    if isinstance(grant, Refusal):
        return grant
    return Decided(ended(state, grant, "surrendered"), result)


def choose_fallback(
    state: State, command: ChooseFallback, now_ms: int, entropy: Entropy
) -> Decided | Refusal:
    """Decide `ChooseFallback`. Choosing what is chosen already changes nothing."""
    grant = _live(state, command.grant)
    if isinstance(grant, Refusal):
        return grant
    result = {"grant": grant.id, "fallback": command.fallback}
    if grant.falls_back is command.fallback:
        return Decided([], result)
    public = {**_about(state, grant), "fallback": command.fallback}
    return Decided([Draft(events.GRANT_FALLBACK_CHOSEN, grant.id, public)], result)


def open_removal(state: State, command: OpenRemoval, now_ms: int, entropy: Entropy) -> Decided | Refusal:
    """Decide `OpenRemoval`. It counts at the end of the holder's time to reply, at the earliest."""
    grant = _live(state, command.grant) if command.code in REASON_CODES else _code_unknown(command.code)
    if isinstance(grant, Refusal):
        return grant
    given = state.plans[grant.terms]
    rule = kinds.rule_of(kinds.REMOVAL, given, given.stages[grant.stage])
    if command.party is not None and command.party not in quorum.parties_of(rule):
        return Refusal("forbidden", "not_asked", f"{command.party!r} has no say in the removal of this grant")
    if grant.id in state.removals:
        return Decided([], {"case": state.removals[grant.id], "grant": grant.id})
    case = entropy.name("case")
    question = replace(
        about_stage(state, grant.stage, grant.terms, case, kinds.REMOVAL),
        surface=grant.surface,
        party=state.party_of(grant.id),
        grant=grant.id,
        reason_code=command.code,
    )
    holder = state.cases[state.grants[grant.id]].applicant
    sealed = {"notice": events.opening(command.text, entropy)}
    draft = opened(state, question, grant.organization, now_ms, entropy, sealed=sealed, applicant=holder)
    return Decided([draft], {"case": case, "grant": grant.id, "replyBy": draft.public["replyBy"]})


def ended(state: State, grant: Grant, how: str) -> list[Draft]:
    """The entries that end a grant, and with it what is open about it."""
    draft = Draft(events.GRANT_ENDED, grant.id, {**_about(state, grant), "how": how})
    return [draft, *determination.superseded(state, grant.id, how)]


def _about(state: State, grant: Grant) -> dict[str, Any]:
    return {"grant": grant.id, "case": state.grants[grant.id]}


def _live(state: State, name: str) -> Grant | Refusal:
    grant = state.table.grants_by_id.get(name)
    if grant is None:
        return Refusal("unknown", "grant_unknown", f"no grant {name[:80]!r}")
    if state.standing.get(grant.id) in ENDED:
        said = f"grant {grant.id!r} has ended: {state.standing[grant.id]}"
        return Refusal("conflict", "grant_ended", said, "a new application is the way back")
    return grant


def _code_unknown(code: str) -> Refusal:
    said = f"no reason code {code[:40]!r}, expected one of {', '.join(REASON_CODES)}"
    return Refusal("conflict", "reason_unknown", said)
