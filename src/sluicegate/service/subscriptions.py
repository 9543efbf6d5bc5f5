"""Subscriptions: who wants notices, and where; and what could not be delivered.

Rules:
- A principal sees and changes only its own.
- A mail address hears nothing until the code that was sent to it comes back. Anyone can name any address: so
  few such letters go to one, and a subscription that is removed unconfirmed still counts for a day.
- A webhook's secret is in the answer that makes it and nowhere else: it is derived, never stored.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sluicegate import targets
from sluicegate.acts import subscriptions as acts
from sluicegate.acts.act import Nothing
from sluicegate.acts.subscriptions import (
    AddressCode,
    DeadLetter,
    DeadLetters,
    NewSubscription,
    ReplayedLetters,
    ReplayRequest,
    SubscriptionArgument,
    SubscriptionEnd,
    SubscriptionFilter,
    SubscriptionRequest,
    Subscriptions,
    SubscriptionView,
    TrialLetter,
)
from sluicegate.core.lifecycle import Refusal, notices
from sluicegate.ports import EMAIL, UNCONFIRMED, WEBHOOK, Letter, Ports, Subscription
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Unchanged
from sluicegate.service.letters import letter
from sluicegate.service.paging import following, page
from sluicegate_record import form as forms
from sluicegate_record.log import canonical, times
from sluicegate_record.log.times import DAY_MS

SUBSCRIPTIONS_MAX = 20
"""How many one principal may have: every entry about its cases is sent to each."""
SUBSCRIPTIONS_OF_ALL_MAX = 100
"""How many all who act for the same organization may have."""
ASKED_MAX = 3
"""How many letters a day ask one address for its confirmation, also when different principals name it."""
OPEN_MAX = 5
"""How many addresses of the last day one principal may have that are not confirmed."""
CODE_MS = DAY_MS
"""How long a code is good."""
DEAD_MAX = 1_000
"""How many dead letters one answer lists."""


@does(acts.ADD)
def add(context: Context[NewSubscription], asked: SubscriptionRequest) -> NewSubscription | Refusal:
    """Tell a webhook or a mail address from now on. Raises: InvalidInput: a target that is never sent to."""
    ledger, by, post = context.ledger, context.principal, context.services.post
    owner = by.id
    if asked.kind == WEBHOOK:
        targets.check_webhook(asked.target, post.webhook_networks)
    else:
        targets.check_mail(asked.target)
        if not post.smtp_host:
            said = "this control plane sends no e-mail"
            remedy = "use a webhook, or ask the developer's staff to set up mail"
            return Refusal("conflict", "mail_not_set_up", said, remedy)

    def change(ports: Ports) -> NewSubscription | Refusal:
        if len(ports.outbox.subscriptions(owner)) >= SUBSCRIPTIONS_MAX:
            said = f"you have {SUBSCRIPTIONS_MAX} subscriptions"
            return Refusal("conflict", "too_many_subscriptions", said, "remove one")
        team = (each for each in ports.principals.team(by, ended=False) if each.acts_for == by.acts_for)
        if sum(len(ports.outbox.subscriptions(each.id)) for each in team) >= SUBSCRIPTIONS_OF_ALL_MAX:
            said = f"your organization has {SUBSCRIPTIONS_OF_ALL_MAX} subscriptions"
            return Refusal(
                "conflict", "too_many_subscriptions", said, "have colleagues remove some of theirs"
            )
        name = "sub_" + base64.b32encode(ledger.random(10)).decode().lower()
        now_ms = ledger.now_ms()
        if asked.kind == WEBHOOK:
            added = Subscription(name, owner, WEBHOOK, asked.target, now_ms)
            ports.outbox.add_subscription(added)
            return NewSubscription(**_shown(added))
        refusal = _asked_too_often(ports.outbox.unconfirmed(now_ms - CODE_MS), owner, asked.target)
        if refusal is not None:
            return refusal
        added = Subscription(name, owner, UNCONFIRMED, asked.target, now_ms)
        ports.outbox.add_subscription(added)
        ports.outbox.post([letter(notices.confirmation(name, now_ms), name)])
        return NewSubscription(**_shown(added))

    answer = context.arrange(change)
    if isinstance(answer, Refusal) or asked.kind != WEBHOOK:
        return answer
    return forms.replace(answer, secret=notices.shown(notices.secret(ledger.key, answer.subscription)))


def _asked_too_often(open_: Sequence[Subscription], owner: str, target: str) -> Refusal | None:
    """The refusal of a further letter that asks for a confirmation. `open_` are those of the last day."""
    of_mailbox = sum(targets.mailbox(each.target) == targets.mailbox(target) for each in open_)
    if of_mailbox < ASKED_MAX and sum(each.principal == owner for each in open_) < OPEN_MAX:
        return None
    said = f"this address was asked {ASKED_MAX} times within a day for a confirmation"
    if of_mailbox < ASKED_MAX:
        said = f"{OPEN_MAX} of your addresses of the last day are not confirmed"
    remedy = "confirm one of those, or ask again in a day"
    return Refusal("exhausted", "address_asked", said, remedy, CODE_MS // 1_000)


@does(acts.CONFIRM)
def confirm(context: Context[SubscriptionView], asked: AddressCode) -> SubscriptionView | Refusal:
    """Take the code that was sent to an address. From now on notices go there."""
    ledger = context.ledger

    def change(ports: Ports) -> SubscriptionView | Refusal:
        found = _own(context, ports, asked.subscription)
        if isinstance(found, Refusal):
            return found
        if found.kind != UNCONFIRMED or found.gone:
            return Refusal("conflict", "not_to_confirm", f"{found.id!r} has nothing to confirm")
        if ledger.now_ms() - found.created_at_ms > CODE_MS:
            return Refusal(
                "conflict",
                "code_expired",
                "this code was good for a day",
                "'sluicegate notify add' sends another",
            )
        if not hmac.compare_digest(notices.code(ledger.key, found.id).encode(), asked.code.encode()):
            return Refusal(
                "conflict", "code_wrong", "this is not the code that was sent", "copy it from the letter"
            )
        ports.outbox.confirm_subscription(found.id)
        return SubscriptionView(**_shown(replace(found, kind=EMAIL)))

    return context.arrange(change)


@does(acts.LIST)
def listed(context: Context[Subscriptions], wanted: SubscriptionFilter) -> Subscriptions:
    """The caller's subscriptions, oldest first."""
    known = context.ledger.store.outbox.subscriptions(context.principal.id)
    found = (SubscriptionView(**_shown(each)) for each in known)
    asked = (
        each for each in found if wanted.kind in {None, each.kind} and wanted.state in {None, each.state}
    )
    shown, is_cut = page(following(asked, wanted.before, lambda each: each.subscription), wanted.limit)
    return Subscriptions(subscriptions=shown, next=shown[-1].subscription if is_cut else None)


