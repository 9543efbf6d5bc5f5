"""What a form sends: names and texts, within bounds, from a page of ours."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request

from sluicegate.bounds import ACT_BODY_MAX, IN_PLACE_MAX, QUERY_FIELDS_MAX
from sluicegate.errors import InvalidInput
from sluicegate.http import asking
from sluicegate.http.entrance import Visitor
from sluicegate.pages.page import Sent
from sluicegate.signin.origins import PagesOrigin, check_same

FORM = "_form"
"""The field that says for which session a form was made."""
_KIND = "application/x-www-form-urlencoded"


async def sent(request: Request, visitor: Visitor, place: PagesOrigin, most: int = ACT_BODY_MAX) -> Sent:
    """The fields of a form of at most so many bytes.

    Raises: Unauthorized: from elsewhere. InvalidInput: no form, or too large.
    """
    check_same(request, place)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _KIND:
        raise InvalidInput(f"expected a form, {_KIND}", remedy="use the page's form; programs use the API")
    with visitor.body() as take:
        body = await asking.body(request, most, take)
    return read(body) if len(body) <= IN_PLACE_MAX else await visitor.run(read, body)


def read(body: bytes) -> Sent:
    """The fields of a form as it is sent, or of the query of one. Raises: InvalidInput."""
    try:
        return parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            max_num_fields=QUERY_FIELDS_MAX,
            errors="strict",
        )
    except ValueError as error:
        raise InvalidInput("a form that cannot be read", remedy="load the page again") from error
