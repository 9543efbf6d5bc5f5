"""The private link over HTTP, the page behind it, and the keys of providers as they are fetched."""

from __future__ import annotations

import asyncio
import json
import re
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest
from starlette.concurrency import run_in_threadpool

from sluicegate.acts import fleet, providers
from sluicegate.acts.act import AnyAct
from sluicegate.control.keysets import Refresher
from sluicegate.control.outside import OUTSIDE
from sluicegate.control.plane import ControlPlane, chores_of, door_of
from sluicegate.errors import InvalidInput, Unreachable
from sluicegate.pages.site import ASSETS_BY_NAME
from sluicegate.ports import Principal
from sluicegate.service import gateways, tokens
from sluicegate.service.context import Context
from sluicegate.service.providers import FetchedKeys
from tests.control.conftest import Plane
from tests.core.people.test_assertion import jwk
from tests.plane import no, yes
from tests.service.test_persons import ASKED, Staffed, key_set


def test_the_page_carries_nothing_and_loads_only_its_own_files(idle: Plane):
    with idle.client() as anyone:
        response = anyone.get("/person")
    assert response.status_code == 200
    headers = response.headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "form-action 'none'" in policy
    loaded = re.findall(r'(?:src|href|action)="(.*?)"', response.text)
    assert {*loaded} == {ASSETS_BY_NAME[name].path for name in ("style.css", "mark.svg", "person.js")}
    assert not {"<a ", "<style", "<script>"} & {*re.findall(r"<a |<style|<script>", response.text)}


