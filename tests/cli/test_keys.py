"""Keys and tokens that change, between parties that share HTTP alone, and a gateway with a trust file."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.cli.commands import EXAMPLES, Plane
from tests.cli.commands import plane as running_plane
from tests.waiting import BOUND_S, eventually

STAGE = ("gpt-5.6", "trusted-partners")
ORDER = """apiVersion: sluicegate/v1
kind: Directive
metadata: {name: by-letter}
spec:
  issuer: bis
  basis: {kind: order, authority: a letter}
  action: suspend
  models: [gpt-5.6]
  surfaces: all
  covers: {organizations: [Example Utility]}
  effective: immediately
  reasons: {form: verbal}
  drain: PT0S
  liftedBy: {allOf: [bis]}
"""


@pytest.fixture(scope="module")
def plane(cli, tmp_path_factory) -> Iterator[Plane]:
    with running_plane(cli, tmp_path_factory.mktemp("keys")) as made:
        yield made


@contextmanager
def gateway(plane: Plane, folder: Path) -> Iterator[str]:
    """A gateway with a folder of its own, whose trust file has the first keys."""
    spec = json.loads((plane.folder / "trust.yaml").read_text())["spec"]
    floor = {"floor": {"allOf": ["oncd", "ostp"]}, "upstreams": {"gpt-5.6": "demo"}}
    trust = {"apiVersion": "sluicegate/v1", "kind": "GatewayTrust", "metadata": {"developer": "openai"}}
    trust["spec"] = {**spec, "log": plane.vkey, "releases": {"gpt-5.6": floor}}
    (folder / "trust.yaml").write_text(json.dumps(trust))
    token = folder / "token"
    token.write_text(plane.token("gateway-1"))
    token.chmod(0o600)
    command = ["gateway", "--surface", "api", "--name", "gateway-1"]
    command += ["--control", plane.url, "--feed", plane.feed, "--log-key", plane.vkey, "--port", "0"]
    command += ["--token-file", str(token), "--state", str(folder / "state"), "--json"]
    command += ["--trust", str(folder / "trust.yaml"), "--upstream", "demo=http://127.0.0.1:1"]
    with plane.cli.serving(*command) as ready:
        yield ready["url"]


def models(url: str, key: str) -> list[str]:
    """The models that a key may use at a gateway; none if it is refused."""
    asked = urllib.request.Request(f"{url}/v1/models", headers={"authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(asked, timeout=BOUND_S) as answer:
            return [each["id"] for each in json.load(answer)["data"]]
    except HTTPError:
        return []


def say(plane: Plane, case: str, agency: str, key: Path) -> Any:
    exported, signed = plane.folder / "case.json", plane.folder / "signed.json"
    plane.answer("review", "export", case, "-o", exported, by=agency)
    plane.answer("review", "sign", exported, "--position", "approve", "--key", key, "-o", signed, by=None)
    return plane.answer("review", "import", signed, by=agency)


def keys(plane: Plane) -> dict[str, Any]:
    return {each["keyid"]: each for each in plane.answer("keys", "list")["keys"]}


def test_each_kind_of_key_changes_and_a_gateway_follows_from_the_first_ones(plane, tmp_path) -> None:
    new = {
        name: plane.answer("keys", "generate", "-o", plane.folder / f"{name}.key")["keyid"]
        for name in ("oncd-2", "officer-2", "third")
    }
    plane.answer("apply", EXAMPLES / "gpt-5.6-preview.yaml")
    terms = plane.answer("status")["releases"][0]["stages"][0]["termsCase"]
    say(plane, terms, "oncd", plane.key("oncd"))
    say(plane, terms, "ostp", plane.key("ostp"))
    rotate = ("keys", "rotate", "--key", plane.key("oncd"), "--new", plane.key("oncd-2"))
    assert plane.answer(*rotate, by="oncd")["state"] == "counts"
    plane.answer("keys", "rotate", "--key", plane.key("release-officer"), "--new", plane.key("officer-2"))
    refused = plane.error("stage", "open", *STAGE, "--key", plane.key("release-officer"))
    assert (refused["code"], "was retired" in refused["message"]) == ("key_ended", True)
    plane.answer("stage", "open", *STAGE, "--key", plane.key("officer-2"))

    # a further officer: three machines, one file
    first, second, third = (plane.folder / f"third-{number}.json" for number in range(3))
    pin = ("keys", "pin", "third-officer", "--party", "openai", "--new", plane.key("third"), "-o", first)
    plane.answer(*pin)
    plane.answer("keys", "countersign", first, "--key", plane.key("officer-2"), "-o", second, by=None)
    assert plane.error("keys", "import", second)["code"] == "signatures_missing"
    plane.answer("keys", "countersign", second, "--key", plane.key("second-officer"), "-o", third, by=None)
    assert plane.answer("keys", "import", third)["owner"] == "third-officer"

    submit = ("application", "submit", "--release", STAGE[0], "--stage", STAGE[1], "--surface", "api")
    token = plane.answer("token", "issue", "--role", "applicant", "--name", "someone")["token"]
    applicant = lambda *words: plane.cli(*words, "--json", url=plane.url, token=token).answer  # noqa: E731
    case = applicant(*submit, "--organization", EXAMPLES / "example-utility.yaml")["application"]
    say(plane, case, "oncd", plane.key("oncd-2"))
    say(plane, case, "ostp", plane.key("ostp"))
    (grant,) = [each["grant"] for each in plane.answer("grant", "list")["grants"]]
    key = applicant("credential", "issue", "--grant", grant)["key"]
    with gateway(plane, tmp_path) as url:
        eventually(lambda: models(url, key) == ["gpt-5.6"])
        listed = keys(plane)
        assert listed[new["oncd-2"]]["used"] is not None
        since = listed[new["oncd-2"]]["seq"]
        lost = plane.answer("keys", "effects", new["oncd-2"][:12], "--since", since, by="oncd")
        assert lost["grants"] == [grant]
        revoke = ("keys", "revoke", new["oncd-2"][:12], "--since", since, "--reason", "stolen")
        done = plane.answer(*revoke, "--key", plane.key("oncd-2"), by="oncd")
        assert (done["state"], done["grants"]) == ("revoked", [grant])
        eventually(lambda: models(url, key) == [])
    assert plane.error("grant", "resume", grant)["code"] == "grant_doubted"


def test_two_officers_sign_an_order_on_two_machines(plane, tmp_path) -> None:
    file, letter = tmp_path / "order.yaml", tmp_path / "letter.txt"
    file.write_text(ORDER)
    letter.write_text("as of today")
    signed, both = tmp_path / "order.json", tmp_path / "both.json"
    sign = ("directive", "sign", file, "--document", letter, "--log", plane.vkey, "-o", signed)
    officer = plane.folder / "officer-2.key"
    officer = officer if officer.exists() else plane.key("release-officer")
    plane.answer(*sign, "--key", officer, by=None)
    assert plane.error("directive", "issue", signed)["code"] == "one_officer"
    countersign = ("directive", "countersign", signed, "-o", both, "--key", plane.key("second-officer"))
    told = plane(*countersign, by=None)
    assert "by-letter" in told.out
    assert "not public, covers.organizations: Example Utility" in told.out
    assert f"sluicegate directive issue {both}" in told.out
    given = json.loads(signed.read_bytes())
    given["opened"]["covers.organizations"]["value"] = ["Another"]
    signed.write_text(json.dumps(given))
    assert "not those to which" in plane.error(*countersign, by=None)["message"]
    assert plane.answer("directive", "issue", both)["transcribed"]["how"] == "letter"


def test_a_token_is_rotated_with_an_overlap_and_revoked(plane) -> None:
    issue = ("token", "issue", "--role", "agency", "--name", "ostp", "--agency", "ostp", "--replace")
    new = plane.answer(*issue, "--overlap", "PT1H")["token"]
    for token in (plane.token("ostp"), new):
        assert plane.cli("case", "list", url=plane.url, token=token).code == 0
    (row,) = [each for each in plane.answer("token", "list")["tokens"] if each["name"] == "ostp"]
    assert row["created"] is not None
    plane.answer("token", "revoke", row["principal"])
    for token in (plane.token("ostp"), new):
        assert plane.cli("case", "list", url=plane.url, token=token).code == 1


def test_a_passphrase_is_asked_for_at_the_terminal_and_nowhere_else(cli, tmp_path) -> None:
    path = tmp_path / "locked.key"
    made = cli("keys", "generate", "-o", path, "--json", SLUICEGATE_PASSPHRASE="correct horse").answer
    show = [sys.executable, "-m", "sluicegate", "keys", "show", str(path)]
    alone = subprocess.run(show, capture_output=True, text=True, start_new_session=True, check=False)
    assert alone.returncode == 3
    assert "no terminal is here to ask for its passphrase" in alone.stderr
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, show)
    said = b""
    while b"Passphrase" not in said:  # what is typed before that is thrown away
        said += os.read(terminal, 1024)
    os.write(terminal, b"correct horse\n")
    try:
        while part := os.read(terminal, 1024):
            said += part
    except OSError:
        pass  # it has ended
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert made["keyid"] in said.decode()
    assert "correct horse" not in said.decode().partition("Passphrase")[2]
