"""A written directive, signed with a party's own key: bound to its log, with its names beside it."""

from __future__ import annotations

import secrets
from typing import Any

from sluicegate.acts.directives import LiftPart, LiftRequest, SignedDirective
from sluicegate.client.signing import signed
from sluicegate.core.directives.directive import Signing
from sluicegate.statements import directives
from sluicegate_record.directives.scope import CommittedNames, Scope
from sluicegate_record.form import Json, replace
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.publickey import SigningKey


def signed_directive(given: dict[str, Any], bound: Signing, *keys: SigningKey) -> SignedDirective:
    """A signed directive, as the control plane takes it.

    `given` is what `core.directives.directive.read` returned. The names in it go beside the statement, which
    has only their count and a commitment.
    """
    made = directives.order(given, bound)
    return directives.recorded(signed(made.statement, *keys), made.opened)


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
