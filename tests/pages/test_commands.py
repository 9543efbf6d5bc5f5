"""The commands that pages tell officers to run are commands, with all that these ask for."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from sluicegate.acts.table import ACTS
from sluicegate.pages import forms
from sluicegate.statements import directives, table
from sluicegate_record.statements.directives import DirectiveStatement
from sluicegate_record.statements.findings import (
    ACKNOWLEDGES,
    ASKS,
    DISPUTES,
    FIXES,
    GIVES,
    GONE,
    PERSISTS,
    RETESTS,
)
from sluicegate_record.terms.clearances import CLEARANCES
from tests.cli.commands import Cli
from tests.cli.test_texts import mentions
from tests.pages.stated import DOCUMENT, STATED

WORDS: dict[str, tuple[dict[str, Any], ...]] = {
    "ramp": ({"says": "pauses", "share": None}, {"says": "continues", "share": None}),
    "position": (
        {"position": "approve", "conditions": None, "reason": "", "concern": None},
        {"position": "object"},
    ),
    "transcription": ({"received": {"how": "call", "on": "2026-06-12", "note": "by hand"}},),
    "screening": ({"decision": "match"},),
    "note": (
        {"about": {"directive": "by-letter"}},
        {"about": {"release": "gpt-5.6", "stage": "one"}},
    ),
    "key": ({"says": "pins"}, {"says": "retires"}),
    "promise": tuple({"says": each} for each in ("makes", "keeps", "breaks")),
    "finding": (
        *(
            {"says": each, "finding": "finding_a", "transcribed": None}
            for each in (ACKNOWLEDGES, ASKS, DISPUTES, FIXES)
        ),
        {"says": GIVES, "finding": "finding_a"},
        *({"says": RETESTS, "finding": "finding_a", "outcome": each} for each in (GONE, PERSISTS)),
        {"kind": "misuse", "grant": "grant_a", "model": None, "transcribed": None},
    ),
    "clearance": tuple({"says": each, "version": None} for each in CLEARANCES if each != "adopts"),
    "point": ({"says": "retired"},),
}
"""What else a kind of statement can say, of which the command is another one."""


def _order(**metadata: Any) -> str:
    transcribed = DOCUMENT["metadata"]["transcribed"]
    named = {"name": "by-letter", "log": DOCUMENT["metadata"]["log"], "transcribed": transcribed, **metadata}
    said = {key: each for key, each in named.items() if each is not None}
    return directives.DIRECTIVE.command(DirectiveStatement(document={**DOCUMENT, "metadata": said}))


def _commands() -> list[str]:
    found = [each.command for each in table.ELSEWHERE]
    for kind, stated in STATED.items():
        how = table.STATEMENTS[kind]
        each_said = ({}, *WORDS.get(kind, ()))
        found += [how.command(how.kind.from_json({**stated, **more})) for more in each_said]
    found += [_order(), _order(transcribed=None), _order(drill=True), _order(drill=True, transcribed=None)]
    return sorted({each for line in found for each in line.split("; ")})


@pytest.fixture(scope="module")
def officer(launcher: Any, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return Cli(tmp_path_factory.mktemp("officer"), launcher)


@pytest.mark.parametrize("command", _commands())
def test_a_command_that_a_page_shows_lacks_nothing(officer: Cli, command: str) -> None:
    """It gets as far as its files or its control plane, of which none is here."""
    program, *words = shlex.split(command)
    done = officer(*words)
    assert (program, done.code in {3, 4}) == ("sluicegate", True), done


def test_a_page_says_by_what_it_does_each_command_that_is_an_act() -> None:
    named = {each.printed for each in mentions() if each.words.replace(" ", ".") in ACTS}
    assert len(named) > 50
    assert [each for each in named if "<a " not in forms.on_pages(f"see '{each}'")] == []
    said = forms.on_pages("'sluicegate status --json' shows <it>, and 'sluicegate grant show GRANT' one")
    assert said == (
        '<a href="/acts/release.list">Show each release with its stages</a> shows &lt;it&gt;, '
        'and <a href="/acts/grant.show">Show a grant</a> one'
    )


def test_each_word_of_a_statement_has_a_command_of_its_own() -> None:
    for kind, words in WORDS.items():
        how, said = table.STATEMENTS[kind], ({}, *words)
        found = {how.command(how.kind.from_json({**STATED[kind], **each})) for each in said}
        assert len(found) == len(said), kind


def test_no_command_says_for_an_issuer_that_it_objects() -> None:
    how = table.STATEMENTS["transcription"]
    assert how.command(how.kind.from_json({**STATED["transcription"], "position": "object"})) == ""
