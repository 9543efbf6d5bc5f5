"""Safety webhooks over HTTP, and the file that says whose come in."""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from time import time

import pytest

from demo.fleet import in_a_thread
from sluicegate import bootstrap
from sluicegate.cli import safety_sources
from sluicegate.errors import BadKey, InvalidInput
from sluicegate.store import keyfile
from tests.control.conftest import Plane
from tests.worlds import private_key

SECRET = b"s" * 24
GIVEN = 'secret_file = "a.whsec"\nkey_file = "a.key"\nlevel = "high"\nseal_to = ["oncd"]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    keyfile.save_private(tmp_path / "a.key", private_key("lab"))
    keyfile.write_secret(tmp_path / "a.whsec", f"whsec_{b64encode(SECRET).decode()}\n".encode())
    path = tmp_path / "safety.toml"
    path.write_text(f"[lab]\n{GIVEN}")
    return path


def headers(body: bytes) -> dict[str, str]:
    at_s = str(int(time()))
    mac = hmac.new(SECRET, f"wh_1.{at_s}.".encode() + body, sha256).digest()
    signed = f"v1,{b64encode(mac).decode()}"
    return {"webhook-id": "wh_1", "webhook-timestamp": at_s, "webhook-signature": signed}


def test_what_the_provider_signed_is_taken_and_all_else_is_refused(tmp_path: Path, file: Path) -> None:
    (tmp_path / "state").mkdir()
    plane = Plane(tmp_path / "state")
    settings = replace(plane.settings, safety=safety_sources.read(file))
    wired = bootstrap.Control.over(settings, plane.ledger)
    body = b'{"type": "response.completed", "data": {}}'
    with in_a_thread(lambda stop, ready: bootstrap.serve_control(wired, stop, ready)) as url:
        plane.url = url
        with plane.client() as anyone:
            taken = anyone.post("/safety/v1/lab", content=body, headers=headers(body))
            assert (taken.status_code, taken.json()) == (200, {"taken": "ignored"})
            wrong = anyone.post("/safety/v1/lab", content=body + b" ", headers=headers(body))
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "bad_signature")
            assert anyone.post("/safety/v1/lab", content=body).status_code == 403
            other = anyone.post("/safety/v1/other", content=body, headers=headers(body))
            assert other.json()["error"]["code"] == "safety_source_unknown"
            large = b" " * 65_537
            assert anyone.post("/safety/v1/lab", content=large, headers=headers(large)).status_code == 413
            assert anyone.get("/safety/v1/lab").status_code == 405


def test_without_the_file_there_is_no_such_path(idle: Plane) -> None:
    with idle.client() as anyone:
        assert anyone.post("/safety/v1/lab", content=b"{}").status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        "[lab",
        "lab = 1",
        f"[Lab]\n{GIVEN}",
        f"[lab]\n{GIVEN}more = 1",
        "[lab]\n" + GIVEN.replace('["oncd"]', "[]"),
        "[lab]\n" + GIVEN.replace('["oncd"]', '"oncd"'),
        "[lab]\n" + GIVEN.replace('"high"', "3"),
        "[lab]\n" + GIVEN.replace("a.whsec", "b.whsec"),
        "[lab]\n" + GIVEN.replace("a.whsec", "a.key"),
    ],
)
def test_a_file_that_does_not_say_it_all_is_refused(file: Path, text: str) -> None:
    (source,) = safety_sources.read(file)
    assert (source.party, source.secret, source.seal_to) == ("lab", SECRET, ("oncd",))
    file.write_text(text)
    with pytest.raises(InvalidInput):
        safety_sources.read(file)


def test_a_secret_that_others_can_read_is_refused(file: Path) -> None:
    secret = file.parent / "a.whsec"
    secret.chmod(0o644)
    with pytest.raises(InvalidInput, match="can be read by others"):
        safety_sources.read(file)


def test_a_key_that_is_not_there_stops_the_start(tmp_path: Path, file: Path) -> None:
    (tmp_path / "state").mkdir()
    plane = Plane(tmp_path / "state")
    settings = replace(plane.settings, safety=safety_sources.read(file))
    (file.parent / "a.key").unlink()
    with pytest.raises(BadKey):
        bootstrap._safety(settings, plane.ledger)
