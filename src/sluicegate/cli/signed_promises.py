"""`promise make`, `promise keep`, `promise change`, `promise break`, each signed by its party."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts.promises import PromiseArgument
from sluicegate.cli.acting import argument
from sluicegate.cli.ids import named
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.errors import InvalidInput
from sluicegate.statements.promises import PROMISE, PromiseWord
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.statements.promises import BREAKS, CHANGES, KEEPS, MAKES
from sluicegate_record.terms import dates, durations

Promise = Annotated[str, argument(PromiseArgument, "promise")]
Key = Annotated[Path, value("--key", "Your party's private key.")]
By = Annotated[str | None, value("--by", "The last day by UTC, such as 2026-09-01; or a month, 2026-09.")]
Within = Annotated[
    str | None, value("--within", "How long from now on, such as P5D: until that day is over.")
]
Default = Annotated[str | None, value("--default", "What follows if it is not kept. It is public.")]
Reason = Annotated[str, value("--reason", "Why. It is public.")]


def make(
    text: Annotated[str, word("What will be done. It is public.")],
    key: Key,
    by: By = None,
    within: Within = None,
    default: Default = None,
    release: Annotated[str | None, typer.Option(help="The release that it is about.")] = None,
    stage: Annotated[str | None, typer.Option(help="The stage of it: its opening keeps the promise.")] = None,
    case: Annotated[
        str | None,
        typer.Option(help="The case that it is about: its decision keeps the promise.", **named("case")),
    ] = None,
    directive: Annotated[
        str | None,
        typer.Option(
            help="The directive that it is about: your note of its reasons keeps the promise.",
            **named("directive"),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign that your party promises something until a day. Everyone sees it, and what happens to it."""
    day = _last_day(by, within)
    if day is None:
        raise typer.BadParameter("say --by DATE or --within DURATION")
    about: dict[str, Any] = {"release": release, "stage": stage, "case": case, "directive": directive}
    _say(PromiseWord(says=MAKES, text=text, by=day, default=default, **about), key, as_json)


def keep(
    promise: Promise,
    key: Key,
    text: Annotated[str | None, value("--text", "How it was kept. It is public.")] = None,
    as_json: Json = False,
) -> None:
    """Sign that a promise of your party is kept. A broken one can be kept late."""
    _say(PromiseWord(promise=promise, says=KEEPS, text=text), key, as_json)


def change(
    promise: Promise,
    reason: Reason,
    key: Key,
    by: By = None,
    within: Within = None,
    text: Annotated[str | None, value("--text", "What will be done instead.")] = None,
    default: Default = None,
    as_json: Json = False,
) -> None:
    """Sign that your party changes an open promise. What is left out stays; what was, stays on the record."""
    day = _last_day(by, within)
    if day is None and text is None and default is None:
        raise typer.BadParameter("a change that changes nothing: say --by, --within, --text or --default")
    said = PromiseWord(promise=promise, says=CHANGES, reason=reason, by=day, text=text, default=default)
    _say(said, key, as_json)


def break_(promise: Promise, reason: Reason, key: Key, as_json: Json = False) -> None:
    """Sign that a promise of your party will not be kept."""
    _say(PromiseWord(promise=promise, says=BREAKS, reason=reason), key, as_json)


def _say(said: PromiseWord, key: Path, as_json: bool) -> None:
    done = signing.say(Client(), PROMISE, said, key)
    until = f", until {dates.day_before(done.due_ms)}" if done.state == "open" else ""
    tell(done, as_json, f"promise {done.promise} of {done.party}: {done.state}{until}")


def _last_day(by: str | None, within: str | None) -> str | None:
    """The last day; None if neither is given. Raises: InvalidInput: no day, or no duration."""
    if by is not None and within is not None:
        raise typer.BadParameter("say --by or --within, not both")
    try:
        if within is not None:
            return dates.day_before(signing.now_ms() + durations.milliseconds(within) + 1)
        return None if by is None else dates.day_before(dates.end_ms(_month_end(by)))
    except (ValueError, OverflowError) as error:
        said = f"{(by or within or '')[:20]!r} is no day, month or duration"
        raise InvalidInput(f"{said}, expected one such as 2026-09-01, 2026-09 or P5D") from error


def _month_end(by: str) -> str:
    """A day as it is, or the last one of a month such as 2026-09. Raises: ValueError."""
    if len(by) != len("2026-09"):
        return by
    first = date.fromisoformat(f"{by}-01")
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return dates.day_before(dates.end_ms(after.isoformat()) - DAY_MS)
