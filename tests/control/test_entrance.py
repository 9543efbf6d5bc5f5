"""Who comes in: by token, then by role, then if there is room, and only then is anything else read."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.requests import Request

from demo.fleet import served
from sluicegate import bootstrap
from sluicegate.acts.act import AGENCY, DEVELOPER
from sluicegate.acts.tokens import TokenRequest
from sluicegate.core.access import apikey
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import TOO_MANY, StoreUnavailable
from sluicegate.http.asgi import EXTENSION
from sluicegate.http.entrance import RECENT_MAX, Entrance, Visitor
from sluicegate.http.public import Recent
from sluicegate.ports import Principal
from sluicegate.service import tokens
from sluicegate.settings import HttpSettings
from tests import worlds
from tests.control.conftest import Plane
from tests.control.test_api import CHANGING, error_of
from tests.control.test_errors import settings
from tests.fakes import Breaking, MemoryLog, MemoryPrincipals, MemorySession, MemoryStore
from tests.plane import Plane as Desk
from tests.raw import Raw, parse_head
from tests.waiting import BOUND_S, eventually
from tests.worlds import plan_value

MADE_UP = apikey.make(apikey.TOKEN_PREFIX, b"x" * 32)
"""A token that is formed as one, and is no one's."""


def port(plane: Plane) -> int:
    found = urlsplit(plane.url).port
    assert found is not None
    return found


@pytest.mark.parametrize("token", ["", MADE_UP, "nonsense"])
@pytest.mark.parametrize(("method", "path"), CHANGING)
def test_without_a_token_that_is_known_no_body_is_asked_for(idle: Plane, method: str, path: str, token: str):
    """Nor is anything else of the request looked at: all of it is wrong here."""
    with Raw(port(idle)) as client:
        lines = [
            f"{method} {path}?nonsense=%ff HTTP/1.1",
            "Host: control",
            *([f"Authorization: Bearer {token}"] if token else []),
            "Content-Type: nonsense",
            "Idempotency-Key: x",
            "Expect: 100-continue",
            "Content-Length: 999999999999",
        ]
        client.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        status, fields, body = client.response()
    assert (status, fields["connection"]) == (401, "close")
    assert json.loads(body)["error"]["code"] == ("token_unknown" if token else "token_missing")


def test_who_may_not_is_told_so_without_being_asked_for_the_body(idle: Plane):
    with Raw(port(idle)) as client:
        lines = [
            "POST /api/v1/releases HTTP/1.1",
            "Host: control",
            f"Authorization: Bearer {idle.token('applicant')}",
            "Expect: 100-continue",
            "Content-Length: 99",
        ]
        client.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert client.response()[0] == 403


def test_a_body_that_says_that_it_is_too_large_is_not_asked_for(idle: Plane):
    with Raw(port(idle)) as client:
        lines = [
            "POST /api/v1/releases HTTP/1.1",
            "Host: control",
            f"Authorization: Bearer {idle.token('developer')}",
            "Content-Type: application/json",
            "Expect: 100-continue",
            "Content-Length: 999999999999",
        ]
        client.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert client.response()[0] == 413


def test_two_requests_in_one_are_none(idle: Plane):
    """What was answered as two requests once: the body ends here by its length, there by its chunks."""
    inner = "GET /api/v1/log HTTP/1.1\r\nHost: control\r\n\r\n"
    lines = [
        "POST /api/v1/releases HTTP/1.1",
        "Host: control",
        f"Authorization: Bearer {idle.token('developer')}",
        f"Content-Length: {5 + len(inner)}",
        "Transfer-Encoding: chunked",
    ]
    with Raw(port(idle)) as client:
        client.send(("\r\n".join(lines) + "\r\n\r\n0\r\n\r\n" + inner).encode())
        seen, _ = client.rest()
    assert seen.startswith(b"HTTP/1.1 400 ")
    assert seen.count(b"HTTP/1.1 4") == seen.count(b"HTTP/1.1 ") == 1


# How often, and how many at a time


