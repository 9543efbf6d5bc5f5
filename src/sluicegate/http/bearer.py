"""Who asks: the holder of the token in a request.

Rules:
- Who acts comes from the token alone. The row of an act says which roles may do it.
"""

from __future__ import annotations

from starlette.requests import Request

from sluicegate.acts.act import AnyAct
from sluicegate.core.access import apikey
from sluicegate.errors import Unauthorized
from sluicegate.ports import Principal, Principals


def holder(known: Principals, act: AnyAct, request: Request) -> Principal:
    """Who asks for an act. Raises: Unauthorized: no known token, or one of a role that may not do it."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    principal = authenticate(known, token.strip() if scheme.lower() == "bearer" else None)
    authorize(principal, act)
    return principal


def authenticate(principals: Principals, token: str | None) -> Principal:
    """Whose token this is.

    Raises: Unauthorized: none given, or not one of ours.
    """
    if token is None:
        raise Unauthorized(
            "no token was given",
            code="token_missing",
            remedy="send 'Authorization: Bearer sgt_…'; the command line takes it from SLUICEGATE_TOKEN",
        )
    is_token = apikey.is_well_formed(token, apikey.TOKEN_PREFIX)
    found = principals.by_token(apikey.digest(token)) if is_token else None
    if found is None:
        raise Unauthorized(
            "the token is not known here",
            code="token_unknown",
            remedy="it may have been revoked or replaced; ask the developer's staff for a new one",
        )
    return found


def authorize(principal: Principal, act: AnyAct) -> None:
    """Raise Unauthorized (code `forbidden`) unless the principal's role may do this."""
    if principal.role not in act.roles:
        allowed = ", ".join(sorted(act.roles))
        raise Unauthorized(
            f"a token of the role {principal.role!r} may not do {act.name!r}, expected one of {allowed}",
            code="forbidden",
            remedy="set SLUICEGATE_TOKEN to a token of that role; the developer's staff makes them",
        )
