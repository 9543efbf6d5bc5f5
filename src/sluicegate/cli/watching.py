"""`--watch`: show an answer again when it is another one, until Ctrl-C."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Hashable
from typing import Annotated, Any, NamedTuple, NoReturn

import typer

from sluicegate.acts import log
from sluicegate.acts.act import ActAnswer, Nothing
from sluicegate.cli.output import visible
from sluicegate.client.http import Client

WATCH_EVERY_S = 1.0
"""How long `--watch` waits before it asks again."""
Watch = Annotated[bool, typer.Option("--watch", help="Show it again when it changes, until Ctrl-C.")]


class Shown(NamedTuple):
    """An answer, and how it is shown. With an equal `mark` it is not shown again."""

    mark: Hashable
    answer: ActAnswer
    text: str


def watch(ask: Callable[[], Shown], as_json: bool, wait: Callable[[Any], None] | None = None) -> NoReturn:
    """Ask, and show the answer, again and again.

    `wait` gets the mark of what was shown, and returns when there may be another answer; without it, after a
    second.
    """
    mark: Hashable = None
    while True:
        shown = ask()
        if shown.mark != mark:
            mark = shown.mark
            _show(shown, as_json)
        if wait is None:
            time.sleep(WATCH_EVERY_S)
        else:
            wait(mark)


def until_longer(client: Client, size: int) -> None:
    """Wait until the log is longer than it was."""
    while client.do(log.HEAD, Nothing()).size <= size:
        time.sleep(WATCH_EVERY_S)


def _show(shown: Shown, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(shown.answer.to_json(), ensure_ascii=False))
    else:
        typer.echo(("\033[H\033[2J" if sys.stdout.isatty() else "") + visible(shown.text) + "\n")
