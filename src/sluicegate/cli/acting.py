"""A command of the command line from the row of an act: its arguments, its options, and its help."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer

from sluicegate.acts.act import Act, Answered, Asked
from sluicegate.cli.output import Json, emit
from sluicegate.client.http import Client
from sluicegate_record.form import FormField, shape_of


def acting(act: Act[Asked, Answered], said: Callable[[Answered], str], **options: str) -> Callable[..., None]:
    """The command that does an act, and prints what `said` makes of its answer.

    What is in the act's path is an argument, what else it is asked with is an option. `options` gives the
    option of a field another form, such as `--on/--off`, and an argument another name. What is in the path is
    an option too if its name there begins with `--`.
    """
    arguments = [key for key in act.places if not options.get(key, "").startswith("--")]
    fields = sorted(shape_of(act.asked).fields, key=lambda each: each.key not in arguments)
    parameters = [_parameter(each, each.key in arguments, options.get(each.name, "")) for each in fields]
    named = {parameter.name: each.name for parameter, each in zip(parameters, fields, strict=True)}

    def command(as_json: bool, **given: Any) -> None:
        asked = {named[name]: each for name, each in given.items() if each is not None}
        answer = Client().do(act, act.asked(**asked))
        emit(answer.to_json(), as_json, said(answer))

    as_json = Parameter("as_json", Parameter.KEYWORD_ONLY, default=False, annotation=Json)
    command.__signature__ = Signature([*parameters, as_json])  # type: ignore[attr-defined]
    command.__doc__ = act.help
    return command


def _parameter(each: FormField, is_argument: bool, option: str) -> Parameter:
    kind = {"integer": int, "boolean": bool}.get(each.codec.schema.get("type", ""), str)
    name = option or f"--{each.name.replace('_', '-')}"
    if is_argument:
        annotation: Any = Annotated[kind, typer.Argument(help=each.note, show_default=False)]
    elif each.is_required:
        annotation = Annotated[kind, typer.Option(name, help=each.note, show_default=False)]
    else:
        annotation = Annotated[kind | None, typer.Option(name, help=each.note, show_default=False)]
    default = Parameter.empty if each.is_required else None
    called = option if is_argument and option else each.name
    return Parameter(called, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
