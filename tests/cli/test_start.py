"""A start imports what its command needs, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sluicegate.cli.deferred import DeferredCommand
from sluicegate.cli.main import COMMANDS, GROUPS, program
from tests.cli.commands import NOBODY, lying

HEAVY = frozenset({
    "aiohttp", "asyncio", "cryptography", "holidays", "httptools", "httpx2", "jwt",
    "prometheus_client", "rich", "sqlalchemy", "starlette", "uvicorn", "uvloop", "yaml",
    "sluicegate.bootstrap", "sluicegate.client.signing", "sluicegate.control", "sluicegate.core.directives",
    "sluicegate.core.lifecycle", "sluicegate.core.terms.plan", "sluicegate.gate", "sluicegate.post",
    "sluicegate.service", "sluicegate.store", "sluicegate_record.entries", "sluicegate_record.law",
})  # fmt: skip
"""What serves, signs, or reads what people write."""
TYPERS_OWN = frozenset({"pydantic"})
"""What typer imports to read the arguments of a command, as soon as there is one."""
_RUN = """
import sys
from sluicegate.cli.main import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
_CASE = {
    "case": "case_1", "kind": "admission", "directive": None, "release": "r", "stage": "s", "surface": "api",
    "organization": "Example Utility", "determination": None, "state": "submitted", "awaiting": ["oncd"],
    "cannotSign": [], "nextDue": None, "openedAt": "2026-06-12T21:21:00.000Z", "due": None,
}  # fmt: skip


def imported(*arguments: str, url: str = NOBODY) -> set[str]:
    """What a fresh interpreter has imported when a command has ended, and who is in it."""
    environment = {**os.environ, "SLUICEGATE_URL": url, "SLUICEGATE_TOKEN": "sgt_none"}
    command = [sys.executable, "-c", _RUN, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 4}, done
    return set(done.stderr.splitlines()[-1].split())


def commands_of(modules: set[str]) -> set[str]:
    """The modules of commands among these."""
    named = [
        *(where for where, _ in COMMANDS.values()),
        *(w for _, each in GROUPS.values() for w in each.values()),
    ]
    return modules & {f"sluicegate.cli.{where.partition('.')[0]}" for where in named}


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_help_and_the_version_import_no_command(argument):
    modules = imported(argument)
    assert "sluicegate.cli.output" in modules
    assert not modules & (HEAVY | TYPERS_OWN)
    assert not commands_of(modules)


@pytest.mark.parametrize(
    "words",
    [
        "grant list", "credential list",
        "status", "report", "case show case_1", "grant show grant_1", "credential revoke cred_1",
        "token issue --role applicant --name n",
        "member list --grant grant_1", "person show", "directive list", "directive status d-1",
        "notify list", "preset list", "case list --help",
    ],
)  # fmt: skip
def test_what_asks_the_control_plane_imports_nothing_that_serves_or_signs(words):
    modules = imported(*words.split())
    assert not modules & HEAVY
    assert len(commands_of(modules)) == 1


def test_a_list_of_cases_is_shown_without_what_serves_or_signs():
    with lying({"limit=50": {"size": 1, "cases": [_CASE], "next": None}}) as (url, asked):
        modules = imported("case", "list", url=url)
    assert asked
    assert "sluicegate.cli.tables" in modules
    assert not modules & HEAVY
    assert commands_of(modules) == {"sluicegate.cli.cases"}


def test_what_is_heavy_is_seen_where_it_is_needed():
    assert imported("point", "list") >= {"cryptography", "sluicegate.client.signing"}


@pytest.mark.parametrize("word", COMMANDS)
@pytest.mark.parametrize("width", [40, 200])
def test_the_top_level_says_of_a_command_what_it_says_itself(word, width):
    command = program().commands[word]
    assert isinstance(command, DeferredCommand)
    assert command.get_short_help_str(width) == command.loaded.get_short_help_str(width)
