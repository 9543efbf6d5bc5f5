"""Who asks: the holder of the token in a request.

Rules:
- Who acts comes from the token alone. The row of an act says which roles may do it.
"""

from __future__ import annotations

from starlette.requests import Request

from sluicegate.acts.act import AnyAct
from sluicegate.core.access import apikey
from sluicegate.errors import Unauthorized
from sluicegate.ports import KnownTokens, Principal


def token_of(request: Request) -> str | None:
    """The token in a request; None if it shows none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def authenticate(principals: KnownTokens, token: str | None) -> Principal:
    """Whose token this is.

    Raises: Unauthorized: none given, or not one of ours.
    """
    found = principals.by_token(apikey.digest(token)) if token and is_well_formed(token) else None
    if found is None:
        raise unknown(token)
    return found


def is_well_formed(token: str) -> bool:
    """Whether this could be a token of ours; else it is not looked up."""
    return apikey.is_well_formed(token, apikey.TOKEN_PREFIX)


def unknown(token: str | None) -> Unauthorized:
    """The error of a request with no token that we know."""
    if token is None:
        return Unauthorized(
            "no token was given",
            code="token_missing",
            remedy="send 'Authorization: Bearer sgt_…': by 'sluicegate login', or in SLUICEGATE_TOKEN",
        )
    return ended()


def ended() -> Unauthorized:
    """The error of who has no access here, or none any more."""
    return Unauthorized(
        "the token is not known here",
        code="token_unknown",
        remedy="it may have been revoked or replaced; ask the developer's staff for a new one",
    )


def authorize(principal: Principal, act: AnyAct) -> None:
    """Raise Unauthorized (code `forbidden`) unless anyone may do this, or the principal's role, and where the
    act is for administrators the principal is one.
    """
    if act.roles and principal.role not in act.roles:
        allowed = ", ".join(sorted(act.roles))
        raise Unauthorized(
            f"a token of the role {principal.role!r} may not do {act.name!r}, expected one of {allowed}",
            code="forbidden",
            remedy="set SLUICEGATE_TOKEN to a token of that role; the developer's staff makes them",
        )
    if act.for_administrators and not principal.administers:
        raise Unauthorized(
            f"{act.name!r} is for the administrators of your organization",
            code="forbidden",
            remedy="ask one of them: 'sluicegate colleague list' shows who they are",
        )
