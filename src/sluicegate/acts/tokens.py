"""Acts on tokens of the control plane."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import DEVELOPER, PEOPLE, Act, ActAnswer, Arguments, Nothing
from sluicegate.acts.fields import Identifier, PlainName
from sluicegate.acts.growth import Bound
from sluicegate.acts.paging import Paging
from sluicegate_record.form import Note, Time, form


@form
class TokenRequest(Arguments):
    """A token for a role. `party` is the agency if the role is `agency`.

    With `replace`, the principal that has this role and name gets another token, and the one before ends: at
    once, or after `overlap`.
    """

    role: Annotated[Identifier, Note("developer | agency | applicant | gateway")]
    name: Annotated[PlainName, Note("What to call its holder.")]
    party: Annotated[str, Note("The agency, for the role agency.")] | None = None
    replace: Annotated[
        bool, Note("Give the holder of this role and name another token; the old one ends.")
    ] = False
    overlap: Annotated[
        str | None, Note("With replace: how long the old one counts yet, such as PT1H; at most P7D.")
    ] = None


@form
class TokenHolder(ActAnswer):
    """A principal that has, or had, a token.

    `colleague_of` is the first principal of its organization, if a colleague invited it.
    """

    principal: str
    role: str
    name: str
    party: str | None
    colleague_of: str | None = None
    administrator: bool = False


@form
class NewToken(TokenHolder):
    """A principal, and its token, which is in this answer only."""

    token: str


ISSUE = Act(
    "token.issue",
    frozenset({DEVELOPER}),
    "secret",
    "/api/v1/tokens",
    TokenRequest,
    NewToken,
    "Make a token for the control plane. It is shown once; only its digest is kept.",
    for_administrators=True,
)
RENEW = Act(
    "token.renew",
    PEOPLE,
    "secret",
    "/api/v1/tokens/renew",
    Nothing,
    NewToken,
    "Make a token for yourself, for the command line and programs; the one that you have ends.",
    Bound("takes the place of the one before"),
)


@form
class TokenView(TokenHolder):
    """A principal. `state` is `valid`, or `ended` if its token has ended.

    `created_ms` is when its token was made, `used_ms` when it was last used, to the hour. An earlier build
    kept neither.
    """

    state: str
    created_ms: Time | None = None
    used_ms: Time | None = None


@form
class TokenFilter(Paging):
    """Which tokens."""

    role: Annotated[str | None, Note("developer | agency | applicant | gateway")] = None
    state: Annotated[str | None, Note("valid | ended")] = None


@form
class Tokens(ActAnswer):
    """A page of principals that tokens are issued for, by role and name."""

    tokens: tuple[TokenView, ...]
    next: str | None = None


LIST = Act(
    "token.list",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/tokens",
    TokenFilter,
    Tokens,
    "List who has a token, and whether it is valid. The tokens themselves are not stored.",
)


@form
class TokenArgument(Arguments):
    """Whose token."""

    principal: Annotated[
        str, Note("The principal, such as gateway_6n3v…; 'sluicegate token list' lists them.")
    ]


REVOKE = Act(
    "token.revoke",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/tokens/{principal}/revoke",
    TokenArgument,
    TokenView,
    "End a token, and every other way in of its holder, immediately; if that is an applicant, those of all "
    "its people. The holder gets no notices until 'sluicegate token issue --replace' gives another.",
    effect="narrows",
    for_administrators=True,
)
