"""A written directive, signed with a party's own key: bound to its log, with its names beside it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sluicegate.acts.directives import LiftPart, LiftRequest, SignedDirective
from sluicegate.client.signing import signed
from sluicegate.core.directives import directive
from sluicegate.core.people.persons import Definition
from sluicegate_record.directives.scope import CommittedNames, Scope
from sluicegate_record.form import Json, replace
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.publickey import SigningKey
from sluicegate_record.statements.directives import DirectiveStatement


@dataclass(frozen=True, slots=True)
class Binding:
    """What a directive is bound to: the log, by its verifier key;
    and what it takes from the record and from files.

    `annexes` are the names in its files. `definitions` are those on the record. `replaced` is the digest of
    the document that it replaces. `received` says how it arrived, if officers transcribe it.
    """

    log: str
    annexes: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    replaced: str | None = None
    received: Mapping[str, str] | None = None


def signed_directive(given: dict[str, Any], bound: Binding, *keys: SigningKey) -> SignedDirective:
    """A signed directive, as the control plane takes it.

    `given` is what `core.directives.directive.read` returned. The names in it go beside the statement, which
    has only their count and a commitment.
    """
    signing = directive.Signing(
        bound.log,
        lambda: secrets.token_bytes(32),
        bound.annexes,
        bound.definitions,
        bound.replaced,
        bound.received,
    )
    document, opened = directive.to_sign(given, signing)
    envelope = signed(DirectiveStatement(document=document.to_json()), *keys)
    return SignedDirective(envelope=envelope, opened=opened)


def lift_part(name: str, scope: Scope, organizations: list[str] | None) -> LiftPart:
    """A directive to lift, or a part of it. The organizations of the part go beside it."""
    if organizations is None:
        return LiftPart(directive=name, scope=scope)
    opened = Opening(secrets.token_bytes(32), canonical.dumps(organizations))
    commitment = opened.commitment("sealed", "lift.organizations")
    committed = CommittedNames(count=len(organizations), commitment=commitment)
    return LiftPart(directive=name, scope=replace(scope, organizations=committed), opened=opened)


def lift_request(part: LiftPart, case: str | None = None, envelope: Json | None = None) -> LiftRequest:
    """The request to lift a part, perhaps with a position that was signed for a case."""
    return LiftRequest(
        directive=part.directive, scope=part.scope, opened=part.opened, case=case, envelope=envelope
    )
