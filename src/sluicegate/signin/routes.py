"""The routes by which people come in and leave.

Rules:
- Who signs in counts for several requests at the pace of their address.
- A link that signs in does so by its form: who only fetches it, such as a mail program, does not use it up.
  On this machine it leads first to the name to which passkeys can be bound.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate import journal
from sluicegate.acts.act import AnyAct
from sluicegate.bounds import ACT_BODY_MAX, SIGN_IN_BODY_MAX
from sluicegate.errors import InvalidInput, Unauthorized
from sluicegate.http import bearer
from sluicegate.http.entrance import Entrance, Visitor
from sluicegate.pages import answers
from sluicegate.pages.page import Sent, one
from sluicegate.settings import PersonRule
from sluicegate.signin import forms, sessions
from sluicegate.signin.door import Door, SignedIn
from sluicegate.signin.origins import PagesOrigin, origin_of
from sluicegate.signin.provider import Attempt, IdentityProvider

WEIGHT = 5
"""For how many requests a sign-in counts."""
SIGN_IN, SIGN_OUT, PASSKEY = "/sign-in", "/sign-out", "/account/passkey"
ACCOUNT = "/account"
_NAME_MAX = 64
_ASTRAY = (404, 405)
"""The errors of who asks for what no route has. Any other one may be our fault, and asks no store."""
Way = Callable[[Door, PagesOrigin, Sent, str], SignedIn]
"""A way in: by what a form sends, and how the browser calls itself."""


def routes(door: Door, entrance: Entrance) -> list[Route]:
    """The routes of a door."""
    endpoints: tuple[tuple[str, str, Callable[..., Awaitable[Response]]], ...] = (
        ("GET", SIGN_IN, _sign_in),
        ("POST", f"{SIGN_IN}/passkey", partial(_enter, _by_passkey)),
        ("POST", f"{SIGN_IN}/token", partial(_enter, _by_token)),
        ("GET", f"{SIGN_IN}/by/{{provider}}", _to_provider),
        ("GET", f"{SIGN_IN}/by/{{provider}}/back", _from_provider),
        ("GET", "/welcome/{secret}", _welcome),
        ("POST", "/welcome", partial(_enter, _by_invitation)),
        ("GET", PASSKEY, _to_make),
        ("POST", PASSKEY, _add),
        ("POST", SIGN_OUT, _sign_out),
    )
    return [
        answers.route(method, path, partial(endpoint, door, entrance), door.frame)
        for method, path, endpoint in endpoints
    ]


async def arrived(
    door: Door, entrance: Entrance, request: Request, act: AnyAct | None = None
) -> tuple[Visitor, SignedIn] | None:
    """Who is signed in, as a visitor for an act; None if no one is. Raises: Unauthorized, Overloaded."""
    secret = sessions.secret_of(request, door.place(request))
    if not secret:
        return None
    found: SignedIn | None = await entrance.known(request, secret, door.signed_in)
    if found is None:
        return None
    answers.note_reader(request, found.reader)
    return entrance.visitor(request, found.principal, act), found


async def own_form(
    door: Door, entrance: Entrance, request: Request, act: AnyAct | None = None, most: int = ACT_BODY_MAX
) -> tuple[Visitor, SignedIn, Sent]:
    """Who sends a form of their session, of at most so many bytes, and what it says. It is not read if they
    may not do the act.

    Raises: Unauthorized: no one is signed in, or not one who may.
    """
    here = await arrived(door, entrance, request, act)
    if here is None:
        raise Unauthorized("you are not signed in any more", remedy="sign in, and send the form again")
    visitor, who = here
    if act is not None:
        bearer.authorize(who.principal, act)
    sent = await forms.sent(request, visitor, door.place(request), most)
    sessions.check_form(who.secret, one(sent, forms.FORM))
    return visitor, who, sent


async def meet(door: Door, entrance: Entrance, request: Request) -> None:
    """Note who asks for what is not here: an error is a page for who is signed in, and strangers have a pace.

    Raises: Unauthorized, Overloaded.
    """
    if await arrived(door, entrance, request) is None:
        await entrance.admit(request)


async def readable(door: Door, entrance: Entrance, request: Request, answer: Response) -> Response:
    """An error that no page has answered, as its reader can read it: a page for a person."""
    if not answers.is_for_person(request):
        return answer

    async def shown() -> Response:
        if answer.status_code in _ASTRAY:
            await meet(door, entrance, request)
        return answers.readable(request, answer, door.frame)

    return await answers.or_error(request, shown, door.frame)


def to_sign_in(request: Request) -> Response:
    """Have the reader sign in first, and come back."""
    after = quote(answers.asked_at(request, request.url.path), safe="/")
    return answers.next_page(f"{SIGN_IN}?next={after}")


async def _sign_in(door: Door, entrance: Entrance, request: Request) -> Response:
    visitor, place = await entrance.admit(request), door.place(request)
    asked = await visitor.run(door.to_ask, place) if place.takes_passkeys else ""
    after = answers.local(request.query_params.get("next", ""), "")
    values = {"asked": asked, "next": after, "origin": place.origin}
    return answers.private("sign_in.html", {**values, "providers": door.providers, "frame": door.frame})


def _by_passkey(door: Door, place: PagesOrigin, sent: Sent, agent: str) -> SignedIn:
    return door.by_passkey(place, one(sent, "answer"), agent)


def _by_token(door: Door, _: PagesOrigin, sent: Sent, agent: str) -> SignedIn:
    return door.by_token(one(sent, "token").strip(), agent)


def _by_invitation(door: Door, _: PagesOrigin, sent: Sent, agent: str) -> SignedIn:
    return door.by_invitation(one(sent, "invitation"), agent)


async def _enter(way: Way, door: Door, entrance: Entrance, request: Request) -> Response:
    visitor, place = await entrance.admit(request, weight=WEIGHT), door.place(request)
    sent = await forms.sent(request, visitor, place, SIGN_IN_BODY_MAX)
    with visitor.place():
        try:
            who = await visitor.run(way, door, place, sent, request.headers.get("user-agent", ""))
        except Unauthorized:
            journal.note("sign_in_failed", "a sign-in at the pages that failed", address=visitor.caller)
            raise
    after = answers.local(one(sent, "next"), ACCOUNT if way is _by_invitation else door.home(who.principal))
    return sessions.keep(answers.next_page(after), place, place.cookie, who.secret)


async def _to_provider(door: Door, entrance: Entrance, request: Request) -> Response:
    await entrance.admit(request, weight=WEIGHT)
    place, provider = door.place(request), _provider(door, request)
    attempt = door.attempt(provider.settings.name)
    answer = answers.next_page(await provider.to_ask(attempt))
    return sessions.keep(answer, place, place.attempt_cookie, attempt.secret)


async def _from_provider(door: Door, entrance: Entrance, request: Request) -> Response:
    """Sign in who comes back from a provider."""
    visitor, place = await entrance.admit(request, weight=WEIGHT), door.place(request)
    try:
        rule = await _redeemed(door, place, request)
        with visitor.place():
            who = await visitor.run(door.by_provider, rule, request.headers.get("user-agent", ""))
    except Unauthorized:
        journal.note("sign_in_failed", "a sign-in by a provider that failed", address=visitor.caller)
        raise
    answer = sessions.keep(answers.next_page(door.home(who.principal)), place, place.cookie, who.secret)
    return sessions.forget(answer, place, place.attempt_cookie)


async def _redeemed(door: Door, place: PagesOrigin, request: Request) -> PersonRule:
    """The rule for who comes back. The request is a link from elsewhere: the state and the cookie say that
    this browser went there.

    Raises: Unauthorized, Unreachable.
    """
    provider, query = _provider(door, request), request.query_params
    known, state = provider.settings, query.get("state", "")
    secret = request.cookies.get(place.attempt_cookie, "")
    if not secret or query.get("iss", known.issuer) != known.issuer:
        raise _not_begun("this browser has not begun to sign in")
    door.check_attempt(known.name, state)
    if "code" not in query:
        raise _not_begun(f"{known.title} did not let you in: {query.get('error', 'it gave no code')[:80]}")
    return await provider.person(Attempt(secret, state), query["code"])


def _not_begun(said: str) -> Unauthorized:
    return Unauthorized(said, code="provider_refused", remedy="begin again at the page to sign in")


def _provider(door: Door, request: Request) -> IdentityProvider:
    """The provider that an address names. Raises: InvalidInput: there is no such one."""
    name = request.path_params["provider"]
    found = next((each for each in door.providers if each.name == name), None)
    if found is None:
        raise InvalidInput("there is no such identity provider", remedy="begin at the page to sign in")
    return IdentityProvider(
        found, f"{door.place(request).origin}{SIGN_IN}/by/{found.name}/back", door.documents
    )


async def _welcome(door: Door, entrance: Entrance, request: Request) -> Response:
    visitor = await entrance.admit(request, weight=WEIGHT)
    secret = request.path_params["secret"]
    with visitor.place():
        found = await visitor.run(door.invited, secret)
    if found is None:
        said = "this link has been used, has ended, or is not known here"
        raise Unauthorized(said, code="invitation_unknown", remedy="ask who sent it for another one")
    place = origin_of(request, door.origin)
    if not door.origin and (named := door.frame.reached(place)) != place:
        return answers.next_page(f"{named}{request.url.path}")
    return answers.private("welcome.html", {"principal": found, "secret": secret, "frame": door.frame})


async def _to_make(door: Door, entrance: Entrance, request: Request) -> Response:
    here = await arrived(door, entrance, request)
    if here is None:
        return to_sign_in(request)
    (visitor, who), place = here, door.place(request)
    asked = await visitor.run(door.to_make, place, who) if place.takes_passkeys else ""
    return answers.private(
        "passkey.html",
        {
            "asked": asked,
            "reader": who.reader,
            "origin": place.origin,
            "frame": door.frame,
        },
    )


async def _add(door: Door, entrance: Entrance, request: Request) -> Response:
    visitor, who, sent = await own_form(door, entrance, request)
    name, answer = one(sent, "name").strip()[:_NAME_MAX] or "passkey", one(sent, "answer")
    with visitor.place():
        await visitor.run(door.add_passkey, door.place(request), who, name, answer)
    return answers.next_page(ACCOUNT)


async def _sign_out(door: Door, entrance: Entrance, request: Request) -> Response:
    visitor, who, _ = await own_form(door, entrance, request)
    with visitor.place():
        await visitor.run(door.store.end, who.session)
    place, answer = door.place(request), answers.next_page("/")
    answer.headers["clear-site-data"] = '"cache"'  # what was written on pages
    return sessions.forget(answer, place, place.cookie)
