"""Drafts: applications that are kept, but not submitted.

Rules:
- A draft is no entry: nobody but its owner hears of it, and discarding it forgets it.
- Submitting takes a draft away in the transaction that appends the application: it is submitted once.
"""

from __future__ import annotations

import base64
from typing import Any

from sluicegate.core.lifecycle import Refusal, releases
from sluicegate.core.lifecycle.applications import SubmitApplication
from sluicegate.core.people import application
from sluicegate.core.terms import document
from sluicegate.errors import InvalidDocument
from sluicegate.ports import Ports, Principal, Principals, SavedDraft
from sluicegate.service import access, applications
from sluicegate.service.applications import Submission
from sluicegate.service.ledger import Ledger
from sluicegate_record.log import canonical, times

DRAFTS_MAX = 20
"""How many one principal may have."""


def save(
    ledger: Ledger, principal: Principal, command_id: str, asked: Submission
) -> dict[str, Any] | Refusal:
    """Keep an application without submitting it, and say what of it is not eligible.

    Its organization file may still have errors.
    """
    ineligible = _ineligible(ledger, principal, asked)
    if isinstance(ineligible, Refusal):
        return ineligible

    def change(ports: Ports) -> dict[str, Any] | Refusal:
        if len(ports.principals.drafts(principal.id)) >= DRAFTS_MAX:
            said = f"you have {DRAFTS_MAX} drafts"
            return Refusal("conflict", "too_many_drafts", said, "submit or discard one")
        name = "draft_" + base64.b32encode(ledger.random(10)).decode().lower()
        body = canonical.dumps(asked._asdict()).decode()
        ports.principals.add_draft(SavedDraft(name, principal.id, body, ledger.now_ms()))
        return {"draft": name}

    kept = ledger.arrange(change, by=principal.id, command_id=command_id, request=["draft", asked._asdict()])
    return kept if isinstance(kept, Refusal) else {**kept, "ineligible": ineligible}


def listed(ledger: Ledger, principal: Principal) -> dict[str, Any]:
    """The caller's drafts, oldest first, each with what of it is not eligible now."""
    found = ledger.store.principals.drafts(principal.id)
    return {"drafts": [_shown(ledger, principal, draft) for draft in found]}


def submit(ledger: Ledger, principal: Principal, command_id: str, draft: str) -> dict[str, Any] | Refusal:
    """Submit a draft; one that is refused stays. Raises: InvalidDocument."""

    def command(ports: Ports) -> SubmitApplication | Refusal:
        found = _own(ports.principals, principal, draft)
        if isinstance(found, Refusal):
            return found
        made = applications.prepared(ledger, principal, ports.principals, _asked(found))
        if not isinstance(made, Refusal):
            ports.principals.remove_draft(found.id)
        return made

    return ledger.execute(command, by=principal.id, command_id=command_id, request=["submit draft", draft])


def discard(ledger: Ledger, principal: Principal, command_id: str, draft: str) -> dict[str, Any] | Refusal:
    """Forget a draft."""

    def change(ports: Ports) -> dict[str, Any] | Refusal:
        found = _own(ports.principals, principal, draft)
        if isinstance(found, Refusal):
            return found
        ports.principals.remove_draft(found.id)
        return {"draft": found.id, "discarded": True}

    return ledger.arrange(change, by=principal.id, command_id=command_id, request=["discard", draft])


def _own(known: Principals, principal: Principal, draft: str) -> SavedDraft | Refusal:
    found = {each.id: each for each in known.drafts(principal.id)}.get(draft)
    said = f"no draft {draft[:80]!r}"
    return found or Refusal("unknown", "draft_unknown", said, "'application drafts' lists yours")


def _shown(ledger: Ledger, principal: Principal, draft: SavedDraft) -> dict[str, Any]:
    asked = _asked(draft)
    ineligible = _ineligible(ledger, principal, asked)
    return {
        "draft": draft.id,
        "release": asked.release,
        "stage": asked.stage,
        "surface": asked.surface,
        "savedAt": times.format_time(draft.created_at_ms),
        "ineligible": [ineligible.message] if isinstance(ineligible, Refusal) else ineligible,
    }


def _asked(draft: SavedDraft) -> Submission:
    found: Any = canonical.loads(draft.body.encode())
    return Submission(**found)


def _ineligible(ledger: Ledger, principal: Principal, asked: Submission) -> list[str] | Refusal:
    """Why an application could not be submitted as it stands: a sentence each; or why it never could."""
    try:
        organization = application.read(document.read(asked.organization, asked.file))
    except InvalidDocument as error:
        organization, faults = None, [str(place) for place in error.at] or [error.message]
    else:
        faults = []
    with ledger.reading() as state:
        release = state.releases.get(asked.release)
        known = release is not None and access.knows(principal, state, release)
        if release is None or not known or asked.stage not in release.terms:
            return releases.stage_unknown(asked.release, asked.stage)
        surfaces = release.plan.spec.surfaces
        eligibility = release.plan.stages[asked.stage].eligibility
    if asked.surface not in surfaces:
        faults.append(f"no surface {asked.surface!r}, expected one of {', '.join(surfaces)}")
    return faults if organization is None else [*faults, *application.ineligible(organization, eligibility)]
