"""Lists: pages, filters, what limits a grant now, whole ids on a narrow terminal, and lists that go on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sluicegate.cli.listing import again
from sluicegate.cli.tables import table
from tests.cli.commands import EXAMPLES, Cli, Plane
from tests.cli.commands import plane as running_plane
from tests.cli.test_directives import OFFICERS, RELEASE, STAGE, admitted, annex, decided, keys, written

GATEWAYS = "api=https://api.example/ codex=https://codex.example"


@pytest.fixture(scope="module")
def plane(cli, tmp_path_factory) -> Iterator[Plane]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICEGATE_GATEWAYS", GATEWAYS)
        yield from _with_grants(cli, tmp_path_factory.mktemp("lists"))


def _with_grants(cli: Cli, folder: Path) -> Iterator[Plane]:
    with running_plane(cli, folder) as made:
        for case in made.answer("apply", EXAMPLES / "gpt-5.6-preview.yaml")["cases"]:
            decided(made, case)
        made.answer("stage", "open", RELEASE, STAGE, "--key", made.key(OFFICERS[0]))
        for name in ("example-utility", "example-grid-operator"):
            admitted(made, EXAMPLES / f"{name}.yaml")
        yield made


def grants(plane: Plane, *filters: str, by: str = "developer") -> list[Any]:
    found: list[Any] = plane.answer("grant", "list", *filters, by=by)["grants"]
    return found


def test_a_grant_says_what_limits_it_now_and_its_duties(plane):
    newest, oldest = grants(plane)
    assert "limits" not in newest
    assert newest["conditions"]["requestsPerMinute"] == 600
    assert newest["conditions"]["mfa"] == {"value": True, "declared": True}
    assert newest["endsAt"] == newest["validUntil"]
    assert newest["address"] == "https://api.example"
    file = written(plane, "limits-1", "{annexes: [annex-a]}", more=annex(plane, "Example Utility"))
    plane.answer("directive", "issue", file, *keys(plane, "oncd"))
    plane.answer("grant", "suspend", newest["grant"], "--code", "misuse")
    limited = {each["grant"]: each.get("limits", ()) for each in grants(plane)}
    (by_order,) = limited[oldest["grant"]]
    assert (by_order["kind"], by_order["name"]) == ("directive", "limits-1")
    assert by_order["words"] == "directive limits-1 suspends gpt-5.6"
    (suspended,) = limited[newest["grant"]]
    assert suspended["words"] == "suspended by openai: no key of it works"
    told = plane("grant", "show", oldest["grant"]).out
    assert "limited now: directive limits-1 suspends gpt-5.6" in told
    assert "duties: mfa true (declared)" in told
    assert [each["grant"] for each in grants(plane, "--state", "suspended")] == [newest["grant"]]


def test_only_its_issuer_the_holder_and_staff_see_that_an_annex_names_someone(plane):
    seen = {by: grants(plane, "--organization", "Example Utility", by=by) for by in ("oncd", "ostp")}
    assert [bool(each.get("limits")) for by in ("oncd", "ostp") for each in seen[by]] == [True, False]


def test_a_directive_about_persons_limits_some(plane):
    plane.answer("directive", "issue", written(plane, "limits-2"), *keys(plane, "oncd"))
    for each in grants(plane):
        words = [limit["words"] for limit in each["limits"]]
        assert "directive limits-2 suspends gpt-5.6 for some of its people" in words
    plane.answer("directive", "lift", "limits-2", *keys(plane, "oncd"))
    assert all("limits-2" not in json.dumps(each) for each in grants(plane))


def test_a_page_that_is_cut_ends_with_the_command_for_the_next_one(plane):
    shown = plane("grant", "list", "--limit", "1", "--release", RELEASE).out
    (next_,) = re.findall(r"more: sluicegate (.*)", shown)
    assert next_.startswith(f"grant list --limit 1 --release {RELEASE} --before grant_")
    assert plane.answer(*next_.split())["next"] is None
    tokens = plane.answer("token", "list", "--limit", "2")
    rest = plane.answer("token", "list", "--before", tokens["next"])["tokens"]
    every = plane.answer("token", "list")["tokens"]
    assert every == [*tokens["tokens"], *rest]
    agencies = plane.answer("token", "list", "--role", "agency", "--state", "valid")["tokens"]
    assert agencies == [each for each in every if each["role"] == "agency"]
    assert plane.answer("token", "list", "--state", "ended")["tokens"] == []


def test_applications_are_the_cases_of_those_who_apply(plane):
    every = plane.answer("case", "list")["cases"]
    found = plane.answer("application", "list")["cases"]
    assert found == [each for each in every if each["kind"] == "admission"]
    assert len(found) == 2
    shown = plane("application", "list", "--organization", "grid").out
    assert "Example Grid Operator" in shown
    assert "Example Utility" not in shown


def test_subscriptions_are_filtered(plane):
    added = plane.answer("notify", "add", "--webhook", "https://hooks.example/one")["subscription"]
    (found,) = plane.answer("notify", "list", "--kind", "webhook")["subscriptions"]
    assert found["subscription"] == added
    assert plane.answer("notify", "list", "--state", "gone")["subscriptions"] == []


def test_members_are_shown_by_the_names_of_their_administrators_own_list(plane):
    grant = grants(plane)[-1]["grant"]
    for name in ("ada", "bob"):
        plane.answer("member", "add", "--grant", grant, "--identifier", name)
    names = plane.folder / "names.csv"
    names.write_text("identifier\nada\nsomeone else\n")
    lines = plane("member", "list", "--grant", grant, "--names", names).out.splitlines()
    assert [line.split()[1:2] for line in lines[1:]] == [["ada"], []]
    first = plane.answer("member", "list", "--grant", grant, "--limit", "1")
    assert first["next"] == first["members"][0]["member"]
    assert len(plane.answer("member", "list", "--grant", grant, "--before", first["next"])["members"]) == 1


def test_a_list_that_is_watched_is_shown_again_when_it_changes(plane):
    words = ("token", "list", "--role", "gateway", "--watch", "--json")
    own = {"SLUICEGATE_URL": plane.url, "SLUICEGATE_TOKEN": plane.token("developer")}
    command = [sys.executable, "-m", "sluicegate", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | own) as process:
        assert process.stdout is not None
        try:
            first = json.loads(process.stdout.readline())["tokens"]
            plane.answer("token", "issue", "--role", "gateway", "--name", "gateway-9")
            second = json.loads(process.stdout.readline())["tokens"]
        finally:
            process.terminate()
    assert [each["name"] for each in second] == [*(each["name"] for each in first), "gateway-9"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["grant", "list"], "sluicegate grant list --before g"),
        (["grant", "list", "--before", "f", "--limit", "2"], "sluicegate grant list --limit 2 --before g"),
        (["grant", "list", "--before=f"], "sluicegate grant list --before g"),
        (["case", "list", "--organization", "a b"], "sluicegate case list --organization 'a b' --before g"),
    ],
)
def test_the_next_page_is_asked_for_in_the_same_words(words: list[str], shown: str) -> None:
    assert again(words, "g") == shown


ID = "grant_abcdefghijklmnop"


def narrow(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_id_is_cut_however_narrow_the_terminal_is(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    narrow(monkeypatch, columns)
    names = ["grant", "organization", "case", "credential", "state", "duties"]
    row = [ID, "An Example Organization With a Long Name", ID, ID, "valid", "mfa, retentionDays 30, and more"]
    text = table("", names, [row, row], "")
    assert text.count(ID) == 6
    assert max(map(len, text.splitlines())) <= max(columns, 80)


def test_a_narrow_terminal_shows_a_paragraph_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow(monkeypatch, 40)
    text = table("two", ["grant", "case", "state"], [[ID, ID, "valid"], [ID, None, "ended"]], "")
    assert text.splitlines() == [
        "two",
        f"grant {ID}",
        f"  case   {ID}",
        "  state  valid",
        "",
        f"grant {ID}",
        "  state  ended",
    ]
