"""Lists: one command for each, with filters, pages and `--watch`.

Rules:
- What is asked with, its filters among it, is from the row of the act, as in `acting`.
- A page that is cut ends with the command that shows the next one, with the same filters.
- `--watch` shows the list again when it changes.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from types import MappingProxyType
from typing import Any, NamedTuple

from sluicegate.acts.act import Act, Answered, Asked
from sluicegate.cli import wording
from sluicegate.cli.acting import Fixed, Given, commanding
from sluicegate.cli.output import tell
from sluicegate.cli.tables import table
from sluicegate.cli.watching import Shown, Watch, watch
from sluicegate.client.http import Client

BEFORE = "--before"
"""The option of a list that says where the page before ended."""


class Columns(NamedTuple):
    """How a list is shown: the names of its columns, the rows of an answer, and what is said without any.

    `beside` is an option whose value `rows` gets too, under its name; the control plane does not get it.
    """

    names: Sequence[str]
    rows: Callable[..., Sequence[Sequence[Any]]]
    empty: str
    beside: Parameter | None = None


def listing(act: Act[Asked, Answered], columns: Columns, **given: str | Given | Fixed) -> Callable[..., None]:
    """The command that shows a list, with `--watch`. `given` names a field otherwise, as in `acting`."""
    beside = () if columns.beside is None else (columns.beside,)

    def run(asked: Asked, typed: Mapping[str, Any], as_json: bool) -> None:
        client = Client()
        also = {each.name: typed[each.name] for each in beside}

        def ask() -> Shown:
            answer = client.do(act, asked)
            mark = {name: value for name, value in answer.to_json().items() if name != "size"}
            return Shown(json.dumps(mark, sort_keys=True), answer, shown(answer, columns, sys.argv[1:], also))

        if typed["watch"]:
            watch(ask, as_json)
        found = ask()
        tell(found.answer, as_json, found.text)

    watching = Parameter("watch", Parameter.KEYWORD_ONLY, default=False, annotation=Watch)
    return commanding(act, run, (*beside, watching), **given)


def shown(
    answer: Any, columns: Columns, words: Sequence[str], also: Mapping[str, Any] = MappingProxyType({})
) -> str:
    """A page of a list as a table, and how to see the next one: `words` are the command for this one."""
    size, next_ = getattr(answer, "size", None), getattr(answer, "next", None)
    title = "" if size is None else wording.log_of(size)
    text = table(title, columns.names, columns.rows(answer, **also), columns.empty)
    return text if next_ is None else f"{text}\n  more: {again(words, next_)}"


def again(words: Sequence[str], next_: str) -> str:
    """The command that was typed, for the next page."""
    kept: list[str] = []
    typed = iter(words)
    for word in typed:
        if word == BEFORE:
            next(typed, None)
        elif not word.startswith(f"{BEFORE}="):
            kept.append(word)
    return " ".join(["sluicegate", *map(shlex.quote, kept), BEFORE, next_])
