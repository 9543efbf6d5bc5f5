"""Acts on the people of one's own organization: who they are, and who of them says who else comes in."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import PEOPLE, Act, ActAnswer, Arguments, Nothing
from sluicegate.acts.fields import Identifier
from sluicegate.acts.growth import ENDS, daily
from sluicegate_record.form import Note, Time, form

PEOPLE_MAX = 200
"""How many people come in for one organization at most; and how many are listed whose access has ended."""


@form
class ColleagueView(ActAnswer):
    """One of the people of an organization. `state` is `valid`, or `ended` if their access has ended.

    `used_ms` is when they were seen last: signed in to the pages, or, to the hour, by their token.
    """

    principal: str
    name: str
    administrator: bool
    state: str
    used_ms: Time | None
    you: bool


@form
class ColleagueList(ActAnswer):
    """The people of an organization, by name; with those whose access has ended, 200 at most."""

    people: tuple[ColleagueView, ...]


LIST = Act(
    "colleague.list",
    PEOPLE,
    "question",
    "/api/v1/colleagues",
    Nothing,
    ColleagueList,
    "List the people of your organization: who is an administrator, and when they were seen last.",
)


@form
class ColleagueArgument(Arguments):
    """Who."""

    principal: Annotated[Identifier, Note("The principal; 'sluicegate colleague list' lists them.")]


PROMOTE = Act(
    "colleague.promote",
    PEOPLE,
    "command",
    "/api/v1/colleagues/{principal}/promote",
    ColleagueArgument,
    ColleagueView,
    "Make a colleague an administrator: one who invites others and ends their access.",
    daily("people"),
    for_administrators=True,
)
DEMOTE = Act(
    "colleague.demote",
    PEOPLE,
    "command",
    "/api/v1/colleagues/{principal}/demote",
    ColleagueArgument,
    ColleagueView,
    "Make an administrator a colleague like others. One administrator always stays.",
    ENDS,
    effect="ends",
    for_administrators=True,
)
END = Act(
    "colleague.end",
    PEOPLE,
    "command",
    "/api/v1/colleagues/{principal}/end",
    ColleagueArgument,
    ColleagueView,
    "End a colleague's access, immediately: token, passkeys, sessions, links, and links that they made.",
    ENDS,
    effect="ends",
    for_administrators=True,
)
