"""`grant`: see, suspend, surrender or remove a grant."""

from __future__ import annotations

from typing import Annotated, Any

from sluicegate.acts import grants as acts
from sluicegate.acts.grants import (
    FallbackReceipt,
    GrantArgument,
    GrantChange,
    GrantList,
    GrantView,
    NewRemoval,
)
from sluicegate.cli import wording
from sluicegate.cli.acting import acting, argument, helped
from sluicegate.cli.confirmation import Yes, confirm
from sluicegate.cli.listing import Columns, listing
from sluicegate.cli.output import Json, tell
from sluicegate.client.http import Client
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


def _grants(found: GrantList) -> list[list[Any]]:
    return [
        [
            each.grant,
            each.organization,
            f"{each.release}/{each.stage}",
            each.surface,
            wording.grant_state(each.state, stage_open=each.stage_open),
            each.credentials,
            wording.minute(each.ends_at_ms),
            "; ".join(limit.words for limit in each.limits if limit.kind != "ended"),
            wording.duties(each.conditions),
            each.address,
        ]
        for each in found.grants
    ]


COLUMNS = (
    "grant",
    "organization",
    "stage",
    "surface",
    "state",
    "keys",
    "until",
    "limited by",
    "duties",
    "address",
)
listed = listing(acts.LIST, Columns(COLUMNS, _grants, "There is no such grant, or you may not see it."))
show = acting(acts.SHOW, _shown)


def _changed(done: GrantChange) -> str:
    state = "suspended" if done.state == "suspended" else "valid again"
    if done.programmes:
        return f"{', '.join(done.programmes)} of grant {done.grant}: {state}"
    return f"grant {done.grant} is {state}"


def _stopping(client: Client, asked: acts.Suspension) -> str:
    """What a suspension stops."""
    held = _held(client, asked.grant)
    if asked.programme:
        return f"{held}: requests for {', '.join(asked.programme)} stop at once, also those that run"
    return f"{held}: its keys stop at once, and what runs is cut"


def _held(client: Client, grant: str) -> str:
    found = client.do(acts.SHOW, GrantArgument(grant=grant))
    return f"grant {grant} of {found.release}/{found.stage} on {found.surface}"


suspend = acting(acts.SUSPEND, _changed, first=_stopping)
resume = acting(acts.RESUME, _changed)
fallback = acting(acts.CHOOSE_FALLBACK, _fallback, fallback="--on/--off")
remove = acting(
    acts.REMOVE,
    _removal,
    first=lambda client, asked: f"{_held(client, asked.grant)}: its holder is told, agencies decide",
)


@helped(acts.SURRENDER)
def surrender(
    grant: Annotated[str, argument(GrantArgument, "grant")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    confirm(f"grant {grant} ends: its keys stop working, and for new access you must apply again", yes)
    done = Client().do(acts.SURRENDER, GrantArgument(grant=grant))
    tell(done, as_json, f"grant {grant} is surrendered")
