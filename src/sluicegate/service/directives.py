"""Directives: prepare, preview, issue, lift."""

from __future__ import annotations

from typing import Any

from sluicegate.core import application, canonical, directive, document, events
from sluicegate.core.dsse import Envelope
from sluicegate.core.events import Opening
from sluicegate.core.lifecycle import Refusal, State, directives
from sluicegate.core.lifecycle.directives import IssueDirective, OpenLift
from sluicegate.core.table import compiled
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service.ledger import Ledger


def preview(ledger: Ledger, text: str, file: str) -> dict[str, Any] | Refusal:
    """Whom a directive would cover and spare; nothing is done. Raises: InvalidDocument."""
    given = directive.read(document.read(text, file))
    names = directive.named_organizations(given)
    organizations = _resolved(ledger, names)
    if isinstance(organizations, Refusal):
        return organizations
    with ledger.reading() as state:
        refusal = directives.check_directive(state, given)
        if refusal is not None:
            return refusal
        found = compiled(given["metadata"]["name"], given["spec"], organizations)
        return {"directive": found.name, "document": given, **directives.covered(state, found)}


def issue(
    ledger: Ledger,
    principal: Principal,
    command_id: str,
    envelope: dict[str, Any],
    named: dict[str, Any] | None,
) -> dict[str, Any] | Refusal:
    """Put a signed directive in force.

    `named` holds `salt` (base64) and `organizations` (as the signer wrote them) where it names any.
    Raises: BadEnvelope, InvalidInput.
    """
    opened = _opening(named) if named is not None else None
    organizations = _resolved(ledger, opened.value() if opened is not None else None)
    if isinstance(organizations, Refusal):
        return organizations
    command = IssueDirective(Envelope.from_json(envelope), opened, organizations or ())
    asked = ["directive", envelope, named]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=asked)


def open_lift(ledger: Ledger, principal: Principal, command_id: str, name: str) -> dict[str, Any] | Refusal:
    """Open the case about lifting a directive, or go on with the open one."""
    return ledger.execute(OpenLift(name), by=principal.id, command_id=command_id, request=["lift", name])


def listed(ledger: Ledger) -> dict[str, Any]:
    """Every directive on the record, newest first."""
    with ledger.reading() as state:
        return {"directives": [_shown(state, name) for name in reversed(state.directives)]}


def _shown(state: State, name: str) -> dict[str, Any]:
    found = state.directives[name]
    spec = found.document["spec"]
    return {
        "directive": name,
        "issuer": found.issuer,
        "inForce": not found.lifted,
        "issuedAt": events.format_time(found.at_ms),
        "models": spec["models"],
        "surfaces": spec["surfaces"],
        "covers": spec["covers"],
        "basis": spec["basis"],
        "reasons": spec["reasons"],
        "liftCase": found.lift,
    }


def _opening(named: dict[str, Any]) -> Opening:
    organizations = named["organizations"]
    if not organizations or not all(isinstance(name, str) for name in organizations):
        raise InvalidInput("the organizations a directive names are a list of at least one name")
    salt = canonical.unb64(named["salt"])
    if len(salt) != events.SALT_BYTES:
        raise InvalidInput(f"a salt of {len(salt)} bytes, expected {events.SALT_BYTES}")
    return Opening(salt, canonical.dumps(organizations))


def _resolved(ledger: Ledger, names: list[str] | None) -> list[str] | Refusal | None:
    """The pseudonyms of the organizations named; one nobody knows is refused, lest it cover nobody."""
    if names is None:
        return None
    with ledger.reading() as state:
        known = {grant.organization for grant in state.table.grants_by_id.values()}
        known |= {key[0] for key in state.open_applications}
    found: list[str] = []
    for name in names:
        pseudonyms = [name] if name in known else list(ledger.store.organizations(application.name_key(name)))
        if not pseudonyms:
            return Refusal(
                "unknown",
                "organization_unknown",
                f"no organization {name[:80]!r}",
                "give its legal name as applied",
            )
        found += pseudonyms
    return found
