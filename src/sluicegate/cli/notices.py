"""`notify …`: notices by webhook or e-mail, and the ones that could not be delivered."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sluicegate.acts import subscriptions as acts
from sluicegate.acts.subscriptions import DeadLetters, ReplayRequest, SubscriptionRequest, Subscriptions
from sluicegate.cli.acting import acting, argument, helped
from sluicegate.cli.listing import Columns, listing
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, tell
from sluicegate.client.http import Client
from sluicegate.errors import WrongUsage
from sluicegate_record.log import times


@helped(acts.ADD)
def add(
    webhook: Annotated[str | None, value("--webhook", "Post to this URL, signed.")] = None,
    email: Annotated[str | None, value("--email", "Write to this address.")] = None,
    as_json: Json = False,
) -> None:
    if webhook is not None and email is None:
        asked = SubscriptionRequest(kind="webhook", target=webhook)
    elif email is not None and webhook is None:
        asked = SubscriptionRequest(kind="email", target=email)
    else:
        raise WrongUsage("expected one of --webhook URL and --email ADDRESS")
    added = Client().do(acts.ADD, asked)
    lines = [f"notices go to {added.target}, as the subscription {added.subscription}"]
    if added.secret is not None:
        lines.append(f"  secret, shown only now: {added.secret}")
        lines.append(f"  try it: sluicegate notify test {added.subscription}")
    else:
        lines.append(f"  a code is on its way there: sluicegate notify confirm {added.subscription} CODE")
    tell(added, as_json, "\n".join(lines))


def _subscriptions(found: Subscriptions) -> list[list[str]]:
    return [
        [each.subscription, each.kind, each.target, each.state, times.format_time(each.since_ms)]
        for each in found.subscriptions
    ]


def _dead(found: DeadLetters) -> list[list[Any]]:
    return [
        [each.letter, each.subscription, each.topic, each.case, each.attempts, each.error]
        for each in found.letters
    ]


SUBSCRIPTIONS = ("subscription", "kind", "target", "state", "since")
LETTERS = ("letter", "subscription", "topic", "case", "attempts", "error")
listed = listing(acts.LIST, Columns(SUBSCRIPTIONS, _subscriptions, "No such subscription."))
confirm = acting(acts.CONFIRM, lambda found: f"notices go to {found.target} from now on", code="code")
remove = acting(
    acts.REMOVE,
    lambda gone: f"subscription {gone.subscription} is removed",
    first=lambda _, asked: f"subscription {asked.subscription} is removed, with what waits to be sent to it",
)
trial = acting(acts.TRY, lambda sent: f"letter {sent.letter} is on its way to {sent.subscription}")
dead = listing(acts.DEAD, Columns(LETTERS, _dead, "No dead letter."))


@helped(acts.REPLAY)
def replay(
    letter: Annotated[str | None, argument(ReplayRequest, "letter")] = None,
    every: Annotated[bool, typer.Option("--all", help="All your dead letters.")] = False,
    as_json: Json = False,
) -> None:
    if (letter is None) != every:
        raise WrongUsage("expected a letter or --all", remedy="'sluicegate notify dead' lists yours")
    sent = Client().do(acts.REPLAY, ReplayRequest(letter=letter))
    tell(sent, as_json, f"{sent.replayed} sent again")