@contextmanager
def limited(folder: Path, **limits: int) -> Iterator[Plane]:
    """A control plane with other limits."""
    made = Plane(folder, replace(HttpSettings(), **limits))  # type: ignore[arg-type]  # all of them are numbers
    with served(made.wired) as made.url:
        yield made


def test_an_address_that_asks_too_often_without_a_token_is_told_when_to_come_again(tmp_path: Path):
    with (
        limited(tmp_path, requests_per_second=1, burst=3) as plane,
        plane.client() as stranger,
        plane.staff() as staff,
    ):
        assert [stranger.get("/api/v1/log").status_code for _ in range(3)] == [200] * 3
        refused = eventually(lambda: found if (found := stranger.get("/api/v1/log")).is_error else None)
        assert (refused.status_code, error_of(refused)["code"]) == (429, TOO_MANY)
        assert int(refused.headers["retry-after"]) > 0
        for path in ("/api/v1/log", "/log/checkpoint", "/api/v1/openapi.json", "/api/v1/cases"):
            assert staff.get(path).status_code == 200, path
        for path in ("/healthz", "/readyz", "/metrics"):
            assert stranger.get(path).status_code == 200, path


@pytest.mark.parametrize(
    "path", ["/nothing", "/nothing/", "/acts/nothing", "/assets/nothing.css", "/sign-out"]
)
def test_a_stranger_who_asks_for_pages_that_are_not_there_has_a_pace_as_for_others(tmp_path: Path, path: str):
    reading = {"accept": "text/html"}
    with limited(tmp_path, requests_per_second=1, burst=3) as plane, plane.client() as stranger:
        assert stranger.get(path, headers=reading).status_code != 429
        refused = eventually(
            lambda: found if (found := stranger.get(path, headers=reading)).status_code == 429 else None
        )
    assert "<h1>" in refused.text
    assert int(refused.headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["/api/v1/log/entries", "/record", "/record.atom", "/record.json"])
def test_a_stranger_who_searches_the_record_comes_again_later_than_one_who_asks_for_little(
    tmp_path: Path, path: str
):
    """One search reads two thousand entries."""
    with (
        limited(tmp_path, requests_per_second=1, burst=25) as plane,
        plane.client() as stranger,
        plane.staff() as staff,
    ):
        assert [stranger.get(f"{path}?text={n}").status_code for n in range(3)] == [200, 200, 429]
        assert staff.get("/api/v1/log/entries").status_code == 200


def test_a_small_burst_lets_one_search_in(tmp_path: Path):
    with limited(tmp_path, requests_per_second=1, burst=2) as plane, plane.client() as stranger:
        assert stranger.get("/api/v1/log/entries").status_code == 200


def test_who_has_shown_a_token_keeps_the_connection_while_strangers_come(tmp_path: Path):
    with limited(tmp_path, max_connections=2) as plane, Raw(port(plane)) as staff, ExitStack() as stack:
        token = plane.token("developer").encode()
        asked = b"GET /api/v1/cases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
        assert staff.send(asked).response()[0] == 200
        for _ in range(5):
            stranger = stack.enter_context(Raw(port(plane)))
            assert stranger.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").response()[0] == 200
        assert staff.send(asked).response()[0] == 200


class WaitingLog(MemoryLog):
    """A log whose leaves are slow to come: those who ask for them wait until the test lets them go on."""

    def __init__(self, session: MemorySession) -> None:
        super().__init__(session)
        self.free = threading.Event()
        self.free.set()

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        assert self.free.wait(BOUND_S)
        return super().leaves(start, end)


class WaitingStore(Breaking):
    """A store with such a log."""

    def __init__(self) -> None:
        super().__init__()
        self.log: WaitingLog = WaitingLog(self.session)


@contextmanager
def serving(desk: Desk) -> Iterator[Callable[[str], httpx2.Client]]:
    """Serve a control plane; what makes a client for someone by name."""
    with (
        TemporaryDirectory() as folder,
        served(bootstrap.Control(settings(folder), desk.ledger, desk.fleet)) as url,
    ):

        def client(who: str) -> httpx2.Client:
            headers = {"authorization": f"Bearer {desk.tokens[who]}"} if who else {}
            return httpx2.Client(
                base_url=url, headers=headers, timeout=BOUND_S, trust_env=False, verify=False
            )

        yield client


