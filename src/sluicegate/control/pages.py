"""The routes of public pages, of a person's page, and of the files that they use.

Rules:
- Who shows a page asks its acts as a stranger does, whatever token comes with the request.
- A page is made once for all who ask for it, until the log goes on or a moment has passed.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.acts.act import Act, Answered, Asked
from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput, SluicegateError
from sluicegate.http import errors
from sluicegate.http.entrance import Entrance
from sluicegate.http.public import FOR_EVER, NEWEST, public
from sluicegate.pace import steady_ms
from sluicegate.pages import person, site
from sluicegate.pages.page import Filled, MadePage, PagePlace, SitePage, View
from sluicegate.pages.public import PAGES
from sluicegate.parsing import request as requests
from sluicegate.parsing.request import ActRequest
from sluicegate.service import doings
from sluicegate.service.context import STRANGER

HTML = "text/html; charset=utf-8"
KEPT_MAX, KEPT_BYTES_MAX, KEPT_MS = 256, 8 << 20, 1_000


class Refused(Exception):
    """An act refused what a page asked."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


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
        *(_route(plane, entrance, keeper, page) for page in PAGES),
        Route(person.PATH, _person),
        Route("/assets/{name}", _asset),
    ]


def _route(plane: ControlPlane, entrance: Entrance, keeper: Keeper, page: SitePage[Any, Any]) -> Route:
    async def endpoint(request: Request) -> Response:
        place = PagePlace(
            f"{request.url.scheme}://{request.url.netloc}",
            request.url.path,
            request.scope["query_string"].decode("latin-1"),
        )
        try:
            visitor = await entrance.admit(request, weight=page.weight)
            with visitor.place():
                size = plane.services.ledger.size()
                document = keeper.get(place, size)
                if document is None:
                    document = await visitor.run(_made, plane, page, place, request.path_params)
                    keeper.put(place, size, document)
        except Refused as error:
            return _error(errors.refused(error.refusal), error.refusal.message, error.refusal.remedy)
        except InvalidInput as error:
            return _error(
                await errors.on_error(request, error), error.message, "check the address of the page"
            )
        except SluicegateError as error:
            return _error(await errors.on_error(request, error), error.message, error.remedy)
        return public(request, document.body, document.kind, NEWEST, site.HEADERS)

    return Route(page.path, endpoint, methods=["GET"], name=f"page {page.path}")


def _made(plane: ControlPlane, page: SitePage[Any, Any], place: PagePlace, path: dict[str, str]) -> MadePage:
    """A page. Raises: Refused; InvalidInput: it is asked with what its act does not take."""
    asked = requests.read(ActRequest(act=page.act.name, path=path, query=place.query, content_type=""), b"")
    ask = partial(_ask, plane)
    shown = page.show(View(place, asked, ask(page.act, asked), ask))
    if not isinstance(shown, Filled):
        return shown
    return MadePage(site.render(shown.template, {"place": place, **shown.values}), HTML)


def _ask(plane: ControlPlane, act: Act[Asked, Answered], asked: Asked) -> Answered:
    answer = doings.do(plane.services, STRANGER, act, asked)
    if isinstance(answer, Refusal):
        raise Refused(answer)
    return answer


def _error(answer: Response, message: str, remedy: str) -> Response:
    """An error as a page, with the status that the API gives it."""
    headers = {
        name: answer.headers[name] for name in ("retry-after", "cache-control") if name in answer.headers
    }
    body = site.render("error.html", {"status": answer.status_code, "message": message, "remedy": remedy})
    return Response(body, answer.status_code, {**site.HEADERS, **headers}, HTML)


async def _person(_: Request) -> Response:
    return Response(person.document(), headers=person.HEADERS, media_type=HTML)


async def _asset(request: Request) -> Response:
    found = site.ASSETS_BY_PATH.get(request.url.path)
    if found is None:
        return _error(Response(status_code=404), "there is no such file", "")
    return public(request, found.body, found.kind, FOR_EVER)
