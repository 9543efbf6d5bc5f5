"""Acts on how people come in to the pages: invitations, passkeys, sessions."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import PEOPLE, Act, ActAnswer, Arguments
from sluicegate.acts.fields import Identifier, PersonName
from sluicegate.acts.growth import ENDS, daily
from sluicegate.acts.tokens import TokenHolder
from sluicegate_record.form import Note, Time, form

INVITATIONS_MAX = 20
"""How many invitations of one principal count at a time: the latest ones."""


@form
class InvitationRequest(Arguments):
    """Who is invited: without anything, yourself, on another device.

    An administrator invites a colleague by name; one of the developer's staff also the first person of
    another organization, by role and name. Who has no access yet, gets it.
    """

    role: Annotated[Identifier | None, Note("developer | agency | applicant")] = None
    name: Annotated[
        PersonName | None,
        Note("What to call them, as in 'sluicegate colleague list' or 'sluicegate token list'."),
    ] = None
    party: Annotated[str | None, Note("The agency, for the role agency.")] = None
    administrator: Annotated[
        bool, Note("A colleague without access yet is an administrator, too. Who is the first always is one.")
    ] = False

    @property
    def is_own(self) -> bool:
        """Whether it is for who asks."""
        return self == InvitationRequest()

    @property
    def counted_alone(self) -> bool:
        """So that links for oneself take none of those for colleagues."""
        return self.is_own


@form
class NewInvitation(TokenHolder):
    """A link that signs in once, as a path of the pages; it is in this answer only."""

    path: str
    until_ms: Time


INVITE = Act(
    "sign-in.invite",
    PEOPLE,
    "secret",
    "/api/v1/invitations",
    InvitationRequest,
    NewInvitation,
    "Make a link that signs someone in to the pages, once, within seven days. It is shown once.",
    daily("people"),
)


@form
class WhoseSignIns(Arguments):
    """Whose; your own if it is left out.

    An administrator may ask for those of colleagues, one of the developer's staff for those of anyone.
    """

    principal: Annotated[
        Identifier | None,
        Note("The principal; 'sluicegate colleague list' and 'sluicegate token list' list them."),
    ] = None


@form
class PasskeyView(ActAnswer):
    """A passkey that someone signs in with."""

    passkey: str
    name: str
    created_ms: Time
    used_ms: Time | None


@form
class SessionView(ActAnswer):
    """Someone is signed in. `how`: passkey, token, invitation or provider.

    `agent` is how the browser calls itself.
    """

    session: str
    how: str
    agent: str
    created_ms: Time
    seen_ms: Time
    until_ms: Time


@form
class SignInList(ActAnswer):
    """The passkeys and sessions of a principal. `token_ms` is when its token was made, if it has one.

    `party` is the agency that it is of, if it is one's, and `party_name` what plans call that.
    """

    principal: str
    name: str
    role: str
    passkeys: tuple[PasskeyView, ...]
    sessions: tuple[SessionView, ...]
    token_ms: Time | None = None
    party: str | None = None
    party_name: str | None = None


LIST = Act(
    "sign-in.list",
    PEOPLE,
    "question",
    "/api/v1/sign-ins",
    WhoseSignIns,
    SignInList,
    "List the passkeys that sign in as you, and where you are signed in; administrators also of others.",
)


@form
class SessionArgument(Arguments):
    """Which session."""

    session: Annotated[Identifier, Note("The session, such as ses_6n3v….")]


@form
class PasskeyArgument(Arguments):
    """Which passkey."""

    passkey: Annotated[str, Note("The passkey.")]


@form
class SignInEnd(ActAnswer):
    """What counts no more: the id of a session or passkey."""

    over: str


END = Act(
    "sign-in.end",
    PEOPLE,
    "command",
    "/api/v1/sessions/{session}/end",
    SessionArgument,
    SignInEnd,
    "End a session of yours, immediately; links that sign in as you, or that you made, end, too.",
    ENDS,
    effect="ends",
)
REMOVE = Act(
    "sign-in.remove",
    PEOPLE,
    "command",
    "/api/v1/passkeys/{passkey}/remove",
    PasskeyArgument,
    SignInEnd,
    "Remove a passkey, immediately. Sessions that began with a passkey of yours end, and links, too.",
    ENDS,
    effect="ends",
)
