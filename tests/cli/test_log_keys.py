"""The log's own key, replaced by its operator: what gateways, auditors and holders of files make of that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sluicegate.store import logkeys
from tests.cli.commands import EXAMPLES, Cli, Plane, plane, served
from tests.cli.test_keys import STAGE, gateway, models, say
from tests.waiting import eventually


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "plane"
    made.mkdir()
    return made


def admitted(made: Plane) -> dict[str, str]:
    """A customer with a key. Returns: its grant, its credential, its key."""
    made.answer("apply", EXAMPLES / "gpt-5.6-preview.yaml")
    terms = made.answer("status")["releases"][0]["stages"][0]["termsCase"]
    for agency in ("oncd", "ostp"):
        say(made, terms, agency, made.key(agency))
    made.answer("stage", "open", *STAGE, "--key", made.key("release-officer"))
    token = made.answer("token", "issue", "--role", "applicant", "--name", "someone")["token"]
    applicant = lambda *words: made.cli(*words, "--json", url=made.url, token=token).answer  # noqa: E731
    submit = ("application", "submit", "--release", STAGE[0], "--stage", STAGE[1], "--surface", "api")
    case = applicant(*submit, "--organization", EXAMPLES / "example-utility.yaml")["application"]
    for agency in ("oncd", "ostp"):
        say(made, case, agency, made.key(agency))
    (grant,) = [each["grant"] for each in made.answer("grant", "list")["grants"]]
    issued: dict[str, str] = applicant("credential", "issue", "--grant", grant)
    return issued


def checked(excerpt: Path, key: str) -> bool:
    command = [sys.executable, "-m", "sluicegate_record", "check", str(excerpt), "--key", key]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def rotate(cli: Cli, folder: Path, *more: object) -> Any:
    state = folder / "state"
    return cli("keys", "rotate-log", "--state", state, "--yes", "--json", *more).answer


def test_a_log_goes_on_under_another_key(cli: Cli, folder: Path, tmp_path: Path) -> None:
    kept, before, after = tmp_path / "kept", tmp_path / "before.json", tmp_path / "after.json"
    with plane(cli, folder) as made:
        issued = admitted(made)
        explain = ("explain", issued["credential"], "--model", "gpt-5.6")
        made.answer("ledger", "checkpoint", "--key", made.vkey, "--save", kept, by=None)
        before.write_text(json.dumps(made.answer(*explain)))
        with gateway(made, tmp_path) as url:
            eventually(lambda: models(url, issued["key"]) == ["gpt-5.6"])
    done = rotate(cli, folder, "--reason", "it is two years old")
    first, now = done["log"], done["key"]
    assert first == made.vkey != now
    with served(cli, folder) as again:
        assert again.vkey == first
        listed = again.answer("keys", "list")["logKeys"]
        assert [(each["vkey"], each.get("endedSeq")) for each in listed] == [
            (first, done["size"] - 1),
            (now, None),
        ]
        with gateway(again, tmp_path) as url:  # its trust file and --log-key have the first key
            eventually(lambda: models(url, issued["key"]) == ["gpt-5.6"])
        after.write_text(json.dumps(again.answer(*explain)))
        for known in (first, now):
            verify = ("ledger", "verify", again.url, "--key", known, "--since", kept)
            assert [each["vkey"] for each in again.answer(*verify, by=None)["keys"]] == [first, now]
            assert checked(after, known)
        assert checked(before, first)
        head = again.cli("ledger", "checkpoint", "--key", now, url=again.url)
        assert head.out.count("\n— ") == 2  # the key before signs, too, while it is there
        assert again.cli("ledger", "checkpoint", "--key", first, url=again.url).code == 0
        (folder / "state" / logkeys.BEFORE).unlink()
    with served(cli, folder) as again:
        assert again.answer("ledger", "checkpoint", "--key", first, by=None)["size"] >= done["size"]


def test_two_officers_replace_a_key_that_is_lost(cli: Cli, folder: Path, tmp_path: Path) -> None:
    with plane(cli, folder) as made:
        issued = admitted(made)
    (folder / "state" / "log.key").unlink()
    ports = ("--port", "0", "--feed-port", "0")
    refused = cli("serve", "--trust", folder / "trust.yaml", "--state", folder / "state", *ports, "--json")
    assert (refused.code, "rotate-log --lost" in refused.err) == (3, True)
    first, second, third = (tmp_path / f"{number}.json" for number in range(3))
    rotate(cli, folder, "--reason", "the disk died", "--lost", "-o", first)
    countersign = ("keys", "countersign")
    cli(*countersign, first, "--key", made.key("release-officer"), "-o", second, "--json")
    few = cli("keys", "rotate-log", "--state", folder / "state", "--signed", second, "--yes", "--json")
    assert few.error["code"] == "second_officer"
    cli(*countersign, second, "--key", made.key("second-officer"), "-o", third, "--json")
    done = rotate(cli, folder, "--signed", third)
    with served(cli, folder) as again, gateway(again, tmp_path) as url:
        eventually(lambda: models(url, issued["key"]) == ["gpt-5.6"])
        found = again.answer("ledger", "verify", again.url, "--key", made.vkey, by=None)
        assert found["keys"][1] == {
            "vkey": done["key"],
            "size": done["size"],
            "officers": ["release-officer", "second-officer"],
        }