@pytest.mark.parametrize(
    ("who", "most"),
    [([""], 8), (["applicant"], 8), (["developer"], 16), (["ostp", "ostp's other token"], 16)],
    ids=str,
)
def test_an_order_gets_in_while_others_have_all_their_requests_in_flight(who: list[str], most: int):
    """What they ask for takes for ever: what is too much of it is refused, and no order waits for it.

    All tokens of an agency count as one.
    """
    store = WaitingStore()
    desk = Desk(store)
    desk.opened()
    made = tokens.issue(desk.ledger, TokenRequest(role=AGENCY, name="other", party="ostp"))
    assert not isinstance(made, Refusal)
    desk.tokens["ostp's other token"] = made.token
    answers: list[int] = []

    def ask(name: str) -> None:
        with client(name) as caller:
            answers.append(caller.get(f"/log/tile/entries/000.p/{desk.size}").status_code)

    threads = [threading.Thread(target=ask, args=(who[at % len(who)],)) for at in range(most + 1)]
    with serving(desk) as client, client("oncd") as agency:
        store.log.free.clear()
        for thread in threads:
            thread.start()
        assert eventually(lambda: answers) == [429]  # as soon as all the others are in flight
        envelope = worlds.directive(worlds.directive_value("d-1"))
        ordered = agency.post("/api/v1/directives", json={"envelope": envelope.to_json(), "opened": {}})
        store.log.free.set()
        for thread in threads:
            thread.join(BOUND_S)
    assert ordered.status_code == 200, ordered.text
    assert answers == [429, *[200] * most]


@pytest.mark.parametrize(("who", "most"), [("applicant", 8), ("developer", 8), ("agency", 8)])
def test_who_sends_slowly_holds_no_place(idle: Plane, who: str, most: int):
    """As many bodies as a caller has places, all of them on their way: the next request is answered."""
    path = "/api/v1/cases/case_x/answer" if who == "applicant" else "/api/v1/directives"
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", "Content-Length: 999"]
    token = idle.token("agency", "oncd", "oncd") if who == "agency" else idle.token(who)
    head = "\r\n".join([*lines, f"Authorization: Bearer {token}", "Expect: 100-continue"])
    with ExitStack() as stack:
        for _ in range(most):
            slow = stack.enter_context(Raw(port(idle)))
            slow.send(f"{head}\r\n\r\n".encode()).until(b"100 Continue")  # its body is awaited
            slow.send(b"{")
        with idle.client(token) as client:
            answered = client.post(path, json={})
    assert error_of(answered)["code"] not in {TOO_MANY, "server_busy"}


# What anyone may have


@pytest.mark.parametrize("token", [MADE_UP, "nonsense"])
@pytest.mark.parametrize("path", ["/log/checkpoint", "/api/v1/log"])
def test_what_anyone_may_have_is_given_with_a_token_that_is_not_known(idle: Plane, path: str, token: str):
    with idle.client(token) as anyone:
        assert anyone.get(path).status_code == 200


FILES = ("/log/checkpoint", "/log/tile/0/000.p/6", "/log/tile/entries/000.p/6", "/api/v1/openapi.json")


