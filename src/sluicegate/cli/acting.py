"""Commands of the command line from the row of an act: its arguments, its options, and its help.

A command that does more than ask and print is a function. It takes its words from the same row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature, getdoc
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import typer

from sluicegate.acts.act import Act, Answered, AnyAct, Arguments, Asked
from sluicegate.cli.confirmation import Yes, confirm
from sluicegate.cli.files import read_text
from sluicegate.cli.ids import named
from sluicegate.cli.output import Json, tell
from sluicegate.client.http import Client
from sluicegate_record.form import FormField, shape_of

Command = TypeVar("Command", bound=Callable[..., None])
_KINDS = {"integer": int, "boolean": bool, "array": list[str]}


class Given(NamedTuple):
    """What is given for a field, if that is not its value: `read` makes the value of it.

    `name` is an option, or an argument, as in `acting`. `also` are other fields that `read` has values for.
    """

    name: str
    kind: Any
    read: Callable[[Any], Mapping[str, Any]]
    also: tuple[str, ...] = ()


class Fixed(NamedTuple):
    """The value of a field that is not typed: the command is for this value alone."""

    value: Any


_YES = Parameter("yes", Parameter.KEYWORD_ONLY, default=False, annotation=Yes)


def written(name: str, field: str) -> Given:
    """A file whose text is the value of a field. Its name is the value of the field `file`."""
    return Given(name, Path, lambda path: {field: read_text(path), "file": str(path)}, ("file",))


def acting(
    act: Act[Asked, Answered],
    said: Callable[[Answered], str],
    *,
    first: Callable[[Client, Asked], str] | None = None,
    **given: str | Given,
) -> Callable[..., None]:
    """The command that does an act, and prints what `said` makes of its answer.

    `first` is for what is drastic: what it says is shown, and the act is done if someone says yes.

    What is in the act's path is an argument, what else it is asked with is an option. `given` names a field
    otherwise: by an option if the name begins with `--`, such as `--on/--off`, and by an argument if not.
    """

    def run(asked: Asked, typed: Mapping[str, Any], as_json: bool) -> None:
        client = Client()
        if first is not None and not typed["yes"]:
            confirm(first(client, asked), yes=False)
        answer = client.do(act, asked)
        tell(answer, as_json, said(answer))

    return commanding(act, run, () if first is None else (_YES,), **given)


def commanding(
    act: Act[Asked, Answered],
    run: Callable[[Asked, Mapping[str, Any], bool], None],
    more: Sequence[Parameter],
    **given: str | Given | Fixed,
) -> Callable[..., None]:
    """The command that makes the arguments of an act of what is typed, and runs `run` with them.

    `run` gets what was typed, too, also for the parameters in `more`, which are no fields of the act.
    """
    fixed = {name: each.value for name, each in given.items() if isinstance(each, Fixed)}
    ways = {
        name: each if isinstance(each, Given) else _as_it_is(each, name)
        for name, each in given.items()
        if not isinstance(each, Fixed)
    }
    beside = {name for each in ways.values() for name in each.also}
    parameters, reads = [], {}
    for each in shape_of(act.asked).fields:
        if each.name not in beside and each.name not in fixed:
            own = each.name if each.key in act.places else f"--{each.name.replace('_', '-')}"
            way = ways.get(each.name) or _as_it_is(own, each.name)
            parameter = _parameter(each, way)
            parameters.append(parameter)
            reads[parameter.name] = way.read

    def command(as_json: bool, **typed: Any) -> None:
        asked = {**fixed}
        for name, read in reads.items():
            asked |= {} if typed[name] is None else read(typed[name])
        run(act.asked(**asked), typed, as_json)

    as_json = Parameter("as_json", Parameter.KEYWORD_ONLY, default=False, annotation=Json)
    command.__signature__ = Signature([*parameters, *more, as_json])  # type: ignore[attr-defined]
    return helped(act)(command)


def helped(act: AnyAct) -> Callable[[Command], Command]:
    """Give a command that is a function the help of its act, and then its own docstring, if it has one."""

    def same(command: Command) -> Command:
        command.__doc__ = "\n\n".join(filter(None, (act.help, getdoc(command))))
        return command

    return same


def option(asked: type[Arguments], field: str, *names: str, **more: Any) -> Any:
    """An option of a command that is a function, with the note of a field as its help."""
    found = _field(asked, field)
    return typer.Option(*names, help=found.note, show_default=False, **(more | named(found.key)))


def argument(asked: type[Arguments], field: str, **more: Any) -> Any:
    """An argument of a command that is a function, with the note of a field as its help."""
    found = _field(asked, field)
    return typer.Argument(help=found.note, show_default=False, **(more | named(found.key)))


def _field(asked: type[Arguments], name: str) -> FormField:
    return next(each for each in shape_of(asked).fields if each.name == name)


def _as_it_is(name: str, field: str) -> Given:
    return Given(name, None, lambda value: {field: value})


def _parameter(each: FormField, way: Given) -> Parameter:
    schema = each.codec.schema.get("anyOf", [each.codec.schema])[0]
    kind = way.kind or _KINDS.get(schema.get("type", ""), str)
    is_option = way.name.startswith("--")
    default = each.default if type(each.default) in {bool, int} else None
    how: dict[str, Any] = {
        "help": each.note,
        "show_default": type(default) is int,
        **named(each.key),
    }
    if kind is int:
        how |= {"min": schema.get("minimum"), "max": schema.get("maximum")}
    stated = typer.Option(way.name, **how) if is_option else typer.Argument(**how)
    return Parameter(
        way.name.removeprefix("--").partition("/")[0].replace("-", "_"),
        Parameter.KEYWORD_ONLY,
        default=Parameter.empty if each.is_required else default,
        annotation=Annotated[kind if each.is_required or default is not None else kind | None, stated],
    )
