"""What all pages of the desk share: the instances, what is kept, who is signed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.core.lifecycle.answer import Refusal, RefusalKind
from sluicegate.desk.checking import ReadCase
from sluicegate.desk.following import ANSWER_S, Following
from sluicegate.errors import CommandRefused
from sluicegate.http.entrance import Entrance, Visitor
from sluicegate.pages import answers
from sluicegate.pages.answers import Refused
from sluicegate.pages.frame import SiteFrame
from sluicegate.pages.page import Sent
from sluicegate.ports import DeskMemory, Passkey, Preparations, Principal
from sluicegate.signin import routes as signin
from sluicegate.signin import signatures
from sluicegate.signin.door import Door, SignedIn
from sluicegate.signin.origins import PagesOrigin
from sluicegate_record.log.publickey import PublicKey

FRAME = SiteFrame(
    name="Agency's desk",
    pages=(("/", "Cases"), ("/statements", "To sign"), ("/instances", "Instances")),
    host="desk.localhost",
    inviter="who runs this desk",
    invites="sluicegate reviewer invite PERSON",
    footer="What these pages show is read from each developer's log, as this desk has verified it. "
    "One cookie, which says that you are signed in; nothing from elsewhere.",
)


UNKNOWN = "unknown"
"""The code of what is not there."""


@dataclass(frozen=True, slots=True)
class DeskSite:
    """The desk of an agency: the instances by name, what it keeps and what is to be signed, its door and
    entrance, the wall clock.
    """

    followings: Mapping[str, Following]
    memory: DeskMemory
    preparations: Preparations
    door: Door
    entrance: Entrance
    now_ms: Callable[[], int]

    def following(self, name: str) -> Following:
        """An instance. Raises: CommandRefused: no instance has this name."""
        found = self.followings.get(name)
        if found is None:
            raise CommandRefused(f"no instance {name[:40]!r}", code=UNKNOWN, remedy="see /instances")
        return found

    def look(self, instance: str, case: str) -> tuple[Following, ReadCase]:
        """A case for a page, as its instance has shown it; else as the log has it alone. No one is asked.

        Raises: CommandRefused: the log has no such case, or it does not ask the agency.
        """
        following = self.following(instance)
        return following, _asks(following, case, following.look(case))

    def read(self, instance: str, case: str) -> tuple[Following, ReadCase]:
        """A case before something is done in it, as its instance shows it now. Raises as `look`."""
        following = self.following(instance)
        return following, _asks(following, case, following.read(case))

    def read_all(self, named: Iterable[tuple[str, str]]) -> list[tuple[Following, ReadCase]]:
        """The same of several cases, as far as their instances answer in time; the others as for a page."""
        end_s = time.monotonic() + ANSWER_S
        return [(self.read if time.monotonic() < end_s else self.look)(*each) for each in named]

    def keys(self, place: PagesOrigin, who: Principal) -> list[tuple[Passkey, PublicKey]]:
        """The passkeys of a person that can be pinned, in that form."""
        return signatures.pinnable(self.door.store.passkeys(who.id), place)


def _asks(following: Following, case: str, found: ReadCase | None) -> ReadCase:
    """A case that asks the agency. Raises: CommandRefused."""
    if found is None or following.instance.agency not in found.case.parties:
        said = f"the log of {following.instance.name} has no case {case[:80]!r} that asks your agency"
        raise CommandRefused(said, code=UNKNOWN, remedy="look at the list of cases")
    return found


@dataclass(frozen=True, slots=True)
class Here:
    """Someone who is signed in and asks for a page, or sends a form."""

    request: Request
    visitor: Visitor
    who: SignedIn
    place: PagesOrigin
    sent: Sent

    @property
    def person(self) -> str:
        """Who it is, by the id under which the desk remembers what they saw."""
        return self.who.principal.id

    @property
    def path(self) -> Mapping[str, str]:
        """The arguments in the path."""
        return self.request.path_params

    def page(self, template: str, values: Mapping[str, Any]) -> Response:
        """A page for them."""
        return answers.private(template, {"frame": FRAME, "reader": self.who.reader, "done": "", **values})


Work = Callable[[DeskSite, Here], Response]
"""Answers a request, in a thread."""


def page(site: DeskSite, path: str, work: Work) -> Route:
    """The route of a page for those who are signed in."""

    async def shown(request: Request) -> Response:
        arrived = await signin.arrived(site.door, site.entrance, request)
        if arrived is None:
            return signin.to_sign_in(request)
        visitor, who = arrived
        return await _done(site, work, Here(request, visitor, who, site.door.place(request), {}))

    return answers.route("GET", path, shown, FRAME)


def form(site: DeskSite, path: str, work: Work) -> Route:
    """The route of a form of those who are signed in."""

    async def sent(request: Request) -> Response:
        visitor, who, fields = await signin.own_form(site.door, site.entrance, request)
        return await _done(site, work, Here(request, visitor, who, site.door.place(request), fields))

    return answers.route("POST", path, sent, FRAME)


async def _done(site: DeskSite, work: Work, here: Here) -> Response:
    with here.visitor.place():
        try:
            answer: Response = await here.visitor.run(work, site, here)
        except CommandRefused as no:
            kind: RefusalKind = "unknown" if no.code == UNKNOWN else "conflict"
            raise Refused(Refusal(kind, no.code, no.message, no.remedy)) from no
        return answer