@pytest.mark.parametrize("path", FILES)
def test_who_has_a_file_does_not_get_it_again(idle: Plane, path: str):
    with idle.client() as anyone:
        first = anyone.get(path)
        tag = first.headers["etag"]
        for had in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = anyone.get(path, headers={"if-none-match": had})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert again.headers["cache-control"] == first.headers["cache-control"]
        other = anyone.get(path, headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize("path", [*FILES, "/healthz", "/person", "/api/v1/log"])
def test_head_says_what_get_would_and_no_more(idle: Plane, path: str):
    with idle.client() as anyone:
        found = anyone.get(path)
    with Raw(port(idle)) as client:
        asked = f"HEAD {path} HTTP/1.1\r\nHost: control\r\n\r\n".encode()
        client.send(asked).until(b"\r\n\r\n")
        _, fields = parse_head(client.seen.partition(b"\r\n\r\n")[0])
        assert client.seen.endswith(b"\r\n\r\n")
        client.seen = b""
        client.send(asked).until(b"\r\n\r\n")
    assert {name: value for name, value in fields.items() if name != "date"} == {
        name: value for name, value in found.headers.items() if name != "date"
    }


def test_the_head_of_the_log_has_another_tag_when_it_has_grown(plane: Plane):
    with plane.client() as anyone:
        tag = anyone.get("/log/checkpoint").headers["etag"]
        plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
        grown = anyone.get("/log/checkpoint", headers={"if-none-match": tag})
    assert (grown.status_code, grown.headers["etag"] != tag) == (200, True)


def test_what_takes_a_while_to_make_is_made_once_for_all_who_ask():
    made: list[int] = []

    async def make() -> bytes:
        await asyncio.sleep(0)
        made.append(1)
        if len(made) == 1:
            raise StoreUnavailable("a full disk")
        return b"made"

    async def asking() -> list[bytes | BaseException]:
        recent = Recent(make, 60_000)
        return [*await asyncio.gather(*(recent() for _ in range(10)), return_exceptions=True)]

    first, *others = asyncio.run(asking())
    assert isinstance(first, StoreUnavailable)
    assert (others, len(made)) == ([b"made"] * 9, 2)


@pytest.mark.parametrize("kinds", [60, 1], ids=["other tokens", "one token"])
def test_tokens_that_are_made_up_are_looked_up_at_the_pace_of_their_address(tmp_path: Path, kinds: int):
    """A holder who was here lately is not kept waiting by others of the same address."""
    with limited(tmp_path, requests_per_second=1, burst=2) as plane:
        path = f"{plane.url}/api/v1/releases"
        known = {"authorization": f"Bearer {plane.token('developer')}"}
        assert httpx2.get(path, headers=known, verify=False).status_code == 200
        with httpx2.Client(verify=False) as client:
            told = [client.get(path, headers=made_up(number % kinds)) for number in range(60)]
        codes = [error_of(each)["code"] for each in told]
        assert codes[0] == "token_unknown"
        assert set(codes) == {"token_unknown", TOO_MANY}
        assert httpx2.get(path, headers=known, verify=False).status_code == 200


class Everyone(MemoryPrincipals):
    """Tokens that are all known."""

    def by_token(self, token_digest: bytes) -> Principal | None:
        return Principal(token_digest.hex(), DEVELOPER, "")


def test_the_tokens_found_last_are_remembered_and_no_more_than_so_many():
    known = Everyone(MemoryStore().session)
    entrance = Entrance(known, replace(HttpSettings(), burst=2 * RECENT_MAX))
    shown = [apikey.make(apikey.TOKEN_PREFIX, number.to_bytes(32)) for number in range(RECENT_MAX + 1)]

    async def come() -> None:
        for token in shown:
            await entrance._looked_up(token, "address")

    asyncio.run(come())
    assert list(entrance._recent) == [apikey.digest(token) for token in shown[1:]]


@dataclass
class From:
    """The exchange of a request, as far as the entrance looks at it."""

    address: str


def test_strangers_are_counted_by_their_addresses():
    entrance = Entrance(Everyone(MemoryStore().session), HttpSettings())

    def come(address: str) -> Visitor:
        scope = {"type": "http", "headers": [], "extensions": {EXTENSION: From(address)}}
        return asyncio.run(entrance.admit(Request(scope)))

    one, other = come("192.0.2.1"), come("192.0.2.2")
    assert (one.caller, other.caller, one.lane) == ("192.0.2.1", "192.0.2.2", other.lane)
    assert (one.principal, other.principal) == (None, None)


def made_up(number: int) -> dict[str, str]:
    """The head of a request with a token that is no one's."""
    return {"authorization": f"Bearer {apikey.make(apikey.TOKEN_PREFIX, bytes([number]) * 32)}"}