@does(acts.REMOVE)
def remove(context: Context[SubscriptionEnd], asked: SubscriptionArgument) -> SubscriptionEnd | Refusal:
    """Tell a target no more; what waits for it is forgotten."""

    def change(ports: Ports) -> SubscriptionEnd | Unchanged[SubscriptionEnd] | Refusal:
        found = _own(context, ports, asked.subscription)
        if isinstance(found, Refusal):
            return found
        removed = SubscriptionEnd(subscription=found.id, removed=True)
        if found.kind != UNCONFIRMED:
            ports.outbox.remove_subscription(found.id)
        elif found.gone:
            return Unchanged(removed)
        else:
            ports.outbox.end_subscription(found.id, "removed")
        return removed

    return context.arrange(change)


@does(acts.TRY)
def test(context: Context[TrialLetter], asked: SubscriptionArgument) -> TrialLetter | Refusal:
    """Send a letter about nothing, to see whether it arrives."""

    def change(ports: Ports) -> TrialLetter | Refusal:
        found = _own(context, ports, asked.subscription)
        if isinstance(found, Refusal):
            return found
        if found.kind == UNCONFIRMED:
            said = f"the address of {found.id!r} is not confirmed"
            return Refusal("conflict", "unconfirmed", said, "confirm it with the code that was sent to it")
        if found.gone:
            said = f"the receiver of {found.id!r} said that it is gone"
            return Refusal("conflict", "subscription_gone", said, "replay its dead letters, or add another")
        named = canonical.digest([context.principal.id, context.command_id])
        trial = letter(notices.trial(found.id, named, context.ledger.now_ms()), found.id)
        ports.outbox.post([trial])
        return TrialLetter(subscription=found.id, letter=trial.message)

    return context.arrange(change)


@does(acts.DEAD)
def dead(context: Context[DeadLetters], _: Nothing) -> DeadLetters:
    """What could not be delivered to the caller, oldest first."""
    found = context.ledger.store.outbox.dead(context.principal.id, DEAD_MAX)
    return DeadLetters(letters=tuple(_dead(subscription, each) for subscription, each in found))


@does(acts.REPLAY)
def replay(context: Context[ReplayedLetters], asked: ReplayRequest) -> ReplayedLetters | Refusal:
    """Send dead letters of the caller's again, one or all."""

    def change(ports: Ports) -> ReplayedLetters | Refusal:
        count = ports.outbox.replay(context.principal.id, asked.letter, context.ledger.now_ms())
        if asked.letter is not None and not count:
            said = f"no dead letter {asked.letter[:80]!r}"
            return Refusal("unknown", "letter_unknown", said, "'sluicegate notify dead' lists yours")
        return ReplayedLetters(replayed=count)

    return context.arrange(change)


def _own(context: Context[Any], ports: Ports, subscription: str) -> Subscription | Refusal:
    found = {each.id: each for each in ports.outbox.subscriptions(context.principal.id)}.get(subscription)
    said = f"no subscription {subscription[:80]!r}"
    return found or Refusal("unknown", "subscription_unknown", said, "'sluicegate notify list' shows yours")


def _shown(subscription: Subscription) -> dict[str, Any]:
    """The fields of a `SubscriptionView`."""
    return {
        "subscription": subscription.id,
        "kind": EMAIL if subscription.kind == UNCONFIRMED else subscription.kind,
        "target": subscription.target,
        "state": _state(subscription),
        "since_ms": subscription.created_at_ms,
    }


def _state(subscription: Subscription) -> str:
    if subscription.gone:
        return "gone"
    return UNCONFIRMED if subscription.kind == UNCONFIRMED else "active"


def _dead(subscription: Subscription, letter: Letter) -> DeadLetter:
    body: Any = canonical.loads(letter.body)
    return DeadLetter(
        letter=letter.message,
        subscription=subscription.id,
        target=subscription.target,
        topic=body["type"],
        at_ms=times.parse_time(body["timestamp"]),
        case=letter.case or None,
        attempts=letter.attempts,
        error=letter.error,
    )
