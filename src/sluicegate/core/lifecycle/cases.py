"""Cases: an organization applies, agencies take positions, a rule determines.

Rules:
- A position counts if it is signed by a pinned key of the agency it speaks for, binds the whole question
  of the case, and follows the agency's position before it. So none is replayed: not in another case, not
  under other terms, not after it was superseded.
- Determination is a function of the newest positions and the case's rule. No seat, no grant.
- A case is determined once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sluicegate.core import durations, events, plan, quorum, statements
from sluicegate.core.dsse import Envelope
from sluicegate.core.events import Draft, Entropy
from sluicegate.core.lifecycle.answer import Decided, Refusal
from sluicegate.core.lifecycle.keys import signer_for
from sluicegate.core.lifecycle.releases import stage_unknown, terms_not_agreed
from sluicegate.core.lifecycle.state import Case, Recorded, State
from sluicegate.core.statements import Position


@dataclass(frozen=True, slots=True)
class SubmitApplication:
    """Apply for one stage on one surface.

    `organization` is the applicant's pseudonym; `dossier` what is sealed: `{organization: {name,
    registeredIn, …}, …}`.
    """

    release: str
    stage: str
    surface: str
    organization: str
    dossier: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Put a signed position on the record."""

    envelope: Envelope


def submit_application(
    state: State, command: SubmitApplication, now_ms: int, entropy: Entropy
) -> Decided | Refusal:
    """Decide `SubmitApplication`."""
    refusal = _not_eligible(state, command, now_ms)
    if refusal is not None:
        return refusal
    release = state.releases[command.release]
    stage = plan.stages(release.plan)[command.stage]
    case = entropy.name("case")
    sealed = events.opening(command.dossier, entropy)
    question = {
        "log": state.log,
        "case": case,
        "kind": "admission",
        "release": command.release,
        "stage": command.stage,
        "surface": command.surface,
        "terms": release.terms[command.stage],
        "models": plan.model_digests(release.plan),
        "party": sealed.commitment("sealed", "application"),
    }
    public = {
        "case": case,
        "kind": "admission",
        "release": command.release,
        "stage": command.stage,
        "surface": command.surface,
        "question": question,
        "rule": stage["admission"]["grant"],
    }
    gate = {"organization": events.opening(command.organization, entropy)}
    draft = Draft(events.CASE_OPENED, case, public, gate, {"application": sealed})
    return Decided([draft], {"application": case, "state": "in_review"})


def record_position(
    state: State, command: RecordPosition, now_ms: int, entropy: Entropy
) -> Decided | Refusal:
    """Decide `RecordPosition`: the position, and what follows from it."""
    position = statements.read_position(command.envelope)
    case = state.cases.get(position.question["case"])
    if case is None:
        return Refusal("unknown", "case_unknown", f"no case {position.question['case'][:80]!r}")
    key = signer_for(state, command.envelope, position.agency)
    if isinstance(key, Refusal):
        return key
    digest = statements.envelope_digest(command.envelope)
    if (
        any(said.digest == digest for said in case.history)
        and case.positions[position.agency].digest == digest
    ):
        return Decided([], _result(case, position.agency, digest, case.outcome))
    refusal = _misplaced(state, case, position)
    if refusal is not None:
        return refusal
    said = Recorded(
        position.agency, key.owner, position.position, position.reason, digest, state.size, now_ms
    )
    newest = {**case.positions, position.agency: said}
    outcome, consequences = _determined(state, case, newest, now_ms, entropy)
    drafts = [_recorded(case, said, command.envelope), *consequences]
    return Decided(drafts, _result(case, position.agency, digest, outcome))


def awaiting(case: Case) -> list[str]:
    """The parties the case's rule names who have said nothing yet, sorted."""
    if case.state == "determined":
        return []
    return sorted(quorum.parties_of(case.rule) - case.positions.keys())


def _not_eligible(state: State, command: SubmitApplication, now_ms: int) -> Refusal | None:
    release = state.releases.get(command.release)
    if release is None or command.stage not in release.terms:
        return stage_unknown(command.release, command.stage)
    surfaces = release.plan["spec"]["surfaces"]
    if command.surface not in surfaces:
        return Refusal(
            "unknown",
            "surface_unknown",
            f"no surface {command.surface!r}, expected one of {', '.join(surfaces)}",
        )
    eligibility = plan.stages(release.plan)[command.stage].get("eligibility", {})
    country = command.dossier["organization"]["registeredIn"]
    if country not in eligibility.get("registeredIn", [country]):
        return Refusal(
            "forbidden",
            "not_eligible",
            f"stage {command.stage!r} admits organizations registered in "
            f"{', '.join(eligibility['registeredIn'])}, this one is registered in {country!r}",
        )
    return _already(state, command, now_ms)


def _already(state: State, command: SubmitApplication, now_ms: int) -> Refusal | None:
    key = (command.organization, command.release, command.surface)
    if key in state.open_applications:
        case = state.open_applications[key]
        return Refusal("conflict", "already_applied", f"application {case!r} is still open", "wait for it")
    grant = state.table.grants.get(key)
    if grant is not None and (grant.valid_until_ms is None or grant.valid_until_ms > now_ms):
        return Refusal("conflict", "already_granted", f"grant {grant.id!r} is in force for this surface")
    return None


def _misplaced(state: State, case: Case, position: Position) -> Refusal | None:
    """Why a validly signed position does not belong here, if it does not."""
    if position.question != case.question:
        return Refusal(
            "conflict",
            "other_question",
            "the position was signed for another question: other terms, party, surface or models",
            "export the case again and sign that",
        )
    if position.agency not in quorum.parties_of(case.rule):
        return Refusal("forbidden", "not_asked", f"{position.agency!r} is not asked in this case")
    if case.state == "determined":
        return Refusal("conflict", "case_determined", f"the case is already determined: {case.outcome}")
    said = case.positions.get(position.agency)
    if position.previous != (said.digest if said else None):
        return Refusal(
            "conflict",
            "position_superseded",
            f"the position does not follow the newest one of {position.agency!r} in this case",
            "export the case again and sign that",
        )
    return _terms_moved(state, case)


def _terms_moved(state: State, case: Case) -> Refusal | None:
    if case.kind == "lift":
        return None
    release, stage = state.releases[case.question["release"]], case.question["stage"]
    if release.terms.get(stage) != case.question["terms"]:
        return Refusal(
            "conflict",
            "terms_changed",
            f"the terms of stage {stage!r} have changed since the case was opened",
            "a new plan opened a new case",
        )
    if case.kind == "admission" and case.question["terms"] not in release.agreed:
        return terms_not_agreed(stage)
    return None


def _recorded(case: Case, said: Recorded, envelope: Envelope) -> Draft:
    public = {
        "case": case.id,
        "agency": said.agency,
        "owner": said.owner,
        "position": said.position,
        "reason": said.reason,
        "digest": said.digest,
        "envelope": envelope.to_json(),
    }
    return Draft(events.POSITION_RECORDED, case.id, public)


def _determined(
    state: State, case: Case, newest: Mapping[str, Recorded], now_ms: int, entropy: Entropy
) -> tuple[str | None, list[Draft]]:
    """What the newest positions determine: the outcome and its entries."""
    approving = {party: said for party, said in newest.items() if said.position == "approve"}
    objecting = {party for party, said in newest.items() if said.position == "object"}
    if not quorum.reachable(case.rule, objecting):
        return "denied", [_outcome(case, "denied")]
    if not quorum.satisfied(case.rule, approving.keys()):
        return None, []
    if case.kind == "admission" and not _has_seat(state, case, now_ms):
        waitlisted = Draft(events.CASE_WAITLISTED, case.id, {"case": case.id})
        return None, [] if case.state == "waitlisted" else [waitlisted]
    return "approved", [_outcome(case, "approved"), *_consequences(state, case, approving, now_ms, entropy)]


def _outcome(case: Case, outcome: str) -> Draft:
    return Draft(events.CASE_DETERMINED, case.id, {"case": case.id, "outcome": outcome})


def _has_seat(state: State, case: Case, now_ms: int) -> bool:
    release, stage = case.question["release"], case.question["stage"]
    seats = plan.stages(state.releases[release].plan)[stage].get("seats")
    seated = state.seated(release, stage, now_ms)
    return seats is None or case.organization in seated or len(seated) < seats


def _consequences(
    state: State, case: Case, approving: Mapping[str, Recorded], now_ms: int, entropy: Entropy
) -> Iterator[Draft]:
    if case.kind == "admission":
        yield _granted(state, case, approving, now_ms, entropy)
    elif case.kind == "lift":
        public = {"directive": case.question["directive"], "case": case.id}
        yield Draft(events.DIRECTIVE_LIFTED, case.question["directive"], public)


def _granted(
    state: State, case: Case, approving: Mapping[str, Recorded], now_ms: int, entropy: Entropy
) -> Draft:
    question = case.question
    stage = plan.stages(state.releases[question["release"]].plan)[question["stage"]]
    conditions = stage.get("conditions", {})
    valid_for = conditions.get("validFor")
    until = events.format_time(now_ms + durations.milliseconds(valid_for)) if valid_for else None
    public = {
        "grant": entropy.name("grant"),
        "case": case.id,
        "release": question["release"],
        "stage": question["stage"],
        "surface": question["surface"],
        "terms": question["terms"],
        "conditions": conditions,
        "validFrom": events.format_time(now_ms),
        "validUntil": until,
        "positions": [
            {"agency": party, "digest": said.digest, "seq": said.seq}
            for party, said in sorted(approving.items())
        ],
    }
    return Draft(
        events.GRANT_APPROVED, case.id, public, {"organization": events.opening(case.organization, entropy)}
    )


def _result(case: Case, agency: str, digest: str, outcome: str | None) -> dict[str, Any]:
    return {"case": case.id, "agency": agency, "digest": digest, "determination": outcome}
