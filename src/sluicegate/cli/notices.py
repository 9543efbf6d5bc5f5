"""`notify …`: notices by webhook or e-mail, and the ones that could not be delivered."""

from __future__ import annotations

from typing import Annotated

import typer

from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.errors import WrongUsage

Subscription = Annotated[str, typer.Argument(help="The subscription, such as sub_….", show_default=False)]


def add(
    webhook: Annotated[
        str | None, typer.Option("--webhook", help="Post to this URL, signed.", show_default=False)
    ] = None,
    email: Annotated[
        str | None, typer.Option("--email", help="Write to this address.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Get a notice of everything that happens in the cases you may see. A webhook's secret is shown once."""
    if (webhook is None) == (email is None):
        raise WrongUsage("expected one of --webhook URL and --email ADDRESS")
    kind, target = ("webhook", webhook) if webhook is not None else ("email", email)
    answer = Client().post("/api/v1/subscriptions", {"kind": kind, "target": target})
    lines = [f"subscription {answer['subscription']}: {answer['kind']} {answer['target']}"]
    if "secret" in answer:
        lines.append(f"  secret, shown only now: {answer['secret']}")
    lines.append(f"  try it: sluicegate notify test {answer['subscription']}")
    emit(answer, as_json, "\n".join(lines))


def listed(as_json: Json = False) -> None:
    """List your subscriptions, oldest first."""
    answer = Client().get("/api/v1/subscriptions")
    columns = ["subscription", "kind", "target", "state", "since"]
    rows = [[found[name] for name in columns] for found in answer["subscriptions"]]
    emit(answer, as_json, table("", columns, rows, "No subscription yet."))


def remove(subscription: Subscription, as_json: Json = False) -> None:
    """End a subscription. Letters that wait for it are deleted."""
    answer = Client().post(f"/api/v1/subscriptions/{subscription}/remove")
    emit(answer, as_json, f"subscription {answer['subscription']} is removed")


def trial(subscription: Subscription, as_json: Json = False) -> None:
    """Send a test letter, to see whether it arrives."""
    answer = Client().post(f"/api/v1/subscriptions/{subscription}/test")
    emit(answer, as_json, f"letter {answer['letter']} is on its way to {answer['subscription']}")


def dead(as_json: Json = False) -> None:
    """List the letters that could not be delivered to you, oldest first."""
    answer = Client().get("/api/v1/subscriptions/dead")
    columns = ["letter", "subscription", "topic", "case", "attempts", "error"]
    rows = [[letter[name] for name in columns] for letter in answer["letters"]]
    emit(answer, as_json, table("", columns, rows, "No dead letter."))


def replay(
    letter: Annotated[
        str | None, typer.Argument(help="A dead letter, such as msg_….", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All your dead letters.")] = False,
    as_json: Json = False,
) -> None:
    """Send dead letters again: one, or all. If their subscription had stopped, it starts again."""
    if (letter is None) != every:
        raise WrongUsage("expected a letter or --all", remedy="'notify dead' lists yours")
    answer = Client().post("/api/v1/subscriptions/dead/replay", {"letter": letter})
    emit(answer, as_json, f"{answer['replayed']} sent again")
