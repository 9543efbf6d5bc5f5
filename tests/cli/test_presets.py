from __future__ import annotations

import re

import pytest

from sluicegate.cli.presets import PRESETS
from sluicegate.core.terms import document, plan
from tests.worlds import OFFICER, World, pin, start

NAMES = sorted(path.stem for path in PRESETS.glob("*.yaml"))
NUMBER = re.compile(r"(?<![\w.-])\d+(?![\w.-])")


def test_the_presets_are_listed_with_what_they_are_for(cli):
    found = cli("preset", "list", "--json").answer["presets"]
    assert [each["preset"] for each in found] == NAMES
    assert NAMES == ["export-licence", "trusted-access", "trusted-partners", "validated-end-user"]
    assert all(each["about"] for each in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_a_plan(cli, name):
    text = cli("preset", "show", name).out
    assert plan.read(document.read(text, name)).metadata.developer == "my-lab"


@pytest.mark.parametrize("name", NAMES)
def test_a_number_stands_beside_its_source_or_is_to_be_chosen(cli, name):
    for line in cli("preset", "show", name).out.splitlines():
        said, _, comment = line.partition("#")
        if NUMBER.search(said) and "sha256" not in said and "2026-06-24" not in said:
            assert comment.strip(), line


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
