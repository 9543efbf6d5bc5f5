"""Commands whose modules are imported only when they are called: each start imports only what it runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from sluicegate.acts.listed import with_list
from sluicegate.client.profiles import PROFILE

COMPLETE = "_SLUICEGATE_COMPLETE"
"""The variable by which a shell asks the program to complete words."""


def take_profile(name: str | None) -> None:
    """Have this process ask the control plane of a profile."""
    if name is not None:
        os.environ[PROFILE] = name


PROFILE_OPTION = "--profile"
Profile = Annotated[
    str | None,
    typer.Option(
        PROFILE_OPTION,
        help="The profile of 'sluicegate login' to use.",
        hidden=True,
        expose_value=False,
        callback=take_profile,
        is_eager=True,
    ),
]
"""The option that each command has, and no help but that of the program shows."""


class DeferredCommand(TyperCommand):
    """A command that gets its function from `load` when it is called.

    `about` is its help line. If that is empty, the help of its group loads the function, and uses its help
    line.
    """

    def __init__(
        self, name: str, load: Callable[[], Callable[..., Any]], about: str = "", *, is_hidden: bool = False
    ) -> None:
        super().__init__(name, help=about, hidden=is_hidden)
        self._load = load

    @cached_property
    def loaded(self) -> TyperCommand:
        """The command itself."""
        program = typer.Typer(add_completion=False, rich_markup_mode=None)
        program.command(self.name)(self._load())
        command = typer.main.get_command(program)
        assert isinstance(command, TyperCommand)
        _say_where(command.params)
        if not any(PROFILE_OPTION in each.opts for each in command.params):
            command.params += _options()
        return command

    def make_context(self, *given: Any, **more: Any) -> Any:
        """The context of the loaded command, which then runs."""
        return self.loaded.make_context(*given, **more)

    def get_short_help_str(self, limit: int = 45) -> str:
        """The help line, of at most `limit` characters."""
        return super().get_short_help_str(limit) if self.help else self.loaded.get_short_help_str(limit)


class CommandGroup(TyperGroup):
    """Commands under one word. Its help shows the help line of each whole: a line that is cut says less than
    what tells two commands apart.
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, with their help lines in as many lines as they need."""
        named = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(_WHOLE)) for name, each in named if not each.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


_WHOLE = 1_000
"""More characters than a help line has."""


def _options() -> list[Any]:
    """The options that each command has."""

    def same(profile: Profile = None) -> None:
        """Nothing is done here: the option is taken."""

    program = typer.Typer(add_completion=False, rich_markup_mode=None)
    program.command()(same)
    return list(typer.main.get_command(program).params)


def _say_where(parameters: list[Any]) -> None:
    """Add to the help of each argument and option of a command where its values are found."""
    for each in parameters:
        if each.help and not getattr(each, "is_flag", False):
            each.help = with_list(each.name, each.help)
