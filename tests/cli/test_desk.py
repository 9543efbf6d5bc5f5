"""`instance` and `reviewer`: which control planes a desk follows, and who comes in."""

from __future__ import annotations

import itertools
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from sluicegate_record.log import checkpoint
from tests.cli.commands import Cli, Plane, trusted
from tests.cli.test_profiles import run
from tests.cli.test_up import listening
from tests.worlds import public_key


def _add(plane: Plane, folder: Path, *more: object, key: str = "") -> list[object]:
    token = folder / "token"
    token.write_text(plane.token("oncd") + "\n")
    given = ("--token-file", token, "--key", key or plane.vkey, "--desk", folder / "desk")
    return ["instance", "add", plane.url, "--agency", "oncd", *given, "--json", *more]


def test_an_instance_is_followed_if_its_key_is_the_one_that_was_given(plane: Plane, tmp_path: Path) -> None:
    added = run(tmp_path, *_add(plane, tmp_path))
    assert (added.code, added.answer["instance"], added.answer["keys"]) == (0, "openai", 1)
    file = tmp_path / "desk" / "instances.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = run(tmp_path, "instance", "list", "--desk", tmp_path / "desk", "--json")
    assert listed.answer["instances"][0]["agency"] == "oncd"
    assert plane.token("oncd") not in listed.out
    dropped = run(tmp_path, "instance", "drop", "openai", "--desk", tmp_path / "desk", "--yes", "--json")
    assert dropped.answer == {"dropped": "openai", "copy": None}
    again = run(tmp_path, "instance", "drop", "openai", "--desk", tmp_path / "desk", "--yes", "--json")
    assert again.code == 3


def test_another_key_than_that_of_the_log_is_refused(plane: Plane, tmp_path: Path) -> None:
    wrong = checkpoint.vkey("log.example", public_key("mallory"))
    refused = run(tmp_path, *_add(plane, tmp_path, key=wrong))
    assert refused.code == 3
    assert "another key" in refused.error["message"]
    assert not (tmp_path / "desk" / "instances.json").exists()


def test_a_reviewer_is_let_in_by_a_link_and_removed(tmp_path: Path) -> None:
    desk = ("--desk", tmp_path / "desk")
    invited = run(tmp_path, "reviewer", "invite", "anna", *desk, "--json")
    assert invited.answer["link"].startswith("http://desk.localhost:8650/welcome/")
    assert run(tmp_path, "reviewer", "list", *desk, "--json").answer["people"] == [
        {"person": "anna", "passkeys": 0}
    ]
    assert run(tmp_path, "reviewer", "remove", "anna", *desk, "--yes", "--json").code == 0
    assert run(tmp_path, "reviewer", "list", *desk, "--json").answer["people"] == []
    assert run(tmp_path, "reviewer", "invite", "Anna Smith", *desk, "--json").code == 3


def test_a_desk_beside_a_control_plane_lets_someone_in_by_the_link_that_it_prints(
    cli: Cli, tmp_path: Path
) -> None:
    found: list[str] = []

    def asked(_: list[str], lines: Iterator[str]) -> None:
        found.extend(itertools.islice(lines, 3))

    listening(trusted(cli, tmp_path), "--desk", "oncd", "--desk-port", "0", beside=asked)
    assert re.fullmatch(r"desk listening on http://127\.0\.0\.1:\d+\n", found[0]), found
    assert re.fullmatch(r"  link: http://desk\.localhost:\d+/welcome/\S+\n", found[2]), found
    instances = json.loads((tmp_path / "up" / "desk-oncd" / "instances.json").read_text())["instances"]
    assert [(each["name"], each["agency"]) for each in instances] == [("here", "oncd")]
