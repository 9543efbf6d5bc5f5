"""Plans and stages: preview, apply, status, open."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle import Refusal, State, releases
from sluicegate.core.terms import document, plan
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.cases import awaiting
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.release import Release
from sluicegate_record.log import times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.plan import REPLY, Stage

COUNT_SHOWN_FROM = 5


def preview_plan(ledger: Ledger, text: str, file: str) -> dict[str, Any] | Refusal:
    """What applying a plan would change and whom that affects; nothing is done.

    Raises: InvalidDocument.
    """
    given = plan.read(document.read(text, file))
    considered = ledger.consider(releases.ApplyPlan(given))
    if isinstance(considered, Refusal):
        return considered
    result = considered.result
    name, terms = result["release"], result["termsDigests"]
    with ledger.reading() as state:
        before = state.releases.get(name)
        return {
            "release": name,
            "new": before is None,
            "termsDigests": terms,
            "termsToAgree": sorted(
                stage
                for stage in terms
                if stage not in result["tightened"] and (not before or terms[stage] not in before.agreed)
            ),
            "tightened": result["tightened"],
            "loosened": result["loosened"],
            "changes": result["changes"],
            "affects": _affected(state, name),
        }


def apply_plan(
    ledger: Ledger, principal: Principal, command_id: str, text: str, file: str
) -> dict[str, Any] | Refusal:
    """Put a plan in force. Raises: InvalidDocument, with every error's place."""
    given = plan.read(document.read(text, file))
    command = releases.ApplyPlan(given)
    return ledger.execute(command, by=principal.id, command_id=command_id, request=["apply", given.to_json()])


def status(ledger: Ledger, principal: Principal) -> dict[str, Any]:
    """Every release its reader may know of, with its stages: criteria, terms, opening, seats."""
    with ledger.reading() as state:
        now_ms = ledger.now_ms()
        known = [release for release in state.releases.values() if access.knows(principal, state, release)]
        return {
            "size": state.size,
            "releases": [_release(state, release, principal, now_ms) for release in known],
            "directivesInForce": sorted(state.table.directives),
        }


def opening(ledger: Ledger, release: str, stage: str) -> dict[str, Any] | Refusal:
    """What an officer signs to open a stage: `{log, release, stage, terms}`."""
    with ledger.reading() as state:
        found = state.releases.get(release)
        if found is None or stage not in found.terms:
            return releases.stage_unknown(release, stage)
        return {"log": state.log, "release": release, "stage": stage, "terms": found.terms[stage]}


def open_stage(
    ledger: Ledger, principal: Principal, command_id: str, envelope: dict[str, Any]
) -> dict[str, Any] | Refusal:
    """Open a stage by a signed opening."""
    command = releases.OpenStage(Envelope.from_json(envelope))
    return ledger.execute(command, by=principal.id, command_id=command_id, request=["open", envelope])


def _release(state: State, release: Release, principal: Principal, now_ms: int) -> dict[str, Any]:
    spec = release.plan.spec
    return {
        "release": release.name,
        "title": release.plan.metadata.title,
        "models": [model.id for model in spec.models],
        "surfaces": list(spec.surfaces),
        "announced": spec.announced,
        "stages": [_stage(state, release, stage, principal, now_ms) for stage in spec.stages],
    }


def _stage(state: State, release: Release, stage: Stage, principal: Principal, now_ms: int) -> dict[str, Any]:
    name, admission = stage.name, stage.admission
    terms = release.terms[name]
    terms_case = next(
        (case for case in state.cases.values() if case.kind == "terms" and case.question.terms == terms),
        None,
    )
    return {
        "stage": name,
        "terms": terms,
        "termsAgreed": terms in release.agreed,
        "termsCase": terms_case.id if terms_case else None,
        "awaiting": awaiting(state, terms_case) if terms_case else [],
        "open": terms in state.table.open_terms,
        "basis": stage.basis.to_json(),
        "basisLapsed": _is_past(stage.basis.until, now_ms),
        "mode": admission.mode,
        "rule": admission.grant.to_json(),
        "removedBy": kinds.rule_of(kinds.REMOVAL, release.plan, stage).to_json(),
        "opensWhen": None if stage.opens_when is None else stage.opens_when.to_json(),
        "clock": None if admission.clock is None else admission.clock.to_json(),
        "reply": REPLY if admission.reply is None else admission.reply,
        "appeal": {
            "decide": kinds.rule_of(kinds.APPEAL, release.plan, stage, kinds.ADMISSION).to_json(),
            "within": admission.appeal_within,
        },
        "agencies": sorted(quorum.parties_of(admission.grant)),
        "seats": stage.seats,
        "seated": _seated(principal, len(state.seated(release.name, name))),
        "waitlisted": _seated(principal, len(state.waitlists.get((release.name, name), ()))),
        "eligibility": stage.eligibility.to_json(),
        "conditions": stage.conditions.to_json(),
    }


def _seated(principal: Principal, seated: int) -> int | None:
    """How many seats are taken. To applicants a count below 5 could tell of one organization."""
    return seated if principal.role != access.APPLICANT or seated >= COUNT_SHOWN_FROM else None


def _is_past(until: str | None, now_ms: int) -> bool:
    """Whether the day until which a basis was stated is over: its rules stay in force until new terms."""
    return until is not None and times.format_time(now_ms)[:10] > until


def _affected(state: State, release: str) -> dict[str, int]:
    grants = [grant for grant in state.table.grants_by_id.values() if grant.release == release]
    return {
        "organizations": len({grant.organization for grant in grants}),
        "grants": len(grants),
        "openApplications": sum(1 for key in state.open_applications if key[1] == release),
    }
