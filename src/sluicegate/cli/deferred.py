"""Commands whose modules are imported only when they are called: each start imports only what it runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import typer
from typer.core import TyperCommand


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
        return command

    def make_context(self, *given: Any, **more: Any) -> Any:
        """The context of the loaded command, which then runs."""
        return self.loaded.make_context(*given, **more)

    def get_short_help_str(self, limit: int = 45) -> str:
        """The help line, of at most `limit` characters."""
        return super().get_short_help_str(limit) if self.help else self.loaded.get_short_help_str(limit)
