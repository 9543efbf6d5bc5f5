"""What the program says of its own commands: each can be typed as it is printed."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

import sluicegate
from sluicegate.acts.listed import LISTS
from sluicegate.cli.main import COMMANDS, GROUPS, program

SOURCES = Path(sluicegate.__file__).parent
WORDS = sorted([*COMMANDS, *(f"{group} {word}" for group, (_, found) in GROUPS.items() for word in found)])
SERVERS = {"up", "serve", "control", "feed", "gateway", "desk"}
"""What is started once, with many options: it is named, and not printed whole."""
COMMON = {word for word in COMMANDS if word not in {"login", "serve", "explain", "doctor"}}
"""Commands of one word that is also the name of a field or a thing."""
_MENTION = re.compile(rf"'(sluicegate )?({'|'.join(sorted(WORDS, key=len, reverse=True))})((?: [^'\n]*)?)'")
_LINE = re.compile(
    rf"(?<!')(?<=\b)sluicegate ({'|'.join(sorted(WORDS, key=len, reverse=True))})"
    r"((?: (?:--yes|--?[a-z-]+ [^\s;,]+|-h|[A-Z…x{][^\s;,]*)(?=[\s;,)]|$))*)"
)
"""The same without quotes: with options and their values, and with places to fill."""
_NAMED = re.compile(r"\b(?:what|that|as|of|by|officer's) $", re.IGNORECASE)
"""What comes before a command that is named, and not to be typed, such as `what 'sluicegate apply' wrote`."""
FILLED = "x"
"""What stands in a text for what the program puts there."""


class Mention(NamedTuple):
    """A command between quotes in a text of the program. `rest` is what follows its words."""

    where: str
    printed: str
    words: str
    rest: str
    is_to_type: bool


@cache
def mentions() -> tuple[Mention, ...]:
    """Every command that a text of the program names, docstrings of what is no command left out."""
    return tuple(found for path in sorted(SOURCES.rglob("*.py")) for found in _mentions(path))


def _mentions(path: Path) -> Iterator[Mention]:
    tree = ast.parse(path.read_text())
    nodes: list[Any] = list(ast.walk(tree))
    helps = set(_helps(nodes, is_cli=path.parent.name == "cli"))
    docstrings = {id(each.value) for each in nodes if isinstance(each, ast.Expr)} - helps
    parts = {id(part) for each in nodes if isinstance(each, ast.JoinedStr) for part in each.values}
    for each in nodes:
        text = "" if id(each) in docstrings | parts else _text(each)
        for found in _MENTION.finditer(text):
            begins, words, rest = found.groups()
            if begins is not None or words not in COMMON:
                is_help = id(each) in helps or path.parent.name == "acts"
                is_to_type = not is_help and not _NAMED.search(text[: found.start()])
                yield Mention(f"{path.name}:{each.lineno}", found[0][1:-1], words, rest, is_to_type)
        for found in _LINE.finditer("" if id(each) in helps else text):
            is_to_type = path.parent.name != "statements"
            printed, words, rest = found.group(0, 1, 2)
            yield Mention(f"{path.name}:{each.lineno}", printed, words, rest, is_to_type)


def _helps(nodes: list[Any], *, is_cli: bool) -> Iterator[int]:
    """The texts of commands, options and arguments: they may name a command that one types later."""
    for each in nodes:
        if is_cli and isinstance(each, ast.FunctionDef) and isinstance(each.body[0], ast.Expr):
            yield id(each.body[0].value)
        called = getattr(each, "func", None)
        if getattr(called, "attr", getattr(called, "id", "")) in {
            "Option",
            "Argument",
            "Note",
            "value",
            "word",
        }:
            yield from map(id, ast.walk(each))


def _text(node: Any) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(each) or FILLED for each in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def command(words: str) -> Any:
    found: Any = program()
    for word in words.split():
        found = found.commands[word]
    return found.loaded


def lacks(words: str, rest: str) -> list[str]:
    """What a command needs that a text does not print; an option that it does not have raises."""
    found = command(words)
    if "-h" in rest.split():
        return []
    given, _, _ = found.make_parser(typer.Context(found)).parse_args(shlex.split(rest))
    return [each.name for each in found.params if each.required and given.get(each.name) in (None, ())]


def test_commands_are_found_in_texts():
    assert len(mentions()) > 200
    assert lacks("grant show", "") == ["grant"]
    assert lacks("grant show", "GRANT") == []


def test_a_command_is_printed_with_the_name_of_the_program():
    assert [each for each in mentions() if not each.printed.startswith("sluicegate ")] == []


def test_a_command_to_type_is_printed_with_all_that_it_needs():
    typed = [each for each in mentions() if each.is_to_type and each.words not in SERVERS]
    assert len(typed) > 100
    assert [(each, lacks(each.words, each.rest)) for each in typed if lacks(each.words, each.rest)] == []


@pytest.mark.parametrize("words", WORDS)
def test_what_takes_an_id_says_which_command_lists_them(words):
    asked = [each for each in command(words).params if each.name in LISTS and not getattr(each, "is_flag", 0)]
    assert [each.name for each in asked if f"'sluicegate {LISTS[each.name]}'" not in each.help] == []


@pytest.mark.parametrize("printed", sorted(set(LISTS.values())))
def test_what_lists_them_is_a_command(printed):
    words = next(each for each in reversed(WORDS) if printed.startswith(each))
    assert lacks(words, printed.removeprefix(words)) == []


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_the_lines_of_a_help_are_whole_and_tell_commands_apart(cli, group):
    shown = cli(*group.split(), "-h").out.partition("Commands:\n")[2].partition("\n\n")[0]
    lines = re.sub(r"\n {3,}", " ", shown).splitlines()
    said = [re.split(r"\s+", line.strip(), maxsplit=1)[1] for line in lines]
    assert len(said) == len(set(said)) > 0
    assert [line for line in said if line.endswith("...")] == []
