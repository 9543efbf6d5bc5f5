"""Directives: issued by a party with a pinned key, lifted by a case whose rule is `liftedBy`.

Rules:
- An issuer signs the document with organizations as count and commitment; what opens the commitment
  comes beside it and must fit.
- A name that covers nobody, a model nobody offers: refused, so that a typing error never passes for a
  directive in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sluicegate.core import canonical, directive, events, quorum, statements
from sluicegate.core.dsse import Envelope
from sluicegate.core.events import Draft, Entropy, Opening
from sluicegate.core.lifecycle.answer import Decided, Refusal
from sluicegate.core.lifecycle.keys import signer_for
from sluicegate.core.lifecycle.releases import other_log
from sluicegate.core.lifecycle.state import Release, State
from sluicegate.core.table import Directive, compiled


@dataclass(frozen=True, slots=True)
class IssueDirective:
    """Put a signed directive in force.

    `named` opens the commitment to the organizations as the signer wrote them, None where it covers
    everyone; `organizations` are their pseudonyms.
    """

    envelope: Envelope
    named: Opening | None = None
    organizations: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class OpenLift:
    """Ask those whom a directive's `liftedBy` names to lift it."""

    directive: str


def issue_directive(
    state: State, command: IssueDirective, now_ms: int, entropy: Entropy
) -> Decided | Refusal:
    """Decide `IssueDirective`."""
    document = statements.read_directive(command.envelope)
    directive.check_signed(document)
    if document["metadata"]["log"] != state.log:
        return other_log()
    spec = document["spec"]
    refusal = check_directive(state, document)
    if refusal is not None:
        return refusal
    key = signer_for(state, command.envelope, spec["issuer"])
    if isinstance(key, Refusal):
        return key
    covers = spec["covers"]
    if not _opens(command, covers):
        return Refusal(
            "unverified",
            "scope_unproven",
            "the organizations given do not open the signed commitment",
            "sign it again",
        )
    name = document["metadata"]["name"]
    public = {
        "directive": name,
        "issuer": spec["issuer"],
        "signedBy": key.owner,
        "document": document,
        "digest": statements.envelope_digest(command.envelope),
        "envelope": command.envelope.to_json(),
    }
    organizations = None if covers == "everyone" else sorted(command.organizations)
    gate = {} if organizations is None else {"organizations": events.opening(organizations, entropy)}
    sealed = {} if command.named is None else {"organizations": command.named}
    draft = Draft(events.DIRECTIVE_ISSUED, name, public, gate, sealed)
    result = {"directive": name, "acceptedAt": events.format_time(now_ms)}
    return Decided([draft], {**result, **covered(state, compiled(name, spec, organizations))})


def check_directive(state: State, document: dict[str, Any]) -> Refusal | None:
    """Why a well-formed directive does not fit this log, if it does not."""
    name, spec = document["metadata"]["name"], document["spec"]
    if name in state.directives:
        return Refusal(
            "conflict", "name_taken", f"a directive {name!r} is already on the record", "choose another"
        )
    for party in sorted({spec["issuer"], *quorum.parties_of(spec["liftedBy"])}):
        if party not in state.parties:
            known = ", ".join(sorted(state.parties))
            return Refusal(
                "unknown", "party_unknown", f"no pinned key for {party!r}, expected one of {known}"
            )
    return _covers_nothing(state, spec)


def _covers_nothing(state: State, spec: dict[str, Any]) -> Refusal | None:
    """Why a model, or a surface of these models, is nowhere offered nor granted, if one is not.

    What others are offered is not listed: the asker may not know of them.
    """
    reached = [(model, release.plan["spec"]["surfaces"]) for release, model in _models(state)]
    reached += [
        (model, [grant.surface]) for grant in state.table.grants_by_id.values() for model in grant.models
    ]
    for model in spec["models"]:
        if not any(model == offered for offered, _ in reached):
            return Refusal("unknown", "model_unknown", f"no model {model!r}", "check its spelling")
    of_these = {surface for model, surfaces in reached if model in spec["models"] for surface in surfaces}
    for surface in spec["surfaces"] if spec["surfaces"] != "all" else ():
        if surface not in of_these:
            said = f"no surface {surface!r} of these models"
            return Refusal("unknown", "surface_unknown", said, "check its spelling")
    return None


def _models(state: State) -> list[tuple[Release, str]]:
    return [
        (release, model["id"])
        for release in state.releases.values()
        for model in release.plan["spec"]["models"]
    ]


def open_lift(state: State, command: OpenLift, now_ms: int, entropy: Entropy) -> Decided | Refusal:
    """Decide `OpenLift`. An open lift case is gone on with."""
    found = state.directives.get(command.directive)
    if found is None:
        return Refusal("unknown", "directive_unknown", f"no directive {command.directive[:80]!r}")
    if found.lifted:
        return Refusal("conflict", "directive_lifted", f"the directive {found.name!r} has been lifted")
    if found.lift is not None and state.cases[found.lift].state != "determined":
        return Decided([], {"directive": found.name, "case": found.lift})
    case = entropy.name("case")
    question = {
        "log": state.log,
        "case": case,
        "kind": "lift",
        "directive": found.name,
        "document": canonical.digest(found.document),
    }
    rule = found.document["spec"]["liftedBy"]
    public = {"case": case, "kind": "lift", "directive": found.name, "question": question, "rule": rule}
    return Decided([Draft(events.CASE_OPENED, case, public)], {"directive": found.name, "case": case})


def covered(state: State, directive: Directive) -> dict[str, dict[str, int]]:
    """Whom a directive covers and spares: organizations and live credentials that reach its models.

    The compiled directive is asked, as enforcement asks it.
    """
    counts = {
        word: {"organizations": set[str](), "credentials": set[str]()} for word in ("covered", "spared")
    }
    for credential in state.table.credentials.values():
        grant = credential.grant
        models = directive.models & grant.models.keys()
        if credential.revoked or not models:
            continue
        is_covered = any(directive.covers(model, grant.surface, grant.organization) for model in models)
        found = counts["covered" if is_covered else "spared"]
        found["organizations"].add(grant.organization)
        found["credentials"].add(credential.id)
    return {word: {name: len(found) for name, found in sets.items()} for word, sets in counts.items()}


def _opens(command: IssueDirective, covers: Any) -> bool:
    """Whether what came beside a signed directive is what it commits to: nothing, or the organizations."""
    if covers == "everyone":
        return command.named is None and not command.organizations
    if command.named is None or not command.organizations:
        return False
    committed = covers["organizations"]
    fits = command.named.commitment("sealed", "organizations") == committed["commitment"]
    return fits and bool(len(command.named.value()) == committed["count"])
