"""Every command explains itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sluicegate import __version__
from sluicegate.cli.main import program


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for word, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*words, word))


COMMANDS = list(commands(program()))


def test_these_are_the_commands():
    assert {" ".join(words) for words in COMMANDS if words} >= {
        "up", "serve", "gateway", "plan", "apply", "status", "preset list", "preset show", "stage open",
        "application submit", "application show", "case list", "case show",
        "review export", "review sign", "review import", "credential issue", "credential revoke",
        "directive preview", "directive issue", "directive lift", "directive status", "directive list",
        "notify add", "notify list", "notify remove", "notify test", "notify dead", "notify replay",
        "ledger verify", "ledger export", "ledger checkpoint", "keys generate", "keys show", "token issue",
        "token list", "token revoke",
        "demo run", "demo story", "demo upstream",
    }  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_says_how(cli, words):
    done = cli(*words, "-h")
    assert (done.code, done.err) == (0, "")
    usage, about = done.out.split("\n\n")[:2]
    assert " ".join(words) in usage
    assert about.strip().endswith(".")
    assert "--json" in done.out or "Commands:" in done.out


@pytest.mark.parametrize("words", [words for words in COMMANDS if words], ids=" ".join)
def test_every_argument_and_option_says_what_it_is(words):
    command: Any = program()
    for word in words:
        command = command.commands[word]
    if not getattr(command, "commands", None):
        assert [each.name for each in command.loaded.params if not each.help] == []


def test_long_and_short_help_are_the_same(cli):
    assert cli("stage", "open", "--help") == cli("stage", "open", "-h")


def test_without_a_command_the_help_is_told_and_it_is_a_usage_error(cli):
    assert cli().code == cli("keys").code == 2
    assert "Commands:" in cli("keys").err


@pytest.mark.parametrize(
    "command",
    [[sys.executable, "-m", "sluicegate"], [str(Path(sys.executable).with_name("sluicegate"))]],
    ids=["module", "script"],
)
def test_it_is_a_module_and_a_script(command):
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{__version__}\n", "")
    shown = subprocess.run([*command, "grant", "--help"], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("Usage: sluicegate grant ")
