"""The routes of pages, of a person's page, and of the files that they use.

Rules:
- Who shows a public page asks its acts as a stranger does, whatever comes with the request. It is made once
  for all who ask for it, until the log goes on or a moment has passed.
- Any other page is for one reader, who is signed in: it asks as that reader, within their role.
"""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.acts.act import Act, Answered, AnyAct, Asked
from sluicegate.acts.table import ACTS
from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import Unauthorized
from sluicegate.http import bearer
from sluicegate.http.entrance import Entrance
from sluicegate.http.public import FOR_EVER, NEWEST, public
from sluicegate.pace import steady_ms
from sluicegate.pages import answers, applicant, applying, forms, manager, officer, own, person, plans, site
from sluicegate.pages.answers import HTML, Refused, route
from sluicegate.pages.page import Filled, MadePage, PagePlace, Reader, Sent, SitePage, View, first
from sluicegate.pages.public import PAGES as PUBLIC_PAGES
from sluicegate.parsing import request as requests
from sluicegate.parsing.request import ActRequest
from sluicegate.ports import Principal
from sluicegate.service import doings
from sluicegate.service.context import STRANGER, Services
from sluicegate.signin import routes as signin
from sluicegate.signin.door import Door
from sluicegate.signin.forms import read
from sluicegate.signin.origins import origin_of

PAGES = (
    *PUBLIC_PAGES,
    *own.PAGES,
    *applicant.PAGES,
    *applying.PAGES,
    *manager.PAGES,
    *plans.PAGES,
    *officer.PAGES,
)
"""In this order a path is looked for."""
DONE = "done="
"""The argument of a page that says what was done just before. It is the last one."""
_LEFT_EMPTY = re.compile(r"(^|&)[\w-]+=(?=&|$)")
"""A field of a form that was left empty: a page is not asked with it."""
KEPT_MAX, KEPT_BYTES_MAX, KEPT_MS = 256, 8 << 20, 1_000


class _Kept(NamedTuple):
    document: MadePage
    size: int
    at_ms: float


