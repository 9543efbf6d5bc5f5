"""Every command and option that the docs name is one; every entry that is written is described."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from sluicegate.cli.main import program
from sluicegate_record import entries
from sluicegate_record.terms import kinds
from tests.core.lifecycle.test_steps import COMMANDS, REACHED, reach

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted([*(DOCS / "how-to").glob("*.md"), DOCS / "tutorial.md", DOCS.parent / "README.md"])
ROOT = program()


def called(page: Path) -> Iterator[list[str]]:
    """The words of every command line in a page, up to what cannot be one."""
    text = re.sub(r"\\\n", " ", page.read_text())
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^ {6,}sluicegate (.*)$", text, re.MULTILINE)
    for block in blocks:
        lines += re.findall(r"(?:^ *|\$\()sluicegate ([^|>&;()\n]*)", block, re.MULTILINE)
    outside = re.sub(r"^```sh\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines += re.findall(r"(?<!`)`sluicegate ([^`>]+)", outside)
    for line in lines:
        yield line.split()


def resolved(words: list[str]) -> tuple[list[str], Any]:
    """The command that words begin with."""
    command: Any = ROOT
    for at, word in enumerate(words):
        below = getattr(command, "commands", {})
        if word not in below:
            return words[at:], command
        command = below[word]
    return [], command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_docs_are_commands_with_these_options(page):
    for words in called(page):
        rest, command = resolved(words)
        assert not getattr(command, "commands", {}), f"{page.name}: sluicegate {' '.join(words)}"
        known = {option for parameter in command.loaded.params for option in parameter.opts} | {"-h"}
        named = {word.strip(".,:)") for word in takewhile("--".__ne__, rest) if re.match(r"--?[a-z]", word)}
        assert named <= known, f"{page.name}: sluicegate {' '.join(words)}"


def test_the_commands_of_a_page_are_found():
    lines = [" ".join(words) for words in called(DOCS / "how-to" / "review-a-case.md")]
    assert any(line.startswith("review sign case.json --position P --reason WHY --key KEY") for line in lines)
    assert len(lines) >= 8


def described() -> dict[str, dict[str, set[str]]]:
    """The fields of every entry, by part, as the page about their types names them."""
    found = {}
    for line in (DOCS / "reference" / "entry-types.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" |")]
        if len(cells) >= 4 and re.match(r"`\w+\.\w+`", cells[0]):
            parts = [set(re.findall(r"\w+", cell)) for cell in cells[1:4]]
            for name in re.findall(r"`(\w+\.\w+)`", cells[0]):
                found[name] = dict(zip(("public", "gate", "sealed"), parts, strict=True))
    return found


def test_every_type_of_entry_is_described():
    assert set(described()) == set(entries.TYPES)


RESTS_ON = {"positions", "silent", "unopposed", "proceeded"}
"""Said once, of `grant.approved`; the others name it by 'what it rests on'."""


@pytest.mark.parametrize("kind", REACHED)
def test_every_field_that_casework_writes_is_described(kind):
    known = described()
    for state in REACHED[kind]:
        for act in kinds.STEPS:
            made, case = reach(kind, state, act)
            made.do(COMMANDS[act](made, case))
            for entry in made.entries:
                told = known[entry.type]
                assert set(entry.public) - RESTS_ON <= told["public"], entry.type
                assert set(entry.gate) <= told["gate"], entry.type
                assert set(entry.sealed) <= told["sealed"], entry.type
