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
    return Unauthorized(
        "the token is not known here",
        code="token_unknown",
        remedy="it may have been revoked or replaced; ask the developer's staff for a new one",
    )


def authorize(principal: Principal, act: AnyAct) -> None:
    """Check that a principal may do an act, as its row says. Raises: Unauthorized."""
    act.check(principal.role, administers=principal.administers)
