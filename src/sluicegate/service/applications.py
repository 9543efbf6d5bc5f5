"""Applications and the cases they are: submit, show, list, export, position."""

from __future__ import annotations

import base64
from typing import Any

from sluicegate.core import application, canonical, document, events, quorum
from sluicegate.core.dsse import Envelope
from sluicegate.core.lifecycle import Refusal, State, cases, releases
from sluicegate.core.lifecycle.cases import RecordPosition, SubmitApplication
from sluicegate.core.lifecycle.state import Case
from sluicegate.ports import Principal, Writing
from sluicegate.service import access
from sluicegate.service.ledger import Ledger

OPEN_MAX = 20
"""How many applications of one applicant may be open: each takes the time of several agencies."""


def submit(
    ledger: Ledger,
    principal: Principal,
    command_id: str,
    asked: dict[str, Any],
) -> dict[str, Any] | Refusal:
    """Apply for one stage on one surface.

    `asked` holds `release, stage, surface, organization, file`; `organization` is the text of an
    organization file. Raises: InvalidDocument.
    """
    organization = application.read(document.read(asked["organization"], asked["file"]))
    with ledger.reading() as state:
        release = state.releases.get(asked["release"])
        if release is not None and not access.knows(principal, state, release):
            return releases.stage_unknown(asked["release"], asked["stage"])

    def command(writing: Writing) -> SubmitApplication | Refusal:
        with ledger.reading() as state:
            if principal.role == access.APPLICANT and _open_of(state, principal) >= OPEN_MAX:
                said = f"{OPEN_MAX} of your applications are open"
                return Refusal("conflict", "too_many_open", said, "wait for one to end")
        pseudonym = _pseudonym(ledger, writing, principal, organization)
        dossier = {"organization": organization}
        return SubmitApplication(asked["release"], asked["stage"], asked["surface"], pseudonym, dossier)

    return ledger.execute(command, by=principal.id, command_id=command_id, request=["submit", asked])


def show(ledger: Ledger, principal: Principal, case_id: str) -> dict[str, Any] | Refusal:
    """One case as its reader may see it."""
    with ledger.reading() as state:
        case = _seen(state, principal, case_id)
        return case if isinstance(case, Refusal) else _shown(state, case)


def listed(ledger: Ledger, principal: Principal) -> dict[str, Any]:
    """Every case the reader may see, newest first."""
    with ledger.reading() as state:
        seen = [case for case in reversed(state.cases.values()) if access.sees(principal, case)]
        return {"size": state.size, "cases": [_summary(case) for case in seen]}


def export(ledger: Ledger, principal: Principal, case_id: str) -> dict[str, Any] | Refusal:
    """What a reviewer needs to decide and sign, offline if need be.

    The dossier comes with its salt, so that the reviewer can check that it is what the question commits to.
    """
    with ledger.reading() as state:
        case = _seen(state, principal, case_id)
        if isinstance(case, Refusal):
            return case
        keys = {
            key.keyid: key.party for key in state.keys.values() if key.party in quorum.parties_of(case.rule)
        }
        return {
            "kind": "sluicegate-review",
            "version": 1,
            "question": case.question,
            "rule": case.rule,
            "parties": keys,
            "previous": {party: said.digest for party, said in case.positions.items()},
            "terms": _terms(state, case),
            "document": _document(state, case),
            "dossier": _dossier(ledger, case),
        }


def import_position(
    ledger: Ledger, principal: Principal, command_id: str, envelope: dict[str, Any]
) -> dict[str, Any] | Refusal:
    """Put a signed position on the record. Raises: BadEnvelope."""
    command = RecordPosition(Envelope.from_json(envelope))
    return ledger.execute(command, by=principal.id, command_id=command_id, request=["position", envelope])


def grant_of(state: State, grant_id: str) -> dict[str, Any] | None:
    """A grant as its holder sees it."""
    grant = state.table.grants_by_id.get(grant_id)
    if grant is None:
        return None
    provisioned = grant_id in state.credentials.values()
    until = grant.valid_until_ms
    return {
        "grant": grant.id,
        "release": grant.release,
        "stage": grant.stage,
        "surface": grant.surface,
        "models": sorted(grant.models),
        "state": "provisioned" if provisioned else "approved",
        "validFrom": events.format_time(grant.valid_from_ms),
        "validUntil": events.format_time(until) if until is not None else None,
    }


def _open_of(state: State, principal: Principal) -> int:
    return sum(state.cases[case].opened_by == principal.id for case in state.open_applications.values())


def _pseudonym(ledger: Ledger, writing: Writing, principal: Principal, organization: dict[str, Any]) -> str:
    """The organization's pseudonym: the one this applicant named it by before, or a new one."""
    name, country = application.name_key(organization["name"]), organization["registeredIn"]
    found = writing.organization(principal.id, name, country)
    if found is None:
        found = "org_" + base64.b32encode(ledger.random(10)).decode().lower()
        writing.add_organization(found, principal.id, name, country)
    return found


def _seen(state: State, principal: Principal, case_id: str) -> Case | Refusal:
    case = state.cases.get(case_id)
    if case is None or not access.sees(principal, case):
        return Refusal("unknown", "case_unknown", f"no case {case_id[:80]!r}", "'case list' shows your cases")
    return case


def _summary(case: Case) -> dict[str, Any]:
    question = case.question
    return {
        "case": case.id,
        "kind": case.kind,
        "state": case.state,
        "determination": case.outcome,
        "release": question.get("release"),
        "stage": question.get("stage"),
        "surface": question.get("surface"),
        "directive": question.get("directive"),
        "openedAt": events.format_time(case.at_ms),
        "awaiting": cases.awaiting(case),
    }


def _shown(state: State, case: Case) -> dict[str, Any]:
    positions = [
        {
            "agency": said.agency,
            "position": said.position,
            "reason": said.reason,
            "at": events.format_time(said.at_ms),
            "digest": said.digest,
            "superseded": case.positions[said.agency] is not said,
        }
        for said in case.history
    ]
    return {
        **_summary(case),
        "application": case.id if case.kind == "admission" else None,
        "rule": case.rule,
        "terms": case.question.get("terms"),
        "positions": positions,
        "grant": grant_of(state, case.grant) if case.grant else None,
    }


def _terms(state: State, case: Case) -> dict[str, Any] | None:
    """The plan whose stage's terms a question binds, if they are those in force."""
    release = state.releases.get(case.question.get("release", ""))
    if release is None or release.terms.get(case.question["stage"]) != case.question["terms"]:
        return None
    return release.plan


def _document(state: State, case: Case) -> dict[str, Any] | None:
    """The directive that a lift is about."""
    return state.directives[case.question["directive"]].document if case.kind == "lift" else None


def _dossier(ledger: Ledger, case: Case) -> dict[str, Any] | None:
    if case.kind != "admission":
        return None
    opened = ledger.store.sealed(case.seq)["application"]
    return {"application": opened.value(), "salt": canonical.b64(opened.salt)}