class Keeper:
    """The pages that were made lately, by where they are."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()
        self.bytes = 0
        """How large they are together."""

    def get(self, place: PagePlace, size: int) -> MadePage | None:
        """A page, if it is still as it would be made now."""
        found = self._kept.get((place.origin, place.path, place.query))
        if found is None or found.size != size or steady_ms() - found.at_ms > KEPT_MS:
            return None
        return found.document

    def put(self, place: PagePlace, size: int, document: MadePage) -> None:
        """Keep a page."""
        key = (place.origin, place.path, place.query)
        before = self._kept.pop(key, None)
        self._kept[key] = _Kept(document, size, steady_ms())
        self.bytes += len(document.body) - (0 if before is None else len(before.document.body))
        while len(self._kept) > KEPT_MAX or self.bytes > KEPT_BYTES_MAX:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= len(oldest.document.body)


def routes(plane: ControlPlane, entrance: Entrance) -> list[Route]:
    """The routes of pages and of their files."""
    keeper = Keeper()
    return [
        *(_public(plane, entrance, keeper, page) for page in PAGES if page.is_public),
        *(_private(plane, entrance, page) for page in PAGES if not page.is_public),
        Route(person.PATH, _person),
        Route("/assets/{name}", _asset),
    ]


def _public(plane: ControlPlane, entrance: Entrance, keeper: Keeper, page: SitePage[Any, Any]) -> Route:
    async def shown(request: Request) -> Response:
        place = page_place(plane.door, request)
        visitor = await entrance.admit(request, weight=page.weight)
        with visitor.place():
            size = plane.services.ledger.size()
            document = keeper.get(place, size)
            if document is None:
                document = await visitor.run(made, plane.services, page, place, request.path_params)
                keeper.put(place, size, document)
        return public(request, document.body, document.kind, NEWEST, site.HEADERS)

    return route("GET", page.path, shown, name=f"page {page.path}")


def _private(plane: ControlPlane, entrance: Entrance, page: SitePage[Any, Any]) -> Route:
    async def shown(request: Request) -> Response:
        here = await signin.arrived(plane.door, entrance, request)
        if here is None:
            return signin.to_sign_in(request)
        visitor, who = here
        _check_role(page, who.principal)
        with visitor.place():
            place = page_place(plane.door, request)
            where = (plane.services, page, place, request.path_params)
            document = await visitor.run(made, *where, who.principal, who.reader)
        headers = answers.WRITTEN if document.is_written else answers.PRIVATE
        return Response(document.body, headers=headers, media_type=document.kind)

    return route("GET", page.path, shown, name=f"page {page.path}")


def _check_role(page: SitePage[Any, Any], principal: Principal) -> None:
    """Raises: Unauthorized: a page of other roles."""
    if page.roles and principal.role not in page.roles:
        said = f"this page is for the role {' or '.join(sorted(page.roles))}, not for {principal.role}"
        raise Unauthorized(said, code="forbidden", remedy="the top of each page names those of your role")


def page_place(door: Door, request: Request) -> PagePlace:
    """Where a page is."""
    return PagePlace(
        origin_of(request, door.origin),
        request.url.path,
        request.scope["query_string"].decode("latin-1"),
    )


class RefusedForm(NamedTuple):
    """A form of a page that was refused: what it sent, and why it was."""

    sent: Sent
    fault: Mapping[str, Any]


def made(  # noqa: PLR0913 - what page, where, for whom
    services: Services,
    page: SitePage[Any, Any],
    place: PagePlace,
    path: dict[str, str],
    by: Principal = STRANGER,
    reader: Reader | None = None,
    refused: RefusedForm | None = None,
) -> MadePage:
    """A page; `refused` is a form of it that was.

    Raises: Refused, Unauthorized; InvalidInput: it is asked with what its act does not take.
    """
    query, said = without_done(place.query, reader)
    query = _LEFT_EMPTY.sub("", query).removeprefix("&")
    asks = partial(ask, services, by)
    if page.empty is not None and forms.lacking(page.act, read(query.encode("latin-1"))):
        shown: Filled | MadePage = page.empty(asks)
    else:
        asked = requests.read(ActRequest(act=page.act.name, path=path, query=query, content_type=""), b"")
        given = {} if refused is None else first(refused.sent)
        shown = page.show(View(place, asked, asks(page.act, asked), asks, reader, path, given))
    if not isinstance(shown, Filled):
        return shown
    shared: dict[str, Any] = {"place": place, "reader": reader, "done": said if reader is not None else ""}
    shared["fault"] = None if refused is None else refused.fault
    return MadePage(site.render(shown.template, {**shared, **shown.values}), HTML, shown.is_written)


def without_done(query: str, reader: Reader | None) -> tuple[str, str]:
    """A query without the name of what was done just before, and how the page calls that.

    What a link says that no form of this reader's session led to, was not done.
    """
    before, mark, said = query.rpartition(DONE)
    name, _, proof = said.rpartition("~")
    act = ACTS.get(name) if mark and before[-1:] in {"", "&"} else None
    if act is None:
        return query, ""
    before = before.removesuffix("&")
    if reader is None or not hmac.compare_digest(_proof(act, reader).encode(), proof.encode()):
        return before, ""
    title = forms.title(act)
    return before, f"{title[:1].lower()}{title[1:]}"


def with_done(path: str, act: AnyAct, reader: Reader) -> str:
    """A path with a word that the page shows to this reader: what was done."""
    return f"{path}{'&' if urlsplit(path).query else '?'}{DONE}{act.name}~{_proof(act, reader)}"


def _proof(act: AnyAct, reader: Reader) -> str:
    """That a form of a reader's session has led to a page."""
    return hmac.digest(reader.form_token.encode(), act.name.encode(), "sha256").hex()[:16]


def ask(services: Services, by: Principal, act: Act[Asked, Answered], asked: Asked) -> Answered:
    """What an act answers a reader. Raises: Refused, Unauthorized."""
    if by is not STRANGER:
        bearer.authorize(by, act)
    answer = doings.do(services, by, act, asked)
    if isinstance(answer, Refusal):
        raise Refused(answer)
    return answer


async def _person(_: Request) -> Response:
    return Response(person.document(), headers=person.HEADERS, media_type=HTML)


async def _asset(request: Request) -> Response:
    found = site.ASSETS_BY_PATH.get(request.url.path)
    if found is None:
        raise HTTPException(404)
    return public(request, found.body, found.kind, FOR_EVER)