class Controls(HTMLParser):
    """What of a page has to have a name for whoever cannot see it."""

    def __init__(self) -> None:
        super().__init__()
        self.unnamed: list[str] = []
        self.labels: set[str | None] = set()
        self.ids: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"]] if given.get("id") else []  # type: ignore[list-item]
        if tag == "label":
            self.labels.add(given.get("for"))
        if tag == "input" and "label" not in self._open and given.get("id") not in self.labels:
            self.unnamed.append(str(given))
        if tag not in {"meta", "input", "link"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_the_page_is_whole_and_everything_in_it_has_a_name(idle: Plane):
    with idle.client() as anyone:
        text = anyone.get("/person").text
    seen = Controls()
    seen.feed(text)
    assert seen._open == []
    assert seen.unnamed == []
    assert len(set(seen.ids)) == len(seen.ids)
    assert set(re.findall(r'at\("(\w+)"\)', ASSETS_BY_NAME["person.js"].body.decode())) <= set(seen.ids)
    assert '<html lang="en">' in text
    assert 'aria-live="polite"' in text


def test_only_a_link_opens_a_persons_claims(idle: Plane):
    with idle.client() as nobody, idle.staff() as staff:
        for path, body in (("/api/v1/person/claim", {"status": "other"}), ("/api/v1/person/link", None)):
            assert nobody.post(path, json=body).status_code == 401
            assert staff.post(path, json=body).status_code == 403
        assert nobody.get("/api/v1/person").status_code == 401
        assert staff.get("/api/v1/person").status_code == 403


@pytest.mark.parametrize("body", [{}, {"status": 1}, {"status": "other", "document": "passport"}])
def test_a_correction_is_a_status_and_nothing_beside_it(idle: Plane, body):
    token = tokens_link(idle)
    with idle.client(token) as person:
        assert person.post("/api/v1/person/claim", json=body).status_code == 400


def tokens_link(idle: Plane) -> str:
    """The token of a link whose member is gone."""
    return tokens.link(idle.ledger, idle.ledger.store.principals, "mem_gone")


def test_a_link_of_somebody_gone_says_so(idle: Plane):
    with idle.client(tokens_link(idle)) as person:
        response: httpx2.Response = person.get("/api/v1/person")
        assert (response.status_code, response.json()["error"]["code"]) == (404, "member_unknown")
        assert person.post("/api/v1/person/claim", json={"status": None}).status_code == 404
        for path in ("/api/v1/cases", "/api/v1/directives", "/api/v1/subscriptions"):
            assert person.get(path).status_code == 403


# Keys


URL = "https://1.example.org/k"


class Sets:
    """Key sets by URL; what is not here is down."""

    def __init__(self, **sets: bytes) -> None:
        self.sets = sets
        self.asked: list[str] = []
        self.max_age_s: float | None = None

    async def fetch(self, url: str) -> FetchedKeys:
        self.asked.append(url)
        if url not in self.sets:
            raise Unreachable("no keys from the identity provider: it is down")
        return FetchedKeys(self.sets[url], self.max_age_s)


def look(refresher: Refresher, sets: Sets, *at_s: float) -> list[str]:
    """Look at these times. Returns: which URLs were asked."""
    before = len(sets.asked)
    for each in at_s:
        asyncio.run(refresher.refresh(sets, each))
    return sets.asked[before:]


@pytest.fixture
def staffed() -> Staffed:
    return Staffed()


def register(staffed: Staffed, number: int) -> str:
    name = f"https://{number}.example.org/"
    return staffed.provider(issuer=name, jwks_url=f"{name}k")


def kids(staffed: Staffed, name: str) -> set[str]:
    with staffed.ledger.reading() as state:
        [known] = [each for each in state.table.providers.values() if name in each]
        return set(known[name].keys)


def test_one_provider_that_is_down_harms_neither_itself_nor_the_next(staffed):
    down, up = register(staffed, 1), register(staffed, 2)
    sets = Sets(**{"https://2.example.org/k": key_set("es", "new-es")})
    refresher = Refresher(staffed.ledger, sets, lambda: 0.5, {})
    size = staffed.size
    asked = look(refresher, sets, 0, 599, 600)
    assert asked == ["https://1.example.org/k", "https://2.example.org/k"]
    assert (kids(staffed, down), kids(staffed, up)) == ({"es"}, {"es", "new-es"})
    assert list(refresher.failures) == [down]
    assert staffed.size == size + 1
    sets.sets["https://1.example.org/k"] = json.dumps({"keys": [jwk("es", use="enc")]}).encode()
    look(refresher, sets, 1_200)
    assert "not for signatures" in refresher.failures[down]
    sets.sets["https://1.example.org/k"] = json.dumps(
        {"keys": [jwk("es"), jwk("es", kid="x", y="")]}
    ).encode()
    look(refresher, sets, 1_800)
    assert "key 1 ('x') has no 'y'" in refresher.failures[down]
    sets.sets["https://1.example.org/k"] = key_set("es")
    look(refresher, sets, 2_400)
    assert refresher.failures == {}
    assert staffed.size == size + 1


def test_a_provider_that_is_removed_is_not_asked_any_more(staffed):
    name, sets = register(staffed, 1), Sets()
    refresher = Refresher(staffed.ledger, sets, lambda: 0.5, {})
    look(refresher, sets, 0, 600)
    assert list(refresher.failures) == [name]
    yes(staffed.do("applicant", providers.REMOVE, provider=name))
    look(refresher, sets, 1_200)
    assert (sets.asked, refresher.failures) == (["https://1.example.org/k"], {})


@pytest.mark.parametrize(
    ("max_age_s", "not_at_s", "at_s"),
    [(None, 599, 600), (0.0, 59, 60), (120.0, 119, 120), (86_400.0, 3_599, 3_600)],
)
def test_keys_stay_as_long_as_an_answer_allows_within_bounds(staffed, max_age_s, not_at_s, at_s):
    register(staffed, 1)
    sets = Sets(**{URL: key_set("es")})
    sets.max_age_s = max_age_s
    refresher = Refresher(staffed.ledger, sets, lambda: 0.5, {})
    assert look(refresher, sets, 0, 600) == [URL]
    assert look(refresher, sets, 600 + not_at_s) == []
    assert look(refresher, sets, 600 + at_s) == [URL]


def report(staffed: Staffed, *missing: tuple[str, str]) -> None:
    rows = [{"provider": provider, "kid": kid} for provider, kid in missing]
    asked = fleet.REPORT.asked.from_json({"gateway": "gateway", "incarnation": "run-1", "missing": rows})
    by = Principal("gateway", "gateway", "gateway")
    gateways.report(Context(staffed.services, by, fleet.REPORT, asked), asked)


def test_a_key_that_is_not_known_is_looked_for_at_once_and_not_too_often(staffed):
    name, other = register(staffed, 1), register(staffed, 2)
    sets = Sets(**{URL: key_set("es", "new-es")})
    refresher = Refresher(staffed.ledger, sets, lambda: 0.5, {}, staffed.services.key_news)
    report(staffed, (name, "es"), ("idp_absent", "k"))
    assert look(refresher, sets, 0, 1) == []
    report(staffed, (name, "new-es"))
    assert look(refresher, sets, 2) == [URL]
    assert kids(staffed, name) == {"es", "new-es"}
    report(staffed, (name, "new-es"))
    assert look(refresher, sets, 40) == []
    for at_s in (41, 42, 43):
        report(staffed, (name, f"invented-{at_s}"))
        assert look(refresher, sets, at_s) == ([URL] if at_s == 41 else [])
    assert look(refresher, sets, 70) == []
    assert look(refresher, sets, 71) == [URL]
    assert look(refresher, sets, 72, 102) == []
    assert kids(staffed, other) == {"es"}


def waited(staffed: Staffed, sets: Sets | None, who: str, act: AnyAct, **given: Any) -> Any:
    """The answer of an act that may fetch keys from these sets."""
    refresher = Refresher(staffed.ledger, sets, lambda: 0.5, staffed.services.key_failures)
    plane = ControlPlane(staffed.services, refresher, chores_of(staffed.services), door_of(staffed.ledger))
    asked = act.asked(**given)
    context = Context(staffed.services, staffed.who[who], act, asked, staffed.id())

    async def doing() -> Any:
        return await OUTSIDE[act](plane, run_in_threadpool, context, asked)

    return asyncio.run(doing())


def test_keys_are_fetched_for_a_provider_that_comes_without_them(staffed):
    sets = Sets(**{URL: key_set("es")})
    asked = {"grant": staffed.grant, **ASKED, "jwks": None, "jwks_url": URL}
    name = yes(waited(staffed, sets, "applicant", providers.REGISTER, **asked)).provider
    assert kids(staffed, name) == {"es"}
    sets.sets[URL] = key_set("new-es")
    assert yes(waited(staffed, sets, "applicant", providers.ROTATE, provider=name)).keys == ("new-es",)
    given = {"keys": [jwk("es")]}
    rotated = yes(waited(staffed, sets, "applicant", providers.ROTATE, provider=name, jwks=given))
    assert rotated.keys == ("es",)
    assert sets.asked == [URL, URL]


def test_for_who_may_not_have_them_no_keys_are_fetched(staffed):
    name, sets = register(staffed, 1), Sets()
    asked = {"grant": staffed.grant, **ASKED, "jwks": None, "jwks_url": URL}
    assert no(waited(staffed, sets, "rival", providers.REGISTER, **asked)) == "grant_unknown"
    assert no(waited(staffed, sets, "rival", providers.ROTATE, provider=name)) == "provider_unknown"
    assert sets.asked == []


def test_keys_that_cannot_be_had_change_nothing(staffed):
    name, size = register(staffed, 1), staffed.size + 1
    with pytest.raises(Unreachable):
        waited(staffed, Sets(), "applicant", providers.ROTATE, provider=name)
    with pytest.raises(InvalidInput, match="fetches no keys"):
        waited(staffed, None, "applicant", providers.ROTATE, provider=name)
    asked = {"grant": staffed.grant, **ASKED, "jwks": None, "jwks_url": None}
    with pytest.raises(InvalidInput, match="no keys"):
        waited(staffed, Sets(), "applicant", providers.REGISTER, **asked)
    fixed = staffed.provider(jwks_url=None)
    assert no(waited(staffed, Sets(), "applicant", providers.ROTATE, provider=fixed)) == "no_url"
    assert staffed.size == size
