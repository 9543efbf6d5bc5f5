"""`promise make`, `promise keep`, `promise change`, `promise break`, each signed by its party."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import promises as acts
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.promises import PromiseArgument
from sluicegate.cli.acting import argument
from sluicegate.cli.ids import named
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.errors import InvalidInput
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.statements.about import About
from sluicegate_record.statements.promises import BREAKS, CHANGES, KEEPS, MAKES
from sluicegate_record.terms import dates, durations

Promise = Annotated[str, argument(PromiseArgument, "promise")]
Key = Annotated[Path, typer.Option("--key", help="Your party's private key.", show_default=False)]
By = Annotated[
    str | None, typer.Option("--by", help="The last day by UTC, such as 2026-09-01; or a month, 2026-09.")
]
Within = Annotated[
    str | None, typer.Option("--within", help="How long from now on, such as P5D: until that day is over.")
]
Default = Annotated[
    str | None, typer.Option("--default", help="What follows if it is not kept. It is public.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why. It is public.", show_default=False)]


def make(
    text: Annotated[str, typer.Argument(help="What will be done. It is public.", show_default=False)],
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
    due_ms = _due_ms(by, within)
    if due_ms is None:
        raise typer.BadParameter("say --by DATE or --within DURATION")
    about = About(release=release, stage=stage, case=case, directive=directive)
    _say(None, MAKES, key, as_json, text=text, due_ms=due_ms, default=default, about=about)


def keep(
    promise: Promise,
    key: Key,
    text: Annotated[str | None, typer.Option("--text", help="How it was kept. It is public.")] = None,
    as_json: Json = False,
) -> None:
    """Sign that a promise of your party is kept. A broken one can be kept late."""
    _say(promise, KEEPS, key, as_json, text=text)


def change(
    promise: Promise,
    reason: Reason,
    key: Key,
    by: By = None,
    within: Within = None,
    text: Annotated[str | None, typer.Option("--text", help="What will be done instead.")] = None,
    default: Default = None,
    as_json: Json = False,
) -> None:
    """Sign that your party changes an open promise. What is left out stays; what was, stays on the record."""
    due_ms = _due_ms(by, within)
    if due_ms is None and text is None and default is None:
        raise typer.BadParameter("a change that changes nothing: say --by, --within, --text or --default")
    asked = {"text": text, "due_ms": due_ms, "default": default}
    changed = {name: value for name, value in asked.items() if value is not None}
    _say(promise, CHANGES, key, as_json, reason=reason, **changed)


def break_(promise: Promise, reason: Reason, key: Key, as_json: Json = False) -> None:
    """Sign that a promise of your party will not be kept."""
    _say(promise, BREAKS, key, as_json, reason=reason)


def _say(promise: str | None, says: str, key: Path, as_json: bool, **said: Any) -> None:
    client = Client()
    asked = client.do(acts.TO_SIGN, PromiseArgument(promise=promise))
    if says == CHANGES:
        said = {"text": asked.text, "due_ms": asked.due_ms, "default": asked.default, **said}
    envelope = signing.promising(asked, says, signing.private_key(key), **said)
    done = client.do(acts.RECORD, SignedStatement(envelope=envelope))
    until = f", until {dates.day_before(done.due_ms)}" if done.state == "open" else ""
    tell(done, as_json, f"promise {done.promise} of {done.party}: {done.state}{until}")


def _due_ms(by: str | None, within: str | None) -> int | None:
    """When the last day is over; None if neither is given. Raises: InvalidInput: no day, or no duration."""
    if by is not None and within is not None:
        raise typer.BadParameter("say --by or --within, not both")
    try:
        if within is not None:
            return dates.end_ms(dates.day_before(signing.now_ms() + durations.milliseconds(within) + 1))
        return None if by is None else dates.end_ms(_last_day(by))
    except (ValueError, OverflowError) as error:
        said = f"{(by or within or '')[:20]!r} is no day, month or duration"
        raise InvalidInput(f"{said}, expected one such as 2026-09-01, 2026-09 or P5D") from error


def _last_day(by: str) -> str:
    """A day as it is, or the last one of a month such as 2026-09. Raises: ValueError."""
    if len(by) != len("2026-09"):
        return by
    first = date.fromisoformat(f"{by}-01")
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return dates.day_before(dates.end_ms(after.isoformat()) - DAY_MS)
