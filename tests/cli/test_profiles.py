"""What a person has on a machine: profiles, ids that are cut short, questions before what is drastic."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sluicegate.cli.main import asking
from sluicegate.client import profiles
from sluicegate.client.profiles import Login, Profiles
from sluicegate.errors import InvalidInput
from tests.cli.commands import NOBODY, Done, Plane, lying


def run(folder: Path, *words: object, stdin: str = "", **environment: str) -> Done:
    """A command without any variable of a control plane: only its profiles say whom it asks."""
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = subprocess.run(
        [sys.executable, "-m", "sluicegate", *map(str, words)],
        input=stdin,
        env={**own, "XDG_CONFIG_HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_person_logs_in_by_name_and_each_command_asks_as_that_profile(plane: Plane, tmp_path: Path) -> None:
    refused = run(tmp_path, "login", "--url", plane.url, "--json", stdin="sgt_wrong")
    assert (refused.code, refused.error["code"]) == (1, "token_unknown")
    assert not (tmp_path / "sluicegate").exists()
    for name in ("developer", "oncd"):
        login = ("login", "--profile", name, "--url", plane.url, "--json")
        assert run(tmp_path, *login, stdin=plane.token(name) + "\n").answer["profile"] == name
    file = tmp_path / "sluicegate" / "profiles.json"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    ask = ("token", "list", "--json")  # for the developer's staff alone
    assert run(tmp_path, *ask).error["code"] == "forbidden"
    assert run(tmp_path, *ask, "--profile", "developer").answer["tokens"]
    assert run(tmp_path, "--profile", "developer", *ask).answer["tokens"]
    assert run(tmp_path, *ask, SLUICEGATE_PROFILE="developer").answer["tokens"]
    assert run(tmp_path, *ask, SLUICEGATE_PROFILE="other").error["code"] == "profile_unknown"
    shown = run(tmp_path, "profile", "list").out
    assert plane.token("oncd") not in shown
    assert "oncd" in shown


def test_a_token_goes_to_another_machine_over_plain_http_only_if_someone_says_so(tmp_path: Path) -> None:
    url = "http://198.51.100.1:8600"  # a documentation address: no one is asked before the question
    refused = run(tmp_path, "login", "--url", url, "--json", stdin="sgt_token")
    assert (refused.code, refused.error["remedy"]) == (2, "say --yes")
    assert "can read your token" in refused.error["message"]


@pytest.mark.parametrize(
    ("url", "overheard"),
    [
        ("http://127.0.0.1:8600", False),
        ("http://127.1.2.3", False),
        ("http://[::1]:8600", False),
        ("http://localhost:8600", False),
        ("http://control.localhost:8600", False),
        ("https://control.example", False),
        ("http://control.example", True),
        ("http://localhost.example", True),
        ("http://10.0.0.1:8600", True),
    ],
)
def test_what_stays_on_this_machine_is_not_overheard(url: str, overheard: bool) -> None:
    assert profiles.is_overheard(url) is overheard


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in (profiles.URL, profiles.TOKEN, profiles.PROFILE):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "sluicegate" / "profiles.json"


A, B = Login("http://a", "sgt_a"), Login("http://b", "sgt_b")


def test_a_token_goes_to_no_other_control_plane_than_its_own(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert profiles.access() == Login(profiles.DEFAULT_URL, "")
    profiles.write(Profiles().having("a", A).having("b", B))
    assert profiles.access() == B
    monkeypatch.setenv(profiles.URL, "http://c")
    assert profiles.access() == Login("http://c", "")
    monkeypatch.delenv(profiles.URL)
    monkeypatch.setenv(profiles.TOKEN, "sgt_c")
    assert profiles.access() == Login(profiles.DEFAULT_URL, "sgt_c")
    monkeypatch.setenv(profiles.PROFILE, "a")
    assert profiles.access() == A


def test_what_is_removed_is_used_no_more(here: Path) -> None:
    known = Profiles().having("a", A).having("b", B)
    assert known.without("b") == Profiles({"a": A}, "")
    assert known.without("a") == Profiles({"b": B}, "b")
    with pytest.raises(InvalidInput, match="no profile 'c'"):
        known.without("c")


DAMAGED = {
    "nothing": b"",
    "not JSON": b"{",
    "a list": b"[]",
    "no profiles": b'{"use": "a"}',
    "a number": b'{"use": "a", "profiles": {"a": {"url": 1, "token": "x"}}}',
    "not UTF-8": b"\xff\xfe",
    "names of names": b'{"use": "a", "profiles": {"a": "b"}}',
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_of_profiles_is_named(here: Path, case: str) -> None:
    profiles.write(Profiles())
    here.write_bytes(DAMAGED[case])
    with pytest.raises(InvalidInput, match=r"profiles\.json is damaged"):
        profiles.access()


def test_a_file_of_profiles_that_others_can_read_is_not_used(here: Path) -> None:
    profiles.write(Profiles().having("a", A))
    here.chmod(0o640)
    with pytest.raises(InvalidInput, match="can be read by others"):
        profiles.access()


# ids


def test_an_id_may_be_cut_short_and_what_several_begin_with_is_listed(plane: Plane) -> None:
    tokens = {each["name"]: each["principal"] for each in plane.answer("token", "list")["tokens"]}
    case = plane.answer("case", "list")["cases"][0]["case"]
    for beginning in (case[:9], case.removeprefix("case_")[:6]):
        for by in ("developer", "oncd"):
            assert plane.answer("case", "show", beginning, by=by)["case"] == case
    refused = plane.cli.unanswered(
        "token", "revoke", "agency_", "--json", url=plane.url, token=plane.token("developer")
    )
    assert (refused.code, refused.error["code"]) == (3, "id_ambiguous")
    agencies = {tokens[name] for name in ("oncd", "ostp", "caisi")}
    assert all(name in refused.error["message"] for name in agencies)


def test_an_id_that_its_reader_may_not_see_is_found_by_no_beginning(plane: Plane) -> None:
    case = plane.answer("case", "list")["cases"][0]["case"]
    hidden = plane.error("case", "show", case[:9], by="caisi")
    assert (hidden["code"], case in json.dumps(hidden)) == ("case_unknown", False)


def test_with_yes_an_id_has_to_be_whole(plane: Plane) -> None:
    refused = plane.error("token", "revoke", "agency_", "--yes")
    assert refused["code"] == "token_unknown"


# what is drastic


DRASTIC = {
    *(("directive", word) for word in ("issue", "transcribe")),
    *(("application", word) for word in ("withdraw", "discard")),
    *(("credential", word) for word in ("revoke", "rotate", "discard")),
    *((group, "remove") for group in ("member", "provider", "notify", "profile")),
    *((group, "end") for group in ("deployment", "licence")),
    *(("release", word) for word in ("close", "recall", "restore")),
    *(("account", "close"), ("stage", "close"), ("ramp", "back")),
    *(("token", "revoke"), ("signatory", "retire"), ("grant", "surrender")),
}


def test_what_is_drastic_asks() -> None:
    assert not DRASTIC - asking()


def test_what_is_drastic_is_shown_whole_and_not_done_where_no_one_answers(plane: Plane) -> None:
    (name,) = (
        each["principal"] for each in plane.answer("token", "list")["tokens"] if each["name"] == "caisi"
    )
    ask = ("token", "revoke", name[:11], "--json")
    asked = plane.cli.unanswered(*ask, url=plane.url, token=plane.token("developer"))
    assert (asked.code, asked.error["code"]) == (2, "usage")
    assert f"the token of agency caisi, {name}, ends at once" in asked.error["message"]
    assert asked.error["remedy"] == "say --yes"
    assert plane.answer("case", "list", by="caisi")


def test_a_shell_completes_ids_that_its_user_may_see(plane: Plane) -> None:
    case = plane.answer("case", "list")["cases"][0]["case"]
    assert case in completed(plane, "case", "show", "")
    assert completed(plane, "case", "show", case[:9]) == [case]
    assert completed(plane, "review", "export", case[:9], by="oncd") == [case]
    assert completed(plane, "case", "show", case[:9], by="caisi") == []


def test_a_shell_completes_no_id_and_hears_nothing_without_a_control_plane(plane: Plane) -> None:
    assert completed(replace(plane, url=NOBODY), "case", "show", "case_") == []
    with lying({"?begins=case_": {"ids": ["case_1", "case_2;reboot", "$(reboot)"], "more": False}}) as (
        url,
        _,
    ):
        assert completed(replace(plane, url=url), "case", "show", "case_") == ["case_1"]


def completed(plane: Plane, *words: str, by: str = "developer") -> list[str]:
    """What a shell is told for the last word."""
    asked = {"COMP_WORDS": shlex.join(["sluicegate", *words]), "COMP_CWORD": str(len(words))}
    done = plane.cli.unanswered(
        url=plane.url, token=plane.token(by), _SLUICEGATE_COMPLETE="complete_bash", **asked
    )
    assert (done.code, done.err) == (0, "")
    return done.out.split()
