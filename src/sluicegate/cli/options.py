"""How options are declared: one that has no default to show, and all that several commands have together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

import typer


def value(name: str, help_: str, **more: Any) -> Any:
    """An option that takes a value, and shows no default."""
    return typer.Option(name, help=help_, show_default=False, **more)


def word(help_: str, **more: Any) -> Any:
    """An argument that shows no default."""
    return typer.Argument(help=help_, show_default=False, **more)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an option for each field of its parameters that are dataclasses, in their places. Two of
    them may share an option.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    names = {name: [each.name for each in fields(group)] for name, group in groups.items()}

    @wraps(command)
    def run(**given: Any) -> None:
        made = {name: group(**{each: given[each] for each in names[name]}) for name, group in groups.items()}
        grouped_ = {each for within in names.values() for each in within}
        command(**made, **{name: value for name, value in given.items() if name not in grouped_})

    found: dict[str, Parameter] = {}
    for each in signature(command).parameters.values():
        for option in _options(groups[each.name]) if each.name in groups else (each,):
            hint = hints.get(option.name, option.annotation)
            found.setdefault(option.name, option.replace(kind=Parameter.KEYWORD_ONLY, annotation=hint))
    run.__signature__ = Signature([*found.values()])  # type: ignore[attr-defined]
    run.__annotations__ = {}
    return run


def _options(group: Any) -> Iterator[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for each in fields(group):
        default = Parameter.empty if each.default is MISSING else each.default
        yield Parameter(each.name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[each.name])


def one_of(words: Iterable[str]) -> dict[str, Any]:
    """How a `value` or a `word` is one of some words: its help names them, and another word is refused
    before anything is asked, shown or signed.
    """
    known = tuple(words)

    def read(typed: str | None) -> str | None:
        if typed is None or typed in known:
            return typed
        raise typer.BadParameter(f"{typed!r}, expected one of {', '.join(known)}")

    return {"help_": " | ".join(known), "callback": read}
