"""Pages as responses: those of one reader, errors, and where to go next.

Rules:
- A page of one reader is kept by no one on the way.
- Where to go next is a path of this server, whatever a form says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sluicegate import targets
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput, SluicegateError
from sluicegate.http import errors
from sluicegate.pages import site
from sluicegate.pages.frame import CONTROL, SiteFrame
from sluicegate.pages.page import Reader
from sluicegate_record.form import Json

HTML = "text/html; charset=utf-8"
PRIVATE: Mapping[str, str] = {
    **site.HEADERS,
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
"""The headers of a page of one reader. Its forms say where they come from."""
WRITTEN: Mapping[str, str] = {**PRIVATE, "cache-control": "private, no-cache"}
"""Those of a page on which its reader writes: their browser keeps it for its Back, until they sign out."""
TLS_ONLY = "max-age=31536000"
"""For how long a browser asks for a host by TLS alone, seconds. Names of this machine are of many servers."""
_PATH = re.compile(r"/(?!/)[\w./~?=&%:+,-]*", re.ASCII)
_FOR_PROGRAMS = ("/api/", "/fleet/", "/log/")
"""What programs ask, whatever they accept."""


Endpoint = Callable[[Request], Awaitable[Response]]
"""What answers a request."""


class Refused(Exception):
    """An act refused what a page asked."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def fault(why: SluicegateError | Refusal) -> Mapping[str, Any]:
    """Why something was not done, as a page shows it: with the places in what was written, if it has any."""
    at = why.at if isinstance(why, SluicegateError) else ()
    return {"code": why.code, "message": why.message, "remedy": why.remedy, "at": at}


def private(
    template: str, values: Mapping[str, Any], status: int = 200, *, is_written: bool = False
) -> Response:
    """A page of one reader; `is_written` as of `Filled`."""
    return Response(site.render(template, values), status, WRITTEN if is_written else PRIVATE, HTML)


def file(name: str, value: Json) -> Response:
    """JSON as a file of one reader, for a program of theirs."""
    body = json.dumps(value, indent=2, ensure_ascii=False).encode()
    headers = {**PRIVATE, "content-disposition": f'attachment; filename="{name}"'}
    return Response(body, headers=headers, media_type="application/json")


def next_page(path: str) -> Response:
    """Have the browser ask for another page, after a form."""
    return RedirectResponse(path, 303, PRIVATE)


def route(
    method: str, path: str, endpoint: Endpoint, within: SiteFrame = CONTROL, *, name: str = ""
) -> Route:
    """The route of a page or a form. An error is a page, too."""

    async def answered(request: Request) -> Response:
        answer = await or_error(request, partial(endpoint, request), within)
        if request.url.scheme == "https" and not targets.is_this_machine(request.url.hostname or ""):
            answer.headers["strict-transport-security"] = TLS_ONLY
        return answer

    return Route(path, answered, methods=[method], name=name or f"{method} {path}")


def asked_at(request: Request, path: str) -> str:
    """A path with the query of a request."""
    query = request.url.query
    return f"{path}?{query}" if query else path


def local(path: str, otherwise: str) -> str:
    """A path of this server that a form names, or another one."""
    return path if _PATH.fullmatch(path) else otherwise


def error(  # noqa: PLR0913 - what is wrong, where, for whom
    answer: Response,
    message: str,
    remedy: str,
    within: SiteFrame = CONTROL,
    *,
    of_form: bool = False,
    reader: Reader | None = None,
) -> Response:
    """An error as a page, with the status that the API gives it; `of_form`: of what a form asked."""
    headers = {
        name: answer.headers[name] for name in ("retry-after", "cache-control") if name in answer.headers
    }
    said = {"status": answer.status_code, "message": message, "remedy": remedy, "of_form": of_form}
    body = site.render("error.html", {**said, "frame": within, "reader": reader})
    usual = site.HEADERS if reader is None else PRIVATE
    return Response(body, answer.status_code, {**usual, **headers}, HTML)


def note_reader(request: Request, reader: Reader) -> None:
    """Note who is signed in: an error is a page for them, too."""
    request.state.reader = reader


def _reader(request: Request) -> Reader | None:
    found: Reader | None = getattr(request.state, "reader", None)
    return found


async def or_error(
    request: Request, make: Callable[[], Awaitable[Response]], within: SiteFrame = CONTROL
) -> Response:
    """A page, or the error that there was, as a page."""
    is_form = request.method == "POST"

    def shown(answer: Response, message: str, remedy: str) -> Response:
        return error(answer, message, remedy, within, of_form=is_form, reader=_reader(request))

    try:
        return await make()
    except Refused as refused:
        no = refused.refusal
        return shown(errors.refused(no), no.message, no.remedy)
    except SluicegateError as wrong:
        is_address = isinstance(wrong, InvalidInput) and not is_form
        then = "check the address of the page" if is_address else wrong.remedy
        answer = await errors.on_error(request, wrong)
        return shown(answer, wrong.message, then)


def is_for_person(request: Request) -> bool:
    """Whether a person asks, who reads an error as a page: not a program."""
    is_program = request.url.path.startswith(_FOR_PROGRAMS)
    return "text/html" in request.headers.get("accept", "") and not is_program


def readable(request: Request, answer: Response, within: SiteFrame) -> Response:
    """An error that no page has answered, as a page.

    A path with a slash at its end leads to the one address, without.
    """
    path = request.url.path
    said = json.loads(bytes(answer.body))["error"]
    if answer.status_code == 404:
        if path.endswith("/") and request.method == "GET" and (one := local(path.rstrip("/"), "")):
            return RedirectResponse(asked_at(request, one), 308, site.HEADERS)
        message, remedy = (
            f"There is nothing at {path[:200]}.",
            "check the address, or begin at one of these pages",
        )
    elif answer.status_code == 405:
        message, remedy = f"{path[:200]} takes what a form sends.", "open the page that has the form"
    else:
        message, remedy = said["message"], said["remedy"]
    return error(answer, message, remedy, within, reader=_reader(request))
