from __future__ import annotations

import re

import pytest

from sluicegate.cli.presets import PRESETS
from sluicegate.core.terms import document, plan
from tests.cli.commands import EXAMPLES
from tests.worlds import OFFICER, World, pin, start

NAMES = sorted(path.stem for path in PRESETS.glob("*.yaml"))
DAY = re.compile(r"askedOn: \"[0-9-]+\"")
NUMBER = re.compile(r"(?<![\w.-])\d+(?![\w.-])")


def test_the_presets_are_listed_with_what_they_are_for(cli):
    found = cli("preset", "list", "--json").answer["presets"]
    assert [each["preset"] for each in found] == NAMES
    assert NAMES == [
        "export-licence",
        "general-availability",
        "government-first",
        "preview-to-everyone",
        "trusted-access",
        "trusted-partners",
        "validated-end-user",
    ]
    assert all(each["about"] for each in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_a_plan(cli, name):
    text = cli("preset", "show", name).out
    assert plan.read(document.read(text, name)).metadata.developer == "my-lab"


@pytest.mark.parametrize("name", NAMES)
def test_a_number_stands_beside_its_source_or_is_to_be_chosen(cli, name):
    for line in cli("preset", "show", name).out.splitlines():
        said, _, comment = line.partition("#")
        if NUMBER.search(DAY.sub("", said)) and "sha256" not in said:
            assert comment.strip(), line


# A plan of one's own


def test_a_release_begins_from_a_preset_and_nothing_is_written_over(cli, tmp_path):
    file = tmp_path / "plan.yaml"
    words = ["release", "new", "gpt-6", "--from", "preview-to-everyone", "--start", "2027-01-11", "-o", file]
    said = cli(*words, "--model", "gpt-6", "--developer", "lab").out
    assert f"{file}:10:7 upstream: my-upstream" in said
    assert "my-lab" not in said
    text = file.read_text()
    assert document.read(text, "plan.yaml").value["metadata"]["name"] == "gpt-6"
    assert cli(*words, "--json").error["code"] == "invalid_input"
    assert file.read_text() == text
    again = cli("release", "new", "gpt-7", "--from", file, "--json").answer
    assert again["plan"] == text.replace("metadata: {name: gpt-6", "metadata: {name: gpt-7")
    assert cli("release", "new", "gpt-7", "--from", file).out == again["plan"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "preview-to-everyon"], "did you mean 'preview-to-everyone'?"),
        (["--from", "nonsense"], "no preset and no file 'nonsense'; presets: "),
        (["--from", "trusted-access", "--start", "soon"], "'soon' is no day"),
        (["--from", "trusted-access", "--digest", "x"], "1 error; nothing was done"),
    ],
)
def test_what_cannot_begin_a_release_is_said(cli, tmp_path, options, said):
    file = tmp_path / "plan.yaml"
    assert said in cli("release", "new", "gpt-6", *options, "-o", file, "--json").error["message"]
    assert not file.exists()


def test_a_plan_is_checked_without_a_control_plane(cli):
    done = cli("plan", "--check", PRESETS / "government-first.yaml")
    assert "no error; the stages are government, partners, general" in done.out
    assert "how: HOW IT WAS AGREED" in done.out
    error = cli("plan", "--check", EXAMPLES / "example-utility.yaml", "--json").error
    assert error["code"] == "invalid_document"


def test_a_preset_that_there_is_not(cli):
    error = cli("preset", "show", "nonsense", "--json").error
    assert error["code"] == "invalid_input"
    assert "trusted-partners" in error["message"]


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_can_be_applied_and_agreed_to(name):
    value = document.read((PRESETS / f"{name}.yaml").read_bytes(), name).value
    developer = value["metadata"]["developer"]
    world = World(started=False)
    world.must(
        start(developer=developer, pins=[pin(OFFICER, developer), *map(pin, value["spec"]["agencies"])])
    )
    world.apply(value)
    world.agree()
    assert world.state.releases[value["metadata"]["name"]].agreed
