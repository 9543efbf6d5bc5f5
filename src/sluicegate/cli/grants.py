"""`grant`: see, suspend, surrender or remove a grant."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sluicegate.acts import grants as acts
from sluicegate.acts.grants import FallbackReceipt, GrantArgument, GrantList, GrantView, NewRemoval
from sluicegate.cli import wording
from sluicegate.cli.acting import acting, argument, helped
from sluicegate.cli.output import Json, tell
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.errors import WrongUsage
from sluicegate_record.log import times


def _fallback(done: FallbackReceipt) -> str:
    answered = "the fallback answers it, if you hold a grant for the fallback"
    what = answered if done.fallback else "it stays refused"
    return f"if a directive refuses a request under grant {done.grant}, {what}"


def _removal(done: NewRemoval) -> str:
    until = "its time" if done.reply_by_ms is None else times.format_time(done.reply_by_ms)
    return f"removal {done.case}; its holder may reply until {until}"


def _shown(shown: GrantView) -> str:
    lines = wording.grant(shown)
    if shown.state == "approved":
        lines.append(f"  next, for its holder: sluicegate credential issue --grant {shown.grant}")
    return "\n".join(lines)


def _grants(found: GrantList) -> str:
    columns = ["grant", "organization", "stage", "surface", "state", "keys", "until"]
    rows = [
        [
            each.grant,
            each.organization,
            f"{each.release}/{each.stage}",
            each.surface,
            wording.grant_state(each.state, stage_open=each.stage_open),
            each.credentials,
            wording.minute(times.format_time(each.valid_until_ms) if each.valid_until_ms is not None else ""),
        ]
        for each in found.grants
    ]
    text = table("", columns, rows, "There is no such grant, or you may not see it.")
    return text + (f"\n  more: sluicegate grant list --before {found.next}" if found.next else "")


listed = acting(acts.LIST, _grants)
show = acting(acts.SHOW, _shown)
suspend = acting(acts.SUSPEND, lambda done: f"grant {done.grant} is suspended")
resume = acting(acts.RESUME, lambda done: f"grant {done.grant} is valid again")
fallback = acting(acts.CHOOSE_FALLBACK, _fallback, fallback="--on/--off")
remove = acting(acts.REMOVE, _removal)


@helped(acts.SURRENDER)
def surrender(
    grant: Annotated[str, argument(GrantArgument, "grant")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")] = False,
    as_json: Json = False,
) -> None:
    if not yes:
        if not sys.stdin.isatty():
            said = "surrendering a grant cannot be undone, and no terminal is here to confirm it"
            raise WrongUsage(said, remedy="say --yes")
        typer.confirm(
            f"End grant {grant}? Its keys stop working; for new access, you must apply again", abort=True
        )
    done = Client().do(acts.SURRENDER, GrantArgument(grant=grant))
    tell(done, as_json, f"grant {grant} is surrendered")
