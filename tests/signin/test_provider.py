"""Signing in by an OpenID provider: a small one that can lie, on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from demo.fleet import served
from sluicegate import bootstrap
from sluicegate.settings import PersonRule, SignInProvider
from tests.control.conftest import Plane
from tests.waiting import BOUND_S

PEOPLE = (
    PersonRule("email", "ana@lab.example", "developer", "by-mail"),
    PersonRule("groups", "officers", "developer", "by-group"),
    PersonRule("groups", "machines", "gateway", "no-person"),
)


@dataclass
class Provider:
    """A provider that says what a test wants."""

    url: str = ""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    signs_with: ec.EllipticCurvePrivateKey | None = None
    is_down: bool = False

    def answer(self, path: str, sent: dict[str, str]) -> tuple[int, Any]:
        if self.is_down:
            return 500, "down"
        if path == "/.well-known/openid-configuration":
            endpoints = {"authorization": "auth", "token": "token"}
            named = {f"{name}_endpoint": f"{self.url}/{at}" for name, at in endpoints.items()}
            return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **named, **self.document}
        if path == "/jwks":
            key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
            return 200, {"keys": [{**key, "kid": "k", "alg": "ES256", "use": "sig"}]}
        return self._token(sent)

    def _token(self, sent: dict[str, str]) -> tuple[int, Any]:
        asked = self.codes.pop(sent.get("code", ""), None)
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        if asked is None or asked["code_challenge"] != base64.urlsafe_b64encode(digest).decode().rstrip("="):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        usual = {"iss": self.url, "aud": "sluicegate", "sub": "1", "iat": now, "exp": now + 60}
        claims = {**usual, "nonce": asked["nonce"], "email": "ana@lab.example", "email_verified": True}
        claims = {name: each for name, each in (claims | self.claims).items() if each is not None}
        return 200, {"id_token": jwt.encode(claims, self.signs_with or self.key, "ES256", {"kid": "k"})}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer(dict(parse_qsl(body)))

        def _answer(self, sent: dict[str, str]) -> None:
            status, said = made.answer(urlsplit(self.path).path, sent)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(tmp_path: Any, provider: Provider) -> Iterator[httpx2.Client]:
    plane = Plane(tmp_path)
    staff = SignInProvider("staff", "Example Lab", provider.url, "sluicegate", "a secret", PEOPLE)
    settings = replace(plane.settings, providers=(staff,))
    with served(bootstrap.Control.over(settings, plane.ledger)) as url:
        headers = {"host": url.replace("http://127.0.0.1", "control.localhost")}
        with httpx2.Client(
            base_url=url, timeout=BOUND_S, trust_env=False, verify=False, headers=headers
        ) as made:
            yield made


def went(client: httpx2.Client, provider: Provider) -> tuple[str, dict[str, str]]:
    """Where the browser comes back to, and with what; the provider has said yes."""
    answer = client.get("/sign-in/by/staff")
    assert answer.status_code == 303, answer.text
    asked = {name: each for name, (each,) in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    code = secrets.token_hex(8)
    provider.codes[code] = asked
    return urlsplit(asked["redirect_uri"]).path, {"code": code, "state": asked["state"]}


def back(client: httpx2.Client, provider: Provider, **changed: str) -> httpx2.Response:
    path, query = went(client, provider)
    return client.get(path, params=query | changed)


def is_in(client: httpx2.Client) -> bool:
    return client.get("/account").status_code == 200


def test_who_a_provider_knows_comes_in_as_the_rules_say(client, provider):
    assert "Sign in with Example Lab" in client.get("/sign-in").text
    answer = back(client, provider)
    assert answer.status_code == 303, answer.text
    assert "by-mail" in client.get("/account").text
    provider.claims = {"email": "bob@lab.example", "groups": ["staff", "officers"]}
    assert back(client, provider).status_code == 303
    assert "by-group" in client.get("/account").text


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "bob@lab.example"},
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email": ["ana@lab.example", "x"], "email_verified": None},
        {"email": None, "groups": ["machines"]},
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another program"},
        {"aud": ["sluicegate", "another"], "azp": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
    ],
)
def test_what_a_token_does_not_say_lets_no_one_in(client, provider, claims):
    provider.claims = claims
    answer = back(client, provider)
    assert answer.status_code == 401, answer.text
    assert not is_in(client)


def test_a_token_by_another_key_lets_no_one_in(client, provider):
    provider.signs_with = ec.generate_private_key(ec.SECP256R1())
    assert back(client, provider).status_code == 401
    assert not is_in(client)


@pytest.mark.parametrize(
    "changed", [{"state": "AAAA"}, {"state": ""}, {"code": "none"}, {"iss": "https://evil.example"}]
)
def test_what_comes_back_otherwise_than_it_went_lets_no_one_in(client, provider, changed):
    assert back(client, provider, **changed).status_code == 401
    assert not is_in(client)


def test_what_one_browser_began_no_other_one_ends(client, provider):
    path, query = went(client, provider)
    client.cookies.clear()
    assert client.get(path, params=query).status_code == 401
    went(client, provider)
    assert client.get(path, params=query).status_code == 401
    assert not is_in(client)


def test_a_way_back_counts_once(client, provider):
    path, query = went(client, provider)
    cookie = "; ".join(f"{each.name}={each.value}" for each in client.cookies.jar)
    assert client.get(path, params=query).status_code == 303
    assert client.get(path, params=query, headers={"cookie": cookie}).status_code == 401


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
    ],
)
def test_a_provider_whose_document_is_wrong_is_not_asked(client, provider, document):
    provider.document = document
    answer = client.get("/sign-in/by/staff")
    assert answer.status_code == 502
    assert "identity provider" in answer.text


def test_a_provider_that_is_down_is_said_to_be(client, provider):
    provider.is_down = True
    assert client.get("/sign-in/by/staff").status_code == 502
    assert client.get("/sign-in/by/nope").status_code == 400
