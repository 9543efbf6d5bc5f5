"""Acts on tokens of the control plane."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import DEVELOPER, Act, ActAnswer, Arguments
from sluicegate.acts.fields import Identifier, PlainName
from sluicegate_record.form import Note, form


@form
class TokenRequest(Arguments):
    """A token for a role. `party` is the agency if the role is `agency`."""

    role: Annotated[Identifier, Note("developer | agency | applicant | gateway")]
    name: Annotated[PlainName, Note("What to call its holder.")]
    party: Annotated[str, Note("The agency, for the role agency.")] | None = None


@form
class TokenIssued(ActAnswer):
    """A principal, and its token, which is in this answer only."""

    principal: str
    role: str
    name: str
    party: str | None
    token: str


ISSUE = Act(
    "token.issue",
    frozenset({DEVELOPER}),
    "look",
    "/api/v1/tokens",
    TokenRequest,
    TokenIssued,
    "Make a token for the control plane. It is shown once; only its digest is kept.",
)
